"""What the builder says of dims that a model leaves open."""

from __future__ import annotations

import re
from typing import Any

import pytest
from onnx import TensorProto, helper

from acl_bundle import build


@pytest.mark.parametrize(
    ("dims", "said"),
    [([0, 3], "[0, 3]"), (["n", 3], "[n, 3]"), ([None, 3], "[?, 3]"), ([-1, 3], "[-1, 3]")],
)
def test_an_open_dim_is_printed_as_it_is(dims: list[Any], said: str) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ValueError, match=re.escape(f"'x' has {said}; pass input_shapes=")):
        build.model(model)
