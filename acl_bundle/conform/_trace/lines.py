"""The lines of a trace (record/record.c writes them), one for each call that a program made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from acl_bundle._base.files import open_regular
from acl_bundle.conform._trace.slots import slots_of
from acl_bundle.errors import AclBundleError

__all__ = ["Recorded", "TraceFormatError", "TraceNote", "read_notes", "read_trace"]

BEGINS = b'{"seq":'  # a line, and nothing in one: a quote in a text is escaped


class TraceFormatError(AclBundleError, ValueError):
    """A file is no trace of ``acl-bundle record``."""


class Recorded(NamedTuple):
    """One call.

    Attributes:
        seq: When it began, in the order of all calls; `end` counts on in the same order.
        end: When it ended; None where the program died in it.
        pid: The process.
        thread: The thread.
        function: What was called.
        args: By name: numbers, addresses ("0x..."), texts ("=..."), lists of numbers, what memory
            of a model held ("#size:digest"), None for NULL. Of a text that was cut there is
            "~size:" and its beginning, of a list its beginning and "~count"; of a line that was
            cut nothing.
        out: What the call wrote to its arguments, where it succeeded.
        result: What it answered; None for nothing.
        nanoseconds: How long it took.
        inside: How many calls were made within it, which no line tells: a callback's, or the
            library's own.
        is_cut: Whether arguments and answer found no room in the line.
    """

    seq: int
    end: int | None
    pid: int
    thread: int
    function: str
    args: dict[str, Any]
    out: dict[str, Any]
    result: Any
    nanoseconds: int
    inside: int = 0
    is_cut: bool = False


class TraceNote(NamedTuple):
    """What a trace tells beside calls.

    Attributes:
        seq: Its number in the order of all calls.
        pid: The process.
        thread: The thread.
        note: "thread", as a thread's first line; or what happened.
        self: The thread's pthread_t.
    """

    seq: int
    pid: int
    thread: int
    note: str
    self: int


def _line(line: bytes) -> Recorded | TraceNote:
    said = json.loads(line)
    if "note" in said:
        seq, pid, thread = (int(said[name]) for name in ("seq", "pid", "thread"))
        return TraceNote(seq, pid, thread, str(said["note"]), int(said["self"]))
    end = said.get("end")
    return Recorded(
        int(said["seq"]), None if end is None else int(end), int(said["pid"]), int(said["thread"]),
        str(said["function"]), dict(said["args"]), dict(said.get("out", {})), said.get("result"),
        int(said.get("took", 0)), int(said.get("inside", 0)), bool(said.get("cut", False)),
    )  # fmt: skip


def read_trace(path: str | os.PathLike[str]) -> list[Recorded]:
    """Read a trace, in the order in which calls began.

    Of a program that still runs the calls are read that its processes hold.

    Raises:
        TraceFormatError: A line is none of a trace.
        OSError: It cannot be read.
    """
    return [one for one in _read(path) if isinstance(one, Recorded)]


def read_notes(path: str | os.PathLike[str]) -> list[TraceNote]:
    """Read what a trace tells beside calls; raises what `read_trace` does."""
    return [one for one in _read(path) if isinstance(one, TraceNote)]


def _read(path: str | os.PathLike[str]) -> list[Recorded | TraceNote]:
    found: dict[int, Recorded | TraceNote] = {}
    with open_regular(path) as file:
        held = [*_held(Path(path))]
        for number, line in enumerate(chain(_whole(file, bool(held)), held), 1):
            try:
                one = _line(line)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise TraceFormatError(
                    f"{Path(path).name}: line {number} is none of a trace of acl-bundle record:"
                    f" {error!s:.100}"
                ) from None
            found.setdefault(one.seq, one)  # a kill behind a write leaves lines in a slot, too
    return [found[seq] for seq in sorted(found)]


def _whole(file: Iterable[bytes], is_held: bool) -> Iterator[bytes]:
    """Leave out what a full disk, or a kill, cut off lines: they are written again as a whole."""
    for line in file:
        if not line.startswith(BEGINS):
            yield line
        elif line.endswith(b"\n") or not is_held:
            yield line[line.rindex(BEGINS) :]


def _held(path: Path) -> Iterator[bytes]:
    for slot in slots_of(path):
        yield from slot.lines.splitlines(keepends=True)
