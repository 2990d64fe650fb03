"""``acl-bundle precision --layers``: the table, the file for atc, JSON, and each failure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

from .terminal import on_terminal

Run = Callable[..., Any]
ONE = ["--rtol", "0", "--atol", "0.05"]


def exponential(exp: str = "my exp", log: str = "log") -> onnx.ModelProto:
    """y = relu(log(exp(10 x)) / 10), of an open batch: exp overflows float16, not float32."""
    constants = {"ten": np.float32([10]), "tenth": np.float32([0.1])}
    nodes = [
        helper.make_node("Mul", ["x", "ten"], ["big"], "scale"),
        helper.make_node("Exp", ["big"], ["e"], exp),
        helper.make_node("Log", ["e"], ["l"], log),
        helper.make_node("Mul", ["l", "tenth"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"], "relu"),
        helper.make_node("Shape", ["x"], ["size"], "size"),
    ]
    graph = helper.make_graph(
        nodes,
        "exponential",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3]),
            helper.make_tensor_value_info("size", TensorProto.INT64, [2]),
        ],
        [numpy_helper.from_array(one, name) for name, one in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    onnx.save(exponential(), "m.onnx")
    np.save("x.npy", np.float32([[2, 1, 0.5], [1.5, -1, 1.9]]))
    return Path("m.onnx")


@pytest.fixture
def layers(run: Run, path: Path) -> Run:
    return lambda *options: run("precision", path, "--layers", "--inputs=x=x.npy", *options)


def test_what_must_stay_is_told_and_written_for_atc(layers: Run, run: Run, path: Path) -> None:
    done = layers(*ONE, "-o", "keep.cfg")
    assert (done.status, done.err) == (1, "")
    assert "m.onnx: which layers must compute in float32 beside float16" in done.out
    assert "not device numbers: ONNX Runtime" in done.out
    assert "1 node has no float16, and stays as it is" in done.out
    assert "2 of 5 must stay float32" in done.out
    rows = [line for line in done.out.splitlines() if line.startswith((" my exp", " log"))]
    assert sorted(row.split()[-3] for row in rows) == ["Exp", "Log"]
    assert "wrote keep.cfg, 2 names: atc --keep_dtype=keep.cfg" in done.out
    assert sorted(Path("keep.cfg").read_text().splitlines()) == ["log", "my exp"]
    (pasted,) = [line for line in done.out.splitlines() if line.startswith("--dtype")]
    assert "--keep-float32-layer 'my exp'" in pasted
    built = run("build", path, "--dynamic-shape", "-o", "half.om", *shlex.split(pasted))
    assert (built.status, built.err) == (0, "")
    compared = run("compare", path, "half.om", "--inputs=x=x.npy", *ONE)
    assert compared.status == 0
    wrong = run("build", path, "-o", "half.om", "--keep-float32-layer", "log")
    assert wrong.status == 2
    assert "--keep-float32-layer says what --dtype leaves out: give --dtype" in wrong.err
    wrong = run("build", path, "-o", "half.om", "--dtype=float16", "--keep-float32-layer", "lag")
    assert wrong.status == 2
    assert "--keep-float32-layer names 'lag', which fits no node; there are 'log'" in wrong.err


def test_all_may_be_half(layers: Run) -> None:
    done = layers("--atol", "inf", "-o", "keep.cfg")
    assert (done.status, done.err) == (2, "acl-bundle: --atol is inf; a number from 0 is right\n")
    assert not Path("keep.cfg").exists()
    small = np.float32([[0.2, 0.1, 0.05]])
    np.save("x.npy", small)
    done = layers("--rtol", "0", "--atol", "0.01", "-o", "keep.cfg")
    assert (done.status, done.err) == (0, "")
    assert "all 5 may be float16" in done.out
    assert Path("keep.cfg").read_text() == ""


def test_as_json(layers: Run) -> None:
    data = layers(*ONE, "--json").json
    assert (data["schema"], data["file"], data["out"]) == (1, "m.onnx", None)
    assert set(data["keep_dtype"]) == {"my exp", "log"}
    assert data["half"] == ["scale", "Mul_0", "relu"]
    assert data["others"] == ["size"]
    assert data["whole"] == "inf"
    assert {one["type"] for one in data["kept"]} == {"Exp", "Log"}
    assert all(one["added"] == "inf" for one in data["kept"])
    assert data["error"] <= 1
    assert data["met"]


def test_random_inputs_as_many_as_asked(run: Run, path: Path) -> None:
    options = ["--layers", "--samples", "2", "--shape", "x=4x3", "--dtype", "bfloat16", "--json"]
    one, other = (run("precision", path, *options).json for _ in range(2))
    assert (one["inputs"], one["dtype"]) == (2, "bfloat16")
    assert one["kept"] == other["kept"], "the same seed, the same answer"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layers", "--dtype", "int8"], "dtype is 'int8'; one of 'float16', 'bfloat16' is right"),
        (["--layers", "--weights", "w.npz"], "--weights does not go with --layers"),
        (["--layers", "--device", "1"], "--device does not go with --layers"),
        (["--layers", "-o", "m.onnx"], "m.onnx"),
        (["--layers", "--inputs=x=x.npy", "-o", "x.npy"], "x.npy"),
        (["--layers", "-o", "none/keep.cfg"], "there is no such folder"),
        (["--layers", "--inputs", "y=x.npy"], "there is no input 'y'; the inputs are 'x'"),
        (["-o", "keep.cfg"], "-o is for the names of layers: give --layers"),
    ],
)
def test_a_wrong_option_is_one_line(run: Run, path: Path, options: list[str], said: str) -> None:
    done = run("precision", path, *options)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("acl-bundle: ")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_files_without_layers_are_refused(run: Run, path: Path) -> None:
    build.model(exponential(), input_shapes={"x": (2, 3)}).save("plain.om")
    Path("text.onnx").write_text("no model")
    for file, said in (
        ("plain.om", "plain.om is a compiled file, and layers are those of an ONNX model"),
        ("text.onnx", "text.onnx is no ONNX model"),
        ("gone.onnx", "gone.onnx: No such file or directory"),
    ):
        done = run("precision", file, "--layers")
        assert (done.status, done.out) == (2, "")
        assert said in done.err


@pytest.mark.parametrize("name", [" padded", "OpType::Exp", "two\nlines"])
def test_a_name_that_the_file_cannot_hold_is_refused(layers: Run, path: Path, name: str) -> None:
    onnx.save(exponential(exp=name), path)
    Path("keep.cfg").write_text("as it was")
    done = layers(*ONE, "-o", "keep.cfg")
    assert (done.status, done.out) == (2, "")
    assert f"layer {name!r} cannot be named in a file for atc --keep_dtype" in done.err
    assert Path("keep.cfg").read_text() == "as it was"
    assert layers(*ONE).status == 1


def test_a_terminal_of_80_columns_loses_nothing(path: Path) -> None:
    name = "/encoder/layers.0/self_attn/" + "a" * 20
    onnx.save(exponential(exp=name), path)
    status, text = on_terminal(["precision", path, "--layers", "--inputs=x=x.npy", *ONE])
    assert status == 1
    assert "…" not in text
    assert name in text
    for word in ("name", "type", "alone", "added", "Exp"):
        assert word in text
