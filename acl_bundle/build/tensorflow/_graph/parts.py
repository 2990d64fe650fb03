"""Partitioned variables: one weight again, as checkpoints hold them.

A partitioner of TensorFlow 1 makes a variable of each part, ``fc/W/part_0``; a
checkpoint holds the whole, ``fc/W``. So the whole becomes the weight, and the
parts are slices of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from acl_bundle.build._onnx import walk
from acl_bundle.build.tensorflow._graph import names
from acl_bundle.build.tensorflow._graph.graph import Fragment, GraphVariable


def joined(graph: GraphProto, variables: Sequence[GraphVariable]) -> list[GraphVariable]:
    """Put one initializer for the parts of each partitioned variable, in place.

    Args:
        graph: Of ONNX; the variables are initializers.
        variables: They, in order.

    Returns:
        The variables in that order, a whole in the place of its first part. Parts stay
        what they are where not all of them are there, or the whole's name is taken.
    """
    groups: dict[str, list[tuple[str, Fragment]]] = {}
    for one in variables:
        if one.part is not None:
            groups.setdefault(one.part.whole, []).append((one.name, one.part))
    taken = {name for one in walk.graphs(graph) for name in walk.defined(one)}
    whole = {
        name: group for name, group in groups.items() if name not in taken and _is_whole(group)
    }
    if not whole:
        return list(variables)
    _join(graph, whole)
    found = [
        names.variable(one.part.whole) if one.part and one.part.whole in whole else one
        for one in variables
    ]
    return list(dict.fromkeys(found))


def _is_whole(group: Sequence[tuple[str, Fragment]]) -> bool:
    shape = group[0][1].shape
    there = sum(math.prod(part.sizes) for _, part in group)
    return all(part.shape == shape for _, part in group) and there == math.prod(shape)


def _join(graph: GraphProto, whole: Mapping[str, Sequence[tuple[str, Fragment]]]) -> None:
    tensors = {one.name: one for one in graph.initializer}
    gone = {name for group in whole.values() for name, _ in group}
    made = [
        _tensor(name, [(tensors[one], part) for one, part in group])
        for name, group in whole.items()
    ]
    slices = [node for group in whole.values() for one, part in group for node in _slice(one, part)]
    kept = [one for one in graph.initializer if one.name not in gone]
    walk.replace(graph.initializer, [*kept, *made])
    walk.replace(graph.node, [*slices, *graph.node])


def _tensor(name: str, group: Sequence[tuple[TensorProto, Fragment]]) -> TensorProto:
    """The whole; what the numbers are does not matter, only how many bytes each has."""
    first, part = group[0]
    size = len(first.raw_data) // max(math.prod(part.sizes), 1)
    array = np.zeros(part.shape, f"V{size}")
    for tensor, one in group:
        array[one.place] = np.frombuffer(tensor.raw_data, array.dtype).reshape(one.sizes)
    return TensorProto(
        name=name, data_type=first.data_type, dims=part.shape, raw_data=array.tobytes()
    )


def _slice(name: str, part: Fragment) -> Iterator[NodeProto]:
    bounds = {"starts": part.starts, "stops": part.stops}
    for kind, numbers in bounds.items():
        yield helper.make_node("Constant", [], [f"{name}/{kind}"], value_ints=numbers)
    inputs = [part.whole, *(f"{name}/{kind}" for kind in bounds)]
    yield helper.make_node("Slice", inputs, [name])
