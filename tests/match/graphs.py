"""Models that are nothing but constants, as the tests of matching want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper


def reading(
    constants: Mapping[str, Any], readers: Mapping[str, Sequence[str]] | None = None
) -> onnx.ModelProto:
    """A model in which a node reads each constant, its name that of ``readers`` or a number."""
    nodes, outputs = [], []
    for constant, value in constants.items():
        for name in (readers or {}).get(constant, [f"node_{len(nodes)}"]):
            out = f"y{len(nodes)}"
            nodes.append(helper.make_node("Neg", [constant], [out], name=name))
            elem = helper.np_dtype_to_tensor_dtype(np.asarray(value).dtype)
            outputs.append(helper.make_tensor_value_info(out, elem, np.shape(value)))
    tensors = [
        helper.make_tensor(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape, value.tobytes(), True
        )
        for name, value in constants.items()
    ]
    graph = helper.make_graph(nodes, "g", [], outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
