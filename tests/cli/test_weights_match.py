"""``acl-bundle weights match``: its table, its file and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from typer.testing import CliRunner

from acl_bundle import build, om, weight_program, weights
from acl_bundle.cli.app import app

W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["weights", "match", *map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["c"], ["y"])], "g", [],
        [helper.make_tensor_value_info("y", 1, (6, 4))],
        [numpy_helper.from_array(W.T.copy(), "c")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_it_says_what_was_found_and_writes_it(model: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "w.npz", tmp_path / "program"
    weights.save({"w": W, "v": W[:2].copy()}, source)
    done = run(model, source, "--out", out)
    assert done.exit_code == 0, done.output
    assert "w.transpose(1, 0) -> c: float32[6, 4]\nunused: v\n" in done.output
    assert weight_program.load(out).sources[0].name == "w"
    told = json.loads(run(model, source, "--drop", "v", "--json").output)
    assert told == {
        "schema": 1, "constants": ["c"], "ambiguous": {}, "unmatched": [], "unused": [], "out": None
    }  # fmt: skip


def test_it_is_kept_beside_a_bundle(model: Path, tmp_path: Path) -> None:
    source, path = tmp_path / "w.npz", build.from_onnx(model, ["c"]).save(tmp_path / "net.om")
    weights.save({"w": W}, source)
    done = run(model, source, "--beside", path)
    assert done.exit_code == 0, done.output
    assert f"{path} takes these weights now" in done.output
    manifest = om.open_bundle(path).manifest
    assert manifest is not None
    assert manifest.program is not None
    assert run(model, source, "--beside", model).exit_code == 2
    before = path.read_bytes()
    assert run(model, source, "--beside", path, "--out", path).exit_code == 2
    assert path.read_bytes() == before


def test_what_is_ambiguous_is_status_1_and_trouble_2(model: Path, tmp_path: Path) -> None:
    source = tmp_path / "w.npz"
    weights.save({"a": W, "b": W.copy()}, source)
    done = run(model, source)
    assert done.exit_code == 1
    assert "ambiguous: c: a.transpose(1, 0) | b.transpose(1, 0)" in done.output
    assert run(tmp_path / "nowhere.onnx", source).exit_code == 2
    assert run(model, source, "--out", source).exit_code == 2
    assert weights.open(source)["a"].tobytes() == W.tobytes()
