"""bfloat16 on a CPU: the same values, computed in float32.

ONNX Runtime's CPU kernels compute hardly anything in bfloat16. A node that
takes or gives bfloat16 is therefore surrounded by casts: its operands become
float32, it computes in float32, its results are rounded back. That is how a
device with wide accumulators computes, every tensor between two nodes keeps
bfloat16's precision, and a node that only moves data is exact. Nodes the
runtime has kernels for stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from acl_bundle.build._onnx import walk
from acl_bundle.build._shapes import shapes

_FLOAT = TensorProto.FLOAT
_BF16 = TensorProto.BFLOAT16

_NATIVE = frozenset(
    (
        "Cast",
        "Concat",
        "Constant",
        "Flatten",
        "Gather",
        "Identity",
        "Reshape",
        "Shape",
        "Slice",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    )
)
_TYPE_ATTRIBUTES = ("dtype", "output_dtype", "softmax_precision", "stash_type", "to")
_CONTROL = frozenset(("If", "Loop", "Scan"))


def lower(model: ModelProto) -> None:
    """Surround the nodes that compute in bfloat16 with casts, in place."""
    if not _has_bf16(model.graph):
        return
    types = walk.elements(shapes.inferred(model))
    _lower_graph(model.graph, types, walk.FreshNames(model.graph))


def _has_bf16(graph: GraphProto) -> bool:
    for one in walk.graphs(graph):
        declared = (*one.input, *one.output, *one.value_info)
        if any(info.type.tensor_type.elem_type == _BF16 for info in declared):
            return True
        if any(tensor.data_type == _BF16 for tensor in one.initializer):
            return True
        if any(_names_bf16(attribute) for node in one.node for attribute in node.attribute):
            return True
    return False


def _names_bf16(attribute: AttributeProto) -> bool:
    if attribute.type == AttributeProto.TENSOR:
        return bool(attribute.t.data_type == _BF16)
    return attribute.name in _TYPE_ATTRIBUTES and attribute.i == _BF16


def _lower_graph(graph: GraphProto, types: Mapping[str, int], names: walk.FreshNames) -> None:
    lowered: list[NodeProto] = []
    for node in graph.node:
        for inner in walk.subgraphs(node):
            _lower_graph(inner, types, names)
        copy = NodeProto()
        copy.CopyFrom(node)
        lowered.extend([copy] if _is_native(node) else _surround(copy, types, names))
    del graph.node[:]
    graph.node.extend(lowered)


def _is_native(node: NodeProto) -> bool:
    return node.domain in ("", "ai.onnx") and node.op_type in _NATIVE | _CONTROL


def _surround(node: NodeProto, types: Mapping[str, int], names: walk.FreshNames) -> list[NodeProto]:
    before, after = [], []
    for index, name in enumerate(node.input):
        if types.get(name) == _BF16:
            node.input[index] = names.fresh(f"{name}_float32")
            before.append(helper.make_node("Cast", [name], [node.input[index]], to=_FLOAT))
    for index, name in enumerate(node.output):
        if types.get(name) == _BF16:
            node.output[index] = names.fresh(f"{name}_float32")
            after.append(helper.make_node("Cast", [node.output[index]], [name], to=_BF16))
    if before or after:
        _widen_attributes(node)
    return [*before, node, *after]


def _widen_attributes(node: NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.name in _TYPE_ATTRIBUTES and attribute.i == _BF16:
            attribute.i = _FLOAT
        elif attribute.type == AttributeProto.TENSOR and attribute.t.data_type == _BF16:
            attribute.t.CopyFrom(_widened(attribute.t))


def _widened(tensor: TensorProto) -> TensorProto:
    from onnx import numpy_helper  # noqa: PLC0415  rarely needed

    values = numpy_helper.to_array(tensor).astype("float32")
    return numpy_helper.from_array(values, tensor.name)
