"""Graphs with gears: the arrays' shapes pick the gear.

Everything about a gear is worked out once, when the graph is opened: the
inputs' shapes, which find it, the outputs' shapes, the byte counts and what the
library is told. A run is then one call into C, which compares the shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from acl_bundle._base.arrays import check_dtype
from acl_bundle._binding.library import need
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run.fit import Array, Choice, Shape
from acl_bundle.errors import BundleFormatError, UnsupportedError
from acl_bundle.om._container.gears import INPUT_NAME, Gears
from acl_bundle.spec import TensorSpec

KINDS = {"batch": lib.AB_GEAR_BATCH, "hw": lib.AB_GEAR_HW, "dims": lib.AB_GEAR_DIMS}
MOST_BYTES = (1 << 63) - 1  # more is no size in C that could still be added to


@dataclass(frozen=True)
class Gear:
    """One gear.

    Attributes:
        inputs: The inputs' shapes.
        outputs: The outputs' shapes.
    """

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


def table(
    gears: Gears, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], label: str
) -> list[Gear]:
    """Return the shapes of every gear, in the file's order.

    Args:
        gears: What the file says.
        inputs: The graph's inputs without the one for the gear.
        outputs: The graph's outputs.
        label: The graph, for the message.

    Raises:
        UnsupportedError: The library cannot be told a gear of this kind, or the
            file does not tell an output's shape in a gear, or the inputs have the same shapes
            in two.
        BundleFormatError: The file lists no gear, or one that leaves a dim
            open or has a size that no memory has.
    """
    need(f"{label} has gears", [CALLS[gears.kind]])
    if not gears.values:
        raise BundleFormatError(f"{label} has an input for the gear, but the file lists none")
    made = [
        Gear(_inputs(gears, at, inputs, label), _outputs(gears, at, outputs, label))
        for at in range(len(gears.values))
    ]
    for gear, values in zip(made, gears.values, strict=True):
        _check_sizes(gear, (*inputs, *outputs), values, label)
    if len({gear.inputs for gear in made}) < len(made):
        raise UnsupportedError(
            f"{label} has gears in which its inputs have the same shapes, so that arrays cannot"
            " tell them apart: images that dynamic AIPP takes are bytes, whatever their height and"
            " width"
        )
    return made


def _check_sizes(gear: Gear, specs: Sequence[TensorSpec], values: Shape, label: str) -> None:
    for spec, shape in zip(specs, (*gear.inputs, *gear.outputs), strict=True):
        nbytes = math.prod(shape) * spec.dtype.itemsize
        if min(shape, default=0) < 0 or nbytes > MOST_BYTES:
            raise BundleFormatError(
                f"{label}: in gear {list(values)} the shape of {spec.name!r} is {list(shape)},"
                f" and no dim may be negative nor the whole above {MOST_BYTES} bytes"
            )


def _inputs(gears: Gears, at: int, inputs: Sequence[TensorSpec], label: str) -> tuple[Shape, ...]:
    """The inputs' shapes: dims run on over the inputs, a batch or a resolution starts anew."""
    running = iter(gears.values[at])
    made: dict[str, Shape] = {}
    for spec in _ordered(gears, inputs):
        values = running if gears.kind == "dims" else iter(gears.values[at])
        shape = tuple(next(values, -1) if dim < 0 else dim for dim in spec.shape)
        if -1 in shape:
            raise BundleFormatError(
                f"{label}: gear {list(gears.values[at])} has too few values for the open dims of"
                f" the inputs: {spec.name!r} is {list(spec.shape)}"
            )
        made[spec.name] = _room(gears, spec, shape) if _is_bytes(gears, spec) else shape
    return tuple(made[spec.name] for spec in inputs)


def _is_bytes(gears: Gears, spec: TensorSpec) -> bool:
    """Whether an input is a batch's bytes: of images, which dynamic AIPP takes in any size."""
    return gears.kind == "batch" and spec.shape == (-1,) and spec.dtype == np.uint8


