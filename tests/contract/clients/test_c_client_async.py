"""A C program with streams, events and callbacks, against ONNX Runtime itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from ..face import Acl
from ..programs import Tensor, graph_bytes, model, onnx_program
from .program import compiled, run

ROUNDS = 12
X, Y = Tensor("x", (3, 4)), Tensor("y", (3, 4))
NODES = [("Mul", "x x", "square"), ("Tanh", "square", "h"), ("Sub", "x h", "y")]
VALUE = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(scope="module")
def client(_library: Acl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    return compiled(tmp_path_factory.mktemp("client"), "client_async", _library)


@pytest.mark.parametrize("mode", ["strict", "faithful"])
def test_an_asynchronous_c_program_computes_the_same(
    client: Path, acl: Acl, tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "model.om"
    path.write_bytes(model(onnx_program(NODES, [X], [Y]), [X], [Y]))
    values = [f"{value:.9g}" for value in VALUE.ravel()]
    printed = run(client, acl, path, "12", "12", str(ROUNDS), *values, ACL_FAKE_MODE=mode)
    *lines, last = printed.splitlines()
    session = ort.InferenceSession(graph_bytes(NODES, [X], [Y]))
    for turn, line in enumerate(lines):
        (expected,) = session.run(None, {"x": VALUE * np.float32(turn + 1)})
        assert np.array_equal(np.array(line.split(), np.float32), np.ravel(expected))
    assert len(lines) == ROUNDS
    assert last == "timed"
