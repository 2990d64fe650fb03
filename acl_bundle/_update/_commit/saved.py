"""The variables' memory, where it is ours, and copies of it.

Bytes are opaque here: the device may store a weight in another dtype or format
than an update takes. Where the file tells each variable's place a copy holds
the ranges of some weights, else the whole memory. A copy lies on the device as
long as there is room, else on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.owner import Taken
from acl_bundle._binding.failures import raise_failure
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._device.memory import DeviceBuffer, HostBuffer
from acl_bundle.device import Device
from acl_bundle.errors import AclResourceError, UnsupportedError
from acl_bundle.spec import WeightSpec

Where = Literal["auto", "device", "host"]
Range = tuple[int, int]
GAP = 64 << 10
"""A gap between two ranges that is rather copied than made a second copy of."""
CHUNK = 16 << 20


class Hasher(Protocol):
    """What a digest is made with."""

    def update(self, data: Any) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """The digest so far."""


class Saved:
    """What some ranges of the variables held at one time."""

    def __init__(
        self,
        engine: Any,
        memory: DeviceBuffer,
        buffer: DeviceBuffer | HostBuffer,
        parts: list[Range],
    ) -> None:
        ranges = ffi.new("ab_range[]", [{"offset": o, "nbytes": n} for o, n in parts])
        self.on_host: bool = isinstance(buffer, HostBuffer)
        self.nbytes: int = sum(nbytes for _, nbytes in parts)
        self._held = ranges
        self.pointer: Any = ffi.new(
            "ab_saved *",
            {"engine": engine, "variables": memory.pointer, "copy": buffer.pointer,
             "onHost": self.on_host, "ranges": ranges, "count": len(parts)},
        )  # fmt: skip
        result = lib.ab_save(self.pointer)
        if result:
            raise_failure(result, "saving the variables", (), ())


class Area:
    """The memory of a bundle's variables, in device memory of ours.

    Args:
        stack: Gives back what is made here.
        device: Whose memory it is.
        memory: The variables' memory.
        places: Offset and bytes of each weight; None where the file does not tell.

    Attributes:
        latest: What `undo` has saved last, and holds still.
    """

    def __init__(
        self,
        stack: ExitStack,
        device: Device,
        memory: DeviceBuffer,
        places: dict[str, Range] | None,
    ) -> None:
        self._stack, self._device, self._memory = ExitStack(), device, memory
        stack.callback(self._stack.close)
        self.places = places
        self.latest: Saved | None = None
        self._kept: dict[type, DeviceBuffer | HostBuffer] = {}

    def ranges(self, names: Collection[str] | None) -> list[Range]:
        """Offset and bytes of what must be saved for some weights; None: for all."""
        if self.places is None or names is None:
            return [(0, self._memory.nbytes)]
        found: list[Range] = []
        for offset, nbytes in sorted(self.places[name] for name in names):
            if found and offset - sum(found[-1]) <= GAP:
                found[-1] = found[-1][0], offset + nbytes - found[-1][0]
            else:
                found.append((offset, nbytes))
        return found

    def undo(self, engine: Any, names: Collection[str] | None, where: Where) -> Saved:
        """Save some weights until the next call, in memory that is kept for it.

        Raises:
            AclError: There is no memory for it, or a copy failed.
        """
        self.latest = None
        parts = self.ranges(names)
        nbytes = max(sum(n for _, n in parts), 1)
        room = self._room(nbytes, where, self._keep)
        self.latest = Saved(engine, self._memory, room, parts)
        return self.latest

    def save(self, engine: Any, where: Where) -> tuple[Saved, DeviceBuffer | HostBuffer]:
        """Save everything, in memory that is the caller's to close.

        Raises:
            AclError: There is no memory for it, or a copy failed.
        """
        parts = self.ranges(None)
        with self._device.activated(), Taken() as stack:
            buffer = self._room(self._memory.nbytes, where, lambda kind, nbytes: kind(nbytes))
            stack.callback(buffer.close)
            saved = Saved(engine, self._memory, buffer, parts), buffer
            stack.pop_all()
        return saved

    def _room(
        self,
        nbytes: int,
        where: Where,
        make: Callable[[type[DeviceBuffer | HostBuffer], int], DeviceBuffer | HostBuffer],
    ) -> DeviceBuffer | HostBuffer:
        with self._device.activated():
            if where == "host":
                return make(HostBuffer, nbytes)
            try:
                return make(DeviceBuffer, nbytes)
            except AclResourceError:
                if where == "device":
                    raise
                return make(HostBuffer, nbytes)

    def _keep(
        self, kind: type[DeviceBuffer | HostBuffer], nbytes: int
    ) -> DeviceBuffer | HostBuffer:
        kept = self._kept.get(kind)
        if kept is not None and kept.nbytes >= nbytes:
            return kept
        if kept is not None:
            kept.close()
            del self._kept[kind]
        made = self._kept[kind] = kind(nbytes)
        self._stack.callback(made.close)
        return made

    def digests(self, new: Callable[[], Hasher]) -> dict[str, str]:
        """Read the variables back and digest each weight's bytes.

        Returns:
            By name; under "" that of the whole memory where places are unknown.

        Raises:
            AclError: There is no memory for it, or a copy failed.
        """
        places = {"": (0, self._memory.nbytes)} if self.places is None else self.places
        largest = max((nbytes for _, nbytes in places.values()), default=1)
        with self._device.activated(), Taken() as stack:
            buffer = HostBuffer(max(min(largest, CHUNK), 1))
            stack.callback(buffer.close)
            return {name: self._digest(place, buffer, new()) for name, place in places.items()}

    def read(self, spec: WeightSpec, pause: Callable[[], object]) -> NDArray[Any]:
        """Read one weight (aclrtMemcpy), by pieces, straight to a new array.

        Args:
            spec: Which; its shape is known where its place is.
            pause: Called between the pieces.

        Raises:
            UnsupportedError: The file does not tell where it lies.
            AclError: A copy failed.
        """
        if self.places is None or spec.shape is None:
            raise UnsupportedError(
                f"weight {spec.name!r} cannot be read: the file does not tell where it lies, and"
                " the device may store it in another dtype or format than an update takes (only"
                " files of acl_bundle.build tell). With variables='library' the values that were"
                " given are kept, and can be read"
            )
        offset, nbytes = self.places[spec.name]
        found = np.empty(spec.shape, spec.dtype)
        if found.nbytes != nbytes:
            raise UnsupportedError(
                f"weight {spec.name!r} cannot be read: it takes {nbytes} bytes on the device, and"
                f" {found.nbytes} as {spec}, so it is stored in another form"
            )
        bytes_ = found.reshape(-1).view(np.uint8)
        with self._device.activated():
            for start, size in _chunks((0, nbytes), CHUNK):
                pause()
                part = ffi.from_buffer(bytes_[start : start + size])
                self._memory.read(offset + start, part, size, self._device.on_host)
        return found

    def _digest(self, place: Range, buffer: HostBuffer, state: Hasher) -> str:
        for offset, nbytes in _chunks(place, buffer.nbytes):
            self._memory.read(offset, buffer.pointer, nbytes, self._device.on_host)
            state.update(ffi.buffer(buffer.pointer, nbytes))
        return state.hexdigest()


def _chunks(place: Range, most: int) -> Iterator[Range]:
    offset, nbytes = place
    for start in range(0, nbytes, most):
        yield offset + start, min(most, nbytes - start)
