"""Graphs of TensorFlow 1: variables are nodes, and their values stand in a checkpoint.

A ``.meta`` file, a ``GraphDef`` in binary or as text, a SavedModel of that time.
A graph that was frozen before has constants in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from acl_bundle.build.tensorflow._graph import names
from acl_bundle.build.tensorflow._graph.graph import (
    VARIABLES,
    Fragment,
    TensorFlowGraph,
    every_node,
    node_of,
)
from acl_bundle.build.tensorflow._graph.need import need, reason, tensorflow
from acl_bundle.build.tensorflow._graph.values import CheckpointValues
from acl_bundle.errors import UnsupportedError

_PLACE: Final = re.compile(r"(\d{1,18} )+(\d{1,18},\d{1,18}|-)(:(\d{1,18},\d{1,18}|-))*")
_READS: Final = ("Identity", "ReadVariableOp")


def describe(graph: TensorFlowGraph) -> None:
    """Find the variables of a graph and what they are called, in place."""
    saved = {node: rest for node, *rest in _saved(graph.definition)}
    graph.variables = {
        node.name: names.variable(node.name, *saved.get(node.name, ()))
        for node in graph.definition.node
        if node.op in VARIABLES
    }


def constants(graph: TensorFlowGraph) -> None:
    """Take the floating-point constants of a frozen graph for its variables, in place.

    Those of rank 0 are settings, such as an epsilon.
    """
    tf = tensorflow()
    graph.variables = {
        node.name: names.variable(node.name)
        for node in graph.definition.node
        if node.op == "Const"
        and tf.dtypes.as_dtype(node.attr["dtype"].type).is_floating
        and node.attr["value"].tensor.tensor_shape.dim
    }


def _saved(definition: Any) -> Iterator[tuple[str, tuple[str, ...], Fragment | None]]:
    """What the graph's own saver calls a variable, if not by its name, or of what it is a part."""
    tf = tensorflow()
    nodes = {node.name: node for node in definition.node}
    for node in definition.node:
        if node.op == "SaveV2":
            told = [nodes.get(node_of(edge)) for edge in node.input[1:3]]
            known = [one for one in told if one is not None and one.op == "Const"]
            if len(known) < 2:
                continue
            stored, slices = (tf.make_ndarray(one.attr["value"].tensor).ravel() for one in known)
            for name, text, edge in zip(stored, slices, node.input[3:], strict=False):
                variable = _behind(edge, nodes)
                if variable is not None:
                    part = _part(name.decode(), text.decode())
                    yield variable, () if part else (name.decode(),), part


def _part(whole: str, text: str) -> Fragment | None:
    """The part that a saver calls ``6 4 0,3:-``: 3 rows from row 0, all columns, of 6 by 4."""
    if not _PLACE.fullmatch(text):
        return None
    *dims, places = text.split()
    shape, bounds = tuple(map(int, dims)), places.split(":")
    if len(shape) != len(bounds):
        return None
    pairs = [
        (0, dim) if one == "-" else [int(number) for number in one.split(",")]
        for dim, one in zip(shape, bounds, strict=True)
    ]
    starts, sizes = zip(*pairs, strict=True)
    fits = all(sum(pair) <= dim for pair, dim in zip(pairs, shape, strict=True))
    return Fragment(whole, shape, starts, sizes) if fits else None


def _behind(edge: str, nodes: Mapping[str, Any]) -> str | None:
    node = nodes.get(node_of(edge))
    while node is not None and node.op in _READS:
        node = nodes.get(node_of(node.input[0]))
    return node.name if node is not None and node.op in VARIABLES else None


def fill(graph: TensorFlowGraph, values: CheckpointValues | None) -> None:
    """Give a graph's variables their values as constants, in place.

    Args:
        graph: Cut to its ends. What is a constant already takes a new value, or keeps its own.
        values: All values of the variables that are none yet.

    Raises:
        WeightError: A value is missing, has another dtype or shape, or is of no variable.
        ValueError: There are variables and no values.
        UnsupportedError: TensorFlow cannot freeze the graph.
    """
    if values is not None:
        values.settle(graph)
        _replace(graph, values)
    used = [node for node in graph.definition.node if node.op in VARIABLES]
    if not used:
        return
    if values is None:
        raise ValueError(
            f"{graph.origin} has variables, such as {used[0].name!r}, and no values for them; name"
            " a checkpoint in checkpoint="
        )
    _add_reads(graph.definition, used)
    tf = tensorflow()
    config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph.definition, name="")
        with tf.compat.v1.Session(graph=imported, config=config) as session:
            for node in used:
                variable = graph.variables[node.name]
                value = values.of(variable, *_kind(tf, node, node.attr["shape"].shape))
                if value is None:
                    raise values.missing(variable)
                _assign(tf, session, node, value)
            graph.definition = _frozen(session, graph)


def _kind(tf: Any, node: Any, shape: Any) -> tuple[Any, Any]:
    return tf.dtypes.as_dtype(node.attr["dtype"].type), tf.TensorShape(shape)


def _replace(graph: TensorFlowGraph, values: CheckpointValues) -> None:
    tf = tensorflow()
    for node in graph.definition.node:
        if node.op == "Const" and node.name in graph.variables:
            tensor = node.attr["value"].tensor
            kind = _kind(tf, node, tensor.tensor_shape)
            value = values.of(graph.variables[node.name], *kind)
            if value is not None:
                tensor.CopyFrom(tf.make_tensor_proto(value, *kind))


def _add_reads(definition: Any, used: list[Any]) -> None:
    """Add the node by which TensorFlow's freezing reads a variable, where pruning took it."""
    there = {node.name for node in definition.node}
    for node in used:
        name = f"{node.name}/Read/ReadVariableOp"
        if node.op == "VarHandleOp" and name not in there:
            read = definition.node.add(name=name, op="ReadVariableOp", input=[node.name])
            read.attr["dtype"].type = node.attr["dtype"].type


def _assign(tf: Any, session: Any, node: Any, value: Any) -> None:
    tensor = session.graph.get_tensor_by_name(f"{node.name}:0")
    place = tf.compat.v1.placeholder(value.dtype, value.shape)
    if node.op == "VarHandleOp":
        write = tf.raw_ops.AssignVariableOp(resource=tensor, value=place)
    else:
        write = tf.raw_ops.Assign(ref=tensor, value=place, validate_shape=False)
    session.run(write, {place: value})


def _frozen(session: Any, graph: TensorFlowGraph) -> Any:
    convert = need("tensorflow.python.framework.convert_to_constants")
    try:
        definition = convert.convert_variables_to_constants_from_session_graph(
            session, graph.definition, [node_of(one) for one in graph.outputs]
        )
    except Exception as error:
        raise UnsupportedError(
            f"{graph.origin} cannot be frozen, which is what a bundle is made of: {reason(error)}"
        ) from error
    for node in every_node(definition):
        node.attr.pop("_output_shapes", None)  # of before, when variables were handles
    return definition
