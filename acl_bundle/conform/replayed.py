"""A trace on the fake: ``acl-bundle fake replay``."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, NamedTuple

from acl_bundle import fake
from acl_bundle.conform._trace.lines import Recorded, read_trace
from acl_bundle.conform.library import served

__all__ = ["Replay", "Unequal", "replay"]


class Unequal(NamedTuple):
    """A call that answered otherwise.

    Attributes:
        seq: Its number in the trace.
        thread: The recorded thread.
        function: What was called.
        recorded: What it answered then.
        replayed: What it answers here; "crashed by ..." or "hung" where it does not.
    """

    seq: int
    thread: int
    function: str
    recorded: Any
    replayed: Any


class Replay(NamedTuple):
    """What came of a trace.

    Attributes:
        calls: How many calls it has, of the process that made most.
        other_processes: How many calls other processes made, which are left out.
        same: How many answered as they had.
        unequal: Those that did not.
        left_out: How many could not be made, by function and reason.
        unseen: How many were made, but did something beside their answer that is not made again,
            by function and what it is.
        died: How the process ended that makes the calls, "" where it came to its end.
    """

    calls: int
    other_processes: int
    same: int
    unequal: list[Unequal]
    left_out: dict[tuple[str, str], int]
    unseen: dict[tuple[str, str], int]
    died: str


def replay(
    path: str | os.PathLike[str],
    files: str | os.PathLike[str] | None = None,
    library: str | os.PathLike[str] | None = None,
    patience: float = 60.0,
) -> Replay:
    """Make the calls of a trace on the fake, in a process of its own, and compare the answers.

    Handles, ids and addresses stand for what the fake gives in their place. Contents of memory are
    not in a trace: zeros are copied, and models that were loaded from memory come from `files`.

    Args:
        path: What ``acl-bundle record`` wrote.
        files: A folder with the files that the program loaded, by their names or their bytes.
        library: Another library than the fake.
        patience: Seconds that a call may take.

    Raises:
        TraceFormatError: A line is none of a trace.
        OSError: A file cannot be read, or no process can be started.
    """
    trace = read_trace(path)
    pids = Counter(call.pid for call in trace)
    pid = pids.most_common(1)[0][0] if pids else 0
    calls = {call.seq: call for call in trace if call.pid == pid}
    asked = {
        "path": os.path.abspath(path), "pid": pid, "patience": patience,
        "files": None if files is None else os.path.abspath(files),
        "library": os.fspath(library or fake.library_path()),
    }  # fmt: skip
    got: dict[int, Any] = {}
    left: Counter[tuple[str, str]] = Counter()
    unseen: Counter[tuple[str, str]] = Counter()
    begun, ended, died = set(), "", ""
    with served(asked, "_trace.server") as messages:
        for message in messages:
            if "error" in message:
                raise RuntimeError(message["error"])
            if "died" in message:
                ended = died = message["died"]
            elif "ended" in message:
                ended = message["ended"]
            elif "why" in message:
                left[calls[message["seq"]].function, message["why"]] += 1
            elif "begins" in message:
                begun.add(message["seq"])
            else:
                got[message["seq"]] = message["got"]
                if message["unseen"]:
                    unseen[calls[message["seq"]].function, message["unseen"]] += 1
    unequal = [
        Unequal(seq, calls[seq].thread, calls[seq].function, _answer(calls[seq]), value)
        for seq, value in got.items()
        if not _is_same(calls[seq], value)
    ]
    for seq in sorted(begun - {*got}):
        call = calls[seq]
        unequal.append(Unequal(seq, call.thread, call.function, _answer(call), ended))
    lost = len(calls) - len(begun) - sum(left.values())
    if lost:
        left["*", f"a call before it {ended}"] += lost
    same = len(got) - sum(1 for one in unequal if one.seq in got)
    others = len(trace) - len(calls)
    return Replay(len(calls), others, same, sorted(unequal), dict(left), dict(unseen), died)


def _answer(call: Recorded) -> Any:
    if isinstance(call.result, str):
        return "an address" if call.result[:2] == "0x" else "a text"
    return call.result


def _is_same(call: Recorded, got: Any) -> bool:
    """Texts are each library's own; of addresses it counts whether there is one."""
    if call.function == "aclGetRecentErrMsg" or (isinstance(call.result, str) and got is not None):
        return True
    return bool(_answer(call) == got)
