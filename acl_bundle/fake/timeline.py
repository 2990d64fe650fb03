"""A trace as a timeline: events that Perfetto and chrome://tracing show.

The input is what the fake writes, records of calls, tasks, operators and marks (docs/profiling.md);
the output is the JSON object of the Trace Event Format. Threads are tracks by their names, streams
are tracks behind them, an arrow leads from the call that queued a task to the task.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from acl_bundle._base.atomic import replacing

__all__ = ["chrome", "read", "write"]

Row = dict[str, Any]
STREAMS = 1 << 23
"""Tracks of streams count from here: no thread of Linux has such a number."""
_NEEDED = {"process", "thread", "start_ns", "ns"}
_KINDS = {"task": "tasks", "op": "operators", "mark": "marks", "function": "calls"}


def kind(row: Row) -> str:
    """Return what a record tells of: calls, tasks, operators or marks."""
    named = next(name for name in ("op", "mark", "task", "function") if name in row)
    return _KINDS[named]


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]


def read(path: Path) -> list[Row]:
    """Return the records of a file, or of all files in a folder that aclprofStart made.

    Raises:
        ValueError: A line is no record.
        OSError: A file cannot be read.
    """
    rows = []
    for file in _files(path):
        text = file.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.split("\n"), 1):  # a text may have U+2028 in it
            if not line:
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict) or not row.keys() >= _NEEDED or not row.keys() & {*_KINDS}:
                raise ValueError(f"{file}, line {number}: {line[:60]!r} is no record of a trace")
            rows.append(row)
    return rows


def _track(row: Row) -> int:
    return STREAMS + int(row["stream"]) if row.get("stream") else int(row["thread"])


class _Events:
    """Makes the events of rows whose earliest moment is 0."""

    def __init__(self, rows: list[Row]) -> None:
        self._begin = min((_first(row) for row in rows), default=0)
        self._calls = {(row["process"], row["seq"]) for row in rows if kind(row) == "calls"}

    def _event(self, row: Row, phase: str, ns: int, track: int, **more: Any) -> Row:
        at = (ns - self._begin) / 1000  # microseconds
        return {"ph": phase, "pid": row["process"], "tid": track, "ts": at, **more}

    def _slice(self, row: Row, name: str, category: str, track: int, args: Row) -> Row:
        return self._event(
            row, "X", row["start_ns"], track,
            dur=row["ns"] / 1000, name=name, cat=category, args=args,
        )  # fmt: skip

    def calls(self, row: Row) -> Iterator[Row]:
        args = {name: row[name] for name in ("seq", "args", "status")}
        yield self._slice(row, row["function"], "call", row["thread"], args)

    def tasks(self, row: Row) -> Iterator[Row]:
        names = ("task", "seq", "status", "device", "model", "bytes")
        track = _track(row)
        args = {name: row[name] for name in names}
        yield self._slice(row, row["function"], "task", track, args)
        if (row["process"], row["seq"]) in self._calls:
            arrow = {"name": "queued", "cat": "queue", "id": f"{row['process']}.{row['task']}"}
            yield self._event(row, "s", row["queued_ns"], row["queued_by"], **arrow)
            yield self._event(row, "f", row["start_ns"], track, bp="e", **arrow)

    def operators(self, row: Row) -> Iterator[Row]:
        args = {name: row[name] for name in ("type", "device", "model")}
        yield self._slice(row, row["op"], "op", _track(row), args)

    def marks(self, row: Row) -> Iterator[Row]:
        """Spans may begin and end inside calls, so they have tracks of their own."""
        named = {"name": row["mark"], "cat": row["type"], "args": {}}
        if row["type"] not in ("push", "range"):
            yield self._event(row, "i", row["start_ns"], _track(row), s="t", **named)
            return
        span = {**named, "id": f"{row['thread']}.{row['start_ns']}"}
        yield self._event(row, "b", row["start_ns"], row["thread"], **span)
        yield self._event(row, "e", row["start_ns"] + row["ns"], row["thread"], **span)


def _first(row: Row) -> int:
    return int(min(row["start_ns"], row.get("queued_ns", row["start_ns"])))


def _names(rows: Iterable[Row]) -> Iterator[Row]:
    """The names of processes and tracks, and that streams stand below threads."""
    processes, tracks = set(), {}
    for row in rows:
        processes.add(row["process"])
        tracks[row["process"], row["thread"]] = row.get("thread_name") or f"thread {row['thread']}"
        if row.get("stream"):
            name = f"stream {row['stream']} of device {row['device']}"
            tracks[row["process"], _track(row)] = name
    for process in sorted(processes):
        args = {"name": f"process {process}"}
        yield {"ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": args}
    for (process, track), name in sorted(tracks.items()):
        where = {"ph": "M", "pid": process, "tid": track}
        yield {**where, "name": "thread_name", "args": {"name": name}}
        yield {**where, "name": "thread_sort_index", "args": {"sort_index": track}}


def chrome(rows: list[Row]) -> Row:
    """Return the timeline of records: one object of the Trace Event Format.

    ``ts`` and ``dur`` are microseconds from the earliest record on.
    """
    made = _Events(rows)
    events = [event for row in rows for event in getattr(made, kind(row))(row)]
    events.sort(key=lambda event: (event["ts"], -event.get("dur", 0)))  # what encloses comes first
    begins = min(map(_first, rows), default=0)
    return {
        "displayTimeUnit": "ns",
        "otherData": {"clock": "CLOCK_MONOTONIC", "begins_ns": begins},
        "traceEvents": [*_names(rows), *events],
    }


def write(source: Path, target: Path) -> dict[str, int]:
    """Write the timeline of a trace, and return how many of each kind it has.

    Raises:
        ValueError: The source holds a line that is no record, or none at all.
        OSError: A file cannot be read or written.
    """
    rows = read(source)
    if not rows:
        raise ValueError(f"{source} has no record: set ACL_FAKE_TRACE to a path, and run")
    text = json.dumps(chrome(rows)).encode()
    with replacing(target, *_files(source)) as file:
        file.write(text)
    counts = dict.fromkeys(("calls", "tasks", "operators", "marks"), 0)
    for row in rows:
        counts[kind(row)] += 1
    return counts
