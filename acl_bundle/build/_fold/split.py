"""Splitting a graph by dependency: what weights alone decide, and the rest.

The nodes that depend on weights alone leave the graph, as steps of the weight
program; where the rest of the graph reads one of their tensors stands a
*derived constant*. What has no step, what would take much more room than the
weights it comes from, and what the graph gives out stays in the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto

from acl_bundle.build._fold import transposes
from acl_bundle.build._fold.behind import Behind
from acl_bundle.build._fold.operators.translate import is_translated, translate
from acl_bundle.build._fold.values import NotFoldableError, Values
from acl_bundle.build._onnx import element_types, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._shapes import shapes

Array = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """What came of a split.

    Attributes:
        constants: The constants that the graph reads and sources decide, in the
            order of their sources: the value of each by the graph's name for it.
        values: The steps, and the first value of everything.
    """

    constants: Mapping[str, str]
    values: Values

    def constant(self, name: str) -> ModelConstant:
        """A derived constant with its first value, whose bytes are made now."""
        array = self.values.array(self.constants[name])
        elem = element_types.from_numpy(array.dtype)
        raw: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return ModelConstant(name, elem, array.shape, memoryview(raw))


def split(
    model: ModelProto, constants: Mapping[str, ModelConstant], sources: Sequence[str]
) -> Split:
    """Take what depends on weights alone out of a model's main graph, in place.

    Args:
        model: Light, inlined, its constants gathered.
        constants: The constants of its main graph, by name.
        sources: Which of them stay changeable, in order.
    """
    values = Values(constants, sources)
    _know(model, values)
    rank = {name: number for number, name in enumerate(sources)}
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for tensor in sorted(_frontier(model.graph, values), key=lambda one: _place(one, values, rank)):
        value = values.value_of(tensor)
        name = names.setdefault(value, value if values.is_source(value) else tensor)
        found[name] = value
        if tensor != name:
            renamed[tensor] = name
    walk.rename(model.graph, renamed)
    _drop(model.graph, found, values)
    return Split(found, values)


def _place(tensor: str, values: Values, rank: Mapping[str, int]) -> tuple[int, bool, str]:
    """Where a constant stands: with its first source, which comes before what is made of it."""
    value = values.value_of(tensor)
    return min(rank[name] for name in values.depends(tensor)), value not in rank, tensor


def _know(model: ModelProto, values: Values) -> None:
    """Find out what every node makes that depends on constants alone."""
    graph, opset = model.graph, _opset(model)
    behind = Behind(values, walk.FreshNames(graph), _reads(graph), _ranks(model))
    gone: list[int] = []
    for at, node in enumerate(graph.node):
        if behind.takes(node):
            gone.append(at)
            continue
        inputs = [name for name in node.input if name]
        if not (inputs and is_translated(node) and all(map(values.knows, inputs))):
            continue
        make = partial(translate, node, values, opset)
        if any(map(values.depends, inputs)):
            try:
                make()
            except NotFoldableError:
                continue
        else:
            values.bind_later(node.output, make)
    for at in reversed(gone):
        del graph.node[at]
    transposes.cancel(graph, _reads(graph))


def _opset(model: ModelProto) -> int:
    return max(
        (one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=1
    )


def _ranks(model: ModelProto) -> dict[str, int]:
    """The ranks of tensors, where a normalisation may stand behind a product of any rank."""
    if not {"BatchNormalization", "MatMul"} <= {node.op_type for node in model.graph.node}:
        return {}
    found = shapes.infer(model).items()
    return {name: len(one.dims) for name, one in found if one.dims is not None}


def _reads(graph: GraphProto) -> Counter[str]:
    """How often each tensor is read, by nodes at any depth and as an output."""
    found = Counter(walk.reads(graph))
    for one in walk.graphs(graph):
        found.update(output.name for output in one.output)
    return found


def _frontier(graph: GraphProto, values: Values) -> set[str]:
    """The tensors that weights alone decide and something in the graph reads."""
    stays = {one.name for one in graph.output}
    while True:
        read = {
            name
            for node in graph.node
            if not _is_folded(node, values) or not stays.isdisjoint(node.output)
            for name in (*node.input, *walk.captured(node))
        }
        found = {n for n in read - stays if values.knows(n) and values.depends(n)}
        large = {name for name in found if values.is_too_much(name)}
        if not large:
            return found
        stays |= large


def _is_folded(node: NodeProto, values: Values) -> bool:
    return bool(node.output) and all(
        values.knows(name) and bool(values.depends(name)) for name in node.output if name
    )


def _drop(graph: GraphProto, made: Mapping[str, str], values: Values) -> None:
    """Remove the nodes whose tensors are constants now, and those that only they had need of."""
    reads = _reads(graph)
    kept: list[NodeProto] = []
    for node in reversed(graph.node):
        outputs = [name for name in node.output if name]
        known = bool(outputs) and all(map(values.knows, outputs))
        if known and all(name in made or not reads[name] for name in outputs):
            reads.subtract(node.input)
        else:
            kept.append(node)
    walk.replace(graph.node, reversed(kept))
