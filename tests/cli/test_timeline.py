"""``acl-bundle fake trace``: what it writes keeps the rules of the Trace Event Format."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build, fake
from acl_bundle.fake import timeline

MODEL = """
    <ir_version: 8, opset_import: ["": 17]>
    curve (float[3] x) => (float[3] y) { a = Neg(x)  y = Exp(a) }
"""
PROGRAM = """
import os, sys, threading
import acl

acl.init(); acl.rt.set_device(0)
model, _ = acl.mdl.load_from_file("curve.om")
acl.prof.init("prof")
config = acl.prof.create_config([0], 0xFF, 0, 0x83)
assert acl.prof.start(config) == 0

def dataset():
    pointer, _ = acl.rt.malloc(12, 0)
    made, _ = acl.mdl.add_dataset_buffer(
        acl.mdl.create_dataset(), acl.create_data_buffer(pointer, 12))
    return made, pointer

def work(number):
    acl.rt.set_device(0)
    stream, _ = acl.rt.create_stream()
    (x, source), (y, target) = dataset(), dataset()
    acl.rt.memset_async(source, 12, 0, 12, stream)
    assert acl.mdl.execute_async(model, x, y, stream) == 0
    assert acl.prof.mark_ex(f"half {number}", stream) == 0
    acl.rt.memcpy_async(source, 12, target, 12, 3, stream)
    assert acl.rt.synchronize_stream(stream) == 0

for name in ("one", "two"):
    stamp = acl.prof.create_stamp()
    acl.prof.set_stamp_trace_message(stamp, name, len(name))
    acl.prof.push(stamp)
