"""The process that runs rows in forks, one line of JSON on stdout for each thing that happens.

``python -m acl_bundle.conform.server`` reads what is asked, as JSON, on stdin. It opens no library
itself. Rows of one state share a fork until one does not do as it says: the rest gets a new one.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from acl_bundle._binding.library import has, load_library
from acl_bundle._binding.shim import NULL, ffi, lib, text
from acl_bundle.conform.apart import Say, in_fork
from acl_bundle.conform.perform import Surroundings, perform
from acl_bundle.conform.table import STATES, CallRow, rows

__all__ = ["main"]

START_SECONDS = 600.0
"""How long a device may take to be set for the first time."""


def _begin(state: str, device: int) -> str:
    """Do what rows of a state expect to be done; "" or what failed."""
    steps = [("aclInit", b""), ("aclrtSetDevice", device)][: STATES.index(state)]
    for name, argument in steps:
        status = getattr(lib, name)(argument)
        if status:
            return f"{name} returned {status}: {text(lib.aclGetRecentErrMsg())[:200]}".strip(": ")
    return ""


def _end(state: str, device: int) -> None:
    if state == "context":
        lib.aclrtResetDevice(device)
    if state != "nothing":
        lib.aclFinalize()


def _about(asked: dict[str, Any], say: Say) -> None:
    """Open the library and tell what it is."""
    found: dict[str, Any] = {"path": load_library(asked["library"]), "device": asked["device"]}
    version = [ffi.new("int32_t *") for _ in range(3)]
    if has("aclrtGetVersion") and not lib.aclrtGetVersion(*version):
        found["version"] = ".".join(str(number[0]) for number in version)
    found["is_fake"] = bool(lib.ab_symbol(b"aclfakeReset"))
    why = _begin("context", asked["device"])
    count = ffi.new("uint32_t *")
    if has("aclrtGetDeviceCount") and not lib.aclrtGetDeviceCount(count):
        found["devices"] = count[0]
    name = lib.aclrtGetSocName() if has("aclrtGetSocName") else NULL
    found["soc"] = text(name) or None
    found["without_device"] = why
    say({"about": found})
    _end("context", asked["device"])


def _perform(batch: Sequence[CallRow], asked: dict[str, Any], say: Say) -> None:
    """Run rows in this process, to the first that does not do as it says."""
    load_library(asked["library"])
    state, device = batch[0].state, asked["device"]
    around = Surroundings({k: Path(v) for k, v in asked["files"].items()}, asked["numbers"])
    why = _begin(state, device)
    if why:
        say({"unready": why})
        return
    for row in batch:
        lacking = [name for name in row.functions if not has(name)]
        say({"begin": row.id, "lacks": ", ".join(lacking)})
        if lacking:
            continue
        for answer in perform(row, ffi, lib, around):
            say({"line": answer.line, "got": answer.got, "is_right": answer.is_right})
            if not answer.is_right:
                return
        say({"end": row.id})
    _end(state, device)


def _batches(chosen: Sequence[CallRow]) -> Iterator[list[CallRow]]:
    """The rows that share a process."""
    for state in STATES:
        shared = [row for row in chosen if row.state == state and not row.is_alone]
        if shared:
            yield shared
    yield from ([row] for row in chosen if row.is_alone)


def _results(batch: Sequence[CallRow], asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run rows in one fork, and give what came of each that was begun: of all, or of the first."""
    found: dict[str, Any] = {}
    last: dict[str, Any] = {}
    left = list(batch)
    patience = asked["patience"]
    for message in in_fork(lambda say: _perform(batch, asked, say), START_SECONDS, patience):
        if "unready" in message:
            yield from (_result(row.id, "not tried", message["unready"]) for row in batch)
            return
        if "begin" in message:
            found = last = _result(message["begin"])
            left = left[1:]
            if message["lacks"]:
                yield {
                    **found,
                    "verdict": "not tried",
                    "why": f"the library has no {message['lacks']}",
                }
                found = {}
        elif "line" in message:
            found["answers"].append(message)
            if not message["is_right"]:
                yield {**found, "verdict": "differs", "why": "answered otherwise"}
                found, last, left = {}, {}, []
        elif "end" in message:
            yield {**found, "verdict": "same"}
            found = {}
        elif "error" in message:
            yield from _failed(batch, found or last, message["error"])
            return
        elif message["ended"] and (found or last or left):  # else behind a wrong answer
            yield from _died(batch, left, found, last, message["ended"])


def _failed(batch: Sequence[CallRow], row: dict[str, Any], error: str) -> Iterator[dict[str, Any]]:
    """An answer that Python could not read, or no row at all where there is none."""
    if not row:
        yield from (_result(one.id, "lost", error) for one in batch)
        return
    answer = {"line": _line_at(batch, row), "got": error, "is_right": False}
    answers = [*row["answers"], answer]
    yield {**row, "verdict": "differs", "why": "no such answer is known", "answers": answers}


def _died(
    batch: Sequence[CallRow], left: Sequence[CallRow], found: dict[str, Any],
    last: dict[str, Any], ended: str,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """A fork ended within a row, behind one, or before the first; who is left gets another."""
    verdict = "hung" if ended == "hung" else "crashed"
    if found:
        yield {**found, "verdict": verdict, "why": f"{_line_at(batch, found)}: {ended}"}
    elif last:
        at = "behind the row, before the next one" if left else "what ends the process, behind it"
        yield {**last, "verdict": verdict, "why": f"{at}: {ended}"}
    else:
        yield from (_result(one.id, verdict, f"before any row: {ended}") for one in batch)


def _line_at(batch: Sequence[CallRow], found: dict[str, Any]) -> str:
    """The line that has no answer yet; of a row that has all, its end."""
    (row,) = (row for row in batch if row.id == found["id"])
    done = len(found["answers"])
    return row.lines[done].text if done < len(row.lines) else "the end of the row"


def _result(id_: str, verdict: str = "", why: str = "") -> dict[str, Any]:
    return {"id": id_, "verdict": verdict, "why": why, "answers": []}


def _all(batch: Sequence[CallRow], asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run rows in as many forks as it takes."""
    left = list(batch)
    while left:
        done = list(_results(left, asked))
        yield from done
        ids = {result["id"] for result in done}
        left = [row for row in left if row.id not in ids]


def main() -> None:
    """Read what is asked, and answer."""
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", buffering=1)

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")

    if asked["rows"] is None:
        for message in in_fork(lambda say: _about(asked, say), START_SECONDS, START_SECONDS):
            tell(message)
        return
    wanted = set(asked["rows"])
    for batch in _batches([row for row in rows() if row.id in wanted]):
        for result in _all(batch, asked):
            tell(result)


if __name__ == "__main__":
    main()
