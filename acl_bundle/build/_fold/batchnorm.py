"""Folding a BatchNormalization into the layer before it.

With ``s = scale / sqrt(variance + epsilon)`` the two together are the layer with
kernel ``W * s`` and bias ``(b - mean) * s + B``, per output channel.
"""

from __future__ import annotations

from onnx import NodeProto, helper

from acl_bundle.build._fold.layers import LayerChange, Work


def change(work: Work, norm: NodeProto) -> LayerChange:
    """What a layer becomes that does a BatchNormalization's work as well.

    Args:
        work: The layer's.
        norm: The BatchNormalization, in inference mode; all but its first input are known.

    Raises:
        NotFoldableError: No steps express it.
    """
    attributes = {one.name: helper.get_attribute_value(one) for one in norm.attribute}
    scale, shift, mean, variance = (work.wide(tensor) for tensor in norm.input[1:5])
    epsilon = work.number(attributes.get("epsilon", 1e-5))
    factor = work.emit("div", scale, work.emit("sqrt", work.emit("add", variance, epsilon)))
    kernel, bias = work.scaled("mul", factor), work.bias()
    centred = work.emit("neg", mean) if bias is None else work.emit("sub", bias, mean)
    moved = work.emit("add", work.emit("mul", centred, factor), shift)
    return LayerChange(kernel, moved, norm.input[2])


def is_plain(node: NodeProto) -> bool:
    """Whether a node is a BatchNormalization in inference mode."""
    if node.op_type != "BatchNormalization" or node.domain not in ("", "ai.onnx"):
        return False
    training = any(one.name == "training_mode" and one.i for one in node.attribute)
    return len(node.input) == 5 and not any(node.output[1:]) and not training
