"""Eight threads load, infer, update and unload for some seconds; `make soak` for ten minutes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import fake

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")


SOURCES = [
    HERE / name
    for name in ("soak.c", "steps.c", "objects.c", "sharing.c", "profiling.c", "lock_order.c")
]
COMPILE = [
    os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O1", "-g", *WARNINGS,
    "-include", HERE / "lock_order.h", "-I", ROOT / "csrc", "-I", ROOT / "fakes",
]  # fmt: skip


def compiled(path: Path, *arguments: str | Path) -> Path:
    subprocess.run([*COMPILE, *arguments, "-o", path, "-lpthread"], check=True, timeout=600)
    return path


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, linked to the fake as it is installed."""
    library = ("-L", fake.library_path().parent, "-lascendcl")
    return compiled(tmp_path_factory.mktemp("soak") / "soak", *SOURCES, *library)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Client and fake as one program, in which every lock is recorded."""
    fakes = sorted((ROOT / "fakes").glob("*/*.c"))
    return compiled(tmp_path_factory.mktemp("order") / "soak", *SOURCES, *fakes, "-ldl", "-lm")


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = (HERE / "lock_faults.c", HERE / "lock_order.c")
    return compiled(tmp_path_factory.mktemp("faults") / "faults", *sources)


def soak(program: Path, kind: str, folder: Path, seconds: int, objects: int) -> str:
    """Run it on a fresh bundle of a kind; it must end well."""
    for name in (kind, "failing"):
        command = [sys.executable, HERE / "soak_bundles.py", name, folder / f"{name}.om"]
        subprocess.run(command, check=True, timeout=600)
    done = subprocess.run(
        [program, folder / f"{kind}.om", folder / "failing.om", str(seconds), "8", str(objects)],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(fake.library_path().parent),
            "ACL_FAKE_ONNXRUNTIME": str(fake.onnxruntime_path()),
        },
        capture_output=True, text=True, timeout=seconds + 120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["onnx", "callback"])
def test_nothing_is_left_and_nothing_was_violated(program: Path, tmp_path: Path, kind: str) -> None:
    steps = int(soak(program, kind, tmp_path, 5, 100).split()[0])
    assert steps > 100


def test_locks_are_taken_in_one_order(recorded: Path, tmp_path: Path) -> None:
    """Past the deaths after which the slots of objects are used again."""
    soak(recorded, "callback", tmp_path, 3, 3000)


def test_the_package_through_python() -> None:
    """A sanitizer keeps what is freed, so its memory grows."""
    grows = ["unmeasured"] if "asan" in os.environ.get("LD_PRELOAD", "") else []
    done = subprocess.run(
        [sys.executable, HERE / "soak.py", "4", "8", *grows],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 100


def test_followers_of_trainers_that_are_killed() -> None:
    grows = ["unmeasured"] if "asan" in os.environ.get("LD_PRELOAD", "") else []
    done = subprocess.run(
        [sys.executable, HERE / "following.py", "12", *grows],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.match(r"socket: [0-9]+ versions of [0-9]+ trainers", done.stdout)


def test_what_loads_leave_is_told_for_each_kind() -> None:
    """tests/contract/memory/test_growth.py sees that it is nothing; many lives take their time."""
    done = subprocess.run(
        [sys.executable, HERE / "loads.py", "5", "5"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(.+?) +-?[0-9.]+ bytes for each of 5$", done.stdout, re.MULTILINE)
    assert rows == ["package and fake", "with ONNX Runtime", "ONNX Runtime alone"]


@pytest.mark.parametrize(
    ("fault", "why", "lines"),
    [
        ("cycle", "a cycle", 4),
        ("longer", "a cycle", 6),
        ("twice", "a lock that the thread holds already", 2),
        ("wait", "a wait for a condition under another lock", 1),
        ("join", "a wait for a thread's end under a lock", 1),
        ("call", "a callback under a lock", 1),
    ],
)
def test_the_recorder_stops_a_fault(faults: Path, fault: str, why: str, lines: int) -> None:
    """With every place of both chains."""
    done = subprocess.run([faults, fault], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGABRT
    assert f"lock order: {why}" in done.stderr
    assert len(re.findall(r"    lock \d+ at .*lock_faults\.c:\d+", done.stderr)) == lines


def test_the_recorder_lets_an_order_pass(faults: Path) -> None:
    done = subprocess.run(
        [faults, "order"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "ended well\n", done.stderr


def test_the_soak_knows_every_kind() -> None:
    """A kind of object that is added to the fake is added to objects.c.

    Not those of the profiler, of AIPP and of images, which no inference makes.
    """
    listed = (ROOT / "fakes/memory/kinds.h").read_text("utf-8")
    others = r"PROF_|AIPP|DVPP_|VDEC_|VENC_|HIST|LUT_|STREAM_DESC|ROI_|RESIZE_|JPEGE_|BORDER_"
    kinds = re.findall(rf'KIND\((?!{others}|(?:BATCH_)?PIC_)\w+, "([^"]+)"\)', listed)
    lived = (HERE / "objects.c").read_text("utf-8")
    with_a_dataset = {"data buffer", "tensor description"}
    assert kinds
    assert [kind for kind in kinds if kind not in with_a_dataset and f'"{kind}"' not in lived] == []
