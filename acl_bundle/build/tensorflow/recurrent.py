"""LSTM layers: one node of ONNX's instead of a loop, with the variables before it.

tf2onnx recognises a layer's loop only when its weights are constants, which it
reorders: TensorFlow keeps the gates as i, f, c, o, ONNX as i, o, f, c, and
transposed. So the variables that loops alone read are constants for a while,
with values that occur nowhere else. Where those turn up in an LSTM node,
reordered as they must be, nodes that reorder the variables take their places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from acl_bundle.build._onnx import walk
from acl_bundle.build.tensorflow._graph.graph import TensorFlowGraph, node_of

Array = NDArray[Any]

_LOOPS: Final = frozenset(("StatelessWhile", "While"))
_GATES: Final = (0, 3, 1, 2)  # of TensorFlow's four, in ONNX's order
_READ: Final = (1, 2, 3)  # the inputs of LSTM that hold weights: W, R, B


def loops(graph: TensorFlowGraph) -> dict[str, int]:
    """Return the variables that loops alone read, by their nodes: how many loops do."""
    readers: dict[str, list[Any]] = {}
    for node in graph.definition.node:
        for edge in node.input:
            if not edge.startswith("^"):
                readers.setdefault(node_of(edge), []).append(node)

    def of(name: str) -> Iterator[Any]:
        for node in readers.get(name, ()):
            yield from of(node.name) if node.op == "Identity" else (node,)

    found = {name: [node.op for node in of(name)] for name in graph.variables}
    return {name: len(ops) for name, ops in found.items() if ops and _LOOPS.issuperset(ops)}


def marks(values: Mapping[str, Array]) -> dict[str, Array]:
    """Return values for variables that are like no other; only matrices and vectors get some."""
    rng = np.random.default_rng(0)
    return {
        name: rng.standard_normal(value.shape).astype(value.dtype)
        for name, value in values.items()
        if value.ndim in (1, 2) and value.shape[-1] % 4 == 0
    }


def restore(model: onnx.ModelProto, marked: Mapping[str, Array]) -> Counter[str]:
    """Put nodes that reorder variables before the LSTM nodes that have their marks, in place.

    Args:
        model: Converted with the marks as constants.
        marked: The marks, by what the variables are called; nothing defines these yet.

    Returns:
        How often each variable was found.
    """
    constants = {one.name: one for one in model.graph.initializer}
    layouts = {name: _reordered(mark) for name, mark in marked.items()}
    found: Counter[str] = Counter()
    made: list[onnx.NodeProto] = []
    replaced: set[str] = set()
    for node in model.graph.node:
        for at in _READ if node.op_type == "LSTM" else ():
            held = constants.get(node.input[at]) if at < len(node.input) else None
            if held is None:
                continue
            sources = [_named(part, layouts) for part in numpy_helper.to_array(held)]
            if all(sources):
                replaced.add(node.input[at])
                node.input[at] = f"{node.name}/{at}/reordered"
                made += _nodes(sources, marked[sources[0]], node.input[at])
                found.update(sources)
    nodes = [*made, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop(model.graph, replaced)
    return found


def _reordered(mark: Array) -> Array:
    gates = np.split(mark, 4, axis=-1)
    joined = np.concatenate([gates[gate] for gate in _GATES], axis=-1)
    return joined.T if mark.ndim == 2 else np.concatenate([joined, np.zeros_like(joined)])


def _named(part: Array, layouts: Mapping[str, Array]) -> str:
    return next((name for name, one in layouts.items() if np.array_equal(one, part)), "")


def _nodes(sources: list[str], mark: Array, output: str) -> Iterator[onnx.NodeProto]:
    """What makes an input of LSTM: a part per direction, joined."""
    zero = f"{output}/axis"
    yield helper.make_node("Constant", [], [zero], value_ints=[0])
    parts = []
    for number, source in enumerate(sources):
        own = f"{output}/{number}"
        gates = [f"{own}/{gate}" for gate in "ifco"]
        yield helper.make_node("Split", [source], gates, axis=mark.ndim - 1)
        ordered = [gates[gate] for gate in _GATES]
        yield helper.make_node("Concat", ordered, [f"{own}/iofc"], axis=mark.ndim - 1)
        if mark.ndim == 2:
            yield helper.make_node("Transpose", [f"{own}/iofc"], [f"{own}/whole"], perm=[1, 0])
        else:
            zeros = numpy_helper.from_array(np.zeros_like(mark), f"{own}/zeros")
            yield helper.make_node("Constant", [], [f"{own}/zeros"], value=zeros)
            joined = [f"{own}/iofc", f"{own}/zeros"]
            yield helper.make_node("Concat", joined, [f"{own}/whole"], axis=0)
        parts.append(f"{own}/part")
        yield helper.make_node("Unsqueeze", [f"{own}/whole", zero], [parts[-1]])
    yield helper.make_node("Concat", parts, [output], axis=0)


def leaked(model: onnx.ModelProto, marked: Mapping[str, Array]) -> set[str]:
    """Return the variables of which a mark is still a constant somewhere."""
    tensors = [one for graph in walk.graphs(model.graph) for one in _tensors(graph)]
    values = [numpy_helper.to_array(one).ravel() for one in tensors]
    return {
        name
        for name, mark in marked.items()
        if any(one.dtype == mark.dtype and np.isin(one, mark).any() for one in values)
    }


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        yield from (one.t for one in node.attribute if one.type == one.TENSOR)


def _drop(graph: onnx.GraphProto, names: set[str]) -> None:
    """Take out initializers that nothing reads any more."""
    read = {name for one in walk.graphs(graph) for node in one.node for name in node.input}
    for at in reversed(range(len(graph.initializer))):
        if graph.initializer[at].name in names - read:
            del graph.initializer[at]
