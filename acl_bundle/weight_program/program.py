"""Weight programs: from the weights that a trainer has to the constants of a compiled graph.

A compiled graph holds *constants*: a transposed matrix, joined gates, a
convolution into which a BatchNorm was folded. A trainer holds *sources*: the
parameters and buffers of its model. A weight program says how each constant
is computed from sources, in steps of `ops`, so that an update takes sources
by their own names and layouts.

A value of a program is a source, a fixed value or the output of one step, and
has one name. A constant is one of these values under the name that the graph
has for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program.ops import OPERATIONS, VIEWS, nbytes

Array = NDArray[Any]
SPELT_OUT = 3
"""So many steps of a piece are shown with their options, of more the operations alone."""
Option: TypeAlias = "int | str | bool | Sequence[int | None]"


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        op: Its name in `ops.OPERATIONS`.
        inputs: The values that it takes.
        output: The name of the value that it makes.
        options: Its keyword arguments.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    options: Mapping[str, Option] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{key}={_plain(value)}" for key, value in self.options.items())
        return f"{self.op}({told})" if told else self.op


def _counted(told: Sequence[str]) -> list[str]:
    """Say once what follows on itself: ``4 slice``."""
    runs = [(one, len(list(same))) for one, same in groupby(told)]
    return [one if count == 1 else f"{count} {one}" for one, count in runs]


def _plain(value: Option) -> str:
    return str(value if isinstance(value, int | str) else list(value))


@dataclass(frozen=True)
class Constant:
    """A constant of the graph.

    Attributes:
        name: The graph's name for it.
        value: The program's value that it is.
        dtype: Its dtype.
        shape: Its dims.
    """

    name: str
    value: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return nbytes(self.shape, self.dtype)

    @property
    def spec(self) -> WeightSpec:
        """As what the update graph takes."""
        return WeightSpec(self.name, self.shape, self.dtype)


@dataclass(frozen=True)
class Piece:
    """What one constant needs.

    Attributes:
        constant: The constant.
        sources: The sources it is computed from, in the program's order.
        steps: The steps that make it, in order.
    """

    constant: Constant
    sources: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def moves_only(self) -> bool:
        """Whether it is one source, its elements moved and at most cast at the end."""
        return len(self.sources) == 1 and all(step.op in VIEWS for step in self.body)

    @property
    def body(self) -> tuple[Step, ...]:
        """The steps without a ``cast`` at the end."""
        last = bool(self.steps) and self.steps[-1].op == "cast"
        return self.steps[:-1] if last else self.steps

    def __str__(self) -> str:
        one = self.constant
        short = len(self.steps) > SPELT_OUT
        told = [step.op for step in self.steps] if short else list(map(str, self.steps))
        steps = " > ".join(_counted(told)) or "as it is"
        return (
            f"{', '.join(self.sources)} -> {steps} -> {one.name}: {one.dtype.name}"
            f"{list(one.shape)}, {one.nbytes} bytes"
        )


class Table(tuple[Piece, ...]):
    """The pieces of a program; as text a line for each."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self))


