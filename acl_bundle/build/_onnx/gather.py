"""Bringing a graph's constants together.

Afterwards every large constant, whichever inner graph or ``Constant`` node it
was in, is a stub among the main graph's initializers, and the small ones of
the main graph are known by name wherever they stand. Inner graphs read from
around them, so a constant that moves out keeps its readers; it gets a new
name where two had the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from acl_bundle.build._onnx import element_types, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.load import LoadedModel

_LISTS = {
    "value_float": ("f", TensorProto.FLOAT),
    "value_floats": ("floats", TensorProto.FLOAT),
    "value_int": ("i", TensorProto.INT64),
    "value_ints": ("ints", TensorProto.INT64),
}


class Gathered(NamedTuple):
    """The constants of a model: its own, and those that inner graphs had."""

    own: dict[str, ModelConstant]
    lifted: dict[str, ModelConstant]


def gather(loaded: LoadedModel) -> Gathered:
    """Move large constants to the main graph and return its constants by name.

    Constants of a type ACL has no use for stay where they are and are left
    out.

    Raises:
        ValueError: Two constants of the main graph have one name, or one has
            none.
    """
    graph = loaded.model.graph
    _drop_shadowed_inputs(graph)
    _hoist_nodes(graph)
    own = _constants(graph, loaded)
    names = walk.FreshNames(graph)
    for node in graph.node:
        for inner in walk.subgraphs(node):
            _lift(inner, graph, names)
    lifted = [one for one in graph.initializer if one.name not in own and _is_large(one)]
    return Gathered(own, {one.name: loaded.constant(one, one.name) for one in lifted})


def _constants(graph: GraphProto, loaded: LoadedModel) -> dict[str, ModelConstant]:
    found: dict[str, ModelConstant] = {}
    for name, tensor in _tensors(graph):
        if not name:
            raise ValueError("the model has a constant without a name; each needs one")
        if name in found:
            raise ValueError(f"the model defines {name!r} twice; names must be unique")
        if element_types.is_plain(tensor.data_type):
            found[name] = loaded.constant(tensor, name)
    return found


def _is_large(tensor: TensorProto) -> bool:
    return bool(tensor.data_location == TensorProto.EXTERNAL)


def _drop_shadowed_inputs(graph: GraphProto) -> None:
    """Old models list initializers among the inputs too: as defaults, which a bundle lacks."""
    fixed = {one.name for one in graph.initializer}
    kept = [one for one in graph.input if one.name not in fixed]
    del graph.input[:]
    graph.input.extend(kept)


def _hoist_nodes(graph: GraphProto) -> None:
    """Turn Constant nodes with large values into initializers."""
    kept = []
    for node in graph.node:
        value = _value(node)
        if value is not None and _is_large(value):
            value.name = node.output[0]
            graph.initializer.append(value)
        else:
            kept.append(node)
    if len(kept) < len(graph.node):
        walk.replace(graph.node, kept)


def _value(node: NodeProto) -> TensorProto | None:
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    for attribute in node.attribute:
        if attribute.name == "value":
            value: TensorProto = attribute.t
            return value
        if attribute.name in _LISTS:
            field, elem = _LISTS[attribute.name]
            values = np.array(getattr(attribute, field), element_types.to_numpy(elem))
            return TensorProto(
                name=node.output[0], data_type=elem, dims=values.shape, raw_data=values.tobytes()
            )
    return None


def _tensors(graph: GraphProto) -> Iterator[tuple[str, TensorProto]]:
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        value = _value(node)
        if value is not None:
            yield node.output[0], value


def _lift(inner: GraphProto, main: GraphProto, names: walk.FreshNames) -> None:
    """Move the large constants of a graph, and of those inside it, to the main graph."""
    _hoist_nodes(inner)
    large = [one for one in inner.initializer if _is_large(one)]
    small = [one for one in inner.initializer if not _is_large(one)]
    moved = {one.name: names.fresh(f"{one.name}_lifted") for one in large}
    for tensor in large:
        copy = main.initializer.add()
        copy.CopyFrom(tensor)
        copy.name = moved[tensor.name]
    if large:
        walk.replace(inner.initializer, small)
        walk.rename(inner, moved)
        _forward(inner, moved)
    for node in inner.node:
        for deeper in walk.subgraphs(node):
            _lift(deeper, main, names)


def _forward(graph: GraphProto, moved: dict[str, str]) -> None:
    """A graph's own outputs must be made inside it: let an Identity make them."""
    for output in graph.output:
        if output.name in moved:
            node = helper.make_node("Identity", [moved[output.name]], [output.name])
            graph.node.append(node)