def _room(gears: Gears, spec: TensorSpec, shape: Shape) -> Shape:
    """As much of the input's bytes as the gear's batch is of the largest; of one byte each, that
    is the batch."""
    return (spec.nbytes * shape[0] // max(1, *gears.batches),)


def _ordered(gears: Gears, inputs: Sequence[TensorSpec]) -> Iterator[TensorSpec]:
    """The inputs in the order in which the library counts their dims."""
    named = [spec for name in gears.order for spec in inputs if spec.name == name]
    yield from named
    yield from (spec for spec in inputs if spec not in named)


def _outputs(gears: Gears, at: int, outputs: Sequence[TensorSpec], label: str) -> tuple[Shape, ...]:
    found = [gears.output_dims(at, index) for index in range(len(outputs))]
    for spec, dims in zip(outputs, found, strict=True):
        if dims is None:
            raise UnsupportedError(
                f"{label}: the file does not tell the shape of output {spec.name!r} in gear"
                f" {list(gears.values[at])}"
            )
    return tuple(dims for dims in found if dims is not None)


def sizes(specs: Sequence[TensorSpec], shapes: Sequence[Sequence[Shape]]) -> list[int]:
    """Return the bytes of each tensor's largest shape.

    Args:
        specs: The tensors.
        shapes: For each gear the shape of each tensor.
    """
    return [
        max(math.prod(gear[index]) for gear in shapes) * spec.dtype.itemsize
        for index, spec in enumerate(specs)
    ]


def shown(specs: Sequence[TensorSpec], shapes: Sequence[Sequence[Shape]]) -> tuple[TensorSpec, ...]:
    """Return the tensors with -1 for each dim that is not the same in every gear."""
    return tuple(
        replace(
            spec,
            shape=tuple(
                dims[0] if len(set(dims)) == 1 else -1
                for dims in zip(*(gear[index] for gear in shapes), strict=True)
            ),
        )
        if len({len(gear[index]) for gear in shapes}) == 1
        else spec
        for index, spec in enumerate(specs)
    )


CALLS: dict[str, str] = {
    "batch": "aclmdlSetDynamicBatchSize",
    "hw": "aclmdlSetDynamicHWSize",
    "dims": "aclmdlSetInputDynamicDims",
}


class GearShapes:
    """The `Shapes` of a graph with gears: a choice for each.

    Args:
        gears: What the file says.
        made: The shapes of every gear.
        index: Of the gear's input in the dataset.
        names: Of the graph's inputs, without that one.
    """

    def __init__(
        self, gears: Gears, made: Sequence[Gear], index: int, names: Sequence[str]
    ) -> None:
        self._held: list[Any] = []
        self.choices = [
            Choice(
                tuple((dims, dims) for dims in gear.inputs),
                gear.outputs,
                self._gear(gears, at, index, dict(zip(names, gear.inputs, strict=True))),
                "in this gear it is",
            )
            for at, gear in enumerate(made)
        ]
        self._made = made
        self._by_shapes = dict(zip((gear.inputs for gear in made), self.choices, strict=True))

    def _gear(self, gears: Gears, at: int, index: int, shapes: Mapping[str, Shape]) -> Any:
        """Make an ``ab_gear``: what the library is told."""
        values = gears.values[at]
        dims = ffi.new("aclmdlIODims *")
        if gears.kind == "dims":
            full = [dim for name in gears.order for dim in shapes.get(name, ())]
            dims.dimCount = len(full)
            dims.dims[0 : len(full)] = full
        self._held.append(dims)
        return ffi.new(
            "ab_gear *",
            {"kind": KINDS[gears.kind], "index": index, "first": values[0],
             "second": values[1] if len(values) > 1 else 0, "dims": dims},
        )  # fmt: skip

    def pick(self, inputs: tuple[TensorSpec, ...], arrays: Sequence[Array], label: str) -> Choice:
        """See `Shapes`."""
        for spec, array in zip(inputs, arrays, strict=True):
            check_dtype(array, f"input {spec.name!r}", spec)
        shapes = tuple(array.shape for array in arrays)
        choice = self._by_shapes.get(shapes)
        if choice is None:
            known = "; ".join(", ".join(map(str, gear.inputs)) for gear in self._made)
            raise ValueError(
                f"{label} has no gear for {', '.join(map(str, shapes))}"
                f" ({', '.join(spec.name for spec in inputs)}); its gears are {known}"
            )
        return choice


def gear_index(inputs: Sequence[TensorSpec]) -> int | None:
    """Return which input takes the gear, None when none does."""
    return next((at for at, spec in enumerate(inputs) if spec.name == INPUT_NAME), None)
