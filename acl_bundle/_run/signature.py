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
from typing import Any, Protocol

import numpy as np

from acl_bundle._base.arrays import check
from acl_bundle._binding.shim import ffi
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.events import events_of
from acl_bundle._run.fit import Array, Choice, Fit, Given, Out, Target
from acl_bundle._run.given import array_of, check_apart, check_contiguous, check_place, target
from acl_bundle.spec import TensorSpec


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
        if isinstance(given, np.ndarray | str | bytes | bytearray | memoryview) or not isinstance(
            given, Sequence
        ):
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
        device: The number of its device.

    Attributes:
        inputs: As given.
        outputs: As given.
        label: As given.
        shapes: As given.
        device: As given.
        in_names: The inputs' names.
        out_names: The outputs' names.
    """

    def __init__(
        self,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        label: str,
        shapes: Shapes,
        device: int,
    ) -> None:
        self.inputs, self.outputs, self.label, self.shapes = inputs, outputs, label, shapes
        self.device = device
        self._ins, self._outs = _Side("input", inputs, label), _Side("output", outputs, label)
        self.in_names, self.out_names = self._ins.names, self._outs.names

    @property
    def dynamic(self) -> bool:
        """Whether the run tells the outputs' shapes."""
        return self.shapes.choices[0].outputs is None

    def fit(self, given: Given, ready: Any = None, *, in_place: bool = False) -> Fit:
        """Look at the inputs, and copy those that are on the host and not contiguous.

        Args:
            given: An array per input, as `Graph.run` takes them.
            ready: What `Graph.run` takes.
            in_place: Refuse them instead.

        Raises:
            ClosedError: An array on the device was freed.
            TypeError: As `Graph.run`.
            ValueError: As `Graph.run`; with `in_place` also an array that is not contiguous.
        """
        values = self._ins.in_order(given)
        self._ins.need_all(values)
        arrays = [
            array_of(value, f"input {spec.name!r}", spec)
            for spec, value in zip(self.inputs, values, strict=True)
        ]
        choice = self.shapes.pick(self.inputs, arrays, self.label)
        for spec, array in zip(self.inputs, arrays, strict=True):
            what = f"input {spec.name!r}"
            if isinstance(array, DeviceArray):
                check_place(array, what, self.device)
            elif in_place:
                check_contiguous(array, what)
        made = [a if isinstance(a, DeviceArray) else np.asarray(a, order="C") for a in arrays]
        return Fit(made, choice, self._sizes(choice), events_of(ready))

    def _sizes(self, choice: Choice) -> list[int]:
        shapes = choice.outputs or [()] * len(self.outputs)
        rows = zip(shapes, self.outputs, strict=True)
        return [math.prod(shape) * spec.dtype.itemsize for shape, spec in rows]

    def targets(self, fit: Fit, out: Out = None, *, whole: bool = False) -> list[Target]:
        """The arrays to write: those given, else new ones; None where the run makes one.

        Args:
            fit: The inputs.
            out: Arrays for some or all outputs, or "device".
            whole: Refuse to make any.

        Raises:
            ClosedError: An array on the device was freed.
            TypeError: As `Graph.run`.
            ValueError: As `Graph.run`.
        """
        if isinstance(out, str):
            out = dict.fromkeys(self.out_names, out)
        values = self._outs.in_order({} if out is None else out)
        if whole:
            self._outs.need_all(values)
        shapes = fit.choice.outputs or [None] * len(values)
        rows = zip(self.outputs, values, shapes, strict=True)
        arrays = [target(*row, fit.choice.rule, self.device) for row in rows]
        check_apart(self.in_names, fit.sources, self.out_names, arrays)
        return arrays

    def settle(
        self, given: Given, out: Out = None, ready: Any = None
    ) -> tuple[int, tuple[Any, ...], Fit]:
        """Prepare a run that C could not: see csrc/infer/frame.c.

        Returns:
            The address of its ``ab_run``, the arrays to write, and what to keep until it is over.

        Raises:
            ClosedError: An array on the device was freed.
            TypeError: As `Graph.run`.
            ValueError: As `Graph.run`.
        """
        fit = self.fit(given, ready)
        targets = tuple(self.targets(fit, out))
        fit.write_to(targets)
        return int(ffi.cast("uintptr_t", fit.pointer)), targets, fit
