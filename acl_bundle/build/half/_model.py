"""An ONNX model in half precision: every tensor that may be, and the same inputs and outputs.

Constants are rounded to nearest; a finite one beyond the range becomes the
largest finite value. A node computes in half precision where its schema lets
it (`precision`), else in float32 between two casts. Five things stay float32:
inputs and outputs of the model and of graphs inside nodes, so that callers are
none the wiser; nodes about whose types inference is silent; arithmetic on
shapes, where half precision would give other numbers; what is about numbers
that would become zero (`small`); and what is asked to stay so: nodes, by their names (`layers`)
or because they read such a constant (`wide`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from acl_bundle.build._onnx import walk
from acl_bundle.build.half._nodes import HalfNodes, constants_first, layer_name
from acl_bundle.build.half._precision import FLOAT, TYPES, converted
from acl_bundle.build.half._small import Small
from acl_bundle.build.half._wide import Wide

HALVES: Final[dict[str, int]] = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}


def halved(
    model: ModelProto,
    dtype: str,
    keep: Collection[str] = (),
    wide: Collection[str] = (),
    layers: Collection[str] = (),
) -> ModelProto:
    """Return a model that computes in half precision; the given one is not changed.

    Args:
        model: Its tensors must be in it, not in files beside it.
        dtype: ``"float16"`` or ``"bfloat16"``.
        keep: Names of constants that stay as they are; nodes convert them.
        wide: Names of constants that nodes read, and compute with, in float32.
        layers: Names of nodes that compute in float32 (`layer_name`).

    Raises:
        ValueError: There is no such dtype.
    """
    if dtype not in HALVES:
        raise ValueError(f"dtype is {dtype!r}; one of {', '.join(map(repr, HALVES))} is right")
    result = ModelProto()
    result.CopyFrom(model)
    for graph in walk.graphs(result.graph):
        constants_first(graph)
    shared = _Shared(result, HALVES[dtype], keep, wide, layers)
    _Scope(result.graph, shared, {}).convert()
    return result


class _Shared:
    """What all graphs of a model have in common."""

    def __init__(
        self,
        model: ModelProto,
        target: int,
        keep: Collection[str],
        wide: Collection[str],
        layers: Collection[str],
    ) -> None:
        self.target, self.keep, self.layers = target, {*keep, *wide}, {*layers}
        self.names = walk.FreshNames(model.graph)
        self.nodes = HalfNodes(model, target)
        graphs = walk.graphs(model.graph)
        self.wide = Wide(wide, model.graph)
        self.small = Small((one for graph in graphs for one in graph.initializer), target)


class _Scope:
    """One graph being converted: which tensors are half now, and casts that were made."""

    def __init__(self, graph: GraphProto, shared: _Shared, half: Mapping[str, bool]) -> None:
        self._graph, self._shared = graph, shared
        self._half = {**half}
        self._casts: dict[tuple[str, bool], str] = {}
        self._nodes: list[NodeProto] = []
        self._constants = {
            one.name: one
            for one in graph.initializer
            if one.data_type == FLOAT and one.name not in shared.keep
        }

    def convert(self) -> None:
        """Convert the graph in place."""
        for one in (*self._graph.input, *self._graph.initializer):
            self._half[one.name] = False
        ends = {one.name for one in self._graph.output}
        for node in self._graph.node:
            if any(walk.subgraphs(node)):
                self._around_graphs(node)
            else:
                self._convert(node, ends)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        self._settle()

    def _around_graphs(self, node: NodeProto) -> None:
        """Convert what is inside a node; its own inputs and outputs are float32."""
        self._widen(node, [None] * len(node.input))
        for inner in walk.subgraphs(node):
            _Scope(inner, self._shared, self._half).convert()
        self._nodes.append(node)
        self._half.update(dict.fromkeys(node.output, False))

    def _convert(self, node: NodeProto, ends: set[str]) -> None:
        variables, made = self._plan(node)
        self._widen(node, variables)
        self._nodes.append(node)
        for at, name in enumerate(node.output):
            half = made[at] and self._is_float(name)
            self._half[name] = half
            if half and name in ends:
                self._end(node, at)

    def _plan(self, node: NodeProto) -> tuple[list[str | None], list[bool]]:
        """Say which inputs are half, by their type variable, and which outputs become it."""
        stays = [one.stays(node) for one in (self._shared.small, self._shared.wide)]
        if any(stays) or layer_name(node) in self._shared.layers:
            return [None] * len(node.input), [False] * len(node.output)
        return self._shared.nodes.plan(node)

    def _is_float(self, name: str) -> bool:
        return self._shared.nodes.is_float(name)

    def _widen(self, node: NodeProto, variables: list[str | None]) -> None:
        """Make each float input of a node what it must be."""
        for at, name in enumerate(node.input):
            if self._is_float(name):
                node.input[at] = self._as(name, variables[at] is not None)

    def _as(self, name: str, half: bool) -> str:
        """Return the name of a tensor's half or float32 version, made where there is none yet."""
        if self._half.get(name, False) == half:
            return name
        if (name, half) not in self._casts:
            suffix = TYPES[self._shared.target].removeprefix("tensor(").rstrip(")")
            other = self._shared.names.fresh(f"{name}_{suffix if half else 'float32'}")
            self._casts[name, half] = other
            if name in self._constants:
                tensor = converted(self._constants[name], other, self._shared.target)
                self._graph.initializer.append(tensor)
            else:
                to = self._shared.target if half else FLOAT
                self._nodes.append(helper.make_node("Cast", [name], [other], to=to))
        return self._casts[name, half]

    def _end(self, node: NodeProto, at: int) -> None:
        """Give an output of the graph back its float32, under its own name."""
        name = node.output[at]
        node.output[at] = inner = self._shared.names.fresh(f"{name}_half")
        self._nodes.append(helper.make_node("Cast", [inner], [name], to=FLOAT))
        self._casts[name, True] = inner
        self._half[name] = False

    def _settle(self) -> None:
        """Leave out float32 constants that nobody reads any more, and what is said of types.

        The half constant takes the name of the one that goes.
        """
        read = set(walk.uses(self._graph)) | {one.name for one in self._graph.output}
        renamed = {
            self._casts[name, True]: name
            for name in self._constants
            if name not in read and (name, True) in self._casts
        }
        for node in self._graph.node:
            node.input[:] = [renamed.get(name, name) for name in node.input]
        left = [one for one in self._graph.initializer if one.name in read]
        for one in left:
            one.name = renamed.get(one.name, one.name)
        del self._graph.initializer[:]
        self._graph.initializer.extend(left)
        inputs = [one for one in self._graph.input if one.name not in self._constants]
        del self._graph.input[:]
        self._graph.input.extend(inputs)
        del self._graph.value_info[:]
