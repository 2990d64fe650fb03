"""``acl-bundle compare``: any two of bundle, ONNX model, saved outputs; before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from acl_bundle import build

from .conftest import Run
from .terminal import on_terminal
from .test_run import folder, model

__all__ = ["folder"]
pytestmark = pytest.mark.usefixtures("fake_acl")
SIDES = ["net.om", "net.onnx", "ref.npz"]


@pytest.mark.parametrize("a", SIDES)
@pytest.mark.parametrize("b", SIDES)
def test_any_two_sides(run: Run, folder: Path, a: str, b: str) -> None:
    given = [] if a == b == "ref.npz" else ["--inputs", "in.npz"]
    done = run("compare", a, b, *given)
    assert (done.status, done.err) == (0, "")
    assert "2 of 2 outputs are equal" in done.out
    assert done.out.startswith(f"a: {a}: ")
    assert f"\nb: {b}: " in done.out
    assert ("not device numbers" in done.out) == ("net.om" in (a, b))


def test_before_and_after_an_update(run: Run, folder: Path) -> None:
    new = ["--weights-b", "new.safetensors", "--strip-prefix", "model.", "--inputs", "in.npz"]
    for sides in (["net.om"], ["net.om", "net.om"]):
        done = run("compare", *sides, *new, "--json")
        assert done.status == 1
        y = done.json["outputs"][0]
        assert (y["max_abs"], y["worst"][0]["b"]) == (10.0, 19.0)
        assert done.json["b"]["label"] == "net.om with new.safetensors"
    both = ["--weights-a", "new.safetensors", *new]
    assert run("compare", "net.om", "net.om", *both).status == 0


def test_a_build_in_half_precision(run: Run, folder: Path) -> None:
    fine = model()
    tenths = np.arange(6, dtype=np.float32).reshape(2, 3) / 10
    fine.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(tenths, "w"))
    onnx.save(fine, "net.onnx")
    build.from_onnx(fine, ["w", "b"], precision="float16", dynamic_shape=True).save("half.om")
    done = run("compare", "half.om", "net.onnx", "--batch", "3", "--rtol", "0", "--json")
    assert done.status == 1
    y = done.json["outputs"][0]
    assert 0 < y["max_abs"] < 0.05
    assert y["cosine"] > 0.999
    assert run("compare", "half.om", "net.onnx", "--batch", "3", "--rtol", "1e-2").status == 0


def test_inputs_of_two_precisions_are_the_same_numbers(run: Run, folder: Path) -> None:
    half = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float16[2,4] x) => (float16[2,4] y) { y = Identity(x) }
    """)
    onnx.save(half, "half.onnx")
    whole = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[2,4] x) => (float[2,4] y) { y = Identity(x) }
    """)
    onnx.save(whole, "whole.onnx")
    done = run("compare", "half.onnx", "whole.onnx", "--rtol", "0", "--atol", "0")
    assert done.status == 0
    assert "float16[2, 4] beside float32[2, 4]" in done.out
    np.savez("fine.npz", x=np.full((2, 4), 0.1, np.float32))
    given = ["--inputs", "fine.npz", "--rtol", "0", "--atol", "0"]
    assert run("compare", "whole.onnx", "half.onnx", *given).status == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["net.om"], "there is no B to compare with; name it, or give --weights-b for A itself"),
        (["net.om", "ref.npz"], "ref.npz holds outputs, and nothing says of which inputs"),
        (["ref.npz", "ref.npz", "--inputs", "in.npz"], "both sides are saved outputs"),
        (["net.onnx", "--weights-b", "new.safetensors"], "weights go into an .om file, and"),
        (["net.om", "net.om", "--select", "x"], "--select says what becomes of weights on their"),
        (["net.om", "none.onnx"], "none.onnx: No such file or directory"),
        (["net.om", "other.onnx"], "the inputs have other names: a takes 'x', b takes 'z'"),
        (["ref.npz", "in.npz"], "no name in common: a has 'y', 'best', b has 'x'"),
        (["net.om", "net.onnx", "--match", "y"], "--match is 'y'; A=B is right"),
    ],
)
def test_what_it_refuses_is_one_line(run: Run, folder: Path, options: list[str], said: str) -> None:
    other = model()
    other.graph.input[0].name = other.graph.node[0].input[0] = "z"
    onnx.save(other, "other.onnx")
    done = run("compare", *options)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert said in run("compare", *options, "--json").json["error"]["message"]


def test_on_a_terminal(folder: Path) -> None:
    status, shown = on_terminal(["compare", "net.om", "net.onnx", "--inputs", "in.npz"])
    assert status == 0
    assert "2 of 2 outputs are equal" in shown
    assert "…" not in shown
