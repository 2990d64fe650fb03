"""What a graph takes and gives, and what a run of it is given, looked at.

Every way to run a graph goes through its `Signature`: `run` and calls
(`run`), bindings, and what runs behind its caller (`_async`). What is given
becomes a `Fit`, which holds the arrays and the ``ab_run`` that tells C of
them. A run that is given nothing but right arrays takes no detour through
here: csrc/infer/take.c looks at them itself, by the same `Choice` of shapes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array, check, check_dtype
from acl_bundle._binding.shim import NULL, ffi
from acl_bundle.spec import TensorSpec

Array = NDArray[Any]
Given = Mapping[str, Any] | Sequence[Any]
Shape = tuple[int, ...]
Extent = tuple[Shape, Shape] | None
"""The least and the most of each dim; None for any shape."""


@dataclass(frozen=True)
class Choice:
    """One choice of the shapes that a graph is run in.

    Attributes:
        inputs: What the inputs' shapes may be.
        outputs: The outputs' shapes; None where the run tells them.
        gear: The ``ab_gear``; NULL where there is none.
        rule: Says of an output's shape that it is the right one.
    """

    inputs: tuple[Extent, ...]
    outputs: tuple[Shape, ...] | None
    gear: Any = NULL
    rule: str = "it must be"


class Shapes(Protocol):
    """The choices of a graph."""

    @property
    def choices(self) -> Sequence[Choice]:
        """All of them, at least one."""

    def pick(self, inputs: tuple[TensorSpec, ...], arrays: Sequence[Array], label: str) -> Choice:
        """Choose by the inputs' arrays, at whose dtypes and shapes nobody has looked.

        Raises:
            TypeError: An array has another dtype.
            ValueError: There is no such choice.
        """


class FixedShapes:
    """The `Shapes` of a graph that has one shape."""

    def __init__(self, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
        extents = tuple((spec.shape, spec.shape) for spec in inputs)
        self.choices = [Choice(extents, tuple(spec.shape for spec in outputs))]

    def pick(self, inputs: tuple[TensorSpec, ...], arrays: Sequence[Array], _: str) -> Choice:
        """See `Shapes`."""
        for spec, array in zip(inputs, arrays, strict=True):
            check(array, f"input {spec.name!r}", spec)
        return self.choices[0]


class Fit:
    """What one run is given: an ``ab_run``, and all that it points at.

    Args:
        sources: The inputs' arrays in order, contiguous; they are kept.
        choice: Their shapes.
        sizes: The bytes of each output; of a dynamic graph they count nothing.

    Attributes:
        pointer: The ``ab_run``.
        choice: As given.
        targets: The arrays to write, once `write_to` was told them.
    """

    def __init__(self, sources: Sequence[Array], choice: Choice, sizes: Sequence[int]) -> None:
        self.choice = choice
        self.targets: Sequence[Array | None] = ()
        self._held = [(ffi.from_buffer(one), ffi.new("int64_t[]", one.shape)) for one in sources]
        rows = [
            (data, one.nbytes, one.ndim, dims)
            for one, (data, dims) in zip(sources, self._held, strict=True)
        ]
        self._in = ffi.new("ab_array[]", rows)
        self._out = ffi.new("ab_array[]", [(NULL, nbytes) for nbytes in sizes])
        self.pointer = ffi.new("ab_run *", {"gear": choice.gear, "in": self._in, "out": self._out})

    def write_to(self, targets: Sequence[Array | None]) -> None:
        """Say where the outputs go; the arrays are kept."""
        self.targets = targets
        self._written = [NULL if one is None else ffi.from_buffer(one) for one in targets]
        for row, data in zip(self._out, self._written, strict=True):
            row.data = data


class _Side:
    """The inputs or the outputs of a graph by name."""

    def __init__(self, kind: str, specs: tuple[TensorSpec, ...], label: str) -> None:
        self.kind, self.specs, self.label = kind, specs, label
        self.names = [spec.name for spec in specs]

    def in_order(self, given: Given) -> list[Any]:
        """The values in the graph's order; None where one is not given."""
        if isinstance(given, Mapping):
            unknown = [str(name) for name in given if name not in self.names]
            if unknown:
                raise ValueError(
                    f"{self.label} has no {self.kind} {', '.join(map(repr, unknown))};"
                    f" it has {', '.join(map(str, self.specs)) or 'none'}"
                )
            return [given.get(name) for name in self.names]
        if isinstance(given, np.ndarray) or not isinstance(given, Sequence):
            raise TypeError(f"give the {self.kind}s as a dict or a sequence, not {type(given)}")
        if len(given) != len(self.specs):
            raise ValueError(
                f"{self.label} has {len(self.specs)} {self.kind}s"
                f" ({', '.join(map(str, self.specs))}), not {len(given)}"
            )
        return list(given)

    def need_all(self, values: Sequence[Any]) -> None:
        missing = [n for n, value in zip(self.names, values, strict=True) if value is None]
        if missing:
            raise ValueError(f"{self.label} misses {self.kind} {', '.join(map(repr, missing))}")


