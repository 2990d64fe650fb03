"""README: its programs run in the order they stand in, and do what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build
from acl_bundle.testing import FakeAcl

from .page import Page

README = Page("README.md")
FIRST_SCREEN = 24


def policy() -> onnx.ModelProto:
    """y = x @ fc1.weight + fc1.bias."""
    rng = np.random.default_rng(3)
    constants = {
        "fc1.weight": rng.standard_normal((4, 3)).astype(np.float32),
        "fc1.bias": rng.standard_normal(3).astype(np.float32),
    }
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", *constants], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_acl: FakeAcl) -> dict[str, Any]:
    """What a reader is taken to have: policy.onnx and policy.om here, x and w at hand."""
    monkeypatch.chdir(tmp_path)
    onnx.save(policy(), "policy.onnx")
    build.from_onnx(policy(), weights=["fc1.weight", "fc1.bias"]).save("policy.om")
    return {
        "x": np.arange(8, dtype=np.float32).reshape(2, 4),
        "w": np.ones((4, 3), np.float32),
    }


def test_the_commands_stand_on_the_first_screen() -> None:
    screen = README.text.splitlines()[:FIRST_SCREEN]
    assert "make demo" in "\n".join(screen)
    assert "make test" in "\n".join(screen)
    assert len(README.text.splitlines()) <= 120


def test_every_program_runs(session: dict[str, Any]) -> None:
    README.run(session)


def test_the_first_program_does_what_its_comments_say(session: dict[str, Any]) -> None:
    exec(compile(README.programs[0][0], "README.md", "exec"), session)
    weight, bias = (numpy_helper.to_array(one) for one in policy().graph.initializer)
    x, w = session["x"], session["w"]
    np.testing.assert_allclose(session["y"], x @ weight + bias, rtol=1e-5)
    np.testing.assert_allclose(session["out"]["y"], x @ w + bias, rtol=1e-5)
    assert session["out"].version == 7
