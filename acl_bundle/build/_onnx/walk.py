"""Walking an ONNX graph: names, uses, and the graphs inside its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto


class TensorUse(NamedTuple):
    """One place that reads a tensor: input number ``at`` of ``node``."""

    node: NodeProto
    at: int


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """Yield the graphs in a node's attributes, such as the branches of an If."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """Yield a graph and all graphs inside it."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node) if node.attribute else ():
            yield from graphs(inner)


def reads(graph: GraphProto) -> Iterator[str]:
    """Yield what nodes read, those of inner graphs included, each name as often as it is read."""
    for one in graphs(graph):
        for node in one.node:
            yield from node.input


def uses(graph: GraphProto) -> dict[str, list[TensorUse]]:
    """Return who reads each tensor, the nodes of inner graphs included."""
    found: dict[str, list[TensorUse]] = {}
    for one in graphs(graph):
        for node in one.node:
            for index, name in enumerate(node.input):
                use = TensorUse(node, index)
                if name in found:
                    found[name].append(use)
                else:
                    found[name] = [use]
    return found


def captured(node: NodeProto) -> list[str]:
    """Return what a node's graphs read from around it, each name once."""
    found: dict[str, None] = {}
    for inner in subgraphs(node) if node.attribute else ():
        own = set(defined(inner))
        for name in _read(inner):
            if name and name not in own:
                found[name] = None
    return list(found)


def _read(graph: GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from node.input
        yield from captured(node)
    yield from (output.name for output in graph.output)


def defined(graph: GraphProto) -> Iterator[str]:
    """Yield the names a graph itself gives to tensors."""
    yield from (one.name for one in graph.input)
    yield from (one.name for one in graph.initializer)
    for node in graph.node:
        yield from node.output


def tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Yield every constant, the values of nodes' attributes and inner graphs included."""
    for one in graphs(graph):
        yield from one.initializer
        for node in one.node:
            yield from (at.t for at in node.attribute if at.type == AttributeProto.TENSOR)
            for at in node.attribute:
                yield from at.tensors


def elements(graph: GraphProto) -> dict[str, int]:
    """Return every tensor's element type, as declared; 0, or nothing, where it is not."""
    found: dict[str, int] = {}
    for one in graphs(graph):
        for info in (*one.input, *one.output, *one.value_info):
            found[info.name] = info.type.tensor_type.elem_type
        for tensor in one.initializer:
            found[tensor.name] = tensor.data_type
    return found


def rename(graph: GraphProto, names: Mapping[str, str]) -> None:
    """Let nodes, those of inner graphs included, read tensors under other names, in place."""
    for one in graphs(graph) if names else ():
        for node in one.node:
            for at, name in enumerate(node.input):
                if name in names:
                    node.input[at] = names[name]


def replace(field: Any, kept: Iterable[Any]) -> None:
    """Give a repeated field other members, some of which may be its own."""
    copies = []
    for one in kept:
        copy = type(one)()
        copy.CopyFrom(one)
        copies.append(copy)
    del field[:]
    field.extend(copies)


class FreshNames:
    """Names that are taken, and new ones that are not."""

    def __init__(self, graph: GraphProto) -> None:
        """Start with every tensor name in the graph and in those inside it."""
        self._taken = {name for one in graphs(graph) for name in defined(one)}

    def fresh(self, wish: str) -> str:
        """Return the wish, or the wish and a number, and take it."""
        name, count = wish, 0
        while name in self._taken:
            count += 1
            name = f"{wish}_{count}"
        self._taken.add(name)
        return name
