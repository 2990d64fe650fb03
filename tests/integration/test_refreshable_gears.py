"""Bundles whose inference graph takes several shapes, beside weights that can be refreshed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build

pytestmark = pytest.mark.usefixtures("fake_acl")

W = np.float32([[1, 2, 3], [4, 5, 6]])
NEW = np.float32([[1, -2, 3], [-4, 5, 0]])


def linear(*dims: int | str) -> onnx.ModelProto:
    """y = x @ w, of an x with these dims."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["long_x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("long_x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(W, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


SHAPED: list[tuple[tuple[int | str, ...], dict[str, Any], list[tuple[int, ...]]]] = [
    (("N", 2), {"dynamic_batch": [1, 4]}, [(1, 2), (4, 2)]),
    (("N", "H", "W", 2), {"input_shapes": {}, "dynamic_dims": {
        "long_x": [(1, 2, 1, 2), (2, 1, 3, 2)]}}, [(1, 2, 1, 2), (2, 1, 3, 2)]),
    ((1, "H", "W", 2), {"dynamic_hw": [(2, 3), (4, 1)]}, [(1, 2, 3, 2), (1, 4, 1, 2)]),
    (("N", 2), {"dynamic_shape": True}, [(1, 2), (3, 2), (7, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("dims", "options", "shapes"), SHAPED)
def test_weights_are_refreshed_for_every_shape(
    tmp_path: Path, dims: Any, options: Any, shapes: list[tuple[int, ...]]
) -> None:
    path = tmp_path / "geared.om"
    build.from_onnx(linear(*dims), weights=["w"], **options).save(path)
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        for weights in (W, NEW):
            bundle.update({"w": weights})
            for shape in shapes:
                x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
                assert np.array_equal(bundle.infer(x), x @ weights)


def test_an_option_that_does_not_fit_is_refused_as_for_a_plain_model() -> None:
    with pytest.raises(ValueError, match="dynamic_batch and dynamic_shape are given"):
        build.from_onnx(linear("N", 2), ["w"], dynamic_batch=[1], dynamic_shape=True)
    with pytest.raises(ValueError, match="no input has an open dim"):
        build.from_onnx(linear(3, 2), ["w"], dynamic_batch=[1, 2])


def test_names_as_a_device_reports_them(tmp_path: Path) -> None:
    """An output is `<node>:<output>`; a node without a name is called by type and count."""
    model = linear(1, 2)
    model.graph.node.append(helper.make_node("Relu", ["y"], ["z"]))
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    path = tmp_path / "named.om"
    build.from_onnx(model, ["w"], output_names="ge").save(path)
    with ab.Bundle.load(path) as bundle:
        assert [one.name for one in bundle.infer.inputs] == ["long_x"]
        assert [one.name for one in bundle.infer.outputs] == ["MatMul_0:0", "Relu_1:0"]
