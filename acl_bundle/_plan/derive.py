"""From a plan of sources to a plan of constants, by the bundle's weight program.

An update is planned twice. The first plan is of what was given, the sources:
their names, dtypes and shapes, and what of them is unchanged. The second is of
the constants that these sources are needed for. Each is computed when it is
staged, or is a view of its source and moved from there.

A constant made of several sources takes those that were not given from the
last update that gave them, so their values are kept on the host, with the
record of what the variables hold (`Published`): a rollback, a restore or an
init goes back to the values of then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.floats import count
from acl_bundle._base.pieces import pieces
from acl_bundle._device.array import DeviceArray
from acl_bundle._plan.casts import CastCounts, allowed, convert, nonfinite, saturate
from acl_bundle._plan.plan import Plan
from acl_bundle._run.published import Published
from acl_bundle.errors import BundleFormatError, WeightError
from acl_bundle.weight_program import WeightProgram

Array = NDArray[Any]
Keep = Literal["copy", "none"]


def check_keep(keep: object) -> None:
    """Refuse what is no way to keep values.

    Raises:
        ValueError: It is none.
    """
    if keep not in ("copy", "none"):
        raise ValueError(f"keep is 'copy' or 'none', not {keep!r}")


PIECE = 1 << 20


class Derivation:
    """Plans constants from sources.

    Args:
        program: The bundle's.
        label: The update graph, for messages.
    """

    def __init__(self, program: WeightProgram, label: str) -> None:
        self.program, self._label = program, label
        self._specs = {spec.name: spec for spec in program.sources}

    def plan(self, given: Plan, now: Published) -> Plan:
        """Plan the constants that the changed sources are needed for.

        Args:
            given: The plan of the sources.
            now: What the variables hold.

        Raises:
            WeightError: A constant needs a source that has no value to go with
                those that were given.
        """
        program = self.program
        places = {name: place for place, name in enumerate(given.names)}
        touched = sorted({at for name in places for at in program.readers[name]})
        self._check_partners(touched, places, now)
        plan = Plan(self._label, replace(given.options, cast="same_kind"), given.pause)
        plan.strict, plan.saturated = self._named(given.strict), self._named(given.saturated)
        for index in touched:
            self._add(plan, index, given, places, now)
        return plan

    def _named(self, sources: set[str]) -> set[str]:
        """The constants of some sources that are only moved and cast."""
        return {
            self.program.pieces[at].constant.name
            for name in sources
            for at in self.program.readers[name]
            if self.program.pieces[at].moves_only
        }

    def _check_partners(
        self, touched: Sequence[int], places: Mapping[str, int], now: Published
    ) -> None:
        for index in touched:
            piece = self.program.pieces[index]
            missing = [n for n in piece.sources if n not in places and self._last(n, now) is None]
            if missing:
                first = self.program.first and not now.initialised
                raise WeightError(
                    f"{self._label}: {piece.constant.name!r} is made of"
                    f" {', '.join(map(repr, piece.sources))}, and there is no last value of"
                    f" {', '.join(map(repr, missing))}: give all of them together"
                    f"{', or call init() first' if first else ''}; nothing was changed"
                )

    def partners(self, given: Plan, now: Published) -> dict[str, Array | None]:
        """The last values of the sources that constants need beside those that were given."""
        program, there = self.program, {*given.names}
        touched = {at for name in there for at in program.readers[name]}
        names = {name for at in touched for name in program.pieces[at].sources} - there
        return {name: self._last(name, now) for name in sorted(names)}

    def _last(self, name: str, now: Published) -> Array | None:
        """The value that a source had last; None where nobody knows it."""
        first = self.program.first if now.initialised else {}
        found: Array | None = now.sources.get(name, first.get(name))
        return found

    def _add(
        self, plan: Plan, index: int, given: Plan, places: Mapping[str, int], now: Published
    ) -> None:
        piece = self.program.pieces[index]
        spec = piece.constant.spec
        if piece.sources != (spec.name,):
            plan.made_of[spec.name] = piece.sources
        if piece.moves_only:
            place = places[piece.sources[0]]
            source: Any = given.arrays[place]
            if isinstance(source, DeviceArray):
                if source.dtype == spec.dtype and not piece.steps:
                    plan.add(index, spec, source, lazy=False)
                    return
            elif source is not None:
                plan.add(index, spec, self._computed(index, lambda _: source), lazy=False)
                return
        plan.compute(index, spec, partial(self._value, index, given, places, now))

    def _value(self, index: int, given: Plan, places: Mapping[str, int], now: Published) -> Array:
        """Compute a constant."""
        moves_only = self.program.pieces[index].moves_only

        def fetch(name: str) -> Array:
            if name not in places:
                found = self._last(name, now)
                assert found is not None, name  # _check_partners
                return found
            array = given.fetch(places[name])
            if moves_only:
                return array
            typed, overflow = self._typed(name, array, given)
            self._note_nonfinite(name, array, overflow, given)
            return typed

        return self._computed(index, fetch)

    def _note_nonfinite(self, name: str, array: Array, overflow: int, given: Plan) -> None:
        found = sum(nonfinite(np.ascontiguousarray(piece)) for piece in pieces(array, PIECE))
        found += overflow
        if found:
            given.nonfinite[name] = found

    def _computed(self, index: int, fetch: Callable[[str], Array]) -> Array:
        """Compute a constant, but leave a conversion that the stage can do to the stage."""
        piece = self.program.pieces[index]
        try:
            found = self.program.compute(index, fetch, narrow=False)
            if piece.body is not piece.steps and not allowed(
                found.dtype, piece.constant.dtype, "same_kind"
            ):
                found = self.program.finish(index, found)
        except ValueError as error:
            raise BundleFormatError(
                f"{self._label}: its weight program is damaged: {error}"
            ) from error
        return found

    def _typed(self, name: str, array: Array, given: Plan) -> tuple[Array, int]:
        """A source in its own dtype, for what is computed of it, and what that made infinite."""
        spec = self._specs[name]
        if array.dtype == spec.dtype:
            return array, 0
        typed = np.empty(array.shape, spec.dtype)
        convert(array, typed)
        found = given.casts[name] = CastCounts(array.dtype, spec.dtype, *count(array, typed))
        if name not in given.saturated:
            return typed, found.overflow
        saturate(array, typed)
        return typed, 0

    def report(self, given: Plan, plan: Plan) -> None:
        """Tell of the sources what was found of the constants.

        What was computed of finite values and is not finite goes by the constant's name.
        """
        for index in plan.indices:
            piece = self.program.pieces[index]
            name = piece.constant.name
            if piece.moves_only and name in plan.casts:
                given.casts[piece.sources[0]] = plan.casts.pop(name)
            if piece.moves_only and name in plan.nonfinite:
                given.nonfinite[piece.sources[0]] = plan.nonfinite.pop(name)
            elif name in plan.nonfinite and given.nonfinite.keys().isdisjoint(piece.sources):
                given.nonfinite[name] = plan.nonfinite[name]

    def kept(self, given: Plan, keep: Keep) -> dict[str, Array | None]:
        """What is kept of the sources once the update is committed (`Assigned.sources`)."""
        return {
            name: None if keep == "none" else self._kept(place, given)
            for place, name in enumerate(given.names)
            if name in self.program.kept
        }

    def _kept(self, place: int, given: Plan) -> Array:
        array = given.fetch(place)
        typed, _ = self._typed(given.names[place], array, given)
        return array.copy() if typed is array else typed

    def missing(self, given: Plan) -> list[str]:
        """The sources that some constant needs and an update leaves out."""
        readers, there = self.program.readers, set(given.names)
        return [name for name in self._specs if readers[name] and name not in there]
