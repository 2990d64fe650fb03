"""Errors speak of options, in the shell, and of arguments, in Python."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from acl_bundle import build
from acl_bundle._base.arguments import ArgumentError

from .conftest import Run

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[N,2] x) => (float[N,3] y)
        <float[2,3] w = {1,2,3,4,5,6}> { y = MatMul(x, w) }
    """)
    onnx.save(model, "net.onnx")
    build.from_onnx(model, ["w"], input_shapes={"x": [1, 2]}).save("net.om")
    np.savez("a.npz", a=np.zeros(2))
    np.savez("b.npz", b=np.zeros(3))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("build net.onnx -o o.om", "pass --input-shape NAME:1,3, or --dynamic-shape for any, or"),
        ("build net.onnx --dynamic-batch 0 -o o.om", "--dynamic-batch has the gear [0]; every"),
        ("build net.onnx --dynamic-batch 1,1 -o o.om", "--dynamic-batch names a gear twice"),
        (
            "build net.onnx --dynamic-batch 1,2 --dynamic-shape -o o.om",
            "--dynamic-batch and --dynamic-shape are given; a model can have one of them",
        ),
        ("build net.onnx --input-shape z:1 -o o.om", "--input-shape names 'z', which is no input"),
        ("build net.onnx --input-shape x:1,9 -o o.om", "--input-shape['x'] is [1, 9], but the mod"),
        ("build net.onnx --dynamic-hw 1,2 -o o.om", "so pin the others with --input-shape"),
        (
            "build net.onnx --input-shape x:1,2 --dynamic-batch 1 -o o.om",
            "--dynamic-batch is given, but no input has an open dim",
        ),
        ("compare a.npz b.npz", "say which belong together: --match A=B"),
        ("compare a.npz b.npz --match a=z", "--match names 'z', but b has 'b'"),
        ("compare a.npz b.npz --rtol -1", "--rtol is -1.0; a number from 0 is right"),
        ("run net.om --compare net.onnx --atol nan", "--atol is nan; a number from 0 is right"),
    ],
)
def test_the_shell_says_its_own_options(run: Run, folder: Path, words: str, said: str) -> None:
    done = run(*words.split())
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    for name in ("dynamic_", "input_shapes", "match={"):
        assert name not in done.err
    told = run(*words.split(), "--json").json["error"]
    assert told["kind"] == "ValueError"
    assert said in told["message"]


def test_python_says_its_arguments(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"pass input_shapes=\{'x': "):
        build.from_onnx("net.onnx", "all")
    with pytest.raises(ValueError, match="dynamic_batch and dynamic_shape are given"):
        build.from_onnx("net.onnx", "all", dynamic_batch=[1], dynamic_shape=True)


def test_names_of_the_models_stay() -> None:
    error = ArgumentError("match names 'match', my_match: match={a: b}", "match")
    assert error.said({"match=": "M"}) == "--match names 'match', my_match: M"
    assert str(error).startswith("match names")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.names) == (str(error), ("match",))
