"""The shapes of a graph's outputs, for one shape of its inputs or for many.

Shape inference comes first. What it leaves open is read off trial runs on ONNX
Runtime, where the shapes are to be fixed; a dynamic model leaves it open too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto

from acl_bundle import dtypes
from acl_bundle.build._onnx import operands, walk
from acl_bundle.build._program.runnable import Runnable
from acl_bundle.build._shapes import shapes
from acl_bundle.build._shapes.gears import Dims, GearPlan
from acl_bundle.build._shapes.ranges import RangePlan
from acl_bundle.build._shapes.shapes import Known
from acl_bundle.om._container.gears import INPUT_NAME, Gears
from acl_bundle.om._container.inout import TensorInfo

_INT64 = 9


@dataclass(frozen=True)
class Shaping:
    """How a graph's inputs shape its outputs.

    Attributes:
        model: The ONNX graph, weights among its inputs.
        runner: What the engine will run.
        weights: The first value of each weight.
        known: What inference says of the graph's tensors for the shapes that it declares.
    """

    model: ModelProto
    runner: Runnable
    weights: Mapping[str, NDArray[Any]]
    known: Mapping[str, Known]

    def inferred(self, inputs: Mapping[str, Dims]) -> list[Dims | None]:
        """Return what inference says for these inputs, -1 being open; None: unknown rank."""
        copy = ModelProto()
        copy.CopyFrom(self.model)
        for one in copy.graph.input:
            if one.name in inputs:
                shapes.set_dims(one, inputs[one.name])
        return self._listed(shapes.infer(copy))

    def fixed(self, inputs: Mapping[str, Dims]) -> list[Dims]:
        """Return the outputs' shapes for inputs of fixed shape.

        Raises:
            ValueError: They depend on values, or no trial run can tell them.
        """
        return self._settled(self.inferred(inputs), lambda: inputs)

    def declared(self) -> list[Dims]:
        """Return the outputs' shapes for the inputs' shapes that the graph declares.

        Raises:
            ValueError: As for `fixed`.
        """
        return self._settled(
            self._listed(self.known),
            lambda: {one.name: shapes.known(one).dims or () for one in self.model.graph.input},
        )

    def _listed(self, known: Mapping[str, Known]) -> list[Dims | None]:
        names = [one.name for one in self.model.graph.output]
        return [known[name].dims if name in known else None for name in names]

    def _settled(
        self, found: Sequence[Dims | None], inputs: Callable[[], Mapping[str, Dims]]
    ) -> list[Dims]:
        """Return what was found, or what a trial run tells where that is open."""
        known = [dims for dims in found if dims is not None and -1 not in dims]
        if len(known) == len(found):
            return known
        check_shaping(self.model)
        return self.runner.output_dims(self.weights, inputs())


def check_shaping(model: ModelProto) -> None:
    """Refuse a graph in which an input's values shape an output, if that is plain to see.

    Raises:
        ValueError: Some input is used so.
    """
    uses = walk.uses(model.graph)
    for one in model.graph.input:
        use = operands.fixed_use(one.name, uses)
        if use is not None:
            raise ValueError(
                f"the shape of an output depends on the values of {one.name!r}, which is input"
                f" {use.at} of {use.node.op_type} {use.node.name!r}; a static graph needs a"
                " constant there"
            )


def in_gears(plan: GearPlan, shaping: Shaping) -> tuple[Gears, list[Dims]]:
    """Return the gears as a file lists them, and each output's largest shape.

    Raises:
        ValueError: As for `Shaping.fixed`.
    """
    made = [shaping.fixed(inputs) for inputs in plan.shapes]
    rows: list[tuple[int, int, Dims]] = []
    largest = []
    for output, by_gear in enumerate(zip(*made, strict=True)):
        same = len(set(by_gear)) == 1
        rows += [(-1, output, by_gear[0])] if same else []
        rows += [] if same else [(gear, output, dims) for gear, dims in enumerate(by_gear)]
        largest.append(max(by_gear, key=_elements))
    order = tuple(plan.shapes[0]) if plan.kind == "dims" else ()
    return Gears(plan.kind, plan.values, tuple(rows), order), largest


def geared_inputs(plan: GearPlan, inputs: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return the inputs with the bytes of their largest gear, and the input for the gear."""
    sized = [
        TensorInfo(
            one.name,
            one.dtype,
            one.format,
            one.dims,
            max(_elements(shape[one.name]) for shape in plan.shapes) * dtypes.nbytes(one.dtype),
        )
        for one in inputs
    ]
    width = len(plan.values[0])
    extra = TensorInfo(INPUT_NAME, _INT64, dtypes.FORMAT_ND, (width,), 8 * width)
    return (*sized, extra)


def ranged_inputs(plan: RangePlan, inputs: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return the inputs with the ranges of those that have an open dim."""
    return tuple(
        TensorInfo(one.name, one.dtype, one.format, one.dims, 0, plan.ranges[one.name])
        if one.is_dynamic
        else one
        for one in inputs
    )


def ranged_output(
    name: str, dtype: int, dims: Dims | None, least: Dims | None, most: Dims | None
) -> TensorInfo:
    """Return an output of a dynamic model.

    Args:
        name: Its name.
        dtype: Its ``aclDataType``.
        dims: What holds for every input, -1 being open; None: unknown rank.
        least: Its shape for the smallest inputs.
        most: Its shape for the largest.
    """
    if dims is None:
        return TensorInfo(name, dtype, dtypes.FORMAT_ND, (-2,), 0)
    if -1 not in dims:
        nbytes = _elements(dims) * dtypes.nbytes(dtype)
        return TensorInfo(name, dtype, dtypes.FORMAT_ND, dims, nbytes)
    nothing = (-1,) * len(dims)
    pairs = zip(dims, least or nothing, most or nothing, strict=True)
    ranges = tuple((dim, dim) if dim >= 0 else _range(low, high) for dim, low, high in pairs)
    return TensorInfo(name, dtype, dtypes.FORMAT_ND, dims, 0, ranges)


def _range(low: int, high: int) -> tuple[int, int]:
    if min(low, high) < 0:
        return max(low, 0), -1
    return min(low, high), max(low, high)


def _elements(dims: Dims) -> int:
    count = 1
    for dim in dims:
        count *= dim
    return count