work(0)
thread = threading.Thread(target=work, args=(1,))
thread.start(); thread.join()
acl.prof.pop(); acl.prof.pop()
acl.prof.mark(stamp)
acl.prof.stop(config); acl.prof.finalize()
print(os.getpid())
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder in which a program ran: calls.jsonl, and a PROF folder below prof."""
    folder = tmp_path_factory.mktemp("ran")
    build.model(onnx.parser.parse_model(MODEL)).save(folder / "curve.om")
    (folder / "program.py").write_text(PROGRAM)
    script = f'eval "$({sys.executable} -m acl_bundle.cli fake env --pyacl)"; ' + (
        f"export ACL_FAKE_TRACE=./calls.jsonl; exec {sys.executable} program.py"
    )
    done = subprocess.run(
        ["/bin/sh", "-euc", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, int(done.stdout)


def made(source: Path, target: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "fake", "trace", source, "--chrome", target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"wrote {target}: ")
    return dict(json.loads(target.read_text()))


def check_rules(events: list[dict[str, Any]]) -> None:
    """Each phase has its fields; slices of one track nest; arrows and spans have two ends."""
    open_spans: dict[tuple[str, str], int] = defaultdict(int)
    arrows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    slices: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert event["name"]
        assert event["ph"] in "XMsfbei"
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name", "thread_sort_index")
            continue
        assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
            slices[event["pid"], event["tid"]].append(event)
        elif event["ph"] in "sf":
            arrows[event["id"]].append(event)
        elif event["ph"] in "be":
            open_spans[event["id"], event["cat"]] += 1 if event["ph"] == "b" else -1
        else:
            assert event["s"] == "t"
    assert {*open_spans.values()} <= {0}
    for start, end in arrows.values():
        assert (start["ph"], end["ph"], end["bp"]) == ("s", "f", "e")
        assert start["ts"] <= end["ts"]
        for arrow in (start, end):
            track = slices[arrow["pid"], arrow["tid"]]
            assert [one for one in track if inside(arrow["ts"], one)], "in a slice"
    for track in slices.values():
        stack: list[dict[str, Any]] = []
        for one in track:
            while stack and one["ts"] >= stack[-1]["ts"] + stack[-1]["dur"]:
                stack.pop()
            if stack:
                outer = stack[-1]
                assert one["ts"] + one["dur"] <= outer["ts"] + outer["dur"] + 1e-3, (one, outer)
            stack.append(one)


def inside(at: float, one: dict[str, Any]) -> bool:
    return bool(one["ts"] - 1e-3 <= at <= one["ts"] + one["dur"] + 1e-3)


def test_a_program_with_two_threads_and_streams(ran: tuple[Path, int], tmp_path: Path) -> None:
    folder, process = ran
    document = made(folder / "calls.jsonl", tmp_path / "out.json")
    events = document["traceEvents"]
    check_rules(events)
    assert {event["pid"] for event in events} == {process}
    names = {event["tid"]: event["args"]["name"] for event in events
             if event["name"] == "thread_name"}  # fmt: skip
    streams = [name for name in names.values() if name.startswith("stream ")]
    assert len(streams) == 2
    assert all(name.endswith(" of device 0") for name in streams)
    tasks = [event for event in events if event.get("cat") == "task"]
    assert [event["name"] for event in tasks] == 2 * [
        "aclrtMemsetAsync", "aclmdlExecuteAsync", "aclprofMarkEx", "aclrtMemcpyAsync",
    ]  # fmt: skip
    assert len([event for event in events if event["ph"] == "s"]) == len(tasks)
    assert {event["args"]["bytes"] for event in tasks} >= {12}
    assert {event["name"] for event in events if event["ph"] == "b"} == {"one", "two"}
    assert [event["name"] for event in events if event["ph"] == "i"] == ["half 0", "half 1", "two"]
    calls = [event for event in events if event.get("cat") == "call"]
    assert {"seq", "args", "status"} == {*calls[0]["args"]}
    assert calls[0]["ts"] == 0
    assert document["otherData"]["begins_ns"] > 0


def test_a_folder_of_the_profiler(ran: tuple[Path, int], tmp_path: Path) -> None:
    (folder,) = (ran[0] / "prof").iterdir()
    events = made(folder, tmp_path / "out.json")["traceEvents"]
    check_rules(events)
    operators = [event for event in events if event.get("cat") == "op"]
    assert [event["args"]["type"] for event in operators] == ["Neg", "Exp"] * 2
    tasks = [event for event in events if event["name"] == "aclmdlExecuteAsync"
             and event["cat"] == "task"]  # fmt: skip
    for operator in operators:
        assert [task for task in tasks if inside(operator["ts"], task)], "in its task's time"


def test_traces_of_two_processes_are_one_timeline(ran: tuple[Path, int], tmp_path: Path) -> None:
    text = (ran[0] / "calls.jsonl").read_text()
    other = text.replace(f'"process": {ran[1]}', '"process": 7')
    (tmp_path / "calls.jsonl").write_text(text + other)
    events = made(tmp_path / "calls.jsonl", tmp_path / "out.json")["traceEvents"]
    check_rules(events)
    assert {event["pid"] for event in events} == {ran[1], 7}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no record: set ACL_FAKE_TRACE to a path, and run"),
        ('{"a": 1}\n', "line 1: '{\"a\": 1}' is no record of a trace"),
        ("[]\n", "line 1: '[]' is no record of a trace"),
        ('{"seq": 1, "fun', 'line 1: \'{"seq": 1, "fun\' is no record of a trace'),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str, told: str) -> None:
    source, target = tmp_path / "calls.jsonl", tmp_path / "out.json"
    source.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "fake", "trace", source, "--chrome", target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not target.exists()


def test_in_python(tmp_path: Path, fake_acl: Any) -> None:
    """`fake.trace()` and `fake.tasks()` are records, too."""
    from acl_bundle import Bundle  # noqa: PLC0415

    fake_acl.set("trace", "on")
    build.model(onnx.parser.parse_model(MODEL)).save(tmp_path / "curve.om")
    with Bundle.load(tmp_path / "curve.om") as bundle:
        np.testing.assert_allclose(bundle.infer(np.float32([0, 0, 0])), 1)
    events = timeline.chrome([*fake.trace(), *fake.tasks()])["traceEvents"]
    check_rules(events)
    assert "aclmdlExecute" in {event["name"] for event in events}


def test_a_text_may_have_any_character(tmp_path: Path) -> None:
    """U+2028 ends a line for Python, and none of JSON lines."""
    row = {"process": 1, "thread": 1, "start_ns": 0, "ns": 5, "mark": "a\u2028b\x85c"}
    (tmp_path / "t.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert len(timeline.read(tmp_path / "t.jsonl")) == 1
