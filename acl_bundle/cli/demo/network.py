"""The network as ONNX: two layers, and every weight and bias is a constant by name."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper, numpy_helper

from acl_bundle.cli.demo.weights import DIGITS, PIXELS, Weights

INPUT, OUTPUT = "pixels", "scores"


def model(weights: Weights, batch: int) -> onnx.ModelProto:
    """Make the network: float32[batch, 64] pixels to float32[batch, 10] scores."""
    nodes = [
        helper.make_node("Gemm", [INPUT, "coefs.0", "intercepts.0"], ["sums"]),
        helper.make_node("Relu", ["sums"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "coefs.1", "intercepts.1"], [OUTPUT]),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [batch, PIXELS])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [batch, DIGITS])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
