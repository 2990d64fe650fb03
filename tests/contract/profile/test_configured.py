"""The profiler that aclInit's configuration turns on (facts 12.1, 12.7)."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import Acl
from ..streams import NEG, new_stream
from .config import ACL_API, begin, config, files

RUNS = 100042


def init(acl: Acl, folder: Path, **block: Any) -> int:
    """The status of aclInit with this block "profiler", which writes below out."""
    path = folder / "acl.json"
    path.write_text(json.dumps({"profiler": {"output": str(folder / "out"), **block}}))
    return int(acl.aclInit(os.fsencode(path)))


def end(acl: Acl) -> None:
    """Finalize; the datasets of run() are what is left."""
    assert acl.aclFinalize() == 0
    assert {*acl.violations()} <= {"AB-RT-0019"}


def run(acl: Acl) -> None:
    """A model, once."""
    assert acl.aclrtSetDevice(0) == 0
    loaded = acl.load_model(NEG)
    value = np.float32([1, 2, 3, 4])
    inputs, outputs = acl.dataset(value.tobytes()), acl.dataset(16)
    assert acl.aclmdlExecute(loaded, inputs.handle, outputs.handle) == 0
    assert acl.aclmdlUnload(loaded) == 0


def found(folder: Path) -> dict[str, set[str]]:
    """What each file tells of: functions, operators' types, marks."""
    kinds = {
        name: {row.get("mark") or row.get("type") or row["function"] for row in rows}
        for name, rows in files(folder).items()
    }
    return {name: rows for name, rows in kinds.items() if rows}


def test_from_init_to_finalize_facts_12_7(acl: Acl, tmp_path: Path) -> None:
    assert init(acl, tmp_path, switch="on") == 0
    run(acl)
    told = found(tmp_path / "out")
    assert {"aclmdlLoadFromMem", "aclmdlExecute"} < told["host/calls.jsonl"]
    assert told["device_0/tasks.jsonl"] == {"Neg"}
    end(acl)
    ended = files(tmp_path / "out")
    assert acl.aclInit(os.fsencode(tmp_path / "acl.json")) == 0, "begins another folder"
    assert len([*(tmp_path / "out").iterdir()]) == 2
    end(acl)
    assert ended == files(next(iter(sorted((tmp_path / "out").iterdir()))))


@pytest.mark.parametrize(
    ("block", "host", "device"),
    [
        ({"ascendcl": "off"}, False, True), ({"task_time": "off"}, True, False),
        ({"ascendcl": "off", "runtime_api": "on", "task_time": "l1"}, True, True),
        ({"aic_metrics": "PipeUtilization", "aicpu": "on", "l2": "on", "hccl": "on"}, True, True),
    ],
)  # fmt: skip
def test_its_switches_facts_12_7(
    acl: Acl, tmp_path: Path, block: dict[str, str], host: bool, device: bool
) -> None:
    assert init(acl, tmp_path, switch="on", **block) == 0
    run(acl)
    told = found(tmp_path / "out")
    assert ("host/calls.jsonl" in told, "device_0/tasks.jsonl" in told) == (host, device)
    end(acl)


@pytest.mark.parametrize("switch", ["off", "ON", "", 1, None, True])
def test_off_unless_it_is_on_facts_12_7(acl: Acl, tmp_path: Path, switch: Any) -> None:
    assert init(acl, tmp_path, switch=switch) == 0
    run(acl)
    assert not (tmp_path / "out").exists()
    begin(acl, tmp_path / "mine")
    assert acl.aclprofFinalize() == 0
    end(acl)


def test_the_other_ways_are_shut_facts_12_1(acl: Acl, tmp_path: Path) -> None:
    assert init(acl, tmp_path, switch="on", msproftx="on") == 0
    assert acl.aclrtSetDevice(0) == 0
    data = os.fsencode(tmp_path)
    wanted = config(acl, [0], ACL_API)
    subscribing = acl.aclprofCreateSubscribeConfig(1, 0xFF, acl.new("int *", 1))
    loaded = acl.load_model(NEG)
    for status in (
        acl.aclprofInit(data, len(data)), acl.aclprofStart(wanted), acl.aclprofStop(wanted),
        acl.aclprofFinalize(), acl.aclprofModelSubscribe(loaded, subscribing),
        acl.aclprofModelUnSubscribe(loaded),
    ):  # fmt: skip
        assert status == RUNS
    assert "the configuration of aclInit has turned the profiler on" in acl.message()
    assert acl.aclprofMarkEx(b"mine", 4, new_stream(acl)) == 0
    assert "mine" in found(tmp_path / "out")["host/calls.jsonl"]
    assert acl.aclprofDestroyConfig(wanted) == acl.aclprofDestroySubscribeConfig(subscribing) == 0
    acl.reset()


def test_a_folder_that_cannot_be_fails_nothing_facts_12_7(
    acl: Acl, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")
    assert init(acl, tmp_path, switch="on") == codes.SUCCESS
    assert "nothing is profiled" in capfd.readouterr().err
    begin(acl, tmp_path / "mine")
    assert acl.aclprofFinalize() == 0
    end(acl)


def test_without_output_it_is_the_programs_folder_facts_12_7(acl: Acl, tmp_path: Path) -> None:
    """Here Python's own; what is written there is taken away again."""
    folder = Path(os.path.realpath(sys.executable)).parent
    before = {*folder.glob("PROF_*")}
    assert init(acl, tmp_path, switch="on", output="") == 0
    (made,) = {*folder.glob("PROF_*")} - before
    shutil.rmtree(made)
    end(acl)
