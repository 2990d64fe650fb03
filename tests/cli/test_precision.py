"""``acl-bundle precision``: what must stay, ready to paste, in each form; and each failure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, weights
from acl_bundle.testing import FakeAcl

from .terminal import on_terminal

Run = Callable[..., Any]
VALUES = {
    "a b.weight": np.array([1, 2, 0.5], np.float32),
    "fine": np.array([0.1, 0.2, 0.3], np.float32),
    "sharp": np.array([1000.1, 1, 1], np.float32),
}
ONE = ["--rtol", "0", "--atol", "1e-3"]


def summed(large: bool = False) -> onnx.ModelProto:
    """y = x * (all weights, added up), of an open batch."""
    constants = {**VALUES, "a b.weight": np.float32([1e6, 1, 1])} if large else VALUES
    graph = helper.make_graph(
        [
            helper.make_node("Sum", [*constants], ["w"]),
            helper.make_node("Mul", ["x", "w"], ["y"]),
        ],
        "summed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path, fake_acl: FakeAcl) -> Path:
    onnx.save(summed(), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    return tmp_path / "m.onnx"


@pytest.fixture
def precision(run: Run, path: Path) -> Run:
    return lambda *options: run("precision", path, f"--inputs=x={path.parent / 'x.npy'}", *options)


def test_what_must_stay_is_told_ready_to_paste(
    precision: Run, run: Run, path: Path, tmp_path: Path
) -> None:
    done = precision(*ONE)
    assert (done.status, done.err) == (1, "")
    assert f"{path}: which weights must stay float32 beside float16" in done.out
    assert "not device numbers" in done.out
    assert "1 weight loses nothing in float16" in done.out
    assert "1 of 2 must stay float32" in done.out
    (row,) = [line.split() for line in done.out.splitlines() if line.startswith(" sharp")]
    assert row[:2] == ["sharp", "tolerance"]
    (pasted,) = [line for line in done.out.splitlines() if line.startswith("--dtype")]
    assert pasted == "--dtype float16 --keep-float32 sharp"
    weights.save(VALUES, tmp_path / "w.safetensors")
    out = tmp_path / "half.safetensors"
    converted = run("weights", "convert", tmp_path / "w.safetensors", out, *shlex.split(pasted))
    assert converted.status == 0
    with weights.open(out) as half:
        assert {name: half[name].dtype.name for name in half} == {
            "a b.weight": "float16", "fine": "float16", "sharp": "float32",
        }  # fmt: skip


def test_all_may_be_half(precision: Run) -> None:
    done = precision("--atol", "1")
    assert (done.status, done.err) == (0, "")
    assert "all 2 may be float16" in done.out
    assert "--keep-float32" not in done.out


def test_as_json(precision: Run, path: Path) -> None:
    data = precision(*ONE, "--json").json
    assert (data["schema"], data["file"], data["fake"]) == (1, str(path), True)
    assert data["keep_float32"] == ["sharp"]
    assert (data["rounded"], data["unchanged"]) == (["fine"], ["a b.weight"])
    assert data["tolerance"] == {"rtol": 0, "atol": 1e-3}
    (kept,) = data["kept"]
    assert kept["alone"] == pytest.approx(100, rel=0.01)
    assert kept["added"] > 1 >= data["error"]
    assert data["met"]


def test_bundles_with_weights_of_their_own_or_given(run: Run, tmp_path: Path, path: Path) -> None:
    whole = build.from_onnx(summed(), "all", input_shapes={"x": (2, 3)})
    bare = build.from_onnx(summed(), "all", input_shapes={"x": (2, 3)}, init=False)
    weights.save(VALUES, tmp_path / "w.safetensors")
    given = ["--inputs", f"x={tmp_path / 'x.npy'}", *ONE, "--json"]
    more = ["--weights", tmp_path / "w.safetensors"]
    for file, options in ((whole, []), (whole, more), (bare, more)):
        data = run("precision", file.save(tmp_path / "b.om"), *given, *options).json
        assert data["keep_float32"] == ["sharp"]
    refused = run("precision", tmp_path / "b.om", *given[:-1])
    assert (refused.status, refused.out) == (2, "")
    assert "float32 value of 'a b.weight' is not known" in refused.err


def test_what_overflows_must_stay_and_is_quoted(run: Run, path: Path) -> None:
    onnx.save(summed(large=True), path)
    done = run("precision", path, "--atol", "1e6")
    assert done.status == 1
    assert "--keep-float32 'a b.weight'" in done.out
    (row,) = [line for line in done.out.splitlines() if line.startswith(" a b.weight")]
    assert row.split() == ["a", "b.weight", "overflow", "-", "-", "12"]


def test_random_inputs_as_many_as_asked(run: Run, path: Path) -> None:
    one = run("precision", path, "--samples", "2", "--shape", "x=4x3", "--json").json
    other = run("precision", path, "--samples", "2", "--shape", "x=4x3", "--json").json
    assert one["inputs"] == 2
    assert one["kept"] == other["kept"], "the same seed, the same answer"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dtype", "int8"], "dtype is 'int8'; one of 'float16', 'bfloat16' is right"),
        (["--rtol", "-1"], "rtol is -1.0; a number from 0 is right"),
        (["--inputs", "none.npz"], "none.npz"),
        (["--weights", "none.safetensors"], "none.safetensors: No such file or directory"),
        (["--samples", "0"], "--samples"),
    ],
)
def test_a_wrong_option_is_one_line(run: Run, path: Path, options: list[str], said: str) -> None:
    done = run("precision", path, *options)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("acl-bundle: ")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_a_model_without_weights_is_refused(run: Run, path: Path, tmp_path: Path) -> None:
    file = build.model(summed(), input_shapes={"x": (2, 3)}).save(tmp_path / "plain.om")
    done = run("precision", file)
    assert (done.status, done.out) == (2, "")
    assert "the model has no float32 weights that an update could round" in done.err


def test_a_terminal_of_80_columns_loses_nothing(path: Path) -> None:
    status, text = on_terminal(["precision", path, *ONE])
    assert status == 1
    assert "…" not in text
    assert "--dtype float16 --keep-float32 sharp" in text
    for name in ("name", "why", "alone", "added", "nbytes", "tolerance"):
        assert name in text