class Signature:
    """What a graph takes and gives.

    Args:
        inputs: In order, without one that takes the gear.
        outputs: In order.
        label: The graph, for messages.
        shapes: That it can be run in.

    Attributes:
        inputs: As given.
        outputs: As given.
        label: As given.
        shapes: As given.
        in_names: The inputs' names.
        out_names: The outputs' names.
    """

    def __init__(
        self,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        label: str,
        shapes: Shapes,
    ) -> None:
        self.inputs, self.outputs, self.label, self.shapes = inputs, outputs, label, shapes
        self._ins, self._outs = _Side("input", inputs, label), _Side("output", outputs, label)
        self.in_names, self.out_names = self._ins.names, self._outs.names

    @property
    def dynamic(self) -> bool:
        """Whether the run tells the outputs' shapes."""
        return self.shapes.choices[0].outputs is None

    def fit(self, given: Given, *, in_place: bool = False) -> Fit:
        """Look at the inputs, and copy those that are not contiguous.

        Args:
            given: An array per input, as `Graph.run` takes them.
            in_place: Refuse them instead.

        Raises:
            TypeError: As `Graph.run`.
            ValueError: As `Graph.run`; with `in_place` also an array that is not contiguous.
        """
        values = self._ins.in_order(given)
        self._ins.need_all(values)
        arrays = [
            as_array(value, f"input {spec.name!r}", spec)
            for spec, value in zip(self.inputs, values, strict=True)
        ]
        choice = self.shapes.pick(self.inputs, arrays, self.label)
        if in_place:
            for spec, array in zip(self.inputs, arrays, strict=True):
                _check_contiguous(array, f"input {spec.name!r}")
        return Fit([np.asarray(a, order="C") for a in arrays], choice, self._sizes(choice))

    def _sizes(self, choice: Choice) -> list[int]:
        shapes = choice.outputs or [()] * len(self.outputs)
        rows = zip(shapes, self.outputs, strict=True)
        return [math.prod(shape) * spec.dtype.itemsize for shape, spec in rows]

    def targets(self, fit: Fit, out: Given | None, *, whole: bool = False) -> list[Array | None]:
        """The arrays to write: those given, else new ones; None where the run makes one.

        Args:
            fit: The inputs.
            out: Arrays for some or all outputs.
            whole: Refuse to make any.

        Raises:
            TypeError: As `Graph.run`.
            ValueError: As `Graph.run`.
        """
        values = self._outs.in_order({} if out is None else out)
        if whole:
            self._outs.need_all(values)
        shapes = fit.choice.outputs or [None] * len(values)
        rows = zip(self.outputs, values, shapes, strict=True)
        arrays = [_target(*row, fit.choice.rule) for row in rows]
        _check_apart(self.out_names, arrays)
        return arrays

    def settle(self, given: Given, out: Given | None = None) -> tuple[int, tuple[Any, ...], Fit]:
        """Prepare a run that C could not: see csrc/infer/frame.c.

        Returns:
            The address of its ``ab_run``, the arrays to write, and what to keep until it is over.

        Raises:
            TypeError: As `Graph.run`.
            ValueError: As `Graph.run`.
        """
        fit = self.fit(given)
        targets = tuple(self.targets(fit, out))
        fit.write_to(targets)
        return int(ffi.cast("uintptr_t", fit.pointer)), targets, fit


def _check_contiguous(array: Array, what: str) -> None:
    if not array.flags.c_contiguous:
        raise ValueError(f"{what} is not C-contiguous; give numpy.ascontiguousarray of it")


def _check_apart(names: Sequence[str], arrays: Sequence[Array | None]) -> None:
    """Refuse outputs that share memory; of arrays in order of address, neighbours do."""
    spans = sorted(
        (array.ctypes.data, array.ctypes.data + array.nbytes, at)
        for at, array in enumerate(arrays)
        if array is not None and array.nbytes
    )
    for (_, end, one), (start, other_end, other) in pairwise(spans):
        if start < end:
            first, second = sorted((one, other))
            raise ValueError(
                f"outputs {names[first]!r} and {names[second]!r} share"
                f" {min(end, other_end) - start} bytes of memory; give each an array of its own"
            )


def _target(spec: TensorSpec, value: Any, shape: Shape | None, rule: str) -> Array | None:
    """The array to write: the one that is given, else a new one; None without a shape."""
    if value is None:
        return None if shape is None else np.empty(shape, spec.dtype)
    what = f"output {spec.name!r}"
    if not isinstance(value, np.ndarray) and not hasattr(value, "__dlpack__"):
        raise TypeError(f"{what} is a {type(value).__name__}; give a numpy array {spec}")
    array = as_array(value, what, spec)
    check_dtype(array, what, spec)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}; {rule} {shape}")
    _check_contiguous(array, what)
    if not array.flags.writeable:
        raise ValueError(f"{what} is read-only and would be written; give a writable array")
    return array
