"""An ONNX model in which each layer has a switch: round what it takes and gives, or leave it.

What a layer computes stays float32 arithmetic, as ONNX Runtime has no half-precision kernels for
most operators. It drops the casts around such a node, so a model that is converted to half
precision computes in float32 there. Here a tensor is cast to half precision and back at once,
which is kept at every level of optimisation, and `Where` chooses by the switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from acl_bundle.build._onnx import gather, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.load import Source, load
from acl_bundle.build._shapes.shapes import declare
from acl_bundle.build.half._nodes import HalfNodes, constants_first, layer_name
from acl_bundle.build.half._precision import FLOAT, saturated

_OLDEST: Final = 9  # the opset that Where came with


@dataclass
class SwitchedLayer:
    """Nodes of one name: one, but where a model gives several the same.

    Attributes:
        name: As GE calls it: the node's name, where it has none its type and a count.
        types: Their operators.
        switch: The input that says whether it rounds.
        constants: What it reads of the large ones: the input, and the constant's name.
    """

    name: str
    switch: str
    types: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SwitchedModel:
    """A model with switches.

    Attributes:
        model: Its inputs are the author's, then switches, then large constants.
        layers: Those with a switch, in the model's order.
        others: Names of nodes that half precision does not touch.
        large: The large constants, by name.
        target: The half precision, an ONNX type.
    """

    model: ModelProto
    layers: tuple[SwitchedLayer, ...]
    others: tuple[str, ...]
    large: Mapping[str, NDArray[Any]]
    target: int

    def rounded(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return float32 values as half precision leaves them; constants saturate."""
        return saturated(values, self.target).astype(np.float32)


def switched(source: Source, target: int) -> SwitchedModel:
    """Give each layer of a model a switch.

    Args:
        source: Path, bytes or ``ModelProto``; not changed.
        target: The half precision, an ONNX type.

    Raises:
        ValueError: It is no ONNX model, of an opset without Where, or has no layer to round.
        OSError: It cannot be read.
    """
    loaded = load(source)
    gathered = gather.gather(loaded)
    graph = loaded.model.graph
    opset = max((one.version for one in loaded.model.opset_import if not one.domain), default=0)
    if opset < _OLDEST:
        raise ValueError(f"the model is of opset {opset}; from {_OLDEST} on is right")
    for inner in walk.graphs(graph):
        constants_first(inner)
    shared = _Switches(loaded.model, {**gathered.own, **gathered.lifted}, target)
    _SwitchedGraph(graph, shared, {}, {}).convert()
    shared.declare_inputs(graph)
    for inner in walk.graphs(graph):
        del inner.value_info[:]
    layers = tuple(shared.layers.values())
    if not layers:
        raise ValueError("the model has no layer that could compute in half precision")
    others = tuple(name for name in shared.others if name not in shared.layers)
    large = {name: one.array for name, one in shared.large.items()}
    return SwitchedModel(loaded.model, layers, others, large, target)


class _Switches:
    """What all graphs of a model have in common."""

    def __init__(
        self, model: ModelProto, constants: Mapping[str, ModelConstant], target: int
    ) -> None:
        self.target, self.nodes = target, HalfNodes(model, target)
        self.names = walk.FreshNames(model.graph)
        stubs = {one.name for one in model.graph.initializer if one.data_location == one.EXTERNAL}
        self.large = {name: constants[name] for name in stubs}
        self.layers: dict[str, SwitchedLayer] = {}
        self.others: dict[str, None] = {}

    def layer(self, node: NodeProto) -> SwitchedLayer:
        """Return the layer that a node is of; there is one for each name."""
        name = layer_name(node)
        if name not in self.layers:
            self.layers[name] = SwitchedLayer(name, self.names.fresh(f"{name}_switch"))
        self.layers[name].types.add(node.op_type)
        return self.layers[name]

    def fed(self, layer: SwitchedLayer, constant: str) -> str:
        """Return the input that holds a large constant, as this layer is to read it."""
        for name, of in layer.constants.items():
            if of == constant:
                return name
        name = self.names.fresh(f"{constant}_of_{layer.name}")
        layer.constants[name] = constant
        return name

    def declare_inputs(self, graph: GraphProto) -> None:
        """Make inputs of switches and large constants."""
        walk.replace(
            graph.initializer, [one for one in graph.initializer if one.name not in self.large]
        )
        read = {*walk.reads(graph), *(one.name for one in graph.output)}
        fed = {of for layer in self.layers.values() for of in layer.constants.values()}
        self.large = {name: one for name, one in self.large.items() if name in read or name in fed}
        for name, one in self.large.items():
            if name in read:
                graph.input.append(declare(name, one.elem, one.dims))
        for layer in self.layers.values():
            graph.input.append(declare(layer.switch, TensorProto.BOOL, ()))
            for entry, name in layer.constants.items():
                graph.input.append(declare(entry, FLOAT, self.large[name].dims))


