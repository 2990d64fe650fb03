"""Files between aclprofStart and aclprofStop (facts 12.1, 12.2)."""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from .. import codes
from ..face import Acl
from ..streams import NEG, new_stream
from .config import ACL_API, MSPROFTX, TASK_TIME, TASK_TIME_L0, begin, config, files

NOT_RUN, RUNS, ONE_WAY, NO_SWITCH, FAILED = 100043, 100042, 148047, 200007, -1
VALUE = np.float32([1, 2, 3, 4])


def run_neg(acl: Acl) -> int:
    """A model that runs once on the calling thread and once on a stream: its id."""
    loaded = acl.load_model(NEG)
    inputs, outputs = acl.dataset(VALUE.tobytes()), acl.dataset(16)
    assert acl.aclmdlExecute(loaded, inputs.handle, outputs.handle) == 0
    return loaded


def test_calls_tasks_and_operators_are_written_facts_12_2(ready: Acl, tmp_path: Path) -> None:
    begin(ready, tmp_path / "made" / "below")
    wanted = config(ready, [0], ACL_API | TASK_TIME)
    assert ready.aclprofStart(wanted) == 0
    loaded, stream = run_neg(ready), new_stream(ready)
    source = ready.on_device(VALUE.tobytes())
    assert ready.aclrtMemcpyAsync(ready.malloc(16), 16, source, 16, 3, stream) == 0
    assert ready.aclrtSynchronizeStream(stream) == 0
    assert ready.aclprofStop(wanted) == 0
    ready.aclrtDestroyStream(stream)
    assert ready.aclprofDestroyConfig(wanted) == 0
    assert ready.aclprofFinalize() == 0
    (folder,) = (tmp_path / "made" / "below").iterdir()
    assert re.fullmatch(r"PROF_\d{6}_\d{14}_\d+", folder.name)
    found = files(tmp_path)
    assert {*found} == {"host/calls.jsonl", "device_0/tasks.jsonl"}
    functions = [row["function"] for row in found["host/calls.jsonl"]]
    assert functions[0] == "aclmdlLoadFromMem", "the first after the start"
    assert {"aclmdlLoadFromMem", "aclmdlExecute", "aclrtMemcpyAsync"} < {*functions}
    assert "aclrtDestroyStream" not in functions, "it came after the stop"
    operators = [row for row in found["device_0/tasks.jsonl"] if "op" in row]
    assert [(row["type"], row["model"], row["stream"]) for row in operators] == [("Neg", loaded, 0)]
    (copy,) = [row for row in found["device_0/tasks.jsonl"] if "op" not in row]
    assert (copy["function"], copy["bytes"], copy["status"]) == ("aclrtMemcpyAsync", 16, 0)
    queued = [row for row in found["host/calls.jsonl"] if row["seq"] == copy["seq"]]
    assert [row["function"] for row in queued] == ["aclrtMemcpyAsync"]


def test_times_of_an_operator_lie_in_its_run(ready: Acl, tmp_path: Path) -> None:
    begin(ready, tmp_path)
    wanted = config(ready, [0], ACL_API | TASK_TIME)
    ready.aclprofStart(wanted)
    run_neg(ready)
    ready.aclprofFinalize()
    found = files(tmp_path)
    (run,) = [r for r in found["host/calls.jsonl"] if r["function"] == "aclmdlExecute"]
    (operator,) = found["device_0/tasks.jsonl"]
    assert run["start_ns"] <= operator["start_ns"] + 1000  # microseconds, rounded down
    assert operator["start_ns"] + operator["ns"] <= run["start_ns"] + run["ns"]
    assert operator["thread"] == run["thread"]
    ready.aclprofDestroyConfig(wanted)


def test_without_operators_there_are_tasks(ready: Acl, tmp_path: Path) -> None:
    begin(ready, tmp_path)
    wanted = config(ready, [0], TASK_TIME_L0)
    ready.aclprofStart(wanted)
    loaded, stream = ready.load_model(NEG), new_stream(ready)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(16)
    ready.aclmdlExecuteAsync(loaded, inputs.handle, outputs.handle, stream)
    ready.aclrtSynchronizeStream(stream)
    ready.aclprofStop(wanted)
    ready.aclprofFinalize()
    found = files(tmp_path)
    assert found["host/calls.jsonl"] == []
    assert [row["model"] for row in found["device_0/tasks.jsonl"]] == [loaded]
    ready.aclprofDestroyConfig(wanted)


