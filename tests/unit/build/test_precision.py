"""from_onnx(precision=): a bundle that computes in half precision and takes float32 weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx.external_data_helper import convert_model_to_external_data

import acl_bundle as ab
from acl_bundle import build, precision
from acl_bundle.build._onnx.load import load
from acl_bundle.build._origin import precision as precisions
from acl_bundle.errors import WeightError

RNG = np.random.default_rng(0)
W, V = RNG.standard_normal((8, 300)).astype("f4"), RNG.standard_normal((300, 3)).astype("f4")
X = RNG.standard_normal((1, 8)).astype("f4")


def model() -> onnx.ModelProto:
    made = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[1,8] x) => (float[1,3] y)
        { h = MatMul(x, fc1)  a = Tanh(h)  y = MatMul(a, fc2) }
    """)
    made.graph.initializer.extend(
        [onnx.numpy_helper.from_array(W, "fc1"), onnx.numpy_helper.from_array(V, "fc2")]
    )
    return made


def computed(made: build.Bundle, **new: Any) -> Any:
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        if new:
            bundle.update(new)
        return bundle.infer(X)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_weights_keep_their_dtype_and_the_answer_is_nearly_the_same(
    precision: Any, fake_acl: object
) -> None:
    whole, half = (build.from_onnx(model(), "*", precision=one) for one in (None, precision))
    assert [str(one) for one in half.weights.values()] == [
        "fc1: float32[8, 300]", "fc2: float32[300, 3]",
    ]  # fmt: skip
    assert half.variable_size < 0.7 * whole.variable_size
    for new in ({}, {"fc1": W * 0.5}):
        want, got = computed(whole, **new), computed(half, **new)
        assert 0 < np.abs(want - got).max() < 0.3


def test_what_is_kept_computes_in_float32(fake_acl: object) -> None:
    """1e6 is more than float16 can hold."""
    large = {"fc1": W, "fc2": V * 1e6}
    want = np.tanh(X @ W) @ large["fc2"]
    kept = build.from_onnx(model(), ["*"], precision="float16", keep_float32=["*2"])
    np.testing.assert_allclose(computed(kept, **large), want, rtol=1e-2)
    part = build.from_onnx(model(), ["fc2"], precision="float16", keep_float32=["fc1", "fc2"])
    np.testing.assert_allclose(computed(part, fc2=large["fc2"]), want, rtol=1e-2)
    lost = build.from_onnx(model(), ["*"], precision="float16")
    with pytest.warns(RuntimeWarning, match="860 of .fc2. .float32 to float16."):
        computed(lost, **large)


def test_tensors_beside_the_model_come_along(tmp_path: Path, fake_acl: object) -> None:
    want = computed(build.from_onnx(model(), ["fc1"], precision="float16"))
    beside = model()
    convert_model_to_external_data(beside, location="data", size_threshold=0)
    onnx.save(beside, tmp_path / "net.onnx")
    made = build.from_onnx(tmp_path / "net.onnx", ["fc1"], precision="float16")
    np.testing.assert_array_equal(computed(made), want)


def test_a_wrong_precision_or_name_is_refused() -> None:
    with pytest.raises(ValueError, match="precision is 'int8'; 'float16' or 'bfloat16' is right"):
        build.from_onnx(model(), ["fc1"], precision="int8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="keep_float32 goes with a precision"):
        build.from_onnx(model(), ["fc1"], keep_float32=["fc1"])
    with pytest.raises(WeightError, match="names 'fc3', which fits no constant; there are 'fc"):
        build.from_onnx(model(), ["fc1"], precision="float16", keep_float32=["fc3"])
    with pytest.raises(WeightError, match="keep_float32 is 'fc1'; pass a list"):
        build.from_onnx(model(), ["fc1"], precision="float16", keep_float32="fc1")
    made = build.from_onnx(model(), ["fc1"])
    with pytest.raises(ValueError, match="precision goes with weights"):
        build.from_onnx(model(), program=made.program, precision="float16")


def named() -> onnx.ModelProto:
    """y = log(exp(10 x)) / 10: what exp gives is more than float16 can hold."""
    made = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[1,8] x) => (float[1,8] y) <float[1] ten = {10}, float[1] tenth = {0.1}>
        { b = Mul(x, ten)  e = Exp(b)  l = Log(e)  m = Mul(l, tenth)  y = Neg(m) }
    """)
    for node, name in zip(made.graph.node, ["scale", "", "my log", "", "end"], strict=True):
        node.name = name
    return made


def types(made: onnx.ModelProto) -> dict[str, list[str]]:
    """Return what each node that computes gives."""
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True).graph
    elems = {
        one.name: onnx.TensorProto.DataType.Name(one.type.tensor_type.elem_type)
        for one in (*inferred.value_info, *inferred.output)
    }
    return {
        one.name: [elems[name] for name in one.output]
        for one in inferred.node
        if one.op_type != "Cast"
    }


def test_layers_that_are_kept_compute_in_float32() -> None:
    layers = ["Exp_0", "my*"]
    made, _ = precisions.in_half(load(named()), "float16", ["ten"], [], layers)
    assert types(made) == {
        "scale": ["FLOAT16"], "Exp_0": ["FLOAT"], "my log": ["FLOAT"], "Mul_1": ["FLOAT16"],
        "end": ["FLOAT16"],
    }  # fmt: skip


@pytest.mark.parametrize("layers", [[], ["scale"], ["Exp_0", "my log"], ["*"]])
def test_a_build_answers_as_the_search_for_layers_does(
    layers: list[str], tmp_path: Path, fake_acl: object
) -> None:
    """In bfloat16, as the fake rounds to it between two nodes."""
    onnx.save(named(), tmp_path / "net.onnx")
    model = precision.LayeredModel(tmp_path / "net.onnx", "bfloat16")
    half = [name for name in model.layers if name not in layers and layers != ["*"]]
    want = model.run({"x": X}, half)["y"]
    made = build.from_onnx(named(), ["ten"], precision="bfloat16", keep_float32_layers=layers)
    np.testing.assert_allclose(computed(made), want, rtol=1e-6)
    exact = model.run({"x": X})["y"]
    assert np.array_equal(want, exact) == (layers == ["*"])


def test_a_wrong_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="keep_float32_layers goes with a precision: 'float16'"):
        build.from_onnx(named(), ["ten"], keep_float32_layers=["end"])
    with pytest.raises(ValueError, match="names 'my lag', which fits no node; there are 'my log'"):
        build.from_onnx(named(), ["ten"], precision="float16", keep_float32_layers=["my lag"])
    with pytest.raises(TypeError, match="keep_float32_layers is 'end'; a list of names or patt"):
        build.from_onnx(named(), ["ten"], precision="float16", keep_float32_layers="end")
