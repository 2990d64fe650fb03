"""How a constant is made of sources, as an expression that can be computed, told and emitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.weight_program import Step
from acl_bundle.weight_program.ops import OPERATIONS
from acl_bundle.weight_program.program import Option

Array = NDArray[Any]


@dataclass(frozen=True)
class Expr:
    """A source, a number, or an operation on others.

    Attributes:
        op: An operation of a weight program; ``""`` for a source, ``"number"`` for a number.
        inputs: What it is made of.
        options: The operation's keyword arguments.
        name: Of a source: its name.
        value: Of a number: it, a 0-d array.
    """

    op: str
    inputs: tuple[Expr, ...] = ()
    options: tuple[tuple[str, Option], ...] = ()
    name: str = ""
    value: float = 0.0
    dtype: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of its sources, each once, in the order they are met."""
        return tuple(dict.fromkeys(one.name for one in self._leaves() if not one.op))

    def _leaves(self) -> Iterator[Expr]:
        if not self.inputs:
            yield self
        for one in self.inputs:
            yield from one._leaves()

    def __str__(self) -> str:
        if self.op in ("", "number"):
            return self.name if not self.op else f"{self.value:g}"
        return told(self.op, [str(one) for one in self.inputs], dict(self.options))


_INFIX: Final[Mapping[str, str]] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def told(op: str, inputs: Sequence[str], options: Mapping[str, Option]) -> str:
    """Return an operation as text, close to what one would write with numpy."""
    if op in _INFIX:
        return f"({inputs[0]} {_INFIX[op]} {inputs[1]})"
    if op == "slice":
        bounds = zip(_numbers(options["starts"]), _numbers(options["stops"]), strict=True)
        return f"{inputs[0]}[{', '.join(f'{low}:{high}' for low, high in bounds)}]"
    if op == "concat":
        return f"concat({', '.join(inputs)}, axis={options['axis']})"
    if op in ("transpose", "reshape", "cast"):
        (value,) = options.values()
        return f"{inputs[0]}.{op}({', '.join(map(str, _numbers(value)))})"
    return f"{op}({', '.join(inputs)})"


def _numbers(value: Option) -> Sequence[Any]:
    return (value,) if isinstance(value, int | str) else value


def source(name: str) -> Expr:
    """A source."""
    return Expr("", name=name)


def number(value: float, dtype: np.dtype[Any]) -> Expr:
    """A number of a dtype."""
    return Expr("number", value=value, dtype=dtype.name)


def apply(op: str, *inputs: Expr, **options: Option) -> Expr:
    """An operation; one that changes nothing in front of its like is left out."""
    return Expr(op, inputs, tuple((key, _frozen(value)) for key, value in options.items()))


def _frozen(value: Option) -> Option:
    return value if isinstance(value, int | str) else tuple(value)


def reshaped(one: Expr, now: Sequence[int], wanted: Sequence[int]) -> Expr:
    """An expression of a shape in another; itself where it has it."""
    return one if tuple(now) == tuple(wanted) else apply("reshape", one, shape=tuple(wanted))


def transposed(one: Expr, perm: Sequence[int]) -> Expr:
    """An expression with its axes in another order; itself where the order is the same."""
    return one if list(perm) == sorted(perm) else apply("transpose", one, perm=tuple(perm))


def cast(one: Expr, now: np.dtype[Any], wanted: np.dtype[Any]) -> Expr:
    """An expression in another dtype; itself where it has it."""
    return one if now == wanted else apply("cast", one, dtype=wanted.name)


def evaluate(one: Expr, fetch: Callable[[str], Array]) -> Array:
    """Compute an expression as a weight program does."""
    if not one.op:
        return fetch(one.name)
    if one.op == "number":
        return np.array(one.value, one.dtype)
    return OPERATIONS[one.op](*(evaluate(each, fetch) for each in one.inputs), **dict(one.options))


class Steps:
    """The steps of a weight program; equal expressions become one value.

    Attributes:
        steps: In an order in which each finds its inputs.
        values: The fixed values.
    """

    def __init__(self, taken: Sequence[str]) -> None:
        """Start without a step; values get names that are not taken."""
        self.steps: list[Step] = []
        self.values: dict[str, Array] = {}
        self._taken = set(taken)
        self._made: dict[Expr, str] = {}

    def emit(self, one: Expr, wish: str) -> str:
        """Note what makes an expression, and return the value that it is."""
        if not one.op:
            return one.name
        if one not in self._made:
            inputs = tuple(self.emit(each, wish) for each in one.inputs)
            name = self._made[one] = self._fresh(wish)
            if one.op == "number":
                self.values[name] = np.array(one.value, one.dtype)
            else:
                self.steps.append(Step(one.op, inputs, name, dict(one.options)))
        return self._made[one]

    def _fresh(self, wish: str) -> str:
        count = 0
        while (name := f"{wish}~{count}") in self._taken:
            count += 1
        self._taken.add(name)
        return name