class _SwitchedGraph:
    """One graph that is being given switches."""

    def __init__(
        self,
        graph: GraphProto,
        shared: _Switches,
        rounded: Mapping[str, str],
        small: Mapping[str, TensorProto],
    ) -> None:
        """Take a graph, what is rounded around it, and the small constants around it."""
        self._graph, self._shared, self._rounded = graph, shared, {**rounded}
        own = {one.name: one for one in graph.initializer if one.name not in shared.large}
        self._small = {**small, **own}
        self._nodes: list[NodeProto] = []

    def convert(self) -> None:
        for node in self._graph.node:
            inner = list(walk.subgraphs(node))
            for one in inner:
                _SwitchedGraph(one, self._shared, self._rounded, self._small).convert()
            if inner:
                self._nodes.append(node)
            else:
                self._node(node)
        walk.replace(self._graph.node, self._nodes)

    def _node(self, node: NodeProto) -> None:
        takes, gives = self._half(node)
        if not (takes or gives):
            self._nodes.append(node)
            if node.op_type != "Constant":
                self._shared.others[layer_name(node)] = None
            return
        layer = self._shared.layer(node)
        for at in takes:
            node.input[at] = self._read(layer, node.input[at])
        ends = [(at, node.output[at]) for at in gives]
        for at, name in ends:
            node.output[at] = self._shared.names.fresh(f"{name}_exact")
        self._nodes.append(node)
        for at, name in ends:
            self._rounded[name] = self._round(node.output[at])
            self._choose(layer, node.output[at], name)

    def _half(self, node: NodeProto) -> tuple[list[int], list[int]]:
        """Say which inputs and outputs half precision would round."""
        tried, nodes = NodeProto(), self._shared.nodes
        tried.CopyFrom(node)
        variables, made = nodes.plan(tried)
        takes = [at for at, name in enumerate(node.input) if variables[at] and nodes.is_float(name)]
        gives = [at for at, name in enumerate(node.output) if made[at] and nodes.is_float(name)]
        return takes, gives

    def _read(self, layer: SwitchedLayer, name: str) -> str:
        """Return what a layer reads in a tensor's place."""
        if name in self._shared.large:
            return self._shared.fed(layer, name)
        chosen = self._shared.names.fresh(f"{name}_of_{layer.name}")
        self._choose(layer, name, chosen)
        return chosen

    def _choose(self, layer: SwitchedLayer, exact: str, to: str) -> None:
        inputs = [layer.switch, self._round(exact), exact]
        self._nodes.append(helper.make_node("Where", inputs, [to]))

    def _round(self, name: str) -> str:
        """Return the name of a tensor as half precision leaves it."""
        if name not in self._rounded:
            self._rounded[name] = self._made(name)
        return self._rounded[name]

    def _made(self, name: str) -> str:
        fresh, target = self._shared.names.fresh, self._shared.target
        rounded = fresh(f"{name}_rounded")
        if name in self._small:
            values = saturated(numpy_helper.to_array(self._small[name]), target)
            made = numpy_helper.from_array(values.astype(np.float32), rounded)
            self._graph.initializer.append(made)
            return rounded
        half = fresh(f"{name}_half")
        self._nodes += [
            helper.make_node("Cast", [name], [half], to=target),
            helper.make_node("Cast", [half], [rounded], to=FLOAT),
        ]
        return rounded
