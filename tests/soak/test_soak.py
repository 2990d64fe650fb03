"""Eight threads load, infer, update and unload for ten seconds; `make soak` for two minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import fake

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled client."""
    path = tmp_path_factory.mktemp("soak") / "soak"
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O1", *WARNINGS,
        "-I", ROOT / "csrc", "-I", ROOT / "fakes", HERE / "soak.c", HERE / "steps.c",
        "-o", path, "-L", fake.library_path().parent, "-lascendcl", "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return path


def soak(program: Path, kind: str, folder: Path, seconds: int, threads: int) -> str:
    """Run it on a fresh bundle of a kind; it must end well."""
    bundle = folder / f"{kind}.om"
    subprocess.run([sys.executable, HERE / "bundle.py", kind, bundle], check=True, timeout=60)
    done = subprocess.run(
        [program, bundle, str(seconds), str(threads)],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(fake.library_path().parent),
            "ACL_FAKE_ONNXRUNTIME": str(fake.onnxruntime_path()),
        },
        capture_output=True, text=True, timeout=seconds + 60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["onnx", "callback"])
def test_nothing_is_left_and_nothing_was_violated(program: Path, tmp_path: Path, kind: str) -> None:
    steps = int(soak(program, kind, tmp_path, 5, 8).split()[0])
    assert steps > 100
