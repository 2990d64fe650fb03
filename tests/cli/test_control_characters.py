"""No name of a file steers the terminal that a command prints on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from acl_bundle import build, weights
from acl_bundle.cli.app import app

NAME = "w\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e"


def _model(path: Path) -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", NAME], [f"y{NAME}"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 2])],
        [onnx.helper.make_tensor_value_info(f"y{NAME}", 1, [1, 2])],
        [onnx.numpy_helper.from_array(np.ones((2, 2), "f4"), NAME)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    build.from_onnx(model, [NAME]).save(path)


@pytest.mark.parametrize(
    "command",
    [
        ["inspect", "m.om"],
        ["inspect", "m.om", "--json"],
        ["doctor", "m.om"],
        ["weights", "list", "w.safetensors"],
        ["weights", "diff", "w.safetensors", "v.safetensors"],
        ["weights", "convert", "w.safetensors", "out.safetensors", "--select", "none"],
        ["weights", "convert", "w.safetensors", "out.safetensors", "--strip-prefix", "none"],
    ],
    ids=" ".join,
)
def test_nothing_but_text_is_printed(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _model(tmp_path / "m.om")
    weights.save({NAME: np.ones(2, "f4")}, tmp_path / "w.safetensors")
    weights.save({NAME: np.zeros(2, "f4")}, tmp_path / "v.safetensors")
    result = CliRunner().invoke(app, command)
    said = result.output.replace("\n", "")
    assert said.isprintable(), repr(said)
    assert command[0] == "doctor" or "w\\" in said
