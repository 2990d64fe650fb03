"""The ONNX model that a program carries, ready for the engine.

Made from the author's graph: bfloat16 is lowered to what a CPU computes, each
output gets a tensor of its own (a graph may hand an input or a constant
through), and constants point into WEIGHTS_DATA, from where the engine hands
their bytes over; integers and what shapes depend on stay, unless they are
large. Names of inputs and weights are as in the author's graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from acl_bundle.build._onnx import element_types, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._program import bf16, trial
from acl_bundle.build._shapes.shapes import Known

# Versions of the file format: the oldest whose initializers need not be
# inputs, and the newest that every supported engine reads.
_IR_OLDEST: Final = 4
_IR_NEWEST: Final = 10
_NEWEST_OLD_TYPE: Final = 22  # element types beyond INT4 came with later versions

_LOCATION: Final = "WEIGHTS_DATA"

# The operators whose outputs' shapes depend on floating-point constants.
_SHAPED_BY_VALUE: Final = frozenset(("Resize", "Upsample", "Range", "OneHot"))

_UNEQUAL: Final = 97  # numbers until they repeat: small, and a prime, so that rows differ

Fill = Callable[[tuple[int, ...], int], NDArray[Any]]
"""Makes an input of these dims and of this ONNX type."""


@dataclass(frozen=True)
class Runnable:
    """A model for the engine.

    Attributes:
        model: What the program carries.
        outside: Constants the engine hands over, with their offset in
            WEIGHTS_DATA.
        fetches: The tensor of each output.
    """

    model: ModelProto
    outside: Sequence[tuple[ModelConstant, int]]
    fetches: Sequence[str] = field(default_factory=list)

    @cached_property
    def opened(self) -> trial.Opened:
        """The model opened by ONNX Runtime; ValueError when it does not take it."""
        return trial.opened(self.model, [constant for constant, _ in self.outside])

    def output_dims(
        self,
        weights: Mapping[str, NDArray[Any]],
        inputs: Mapping[str, tuple[int, ...]],
    ) -> list[tuple[int, ...]]:
        """Return the shapes of all outputs from runs on made-up inputs.

        Args:
            weights: The first value of each weight.
            inputs: The shape of each input.

        Raises:
            ValueError: ONNX Runtime is missing, the run fails, or the shapes
                depend on the inputs' values.
        """
        if not trial.is_possible():
            raise ValueError(
                "shape inference leaves the shape of an output open, and the trial run that would"
                " tell it needs ONNX Runtime: pip install onnxruntime"
            )
        zeros = self.opened.output_shapes(self._feeds(weights, inputs, _zeros))
        for fill, called in ((_ones, "ones"), (_rising, "rising numbers")):
            try:
                found = self.opened.output_shapes(self._feeds(weights, inputs, fill))
            except ValueError:  # ones may be out of range where zeros, as indices, never are
                continue
            if found != zeros:
                raise ValueError(
                    f"the shapes of the outputs depend on the inputs' values: {zeros} for zeros,"
                    f" {found} for {called}; a static graph cannot compute that"
                )
        return zeros

    def _feeds(
        self, weights: Mapping[str, NDArray[Any]], inputs: Mapping[str, tuple[int, ...]], fill: Fill
    ) -> dict[str, tuple[NDArray[Any], int]]:
        feeds = {}
        for one in self.model.graph.input:
            elem = one.type.tensor_type.elem_type
            made = weights.get(one.name)
            feeds[one.name] = (fill(inputs[one.name], elem) if made is None else made, elem)
        return feeds


def _zeros(dims: tuple[int, ...], elem: int) -> NDArray[Any]:
    return np.zeros(dims, element_types.to_numpy(elem))


def _ones(dims: tuple[int, ...], elem: int) -> NDArray[Any]:
    return np.ones(dims, element_types.to_numpy(elem))


def _rising(dims: tuple[int, ...], elem: int) -> NDArray[Any]:
    """Unequal floating-point numbers; integers, which may be indices or sizes, stay zero."""
    if elem not in element_types.FLOATING:
        return _zeros(dims, elem)
    return (
        (np.arange(math.prod(dims)) % _UNEQUAL).reshape(dims).astype(element_types.to_numpy(elem))
    )


def make(
    model: ModelProto, known: Mapping[str, Known], stored: Sequence[tuple[ModelConstant, int]]
) -> Runnable:
    """Return the model for the engine; the argument is not changed.

    Args:
        model: The author's graph, weights among its inputs.
        known: The types of its tensors.
        stored: The constants in WEIGHTS_DATA, with their offsets.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    bf16.lower(copy)
    fetches = _own_outputs(copy, known)
    outside = _point(copy, stored)
    for graph in walk.graphs(copy.graph):
        del graph.value_info[:]
    copy.ir_version = _ir_version(copy)
    copy.producer_name = "acl_bundle"
    return Runnable(copy, outside, fetches)


def _own_outputs(model: ModelProto, known: Mapping[str, Known]) -> list[str]:
    graph = model.graph
    shared = {one.name for one in (*graph.input, *graph.initializer)}
    names = walk.FreshNames(graph)
    for output in graph.output:
        if output.name in shared:
            name = names.fresh(f"{output.name}_output")
            graph.node.append(helper.make_node("Identity", [output.name], [name]))
            output.CopyFrom(helper.make_tensor_value_info(name, known[output.name].elem, None))
    return [output.name for output in graph.output]


def _needed_inside(model: ModelProto) -> set[str]:
    nodes = (node for graph in walk.graphs(model.graph) for node in graph.node)
    return {name for node in nodes if node.op_type in _SHAPED_BY_VALUE for name in node.input}


def _is_weight(tensor: TensorProto, places: Mapping[str, tuple[ModelConstant, int]]) -> bool:
    """Say whether the values of a small constant can change without changing any shape."""
    known = places.get(tensor.name)
    return (
        known is not None
        and tensor.data_type in element_types.FLOATING
        and known[0].elem == tensor.data_type
        and known[0].data.nbytes > 0
    )


def _empty(tensor: TensorProto) -> None:
    """Leave a tensor its name, type and dims; its bytes lie elsewhere."""
    kept = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    kept.data_location = TensorProto.EXTERNAL
    tensor.CopyFrom(kept)


def _point(
    model: ModelProto, stored: Sequence[tuple[ModelConstant, int]]
) -> list[tuple[ModelConstant, int]]:
    places = {constant.name: (constant, offset) for constant, offset in stored}
    needed = _needed_inside(model)
    outside = []
    for tensor in model.graph.initializer:
        if tensor.data_location != TensorProto.EXTERNAL and (
            tensor.name in needed or not _is_weight(tensor, places)
        ):
            continue
        constant, offset = places[tensor.name]
        outside.append((constant, offset))
        _empty(tensor)
        where = {"location": _LOCATION, "offset": offset, "length": constant.data.nbytes}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
    return outside


def _ir_version(model: ModelProto) -> int:
    elems = (t.data_type for graph in walk.graphs(model.graph) for t in graph.initializer)
    newest = _IR_NEWEST if all(elem <= _NEWEST_OLD_TYPE for elem in elems) else model.ir_version
    return max(_IR_OLDEST, min(model.ir_version, newest))
