"""A program with libaclrecord.so in front of it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.conform.trace import Completed, complete, prepare, recorder_path

__all__ = ["run"]


def run(program: Sequence[str], output: Path) -> int:
    """Run a program and leave its trace.

    Returns:
        The program's exit status; 128 and the signal's number where one ended it.

    Raises:
        OSError: The program cannot be started, or the trace not be written.
    """
    library, path = recorder_path(), Path(os.path.abspath(output))
    if re.search(r"[:\s]", str(library)):
        raise OSError(
            f"{library}: LD_PRELOAD takes no path with a blank or a colon; install acl-bundle"
            " in a folder without"
        )
    found_at, named = shutil.which(program[0]), filter(os.path.isfile, program)
    if found_at is None:  # before the trace of another run is emptied
        code = errno.EACCES if os.path.exists(program[0]) else errno.ENOENT
        raise OSError(code, os.strerror(code), program[0])
    check_writable([path, f"{path}.calls"], [found_at, *named])
    prepare(path)
    path.write_bytes(b"")
    before = os.environ.get("LD_PRELOAD")
    around = {
        "LD_PRELOAD": f"{library}:{before}" if before else str(library),
        "ACL_RECORD_TRACE": str(path),
        # a program with a sanitizer of its own: its runtime need not be first of all libraries
        "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0".strip(":"),
    }
    ends: list[int] = []
    # Ctrl-C is the program's matter. A handler, unlike SIG_IGN, is not the program's as well, so it
    # is there before the program is.
    found = signal.getsignal(signal.SIGINT)
    if found is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)
    before_end = signal.signal(signal.SIGTERM, lambda number, _: ends.append(number))
    try:
        child = subprocess.Popen(program, env={**os.environ, **around})
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        if ends:  # it came before there was a program
            child.terminate()
        status = child.wait()
    finally:
        signal.signal(signal.SIGINT, found)
        signal.signal(signal.SIGTERM, before_end)
    try:
        completed = complete(path)
    except OSError as error:
        said = f"{error.strerror}; keep {output}.calls beside it, which has the last calls"
        raise OSError(error.errno, said, str(output)) from error
    with path.open("rb") as file:
        count = sum(b',"function":' in line for line in file)  # no text has a quote, but escaped
    _tell(completed, count, output)
    return 128 - status if status < 0 else status


def _tell(found: Completed, count: int, output: Path) -> None:
    said = f", {found.unended} of them not ended" if found.unended else ""
    lines = [f"{count} calls{said} in {output}"]
    if found.lost:
        lines.append(f"{found.lost} times lines were lost, as {output} could not be written")
    if found.unkept:
        lines.append(
            f"{found.unkept} calls are of threads beyond 1024: one that such a thread dies in has"
            " no line"
        )
    if found.running:
        shown = ", ".join(map(str, found.running))
        lines.append(
            f"processes of the program still run ({shown}); keep {output}.calls beside {output},"
            " it has their last calls"
        )
    for line in lines:
        print(f"acl-bundle: {line}", file=sys.stderr)