@dataclass(frozen=True, repr=False)
class WeightProgram:
    """How constants are computed from sources.

    Attributes:
        sources: What an update takes, in order.
        constants: What the update graph takes, in its order.
        steps: In an order in which each finds its inputs made.
        values: Fixed values by name, read-only.
        first: First values of sources by name: of those of which a constant
            needs several, and of no other; empty where there is no init graph.
        aliases: Other names of sources: the name, and the source.
        unused: Names, or patterns with ``*`` and ``?``, of what a trainer has
            and no constant needs.

    Raises:
        ValueError: It does not hold together; the message says where.
    """

    sources: tuple[WeightSpec, ...]
    constants: tuple[Constant, ...]
    steps: tuple[Step, ...] = ()
    values: Mapping[str, Array] = field(default_factory=dict)
    first: Mapping[str, Array] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        made = {spec.name for spec in self.sources}
        _check_once([spec.name for spec in self.sources], "source")
        _check_once([one.name for one in self.constants], "constant")
        for name in self.values:
            if name in made:
                raise ValueError(f"{name!r} is a source and a fixed value; one of the two is right")
            made.add(name)
        for step in self.steps:
            if step.op not in OPERATIONS:
                raise ValueError(f"there is no operation {step.op!r}")
            for name in step.inputs:
                if name not in made:
                    raise ValueError(f"{step.op} of {step.output!r} takes {name!r}, not made yet")
            if step.output in made:
                raise ValueError(f"{step.output!r} is made twice")
            made.add(step.output)
        known = {spec.name for spec in self.sources}
        for one in self.constants:
            if one.value not in made:
                raise ValueError(f"constant {one.name!r} is {one.value!r}, which nothing makes")
        for alias, name in self.aliases.items():
            if name not in known or alias in known:
                raise ValueError(f"{alias!r} cannot be another name of {name!r}")

    def __repr__(self) -> str:
        return (
            f"<WeightProgram: {len(self.sources)} sources, {len(self.steps)} steps,"
            f" {len(self.constants)} constants>"
        )

    @property
    def is_plain(self) -> bool:
        """Whether every constant is the source of its name, in the same order."""
        names = [spec.name for spec in self.sources]
        return [one.value for one in self.constants] == names == [c.name for c in self.constants]

    @property
    def is_needed(self) -> bool:
        """Whether an update does anything by it: computes, knows other names, or passes over."""
        return not self.is_plain or bool(self.aliases) or bool(self.unused)

    @cached_property
    def pieces(self) -> Table:
        """What each constant needs, in the constants' order."""
        makers = {step.output: step for step in self.steps}
        order = {step.output: number for number, step in enumerate(self.steps)}
        rank = {spec.name: number for number, spec in enumerate(self.sources)}
        return Table(_piece(one, makers, order, rank) for one in self.constants)

    @cached_property
    def readers(self) -> Mapping[str, tuple[int, ...]]:
        """The places of the constants that each source is needed for."""
        found: dict[str, list[int]] = {spec.name: [] for spec in self.sources}
        for place, piece in enumerate(self.pieces):
            for name in piece.sources:
                found[name].append(place)
        return {name: tuple(places) for name, places in found.items()}

    @cached_property
    def kept(self) -> frozenset[str]:
        """The sources whose last value must be kept: those that some constant joins."""
        joined = (piece.sources for piece in self.pieces if len(piece.sources) > 1)
        return frozenset(name for names in joined for name in names)

    def compute(self, place: int, fetch: Callable[[str], Array], *, narrow: bool = True) -> Array:
        """Compute one constant.

        Args:
            place: Which one.
            fetch: Gives the value of a source, by name.
            narrow: Whether a ``cast`` at the end is carried out; without it the
                caller converts.

        Returns:
            An array of the constant's shape, which may share the source's memory.

        Raises:
            ValueError: The steps do not fit the values, or make another shape than
                the program says.
        """
        piece = self.pieces[place]
        values = {name: fetch(name) for name in piece.sources}
        result = self._run(piece, values, piece.steps if narrow else piece.body)
        if result.shape != piece.constant.shape:
            raise ValueError(
                f"constant {piece.constant.name!r} came out with shape {result.shape};"
                f" the program says {piece.constant.shape}"
            )
        return result

    def finish(self, place: int, found: Array) -> Array:
        """Carry out the ``cast`` at the end of a piece that was computed without it."""
        last = self.pieces[place].steps[-1]
        return OPERATIONS[last.op](found, **last.options)

    def _run(self, piece: Piece, values: dict[str, Array], steps: Sequence[Step]) -> Array:
        last = piece.constant.value if steps is piece.steps else piece.steps[-1].inputs[0]
        for step in steps:
            given = [self.values[one] if one in self.values else values[one] for one in step.inputs]
            try:
                values[step.output] = OPERATIONS[step.op](*given, **step.options)
            except (TypeError, ValueError, IndexError, OverflowError) as error:
                raise ValueError(f"constant {piece.constant.name!r}, {step}: {error}") from error
        return values[last] if last in values else self.values[last]


def _piece(
    one: Constant, makers: Mapping[str, Step], order: Mapping[str, int], rank: Mapping[str, int]
) -> Piece:
    steps: dict[str, Step] = {}
    sources, waiting = set(), [one.value]
    while waiting:
        name = waiting.pop()
        if name in rank:
            sources.add(name)
        elif name in makers and name not in steps:
            steps[name] = makers[name]
            waiting += makers[name].inputs
    ordered = sorted(steps, key=order.__getitem__)
    return Piece(
        one, tuple(sorted(sources, key=rank.__getitem__)), tuple(steps[name] for name in ordered)
    )


def _check_once(names: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} is there twice")
        seen.add(name)


def plain(specs: Sequence[WeightSpec]) -> WeightProgram:
    """Return the program in which every source is a constant, as it is."""
    made = (Constant(one.name, one.name, one.dtype, one.shape or ()) for one in specs)
    return WeightProgram(tuple(specs), tuple(made))
