"""Writing a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from acl_bundle.weights._file import Path_

NAME_MAX = 32
_HIDDEN = re.compile(r"\.(.+)\.[0-9a-f]{12}", re.DOTALL)


def hidden_for(name: str) -> str | None:
    """Return which name a file of `replacing` waits for, cut to `NAME_MAX`; None for others."""
    found = _HIDDEN.fullmatch(name)
    return found and found[1]


@contextmanager
def replacing(target: Path_, *inputs: Path_) -> Iterator[BinaryIO]:
    """Open a file beside ``target`` that takes its name when the block ends well.

    The bytes are flushed to the disk before. If the block fails, or a reader
    has the old file mapped, the old file is as it was.

    Args:
        target: The name in the end; a file of that name is replaced.
        inputs: Files that may not be replaced, because they are being read.

    Raises:
        ValueError: ``target`` is one of the inputs.
        OSError: The folder cannot be written.
    """
    path = Path(target)
    check_apart(path, *inputs)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder, not a file", os.fspath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", os.fspath(path.parent))
    name = path.parent / f".{path.name[:NAME_MAX]}.{secrets.token_hex(6)}"
    try:
        with open(_create(name, path), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):  # not made yet, or renamed already
            os.unlink(name)
        raise


def _create(name: Path, target: Path) -> int:
    """Make a new file; what cannot be made is told of the target, which the caller knows."""
    try:
        return os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError as error:
        error.filename = os.fspath(target)
        raise


def check_apart(target: Path_, *inputs: Path_) -> None:
    """Refuse to write a file that is being read, under whatever name.

    Raises:
        ValueError: ``target`` is one of the inputs.
    """
    for one in inputs:
        if os.path.exists(target) and os.path.exists(one) and os.path.samefile(target, one):
            raise ValueError(
                f"{os.fspath(target)} is the input {os.fspath(one)}; write to another file"
            )