def test_each_device_has_a_file_and_is_stopped_apart_facts_12_2(acl: Acl, tmp_path: Path) -> None:
    acl.set("devices", 3)
    acl.start(2)
    begin(acl, tmp_path)
    both, first = config(acl, [0, 2], TASK_TIME), config(acl, [0], TASK_TIME)
    assert acl.aclprofStart(both) == 0
    assert acl.aclprofStart(config(acl, [1, 2], TASK_TIME)) == RUNS
    assert acl.message() == "aclprofStart: device 2 was started before and not stopped"
    assert acl.aclprofStop(first) == 0
    run_neg(acl)
    assert acl.aclprofStop(both) == NOT_RUN
    assert acl.message() == "aclprofStop: device 0 was not started"
    assert acl.aclprofStart(first) == 0, "in a folder of its own"
    assert acl.aclprofFinalize() == 0
    assert len([*tmp_path.iterdir()]) == 2
    rows = [file.read_text().count("\n") for file in tmp_path.rglob("device_2/tasks.jsonl")]
    assert rows == [1]


def test_a_stop_asks_for_the_switches_of_the_start_facts_12_2(ready: Acl, tmp_path: Path) -> None:
    begin(ready, tmp_path)
    assert ready.aclprofStart(config(ready, [0], TASK_TIME)) == 0
    assert ready.aclprofStop(config(ready, [0], TASK_TIME | ACL_API)) == FAILED
    told = "aclprofStop: dataTypeConfig is 0x3, and device 0 was started with 0x2"
    assert ready.message() == told
    assert ready.aclprofStop(config(ready, [0], TASK_TIME)) == 0
    assert ready.aclprofFinalize() == 0


def test_the_host_may_be_started_twice_facts_12_2(ready: Acl, tmp_path: Path) -> None:
    begin(ready, tmp_path)
    marks = config(ready, [], MSPROFTX)
    assert ready.aclprofStart(marks) == 0
    assert ready.aclprofStart(marks) == 0
    assert ready.aclprofStop(marks) == 0
    assert ready.aclprofCreateStamp() != ready.NULL, "one still runs"
    assert ready.aclprofStop(marks) == 0
    assert ready.aclprofCreateStamp() == ready.NULL
    ready.message()
    assert ready.aclprofStop(marks) == NOT_RUN
    assert ready.message() == "aclprofStop: the host was not started"
    assert ready.aclprofFinalize() == 0


@pytest.mark.parametrize("what", ["Start", "Stop", "Finalize"])
def test_it_must_have_begun_facts_12_1(ready: Acl, what: str) -> None:
    wanted = [] if what == "Finalize" else [config(ready, [0], TASK_TIME)]
    assert getattr(ready, f"aclprof{what}")(*wanted) == NOT_RUN
    assert ready.message() == f"aclprof{what}: aclprofInit was not called before"


def test_it_begins_once_facts_12_1(acl: Acl, tmp_path: Path) -> None:
    begin(acl, tmp_path)
    data = str(tmp_path).encode()
    assert acl.aclprofInit(data, len(data)) == 100002
    acl.message()
    assert acl.aclprofFinalize() == 0
    begin(acl, tmp_path)
    assert acl.aclprofFinalize() == 0


@pytest.mark.parametrize(
    ("path", "length", "told"),
    [
        (None, 0, "profilerResultPath is NULL"),
        (b"/tmp", 3, "length is 3, and profilerResultPath has 4 bytes"),
        (b"", 0, "length is 0; it must be from 1 to 4096"),
        (b"x" * 5000, 5000, "length is 5000; it must be from 1 to 4096"),
    ],
)
def test_a_path_that_is_none_facts_12_2(
    acl: Acl, path: bytes | None, length: int, told: str
) -> None:
    assert acl.aclprofInit(acl.NULL if path is None else path, length) == codes.INVALID_PARAM
    assert acl.message() == f"aclprofInit: {told}"
    assert acl.aclprofFinalize() == NOT_RUN
    acl.message()


