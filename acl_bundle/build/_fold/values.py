"""What the tensors of a graph are made of, as far as constants alone decide it.

A *known* tensor is a constant, or computed from constants. Where sources (the
weights that stay changeable) take part, the steps from them to the tensor are
noted and become the weight program. Where none does, the value is worked out
when somebody needs it, and is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.weight_program import Step
from acl_bundle.weight_program.ops import OPERATIONS
from acl_bundle.weight_program.program import Option

Array = NDArray[Any]

MOST_FIXED = 16 << 20
"""Bytes that a fixed value in a weight program may take; larger ones stay in the graph."""
GROWTH = 2
"""How many times the bytes of its sources a derived constant may take: float16 to float32."""
FREE = 4096
"""Bytes that one may take in any case."""


class NotFoldableError(Exception):
    """A tensor depends on constants alone, in a way that no step expresses."""


class Values:
    """The known tensors of a graph, and the steps that make them.

    Attributes:
        steps: By the value each makes, in an order in which each finds its inputs.
    """

    def __init__(self, constants: Mapping[str, ModelConstant], sources: Iterable[str]) -> None:
        """Know the constants; some of them are sources."""
        self._constants = constants
        self._arrays: dict[str, Array] = {}
        self._sources = {name: frozenset((name,)) for name in sources}
        self._depends: dict[str, frozenset[str]] = dict(self._sources)
        self._value_of: dict[str, str] = {}
        self._later: dict[str, Callable[[], None]] = {}
        self._made: dict[tuple[Any, ...], str] = {}
        self.steps: dict[str, Step] = {}

    def knows(self, tensor: str) -> bool:
        """Whether constants alone decide a tensor."""
        return (
            tensor in self._constants
            or tensor in self._value_of
            or tensor in self._arrays
            or tensor in self._later
        )

    def value_of(self, tensor: str) -> str:
        """Return the value that a known tensor is.

        Raises:
            NotFoldableError: It turns out that no step expresses it.
        """
        if tensor in self._later:
            self._later.pop(tensor)()
        return self._value_of.get(tensor, tensor)

    def depends(self, tensor: str) -> frozenset[str]:
        """Return the sources that a known tensor is made of."""
        return self._depends.get(self._value_of.get(tensor, tensor), frozenset())

    def array(self, value: str) -> Array:
        """Return what a value is now: of a source, its first value.

        Raises:
            NotFoldableError: As `value_of`.
        """
        name = self.value_of(value)
        if name not in self._arrays:
            if name not in self._constants:
                raise NotFoldableError(name)
            self._arrays[name] = self._constants[name].array
        return self._arrays[name]

    def is_too_much(self, value: str) -> bool:
        """Whether a constant of a known value would take much more room than its sources."""
        if self.is_source(self.value_of(value)):
            return False
        array = self.array(value)
        whole = sum(self.array(name).nbytes for name in self.depends(value))
        return array.ndim == 0 or array.nbytes > max(GROWTH * whole, FREE)

    def is_source(self, value: str) -> bool:
        """Whether a value is a source as it is."""
        return value in self._sources

    def bind(self, tensor: str, value: str) -> None:
        """Say that a tensor is a value."""
        if tensor != value:
            self._value_of[tensor] = value

    def bind_later(self, tensors: Sequence[str], make: Callable[[], None]) -> None:
        """Say that tensors are fixed, and how to find out what they are."""

        def once() -> None:
            for name in tensors:
                self._later.pop(name, None)
            make()

        for name in tensors:
            self._later[name] = once

    def fixed(self, wish: str, array: Array) -> str:
        """Note a fixed value, and return its name."""
        key = ("fixed", array.dtype.name, array.shape, array.tobytes())
        if key not in self._made:
            self._made[key] = self._fresh(wish)
            self._arrays[self._made[key]] = array
        return self._made[key]

    def emit(self, wish: str, op: str, inputs: Sequence[str], **options: Option) -> str:
        """Note one step, and return the value that it makes; the same step makes the same value.

        Raises:
            NotFoldableError: Its operands do not fit, or a fixed one is too large.
        """
        names = tuple(map(self.value_of, inputs))
        key = (op, names, repr(sorted(options.items())))
        if key in self._made:
            return self._made[key]
        arrays = [self.array(name) for name in names]
        try:
            result = OPERATIONS[op](*arrays, **options)
        except (TypeError, ValueError, IndexError, OverflowError, ArithmeticError) as error:
            raise NotFoldableError(f"{op}: {error}") from error
        sources = frozenset[str]().union(*map(self.depends, names))
        if sources:
            self._check_fixed(names)
        name = self._made[key] = self._fresh(wish)
        self._arrays[name] = result
        if sources:
            self._depends[name] = sources
            self.steps[name] = Step(op, names, name, options)
        return name

    def _check_fixed(self, names: Iterable[str]) -> None:
        for name in names:
            if not self.depends(name) and self.array(name).nbytes > MOST_FIXED:
                raise NotFoldableError(f"{name!r} is fixed and large")

    def _fresh(self, wish: str) -> str:
        """A value's name, which no tensor has."""
        count = 0
        while (name := f"{wish}~{count}") in self._arrays or name in self._constants:
            count += 1
        return name


def integers(array: Array) -> list[int]:
    """Return the numbers of a shape, of axes or the like."""
    return [int(one) for one in np.asarray(array).reshape(-1)]
