"""The committed weights in Ray's object store.

An update is one object, of all its weights: Ray brings it once to each node that has replicas,
and they read it where it lies. The committed value of a weight is a part of the object of its last
update. Objects of which little is still that are replaced by one of what is left, so that the
store takes at most twice the bytes of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from acl_bundle.errors import AclBundleError
from acl_bundle.fleet._ray.answers import library, told
from acl_bundle.fleet._store.store import host_array

MOST = 2
"""How many times the bytes of the committed weights their objects may take."""


class StoredPart(NamedTuple):
    """Where one weight lies: in an object, a list of arrays of bytes."""

    object: Any
    place: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class InObjectStore:
    """Weights in Ray's object store.

    Attributes:
        parts: Where each lies.
    """

    parts: Mapping[str, StoredPart]

    @contextmanager
    def opened(self) -> Iterator[Mapping[str, NDArray[Any]]]:
        """See `Reference`; raises AclBundleError where their owner has ended."""
        ray = library()
        objects = list({part.object: None for part in self.parts.values()})
        try:
            found = dict(zip(objects, ray.get(objects), strict=True))
        except ray.exceptions.RayError as error:
            raise AclBundleError(
                f"the weights in Ray's object store cannot be read: {told(error)}"
            ) from error
        yield {
            name: found[part.object][part.place].view(part.dtype).reshape(part.shape)
            for name, part in self.parts.items()
        }


class RayStore:
    """Weights in Ray's object store, for replicas on any node."""

    def __init__(self) -> None:
        self._committed: dict[str, StoredPart] = {}
        self._put: dict[str, StoredPart] = {}
        self._sizes: dict[Any, int] = {}

    @property
    def where(self) -> str:
        """The place, for people."""
        return "Ray's object store"

    @property
    def nbytes(self) -> int:
        """Memory that it takes on a node, in bytes."""
        parts = (*self._committed.values(), *self._put.values())
        return sum(self._sizes[one] for one in {part.object for part in parts})

    @property
    def committed(self) -> InObjectStore | None:
        """See `Store`."""
        return InObjectStore(dict(self._committed)) if self._committed else None

    def put(self, weights: Mapping[str, Any], *, reuse: bool) -> InObjectStore:  # noqa: ARG002
        """See `Store`. An object never changes, so none is used again.

        Raises:
            AclBundleError: The store is full.
        """
        self.drop()
        arrays = {name: host_array(value, f"weight {name!r}") for name, value in weights.items()}
        self._put = self._stored(arrays)
        return InObjectStore(self._put)

    def keep(self) -> None:
        """See `Store`."""
        self._committed |= self._put
        self._put = {}
        self._forget()
        if self.nbytes > MOST * sum(map(_nbytes, self._committed.values())):
            self._pack()

    def drop(self) -> None:
        """See `Store`."""
        self._put = {}
        self._forget()

    def _stored(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, StoredPart]:
        ray = library()
        flat = [np.ascontiguousarray(one).reshape(-1).view(np.uint8) for one in arrays.values()]
        try:
            stored = ray.put(flat)
        except ray.exceptions.RayError as error:
            raise AclBundleError(
                f"Ray's object store does not take the weights: {told(error)}"
            ) from error
        self._sizes[stored] = sum(one.nbytes for one in flat)
        return {
            name: StoredPart(stored, place, one.shape, one.dtype)
            for place, (name, one) in enumerate(arrays.items())
        }

    def _pack(self) -> None:
        """Have all in one object; where the store is too full for that, they stay as they are."""
        try:
            with InObjectStore(self._committed).opened() as arrays:
                self._committed = self._stored(arrays)
        except AclBundleError:
            return
        self._forget()

    def _forget(self) -> None:
        used = {part.object for part in (*self._committed.values(), *self._put.values())}
        self._sizes = {one: size for one, size in self._sizes.items() if one in used}


def _nbytes(part: StoredPart) -> int:
    return prod(part.shape) * part.dtype.itemsize
