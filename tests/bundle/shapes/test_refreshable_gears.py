"""A bundle whose inference graph takes several shapes, and whose weights are refreshed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build

pytestmark = pytest.mark.usefixtures("fake_acl")
W = np.arange(12, dtype=np.float32).reshape(4, 3)


def model(*dims: Any) -> onnx.ModelProto:
    """``x @ w.T``, the matrix transposed in the graph."""
    node, floats = onnx.helper.make_node, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [node("Transpose", ["w"], ["t"], perm=[1, 0]), node("MatMul", ["x", "t"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", floats, [*dims, 3])],
        [onnx.helper.make_tensor_value_info("y", floats, [*dims, 4])],
        [onnx.numpy_helper.from_array(W, "w")],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize(
    ("dims", "options", "shapes"),
    [
        (("n",), {"dynamic_batch": [1, 4]}, [(1, 3), (4, 3)]),
        (("n", "m"), {"dynamic_dims": {"x": [(1, 2, 3), (2, 5, 3)]}}, [(1, 2, 3), (2, 5, 3)]),
        (("n", "m"), {"dynamic_hw": [(1, 2), (2, 5)]}, [(1, 2, 3), (2, 5, 3)]),
        (("n",), {"dynamic_shape": True}, [(1, 3), (7, 3)]),
        (("n", "m"), {"dynamic_batch": [1, 4], "input_shapes": "x:-1,2,3"}, [(1, 2, 3), (4, 2, 3)]),
        (("n", "m"), {"dynamic_batch": [2], "input_shapes": {"x": (-1, 2, 3)}}, [(2, 2, 3)]),
    ],
)
def test_every_shape_reads_the_new_weights(dims: Any, options: Any, shapes: Any) -> None:
    built = build.from_onnx(model(*dims), ["w"], **options)
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        for number in range(3):
            new = W * np.float32(number) - 1
            bundle.update({"w": new})
            for shape in shapes:
                x = np.random.default_rng(number).standard_normal(shape, np.float32)
                np.testing.assert_allclose(bundle.infer(x), x @ new.T, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "'x'; 'name:dim,dim'"),
        ("x:1,b", "'x:1,b'; 'name:dim,dim'"),
        ("x:1~8,3", "a dim with a range is dynamic_shape's"),
        ("x:-1,3", "every dim must be positive"),
        ("z:1,3", "input_shapes names 'z'"),
    ],
)
def test_texts_that_give_no_shape(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build.from_onnx(model("n"), ["w"], input_shapes=text)
