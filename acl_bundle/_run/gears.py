"""Graphs with gears: the arrays' shapes pick the gear.

Everything about a gear is worked out once, when the graph is opened: the
inputs' shapes, which find it, the outputs' shapes, the byte counts and what the
library is told. A run is then one look into a dict and one call into C.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from acl_bundle._binding.library import need
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run.run import Array, Bind, Call, Fit, Given, Run
from acl_bundle._run.signature import Signature, check_dtype, make
from acl_bundle._run.variables import Variables
from acl_bundle.errors import BundleFormatError, UnsupportedError
from acl_bundle.om.gears import INPUT_NAME, Gears
from acl_bundle.spec import TensorSpec

Shape = tuple[int, ...]

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
            file does not tell an output's shape in a gear.
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
        made[spec.name] = shape = tuple(next(values, -1) if dim < 0 else dim for dim in spec.shape)
        if -1 in shape:
            raise BundleFormatError(
                f"{label}: gear {list(gears.values[at])} has too few values for the open dims of"
                f" the inputs: {spec.name!r} is {list(spec.shape)}"
            )
    return tuple(made[spec.name] for spec in inputs)


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


class _Told:
    """What the library is told of one gear: an ``ab_gear`` and the memory it points at."""

    def __init__(self, gears: Gears, at: int, index: int, gear: Gear, signature: Signature) -> None:
        self.outputs = gear.outputs
        ins = _bytes(signature.inputs, gear.inputs)
        outs = _bytes(signature.outputs, gear.outputs)
        values = gears.values[at]
        dims = ffi.new("aclmdlIODims *")
        if gears.kind == "dims":
            by_name = dict(zip(signature.in_names, gear.inputs, strict=True))
            full = [dim for name in gears.order for dim in by_name.get(name, ())]
            dims.dimCount = len(full)
            dims.dims[0 : len(full)] = full
        self._held = (ins, outs, dims)
        self.pointer = ffi.new(
            "ab_gear *",
            {"kind": KINDS[gears.kind], "index": index, "first": values[0],
             "second": values[1] if len(values) > 1 else 0,
             "dims": dims, "in": ins, "out": outs},
        )  # fmt: skip


def _bytes(specs: Sequence[TensorSpec], shapes: Sequence[Shape]) -> Any:
    counts = [math.prod(one) * s.dtype.itemsize for s, one in zip(specs, shapes, strict=True)]
    return ffi.new("size_t[]", counts)


class Gearbox:
    """The gears of one graph: which of them some arrays are in, and what is run then.

    Args:
        gears: What the file says.
        made: The shapes of every gear.
        index: Of the gear's input in the dataset.
        signature: The graph's inputs, without that one, and outputs.
    """

    def __init__(
        self, gears: Gears, made: Sequence[Gear], index: int, signature: Signature
    ) -> None:
        self.signature, self._made = signature, made
        self._told = {
            one.inputs: _Told(gears, at, index, one, signature) for at, one in enumerate(made)
        }

    def pick(self, given: list[Array]) -> _Told:
        """The gear of arrays whose dtype and shape nobody has looked at.

        Raises:
            TypeError: An array has another dtype.
            ValueError: There is no such gear.
        """
        for spec, array in zip(self.signature.inputs, given, strict=True):
            check_dtype(array, f"input {spec.name!r}", spec)
        shapes = tuple(array.shape for array in given)
        gear = self._told.get(shapes)
        if gear is None:
            raise self._refusal(shapes)
        return gear

    def _refusal(self, shapes: tuple[Shape, ...]) -> ValueError:
        known = "; ".join(", ".join(map(str, gear.inputs)) for gear in self._made)
        return ValueError(
            f"{self.signature.label} has no gear for {', '.join(map(str, shapes))}"
            f" ({', '.join(self.signature.in_names)}); its gears are {known}"
        )

    def fill(self, shapes: Sequence[Shape], taken: list[Array | None]) -> list[Array]:
        """The arrays to write in a gear: those given, else new ones.

        Raises:
            ValueError: One that is given has another shape.
        """
        rows = zip(self.signature.outputs, shapes, taken, strict=True)
        return [_target(*row) for row in rows]

    def fit(self, given: Given) -> Fit:
        """See `Fitter`."""
        arrays = self.signature.take(given)
        gear = self.pick(arrays)
        return Fit([np.ascontiguousarray(a) for a in arrays], gear.pointer, gear.outputs)

    def targets(self, fit: Fit, out: Mapping[str, Array] | None) -> list[Array]:
        """See `Fitter`."""
        return self.fill(fit.shapes, self.signature.targets(out))


def _target(spec: TensorSpec, shape: Shape, given: Array | None) -> Array:
    if given is None:
        return np.empty(shape, spec.dtype)
    if given.shape != shape:
        raise ValueError(
            f"output {spec.name!r} has shape {given.shape}; in this gear it is {shape}"
        )
    return given


def make_gears(engine: Any, variables: Variables, box: Gearbox) -> tuple[Run, Call, Bind]:
    """Make ``run``, ``call`` and ``bind`` of a graph with gears.

    Args:
        engine: Its slots are of all inputs but the one for the gear.
        variables: The bundle's.
        box: The graph's gears.
    """
    run_gear, explain, from_buffer = lib.ab_run_gear, variables.explain, ffi.from_buffer
    signature = box.signature

    def step(given: list[Array], taken: list[Array | None]) -> tuple[int, list[Array]]:
        gear = box.pick(given)
        arrays = box.fill(gear.outputs, taken)
        sources = [from_buffer(np.ascontiguousarray(array)) for array in given]
        epoch = run_gear(engine, gear.pointer, sources, [from_buffer(array) for array in arrays])
        if epoch < 0:
            epoch = explain(epoch, signature.label, signature.in_names, signature.out_names)
        return epoch, arrays

    return make(step, signature, variables)


def gear_index(inputs: Sequence[TensorSpec]) -> int | None:
    """Return which input takes the gear, None when none does."""
    return next((at for at, spec in enumerate(inputs) if spec.name == INPUT_NAME), None)
