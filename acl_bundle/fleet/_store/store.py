"""The committed weights of a fleet: the latest value of each, and those of the update under way.

Each weight has two places in shared memory. One holds the committed value, the other takes the
next one; what is decided makes them change places. So memory is twice the weights that were ever
updated, and in steady state none is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array
from acl_bundle._device.foreign import as_device
from acl_bundle.fleet._messages.messages import Reference
from acl_bundle.fleet._store.shared import OwnRegion, Region, mapped

ALIGN = 64
Array = NDArray[Any]


class Store(Protocol):
    """Where a fleet keeps the committed weights, from which replicas catch up."""

    @property
    def where(self) -> str:
        """The place, for people."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes, in bytes."""

    @property
    def committed(self) -> Reference | None:
        """The latest committed value of every weight that ever had one; None before."""

    def put(self, weights: Mapping[str, Any], *, reuse: bool) -> Reference:
        """Copy weights, once; until `keep` they count for nothing.

        Args:
            weights: By name.
            reuse: Whether nobody reads what was put or committed before any more, but for the
                committed weights themselves.
        """

    def keep(self) -> None:
        """What was put last is committed."""

    def drop(self) -> None:
        """What was put last is not."""


class SharedPlace(NamedTuple):
    """Where one weight lies."""

    region: Region
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class InSharedMemory:
    """Weights in shared memory of some process of this host.

    Attributes:
        places: Where each lies.
    """

    places: Mapping[str, SharedPlace]

    @contextmanager
    def opened(self) -> Iterator[Mapping[str, Array]]:
        """See `Reference`."""
        regions = {place.region: None for place in self.places.values()}
        views = {region: mapped(region) for region in regions}
        arrays = {name: _array(views[place.region], place) for name, place in self.places.items()}
        for array in arrays.values():
            array.flags.writeable = False
        yield arrays


class _Slot:
    """Two places of one weight; the first is the committed one, if there is one."""

    def __init__(self, memory: OwnRegion, places: tuple[SharedPlace, SharedPlace]) -> None:
        self.memory, self.places = memory, places


class SharedStore:
    """Weights in shared memory of this process, for replicas of this host."""

    def __init__(self) -> None:
        self._slots: dict[str, _Slot] = {}
        self._put: dict[str, _Slot] = {}

    @property
    def where(self) -> str:
        """The place, for people."""
        return "shared memory of this host"

    @property
    def nbytes(self) -> int:
        """Memory that it takes, in bytes."""
        held = (*self._slots.values(), *self._put.values())
        return sum(one.region.nbytes for one in {slot.memory for slot in held})

    @property
    def committed(self) -> InSharedMemory | None:
        """See `Store`."""
        places = {name: slot.places[0] for name, slot in self._slots.items()}
        return InSharedMemory(places) if places else None

    def put(self, weights: Mapping[str, Any], *, reuse: bool) -> InSharedMemory:
        """See `Store`."""
        self.drop()
        arrays = {name: host_array(value, f"weight {name!r}") for name, value in weights.items()}
        self._put = {n: self._slots[n] for n in arrays if reuse and self._fits(n, arrays[n])}
        missing = {name: array for name, array in arrays.items() if name not in self._put}
        if missing:
            self._put |= _made(missing)
        places = {name: self._put[name].places[1] for name in arrays}
        for name, array in arrays.items():
            np.copyto(_array(self._put[name].memory.view, places[name]), array)
        return InSharedMemory(places)

    def keep(self) -> None:
        """See `Store`."""
        for name, slot in self._put.items():
            slot.places = slot.places[::-1]
            self._slots[name] = slot
        self._put = {}

    def drop(self) -> None:
        """See `Store`."""
        self._put = {}

    def _fits(self, name: str, array: Array) -> bool:
        slot = self._slots.get(name)
        return slot is not None and slot.places[1][2:] == (array.shape, array.dtype)


def host_array(value: Any, what: str) -> Array:
    """A value as an array on the host.

    Raises:
        TypeError: It is none, or holds Python's objects.
    """
    found = None if isinstance(value, np.ndarray) else as_device(value, what)
    array: Array = as_array(value, what) if found is None else found.to_host()
    if array.dtype.hasobject:
        raise TypeError(f"{what} has dtype {array.dtype}; an array of numbers is right")
    return array


def _made(arrays: Mapping[str, Array]) -> dict[str, _Slot]:
    """Two places for each of some weights, in one region."""
    rooms = {name: -(-array.nbytes // ALIGN) * ALIGN for name, array in arrays.items()}
    total = sum(rooms.values())
    memory = OwnRegion(max(2 * total, ALIGN))
    made, offset = {}, 0
    for name, array in arrays.items():
        first = SharedPlace(memory.region, offset, array.shape, array.dtype)
        made[name] = _Slot(memory, (first, first._replace(offset=offset + total)))
        offset += rooms[name]
    return made


def _array(view: Any, place: SharedPlace) -> Array:
    if not (count := prod(place.shape)):
        return np.empty(place.shape, place.dtype)
    return np.frombuffer(view, place.dtype, count, place.offset).reshape(place.shape)
