"""Graphs of TensorFlow 1: variables are nodes, and their values stand in a checkpoint.

A ``.meta`` file, a ``GraphDef`` in binary or as text, a SavedModel of that time.
A graph that was frozen before has constants in their place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from acl_bundle.build.tensorflow import names
from acl_bundle.build.tensorflow.graph import VARIABLES, Graph, Variable, node_of
from acl_bundle.build.tensorflow.need import need, reason, tensorflow
from acl_bundle.errors import UnsupportedError, WeightError

_READS: Final = ("Identity", "ReadVariableOp")


def describe(graph: Graph) -> None:
    """Find the variables of a graph and what they are called, in place."""
    saved = dict(_saved(graph.definition))
    graph.variables = {
        node.name: names.variable(node.name, saved.get(node.name, ()))
        for node in graph.definition.node
        if node.op in VARIABLES
    }


def constants(graph: Graph) -> None:
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


def _saved(definition: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the graph's own saver calls a variable, if not by its name."""
    tf = tensorflow()
    nodes = {node.name: node for node in definition.node}
    for node in definition.node:
        if node.op == "SaveV2":
            called = nodes.get(node_of(node.input[1]))
            if called is None or called.op != "Const":
                continue
            stored = tf.make_ndarray(called.attr["value"].tensor)
            for name, edge in zip(stored.ravel(), node.input[3:], strict=False):
                variable = _behind(edge, nodes)
                if variable is not None:
                    yield variable, (name.decode(),)


def _behind(edge: str, nodes: Mapping[str, Any]) -> str | None:
    node = nodes.get(node_of(edge))
    while node is not None and node.op in _READS:
        node = nodes.get(node_of(node.input[0]))
    return node.name if node is not None and node.op in VARIABLES else None


class Values:
    """The values of a graph's variables: a checkpoint, or a mapping of name to array."""

    def __init__(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Open a checkpoint, by its prefix, or take a mapping.

        Raises:
            WeightError: TensorFlow cannot read the checkpoint.
        """
        self.names: list[str]
        if isinstance(source, Mapping):
            self._read, self.names = source.__getitem__, list(source)
            self._where = "the values given"
            return
        self._where = os.fspath(source).removesuffix(".index")
        try:
            reader = tensorflow().train.load_checkpoint(self._where)
        except Exception as error:
            raise WeightError(
                f"TensorFlow cannot read the checkpoint {self._where}: {reason(error)}"
            ) from error
        self._read, self.names = reader.get_tensor, sorted(reader.get_variable_to_shape_map())

    def of(self, variable: Variable) -> Any:
        """Return the value of a variable, under whichever of its names it stands.

        Raises:
            WeightError: It is not there.
        """
        for name in (variable.name, *variable.aliases):
            if name in self.names:
                return self._read(name)
        raise WeightError(
            f"{self._where} has no variable {variable.name!r}; it has"
            f" {', '.join(map(repr, self.names[:12])) or 'none'}"
        )


def fill(graph: Graph, values: Values | None) -> None:
    """Put constants in the place of a graph's variables, in place.

    Raises:
        WeightError: A value is missing, or has another shape than its variable.
        ValueError: There are no values.
        UnsupportedError: TensorFlow cannot freeze the graph.
    """
    used = [node for node in graph.definition.node if node.op in VARIABLES]
    if not used:
        return
    if values is None:
        raise ValueError(
            f"{graph.origin} has variables, such as {used[0].name!r}, and no values for them; name"
            " a checkpoint in checkpoint="
        )
    graph.unused = (*graph.unused, *_others(graph, values))
    _add_reads(graph.definition, used)
    tf = tensorflow()
    config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph.definition, name="")
        with tf.compat.v1.Session(graph=imported, config=config) as session:
            for node in used:
                tensor = imported.get_tensor_by_name(f"{node.name}:0")
                _assign(tf, session, node, tensor, values.of(graph.variables[node.name]))
            graph.definition = _frozen(session, graph)


def _add_reads(definition: Any, used: list[Any]) -> None:
    """Add the node by which TensorFlow's freezing reads a variable, where pruning took it."""
    there = {node.name for node in definition.node}
    for node in used:
        name = f"{node.name}/Read/ReadVariableOp"
        if node.op == "VarHandleOp" and name not in there:
            read = definition.node.add(name=name, op="ReadVariableOp", input=[node.name])
            read.attr["dtype"].type = node.attr["dtype"].type


def _others(graph: Graph, values: Values) -> list[str]:
    """What else the checkpoint has, under both names."""
    needed = {name for one in graph.variables.values() for name in (one.name, *one.aliases)}
    others = [name for name in values.names if name not in needed]
    return [name for other in others for name in (other, f"{other}:0")]


def _assign(tf: Any, session: Any, node: Any, tensor: Any, value: Any) -> None:
    dtype = tf.dtypes.as_dtype(node.attr["dtype"].type)
    array = np.asarray(value)
    if array.dtype != dtype.as_numpy_dtype:
        raise WeightError(f"variable {node.name!r} is {dtype.name}, its value {array.dtype.name}")
    declared = tf.TensorShape(node.attr["shape"].shape)
    if not declared.is_compatible_with(array.shape):
        raise WeightError(
            f"variable {node.name!r} has shape {declared}, its value {list(array.shape)}"
        )
    place = tf.compat.v1.placeholder(dtype, array.shape)
    if node.op == "VarHandleOp":
        write = tf.raw_ops.AssignVariableOp(resource=tensor, value=place)
    else:
        write = tf.raw_ops.Assign(ref=tensor, value=place, validate_shape=False)
    session.run(write, {place: array})


def _frozen(session: Any, graph: Graph) -> Any:
    convert = need("tensorflow.python.framework.convert_to_constants")
    try:
        return convert.convert_variables_to_constants_from_session_graph(
            session, graph.definition, [node_of(one) for one in graph.outputs]
        )
    except Exception as error:
        raise UnsupportedError(
            f"{graph.origin} cannot be frozen, which is what a bundle is made of: {reason(error)}"
        ) from error
