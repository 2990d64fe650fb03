"""An object on its way into memory: ranges of it, straight to where they are to lie.

There is one buffer, as large as the object, and each range has a place in it. What was read stays
read when a request fails: the next attempt asks for the rest. Then the bytes are compared with the
digest in the manifest, so it does not matter that they came in several requests.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any, Final

import numpy as np

from acl_bundle.errors import UnsupportedError, WeightsFormatError
from acl_bundle.follow._objects.manifest import Object
from acl_bundle.follow._objects.store import ObjectStore

RANGE: Final = 8 << 20
"""Bytes of one request."""
AT_ONCE: Final = 4
_HASHED: Final = 16 << 20


class Budget:
    """So many bytes a second, over all requests; None for as many as come."""

    def __init__(self, bandwidth: float | None) -> None:
        self._bandwidth = bandwidth
        self._free = 0.0

    async def spend(self, nbytes: int) -> None:
        """Wait until so many more bytes may come."""
        if self._bandwidth is not None:
            now = monotonic()
            self._free = max(self._free, now) + nbytes / self._bandwidth
            await asyncio.sleep(self._free - now)


class Download:
    """The bytes of one object, as far as they have come.

    Args:
        store: Where it lies.
        found: What the manifest says of it.
        budget: How fast it may come.
    """

    def __init__(self, store: ObjectStore, found: Object, budget: Budget) -> None:
        self._store, self._object, self._budget = store, found, budget
        self._bytes = np.empty(found.nbytes, np.uint8)
        self._at = {start: start for start in range(0, found.nbytes, RANGE)}
        self._checked = False

    def done(self) -> memoryview:
        """Read what has not come yet, and return the object's bytes, which are what they must be.

        Raises:
            FileNotFoundError: It is not there.
            WeightsFormatError: It has another size or other bytes than the manifest says. The
                next attempt begins from the start.
            OSError: The server cannot be reached, or refuses.
        """
        name = self._object.name
        if not self._checked:
            if self._at:
                self._read(name)
            try:
                self._check()
            except WeightsFormatError:
                self._at = {start: start for start in self._at}
                raise
            self._checked = True
        return self._bytes.data

    def _read(self, name: str) -> None:
        try:
            if self._store.ranges:
                self._store.read(self._fill(), name)
        except UnsupportedError:
            self._store.ranges = False
        if not self._store.ranges:
            self._store.read(self._whole(), name)

    async def _whole(self) -> None:
        """Have all of it in one go, from a server that gives no ranges."""
        self._at[0] = 0
        size, chunks = await self._store.chunks(self._object.name, None)
        self._check_size(size)
        await self._take(chunks, 0, size)

    async def _fill(self) -> None:
        """Have the ranges that are not whole, a few at once; the first failure ends all."""
        left = iter([start for start in self._at if self._at[start] < self._end(start)])
        tasks = [asyncio.ensure_future(self._several(left)) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _several(self, left: Any) -> None:
        for start in left:
            await self._range(start)

    async def _range(self, start: int) -> None:
        """Have one range, from where an earlier attempt was cut."""
        end = self._end(start)
        size, chunks = await self._store.chunks(self._object.name, (self._at[start], end))
        self._check_size(size)
        await self._take(chunks, start, end)

    async def _take(self, chunks: AsyncIterator[Any], start: int, end: int) -> None:
        """Put chunks where they are to lie."""
        at = self._at[start]
        async for chunk in chunks:
            data = np.frombuffer(chunk, np.uint8)[: end - at]
            self._bytes[at : at + len(data)] = data
            at += len(data)
            if self._store.ranges:
                self._at[start] = at
            await self._budget.spend(len(data))
        if at != end:
            raise ConnectionError(
                f"{self._store.at(self._object.name)}: bytes {start} to {end} were asked for, and"
                f" they ended at {at}"
            )

    def _check_size(self, size: int) -> None:
        if size != self._object.nbytes:
            raise WeightsFormatError(
                f"{self._store.at(self._object.name)}: it has {size} bytes, and the manifest says"
                f" {self._object.nbytes}: it is not whole yet, or was replaced"
            )

    def _end(self, start: int) -> int:
        return min(start + RANGE, self._object.nbytes)

    def _check(self) -> None:
        digest = hashlib.sha256()
        for start in range(0, self._object.nbytes, _HASHED):
            if self._store.stop.is_set():
                raise ConnectionAbortedError("it was ended while it was read")
            digest.update(self._bytes[start : start + _HASHED].data)
        if digest.hexdigest() != self._object.sha256:
            raise WeightsFormatError(
                f"{self._store.at(self._object.name)}: its SHA-256 is {digest.hexdigest()}, and"
                f" the manifest says {self._object.sha256}: it was replaced or damaged"
            )
