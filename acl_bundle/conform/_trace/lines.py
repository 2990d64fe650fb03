"""The lines of a trace (record/record.c writes them), one for each call that a program made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from acl_bundle._base.files import open_regular
from acl_bundle.errors import AclBundleError

__all__ = ["Recorded", "TraceFormatError", "complete", "read_trace"]

SLOTS_AT, SLOT, TEXT_AT = 64, 2040, 8


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
            of a model held ("#size:digest"), None for NULL.
        out: What the call wrote to its arguments, where it succeeded.
        result: What it answered; None for nothing.
        nanoseconds: How long it took.
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


def _recorded(line: bytes) -> Recorded:
    said = json.loads(line)
    end = said.get("end")
    return Recorded(
        int(said["seq"]), None if end is None else int(end), int(said["pid"]), int(said["thread"]),
        str(said["function"]), dict(said["args"]), dict(said.get("out", {})), said.get("result"),
        int(said.get("took", 0)),
    )  # fmt: skip


def read_trace(path: str | os.PathLike[str]) -> list[Recorded]:
    """Read a trace, in the order in which calls began.

    Raises:
        TraceFormatError: A line is none of a trace.
        OSError: It cannot be read.
    """
    found: dict[int, Recorded] = {}
    with open_regular(path) as file:
        for number, line in enumerate(file, 1):
            try:
                call = _recorded(line)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise TraceFormatError(
                    f"{Path(path).name}: line {number} is none of a trace of acl-bundle record:"
                    f" {error!s:.100}"
                ) from None
            found.setdefault(call.seq, call)  # a kill behind the write leaves it in a slot, too
    return [found[seq] for seq in sorted(found)]


def complete(path: Path) -> int:
    """Add the calls that were under way when the program ended; return how many.

    They lie beside the trace, in ``<path>.calls``, which is removed.
    """
    beside = path.with_name(f"{path.name}.calls")
    if not beside.exists():
        return 0
    data, found = beside.read_bytes(), []
    for at in range(SLOTS_AT, len(data) - SLOT + 1, SLOT):
        length = int.from_bytes(data[at + 4 : at + TEXT_AT], "little")
        if length:
            found.append(data[at + TEXT_AT : at + TEXT_AT + length] + b"}\n")
    with path.open("ab") as file:
        file.writelines(found)
    beside.unlink()
    return len(found)
