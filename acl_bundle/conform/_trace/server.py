"""The process that makes a trace's calls again: ``python -m acl_bundle.conform._trace.server``.

Each recorded thread has one here. A call begins when all calls that had ended before it have ended
here, too, so calls that overlapped may overlap, and no order that was seen is lost.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acl_bundle._binding.library import load_library
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle.conform._trace.lines import Recorded, TraceNote, read_notes, read_trace
from acl_bundle.conform._trace.values import NotReplayed, ReplayValues
from acl_bundle.conform.apart import Say, in_fork

__all__ = ["main"]

NO_DVPP = "functions of libacl_dvpp.so are not made again"


class _Replay:
    """The calls of one process, while they are made."""

    def __init__(
        self, calls: Sequence[Recorded], notes: Sequence[TraceNote], folder: Path | None, say: Say
    ) -> None:
        self._calls, self._notes, self._say = calls, notes, say
        self._values = ReplayValues(folder)
        self._turn = threading.Condition()
        self._begun = 0
        self._open: set[int] = set()
        self._at = {call.seq: number for number, call in enumerate(calls)}

    def run(self) -> None:
        """Make all calls, on as many threads as there were."""
        threads = dict.fromkeys(call.thread for call in self._calls)
        workers = {one: threading.Thread(target=self._thread, args=(one,)) for one in threads}
        with self._turn:  # none begins before it is known which pthread_t each has
            for worker in workers.values():
                worker.start()
            self._values.threads = self._idents(workers)
        for worker in workers.values():
            worker.join()

    def _idents(self, workers: Mapping[int, threading.Thread]) -> dict[int, int]:
        """pthread_t here by the recorded one; of two that had the same, of the one that asks."""
        asking = {one.thread for one in self._calls if one.function == "aclrtProcessReport"}
        found: dict[int, int] = {}
        for note in sorted(self._notes, key=lambda one: one.thread in asking):
            if note.note == "thread" and note.thread in workers:
                found[note.self] = workers[note.thread].ident or 0
        return found

    def _thread(self, number: int) -> None:
        for call in self._calls:
            if call.thread == number:
                with self._turn:
                    while not self._may_begin(call):
                        self._turn.wait()
                    self._begun += 1
                    self._open.add(call.seq)
                    given = self._given(call)
                self._make(call, given)

    def _may_begin(self, call: Recorded) -> bool:
        """Whether it is the next to begin, and all that had ended before it have ended here."""
        if self._at[call.seq] != self._begun:
            return False
        ended = (self._calls[self._at[seq]].end for seq in self._open)
        return all(end is None or end > call.seq for end in ended)

    def _given(self, call: Recorded) -> dict[str, Any] | str:
        """The arguments, or why there are none."""
        if not hasattr(lib, call.function):
            return (
                NO_DVPP if call.function.startswith("acldvpp") else "the fake does not simulate it"
            )
        if call.end is None:
            return "the program died in it"
        wanted = ffi.typeof(getattr(lib, call.function)).args
        try:
            pairs = zip(call.args, wanted, strict=True)
            return {name: self._values.argument(call, name, kind) for name, kind in pairs}
        except (NotReplayed, ValueError, OverflowError) as error:
            return str(error)

    def _unseen(self, call: Recorded) -> str:
        """What the call did beside its answer, and does not do here."""
        if "=a function" in call.args.values():
            return "its callback does nothing here"
        if call.inside:
            return "calls inside it, of callbacks or of the library, are not in the trace"
        return ""

    def _make(self, call: Recorded, given: dict[str, Any] | str) -> None:
        if isinstance(given, str):
            self._say({"seq": call.seq, "why": given})
        else:
            self._say({"seq": call.seq, "begins": True})
            result = getattr(lib, call.function)(*given.values())
            unseen = self._unseen(call)
            self._say({"seq": call.seq, "got": _shown(result), "unseen": unseen})
        with self._turn:
            if isinstance(given, str):
                self._values.lose(call)
            else:
                self._values.learn(call, given, result)
            self._open.discard(call.seq)
            self._turn.notify_all()


def _shown(result: Any) -> Any:
    """An answer as it can be compared: numbers, and of addresses whether there is one."""
    if isinstance(result, int | float) or result is None:
        return result
    if ffi.typeof(result).kind == "enum":
        return int(result)
    return None if result == NULL else "an address"


def main() -> None:
    """Read what is asked, and make the calls."""
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    calls = [call for call in read_trace(asked["path"]) if call.pid == asked["pid"]]
    notes = [note for note in read_notes(asked["path"]) if note.pid == asked["pid"]]
    folder = None if asked["files"] is None else Path(asked["files"])
    lock = threading.Lock()

    def work(say: Say) -> None:
        def one_at_a_time(message: dict[str, Any]) -> None:
            with lock:
                say(message)

        load_library(asked["library"])
        _Replay(calls, notes, folder, one_at_a_time).run()

    for message in in_fork(work, asked["patience"], asked["patience"]):
        out.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
