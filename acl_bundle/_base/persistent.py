"""A mapping that never changes; a copy with other values costs what is different.

It has a fixed set of names, of which some have a value. The values lie in blocks,
and a changed copy shares every block in which nothing is different.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")
BLOCK = 128
NOTHING: Any = ...
"""Stands where there is no value; unlike an object of our own it is the same when unpickled."""


class PersistentMap(Mapping[str, Value]):
    """A mapping of some of a fixed set of names, in their order.

    Args:
        names: All that can have a value; none has.
    """

    __slots__ = ("_blocks", "_count", "_places")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._places: dict[str, int] = {name: place for place, name in enumerate(names)}
        self._blocks: list[list[Value]] = []
        self._count = 0
        self._fill([NOTHING] * len(self._places), 0)

    def _fill(self, values: list[Value], count: int) -> None:
        self._blocks = [values[at : at + BLOCK] for at in range(0, len(values), BLOCK)]
        self._count = count

    def _copy(self) -> PersistentMap[Value]:
        copy = object.__new__(type(self))
        copy._places, copy._blocks, copy._count = self._places, [*self._blocks], self._count
        return copy

    def __getitem__(self, name: str) -> Value:
        block, row = divmod(self._places[name], BLOCK)
        value = self._blocks[block][row]
        if value is NOTHING:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._places if name in self)

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Whether every name has a value."""
        return self._count == len(self._places)

    def filled(self, value: Value) -> PersistentMap[Value]:
        """The same names, all with this value."""
        copy = self._copy()
        copy._fill([value] * len(self._places), len(self._places))
        return copy

    def cleared(self) -> PersistentMap[Value]:
        """The same names, none with a value."""
        copy = self._copy()
        copy._fill([NOTHING] * len(self._places), 0)
        return copy

    def changed(self, values: Mapping[str, Value]) -> PersistentMap[Value]:
        """A copy in which some names have these values.

        Raises:
            KeyError: A name is none of the fixed set.
        """
        if not values:
            return self
        copy = self._copy()
        if len(values) == len(self._places):
            copy._fill([values[name] for name in self._places], len(values))
        else:
            copy._put((self._places[name], value) for name, value in values.items())
        return copy

    def without(self, names: Iterable[str]) -> PersistentMap[Value]:
        """A copy in which some names have no value."""
        if not self._count:
            return self
        copy = self._copy()
        copy._put((self._places[name], NOTHING) for name in names)
        return copy

    def _put(self, values: Iterable[tuple[int, Value]]) -> None:
        own: dict[int, list[Value]] = {}
        for place, value in values:
            at, row = divmod(place, BLOCK)
            block = own.get(at)
            if block is None:
                block = own[at] = self._blocks[at] = [*self._blocks[at]]
            self._count += (value is not NOTHING) - (block[row] is not NOTHING)
            block[row] = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"