def test_a_path_that_cannot_be_facts_12_2(acl: Acl, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = str(tmp_path / "file" / "below").encode()
    assert acl.aclprofInit(path, len(path)) == 100003
    told = acl.message()
    assert told == (
        f"aclprofInit: profilerResultPath {path.decode()} is no folder to write in: Not a directory"
    )


def test_a_folder_that_went_away_facts_12_2(ready: Acl, tmp_path: Path) -> None:
    """The start is refused whole, and the next one may be made."""
    begin(ready, tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_text("a file")
    assert ready.aclprofStart(config(ready, [0], TASK_TIME)) == 100003
    ready.message()
    os.unlink(tmp_path / "gone")
    assert ready.aclprofStart(config(ready, [0], TASK_TIME)) == 0
    assert ready.aclprofFinalize() == 0


@pytest.mark.parametrize(
    ("devices", "switches", "told"),
    [
        ([0, 1, 2], TASK_TIME, "deviceNums is 3, and there are 2 devices"),
        ([2], TASK_TIME, "deviceIdList[0] is 2, and there are 2 devices"),
        ([], TASK_TIME, "deviceNums is 0; without devices, dataTypeConfig must have "
         "ACL_PROF_MSPROFTX"),
    ],
)  # fmt: skip
def test_devices_that_are_none_facts_12_2(
    acl: Acl, devices: list[int], switches: int, told: str
) -> None:
    acl.set("devices", 2)
    assert config(acl, devices, switches) == acl.NULL
    assert acl.message() == f"aclprofCreateConfig: {told}"


def test_other_configurations_that_are_none_facts_12_2(acl: Acl) -> None:
    acl.set("devices", 2)
    make = acl.aclprofCreateConfig
    assert config(acl, [1, 1], TASK_TIME) == acl.NULL
    assert acl.message() == "aclprofCreateConfig: deviceIdList names device 1 twice"
    assert make(acl.NULL, 1, 0, acl.NULL, 2) == acl.NULL
    assert acl.message() == "aclprofCreateConfig: deviceIdList is NULL, and deviceNums 1"
    events = acl.ffi.cast("aclprofAicoreEvents *", acl.new("char[4]"))
    assert make(acl.new("uint32_t[1]"), 1, 0, events, 2) == acl.NULL
    acl.message()


def test_order_of_checks_of_start_and_stop_facts_12_2(ready: Acl) -> None:
    for call in (ready.aclprofStart, ready.aclprofStop):
        assert call(ready.NULL) == codes.INVALID_PARAM
        assert call(config(ready, [0], 0)) == codes.INVALID_PARAM
        assert call(config(ready, [0], 1 << 40)) == NO_SWITCH
        assert call(config(ready, [0], TASK_TIME)) == NOT_RUN
        ready.message()


def test_a_configuration_is_an_object_like_others(ready: Acl) -> None:
    wanted = config(ready, [0], TASK_TIME)
    assert "profiler's configuration" in ready.live()
    assert ready.aclprofDestroyConfig(ready.NULL) == codes.INVALID_PARAM
    assert ready.aclprofDestroyConfig(wanted) == 0
    assert ready.aclprofStart(wanted) == 107000
    assert ready.aclprofDestroyConfig(wanted) == 107000
    assert ready.violations() == ["AB-RT-0002", "AB-RT-0004"]
    ready.message()


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        (1, b"200MB", True), (1, b"199MB", False), (1, b"200", False), (1, b"MB", False),
        (3, b"100", True), (3, b"101", False), (3, b"", False), (6, b"51", False),
        (4, b"read", True), (4, b"reads", False), (8, b"cpu,mem", True), (8, b"cpu,", False),
        (9, b"disk", False), (14, b"MatMul", True), (14, b"", False), (0, b"1", False),
        (2, b"1", False), (17, b"1", False),
    ],
)  # fmt: skip
def test_values_of_set_config_facts_12_2(acl: Acl, kind: int, value: bytes, *, good: bool) -> None:
    status = acl.aclprofSetConfig(kind, value, len(value))
    assert status == (codes.SUCCESS if good else codes.INVALID_PARAM)
    assert (acl.message() is None) == good


def test_set_config_counts_its_text_facts_12_2(acl: Acl) -> None:
    assert acl.aclprofSetConfig(3, b"50", 3) == codes.INVALID_PARAM
    assert acl.message() == "aclprofSetConfig: configLength is 3, and config has 2 bytes"
    assert acl.aclprofSetConfig(3, acl.NULL, 0) == codes.INVALID_PARAM
    acl.message()


def test_a_fresh_process_has_no_profiler(acl: Acl, tmp_path: Path) -> None:
    acl.start()
    begin(acl, tmp_path)
    assert acl.aclprofStart(config(acl, [0], ACL_API)) == 0
    acl.reset()
    begin(acl, tmp_path)
    acl.aclprofFinalize()
    (calls,) = tmp_path.rglob("calls.jsonl")
    assert calls.read_text() == ""


def test_start_and_stop_while_threads_call(ready: Acl, tmp_path: Path) -> None:
    """No line is cut."""
    begin(ready, tmp_path)
    wanted = config(ready, [0], ACL_API | TASK_TIME)
    stream = new_stream(ready)
    source, target = ready.on_device(VALUE.tobytes()), ready.malloc(16)
    ended = threading.Event()

    def calls() -> None:
        ready.aclrtSetDevice(0)
        while not ended.is_set():
            ready.aclrtMemcpyAsync(target, 16, source, 16, 3, stream)
            ready.aclrtSynchronizeStream(stream)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(calls)
        statuses = [ready.aclprofStart(wanted) or ready.aclprofStop(wanted) for _ in range(20)]
        ended.set()
        done.result()
    assert statuses == [0] * 20
    assert ready.aclprofFinalize() == 0
    assert len(files(tmp_path)) == 2, "each start writes files of the same names"
