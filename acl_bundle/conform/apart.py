"""Work in forks of this process, so that a crash or a wait without end is a result of the work.

The process that forks has no library open and one thread: what a fork opens is new in it.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

__all__ = ["Say", "ended", "in_fork"]

Say = Callable[[dict[str, Any]], None]
PIECE = 1 << 16


def in_fork(work: Callable[[Say], None], start: float, seconds: float) -> Iterator[dict[str, Any]]:
    """Run something in a fork and give each message that it says.

    Args:
        work: What is done there; it says messages, which JSON can hold.
        start: How long the fork may take to say anything; it is killed then.
        seconds: And how long it may say nothing afterwards.

    Yields:
        The messages, and as the last one ``{"ended": ...}``: "" where the work came to its end,
        else how it ended.
    """
    source, target = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(source)
        _work(work, os.fdopen(target, "wb", buffering=0))
    os.close(target)
    hung = False
    try:
        for line in _lines(source, start, seconds):
            if line is None:
                hung = True
                os.kill(child, signal.SIGKILL)
            else:
                yield json.loads(line)
    finally:
        os.close(source)
        _, status = os.waitpid(child, 0)
    yield {"ended": "hung" if hung else ended(os.waitstatus_to_exitcode(status))}


def ended(status: int) -> str:
    """Say how a process ended, "" for well."""
    if status < 0:
        return f"crashed by {signal.Signals(-status).name}"
    return f"ended with status {status}" if status else ""


def _work(work: Callable[[Say], None], target: BinaryIO) -> None:
    """The fork's life. What a library prints to stdout is nobody's message."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.closerange(3, target.fileno())  # whoever waits for the parent's end does not wait here
        work(lambda message: _say(target, message))
        status = 0
    except BaseException as error:  # the parent is told, and nothing of it runs here
        _say(target, {"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(status)


def _say(target: BinaryIO, message: dict[str, Any]) -> None:
    line = json.dumps(message).encode() + b"\n"
    while line:
        line = line[target.write(line) or 0 :]


def _lines(source: int, start: float, seconds: float) -> Iterator[bytes | None]:
    """The lines of a pipe to its end; None, once, when none has come for so long."""
    buffered, deadline = b"", time.monotonic() + start
    while True:
        left = max(deadline - time.monotonic(), 0)
        if not select.select([source], [], [], left)[0]:
            yield None
            return
        piece = os.read(source, PIECE)
        if not piece:
            return
        *whole, buffered = (buffered + piece).split(b"\n")
        if whole:
            deadline = time.monotonic() + seconds
        yield from whole
