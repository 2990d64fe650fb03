"""A C program with streams, events and callbacks, against ONNX Runtime itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from ..face import ROOT, Acl
from ..programs import Tensor, graph_bytes, model, onnx_program

ROUNDS = 12
X, Y = Tensor("x", (3, 4)), Tensor("y", (3, 4))
NODES = [("Mul", "x x", "square"), ("Tanh", "square", "h"), ("Sub", "x h", "y")]
VALUE = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(scope="module")
def client(_library: Acl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    program = tmp_path_factory.mktemp("client") / "client_async"
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "csrc",
        Path(__file__).with_name("client_async.c"), "-o", program,
        "-L", _library.path.parent, "-lascendcl", "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return program


@pytest.mark.parametrize("mode", ["strict", "faithful"])
def test_an_asynchronous_c_program_computes_the_same(
    client: Path, acl: Acl, tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "model.om"
    path.write_bytes(model(onnx_program(NODES, [X], [Y]), [X], [Y]))
    values = [f"{value:.9g}" for value in VALUE.ravel()]
    done = subprocess.run(
        [client, path, "12", "12", str(ROUNDS), *values],
        env={
            "LD_LIBRARY_PATH": str(acl.path.parent),
            "LD_PRELOAD": os.environ.get("LD_PRELOAD", ""),  # a sanitiser must come first
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
            "ACL_FAKE_ONNXRUNTIME": str(acl._onnxruntime),
            "ACL_FAKE_MODE": mode,
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    *lines, last = done.stdout.splitlines()
    session = ort.InferenceSession(graph_bytes(NODES, [X], [Y]))
    for turn, line in enumerate(lines):
        (expected,) = session.run(None, {"x": VALUE * np.float32(turn + 1)})
        assert np.array_equal(np.array(line.split(), np.float32), np.ravel(expected))
    assert len(lines) == ROUNDS
    assert last == "timed"
