"""A command on a terminal: a pseudo-terminal of so many columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CLEAN = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("ACL_", "ASCEND")) and key not in ("COLUMNS", "LINES")
}
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def open_terminal(columns: int) -> tuple[int, int]:
    """Return both ends of a terminal, the person's first."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return ours, theirs


def read_all(ours: int) -> str:
    """Read until nobody writes to the terminal any more."""
    pieces = []
    with suppress(OSError):  # EIO: the other end is closed
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def on_terminal(arguments: Sequence[str | Path], columns: int = 80) -> tuple[int, str]:
    """Run ``acl-bundle``; return its status and what the terminal got, without styles."""
    ours, theirs = open_terminal(columns)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "acl_bundle.cli", *map(os.fspath, arguments)],
            stdin=theirs, stdout=theirs, stderr=theirs, env={**CLEAN, "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        text = read_all(ours)
    finally:
        os.close(ours)
    return process.wait(timeout=60), STYLE.sub("", text)
