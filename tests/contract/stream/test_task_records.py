"""What a trace tells of the tasks of streams."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..face import Acl
from ..streams import NEG, new_event, new_stream, slow


def test_a_task_names_its_call_its_stream_and_its_time(ready: Acl) -> None:
    stream, number = new_stream(ready), ready.new("int32_t *")
    ready.aclrtStreamGetId(stream, number)
    source, target = ready.on_device(bytes(64)), ready.malloc(64)
    slow(ready, "aclrtMemcpyAsync", 30)
    ready.set("trace", "on")
    for _ in range(2):
        assert ready.aclrtMemcpyAsync(target, 64, source, 64, 3, stream) == 0
    assert ready.aclrtSynchronizeStream(stream) == 0
    calls = {row["seq"]: row for row in ready.read("trace")}
    first, second = ready.read("tasks")
    for task in (first, second):
        call = calls[task["seq"]]
        assert call["function"] == task["function"] == "aclrtMemcpyAsync"
        assert (task["stream"], task["device"], task["status"]) == (number[0], 0, 0)
        assert (task["bytes"], task["model"]) == (64, 0)
        assert task["queued_ns"] >= call["start_ns"]
        assert task["start_ns"] >= task["queued_ns"]
        assert task["process"] == call["process"] == os.getpid()
        assert task["thread"] != call["thread"]
    assert first["ns"] >= 20_000_000, "a clock of the device counts from when the task is due"
    assert second["start_ns"] >= first["start_ns"] + first["ns"]
    assert second["task"] > first["task"]


def test_a_task_that_fails_has_the_status_of_the_synchronisation(ready: Acl) -> None:
    stream, loaded = new_stream(ready), ready.load_model(NEG)
    inputs, outputs = ready.dataset(bytes(16)), ready.dataset(16)
    ready.set("trace", "on")
    ready.fail("task", 1, 507011)
    ready.aclmdlExecuteAsync(loaded, inputs.handle, outputs.handle, stream)
    assert ready.aclrtSynchronizeStream(stream) == 507011
    ready.message()
    (task,) = ready.read("tasks")
    assert (task["status"], task["model"]) == (507011, loaded)


def test_events_are_tasks_too(ready: Acl) -> None:
    first, second, event = new_stream(ready), new_stream(ready), new_event(ready)
    ready.set("trace", "on")
    ready.aclrtRecordEvent(event, first)
    ready.aclrtStreamWaitEvent(second, event)
    ready.aclrtSynchronizeStream(second)
    ready.aclrtSynchronizeStream(first)
    rows = {row["function"]: row["stream"] for row in ready.read("tasks")}
    assert {*rows} == {"aclrtRecordEvent", "aclrtStreamWaitEvent"}
    assert len({*rows.values()}) == 2


def test_a_file_has_calls_and_tasks(ready: Acl, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    stream, target = new_stream(ready), ready.malloc(64)
    ready.set("trace", path)
    ready.aclrtMemsetAsync(target, 64, 1, 64, stream)
    ready.aclrtSynchronizeStream(stream)
    ready.set("trace", "off")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["function"] for row in rows if "task" in row] == ["aclrtMemsetAsync"]
    assert [row["function"] for row in rows if "task" not in row] == [
        "aclrtMemsetAsync", "aclrtSynchronizeStream",
    ]  # fmt: skip


def test_without_a_trace_there_is_none(ready: Acl) -> None:
    stream = new_stream(ready)
    ready.aclrtMemsetAsync(ready.malloc(64), 64, 1, 64, stream)
    ready.aclrtSynchronizeStream(stream)
    assert ready.read("tasks") == []
