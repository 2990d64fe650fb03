"""``acl-bundle demo``: the real thing, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acl_bundle import om

COMMAND = (sys.executable, "-m", "acl_bundle.cli", "demo")
ROW = re.compile(r"(\d+)  +([\d.]+)%  +([\d.]+)%  +(-|[\d.]+)  +([\d.]+)\n")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "digits.om"


@pytest.fixture(scope="module")
def printed(file: Path) -> str:
    command = (*COMMAND, "--output", str(file))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_accuracy_rises_from_guessing_to_reading(printed: str) -> None:
    accuracy = [float(row[1]) for row in ROW.findall(printed)]
    assert len(accuracy) == 11, "version 0 and ten updates"
    assert 5 <= accuracy[0] <= 15
    assert accuracy[-1] > 90


def test_each_accuracy_is_what_scikit_learn_gets(printed: str) -> None:
    rows = ROW.findall(printed)
    assert [row[1] for row in rows] == [row[2] for row in rows]
    digits = [float(row[1]) / 100 * 320 for row in rows]
    assert digits == pytest.approx([round(count) for count in digits], abs=0.02)


def test_versions_are_the_trainers_and_times_are_told(printed: str) -> None:
    rows = ROW.findall(printed)
    versions = [int(row[0]) for row in rows]
    assert versions[0] == 0
    assert versions == sorted(set(versions))
    assert rows[0][3] == "-"
    assert all(float(row[3]) > 0 for row in rows[1:])
    assert all(float(row[4]) > 0 for row in rows)


def test_it_says_that_nothing_is_left_and_no_rule_was_broken(printed: str) -> None:
    assert printed.endswith("Unloaded. Live objects: 0. Violations: 0.\n")


def test_the_file_holds_every_weight_and_bias(printed: str, file: Path) -> None:
    bundle = om.open_bundle(file)
    shapes = {name: weight.shape for name, weight in bundle.variables.items()}
    assert shapes == {
        "coefs.0": (64, 64),
        "intercepts.0": (64,),
        "coefs.1": (64, 10),
        "intercepts.1": (10,),
    }
    assert bundle.models[bundle.roles["infer"]].inputs[0].dims == (16, 64)


def _trainers(folder: Path) -> list[int]:
    """Processes that train for a demo whose temporary files lie in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "acl_bundle.cli.demo.training" in command and str(folder) in command:
            found.append(int(entry.name))
    return found


def _wait_for_trainer(folder: Path) -> int:
    give_up = time.monotonic() + 300
    while time.monotonic() < give_up:
        found = _trainers(folder)
        if found:
            return found[0]
        time.sleep(0.01)
    raise AssertionError("the demo started no trainer")


def _start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        COMMAND,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timed
def test_ctrl_c_ends_demo_and_trainer_and_leaves_nothing(tmp_path: Path) -> None:
    demo = _start(tmp_path)
    _wait_for_trainer(tmp_path)
    time.sleep(0.2)  # now the demo waits for the first weights
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode != 0
    assert "Traceback" not in errors
    assert _trainers(tmp_path) == []
    assert list(tmp_path.glob("acl-bundle*")) == []


def test_a_killed_demo_takes_its_trainer_along(tmp_path: Path) -> None:
    demo = _start(tmp_path)
    _wait_for_trainer(tmp_path)
    demo.kill()
    demo.communicate(timeout=60)
    give_up = time.monotonic() + 60
    while _trainers(tmp_path) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert _trainers(tmp_path) == []


def test_a_trainer_that_dies_is_reported(tmp_path: Path) -> None:
    demo = _start(tmp_path)
    os.kill(_wait_for_trainer(tmp_path), signal.SIGKILL)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert errors.startswith("acl-bundle: the trainer ended by itself")
    assert "Traceback" not in errors


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    command = (*COMMAND, "--output", str(tmp_path / "no" / "digits.om"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"acl-bundle: {tmp_path}/no: Not a directory\n"
