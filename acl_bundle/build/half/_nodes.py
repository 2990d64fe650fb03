"""Which nodes of a model can compute in half precision, and which of their tensors are half then.

A node can where its schema lets it (`_precision`) and inference tells the types of all its tensors.
Arithmetic on shapes stays float32, as half precision would give other numbers.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from acl_bundle.build._onnx import walk
from acl_bundle.build._shapes import shapes
from acl_bundle.build.half._precision import FLOAT, Schemas, retyped

_SHAPES: Final = frozenset(("Shape", "Size"))
_SMALL: Final = 1024  # elements
_LISTS: Final = ("value_float", "value_floats")


class HalfNodes:
    """The types of a model's tensors, and what its nodes would be in half precision."""

    def __init__(self, model: ModelProto, target: int) -> None:
        """Take a model whose float32 constants are initializers, and what to compute in."""
        opsets = {one.domain: one.version for one in model.opset_import}
        self._schemas, self._target = Schemas(opsets, target), target
        self._types = walk.elements(shapes.inferred(_light(model)))
        self._of_shapes = _of_shapes(model.graph)

    def is_float(self, name: str) -> bool:
        """Say whether a tensor is float32."""
        return self._types.get(name) == FLOAT

    def plan(self, node: NodeProto) -> tuple[list[str | None], list[bool]]:
        """Say which inputs are half, by their type variable, and which outputs become it.

        A node whose attribute says float32 is made one that gives half precision, in place.
        """
        none: list[str | None] = [None] * len(node.input)
        known = all(self._types.get(name) for name in (*node.input, *node.output) if name)
        if not known or self._of_shapes.issuperset(node.output):
            return none, [False] * len(node.output)
        variables = self._schemas.inputs(node)
        bound = {
            variable
            for name, variable in zip(node.input, variables, strict=True)
            if variable and self.is_float(name)
        }
        gives = self._schemas.outputs(node)
        free = any(
            one and one not in bound and self.is_float(name)
            for name, one in zip(node.output, gives, strict=True)
        )
        if free and not retyped(node, self._target):  # its type follows from something else
            return none, [False] * len(node.output)
        return variables, [one is not None for one in gives]


def layer_name(node: NodeProto) -> str:
    """Return what a node is called; one without a name, in an inner graph, as its first output."""
    return str(node.name or next(filter(None, node.output), node.op_type))


def constants_first(graph: GraphProto) -> None:
    """Turn Constant nodes of float32 into initializers, which are converted by value."""
    kept = []
    for node in graph.node:
        tensor = _value(node)
        if tensor is None:
            kept.append(node)
        else:
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)


def _value(node: NodeProto) -> TensorProto | None:
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    attribute = node.attribute[0]
    if attribute.name in _LISTS:
        value = np.array(helper.get_attribute_value(attribute), np.float32)
        return numpy_helper.from_array(value)
    tensor = attribute.t if attribute.name == "value" else None
    return tensor if tensor is not None and tensor.data_type == FLOAT else None


def _light(model: ModelProto) -> ModelProto:
    """Return a copy without large constants, for type inference; they are inputs there."""
    light = ModelProto(ir_version=model.ir_version, functions=model.functions)
    light.opset_import.extend(model.opset_import)
    light.graph.name = model.graph.name
    for field in ("node", "input", "output", "value_info"):
        getattr(light.graph, field).extend(getattr(model.graph, field))
    named = {one.name for one in model.graph.input}
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            light.graph.initializer.append(tensor)
        elif tensor.name not in named:
            light.graph.input.append(shapes.declare(tensor.name, tensor.data_type, tensor.dims))
    return light


def _of_shapes(graph: GraphProto) -> set[str]:
    """The tensors that come from shapes and constants alone."""
    constant = {one.name for inner in walk.graphs(graph) for one in inner.initializer}
    for inner in walk.graphs(graph):
        constant.update(one.output[0] for one in inner.node if one.op_type == "Constant")
    found: set[str] = set()
    for inner in walk.graphs(graph):
        for node in inner.node:
            read = [name for name in node.input if name and name not in constant]
            if node.op_type in _SHAPES or (read and found.issuperset(read)):
                found.update(node.output)
    return found
