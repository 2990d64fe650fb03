"""Weights of another process, in its device memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, SupportsIndex

import numpy as np

from acl_bundle._base.owner import Closing
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.layout import index_of
from acl_bundle._device.make import empty, to_device
from acl_bundle._ipc.blocks import ImportedBlock, chip_of
from acl_bundle._ipc.manifest import IpcManifest
from acl_bundle.device import Device
from acl_bundle.errors import ClosedError, WeightsFormatError


class SharedMemory(Closing):
    """Memory in which weights lie as a manifest says."""

    _all: DeviceArray

    @property
    def nbytes(self) -> int:
        """Bytes of all of it."""
        return self._all.nbytes

    def _at(self, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        at = self._all.pointer + offset
        return DeviceArray.from_pointer(at, shape, dtype, device=self._all.device, owner=self._all)

    def views(self, manifest: IpcManifest) -> dict[str, DeviceArray]:
        """The weights of a manifest of this memory, each to be freed."""
        made = dict[str, DeviceArray]()
        with ExitStack() as on_failure:
            for name, one in manifest.weights.items():
                made[name] = self._at(one.offset, one.shape, one.dtype)
                on_failure.callback(made[name].free)
            on_failure.pop_all()
        return made

    def close(self) -> None:
        """Let the memory go, once nothing uses it. Harmless twice."""
        self._all.free()


class Imported(SharedMemory):
    """The memory of a manifest, imported; its close ends that (aclrtIpcMemClose).

    Args:
        manifest: Which memory.
        device: The index of the device of this process that it lies on.

    Raises:
        ValueError: The memory lies on another card.
        WeightsFormatError: The memory ends before the manifest says so.
        AclError: The key is stale, or its process does not allow this one.
    """

    def __init__(self, manifest: IpcManifest, device: int) -> None:
        _check_chip(manifest, device)
        self._what = manifest.key, manifest.size
        block = ImportedBlock(device, manifest.key)
        self._all = DeviceArray(block, (manifest.size,), np.dtype(np.uint8))
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self._check_end(manifest.size)
            on_failure.pop_all()

    def _check_end(self, size: int) -> None:
        try:
            self._at(size - 1, (1,), self._all.dtype).free()
        except ValueError as error:
            raise WeightsFormatError(
                f"the manifest says that the memory has {size} bytes, and it has less"
            ) from error

    def is_of(self, manifest: IpcManifest) -> bool:
        """Whether this is the memory of a manifest."""
        return self._what == (manifest.key, manifest.size)


class CopiedMemory(SharedMemory):
    """Memory of this process's own, for copies of what another one has (aclrtMalloc).

    Args:
        nbytes: How much.
        device: The index of the device.
    """

    def __init__(self, nbytes: int, device: int) -> None:
        self._all = empty((nbytes,), np.uint8, device)

    def take(self, memory: Imported) -> None:
        """Copy all of some memory (aclrtMemcpy)."""
        to_device(memory._all, out=self._all)


def _check_chip(manifest: IpcManifest, device: int) -> None:
    """Across cards the host cannot copy what is imported, nor anything at once (facts 10.1)."""
    chip = chip_of(device)
    if None not in (chip, manifest.chip) and chip != manifest.chip:
        raise ValueError(
            f"the weights lie on chip {manifest.chip} of this host, and device {device} is chip"
            f" {chip}: memory is shared on one card alone; let both processes use the same one,"
            " or publish by a folder or Redis"
        )


class IpcWeights(Mapping[str, DeviceArray], Closing):
    """Weights in another process's device memory, by name. Close it, or use ``with``.

    The values are DeviceArrays over the exporter's own memory: nothing is copied. The exporter
    must not write there until they were used, and must not end.

    Attributes:
        version: What the manifest calls them.
        published: When they were published, in seconds since 1970; None where it is not told.
    """

    kind = "ipc"

    def __init__(self, manifest: IpcManifest, memory: SharedMemory, *, owned: bool = True) -> None:
        self.version: int = manifest.version
        self.published: float | None = manifest.published
        self._memory, self._owned = memory, owned
        self._arrays: dict[str, DeviceArray] | None = {}
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self._arrays = memory.views(manifest)
            on_failure.pop_all()

    def _open(self) -> dict[str, DeviceArray]:
        if self._arrays is None:
            raise ClosedError("these IpcWeights are closed")
        return self._arrays

    def __getitem__(self, name: str) -> DeviceArray:
        return self._open()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def __repr__(self) -> str:
        state = "closed" if self._arrays is None else f"{len(self._arrays)} weights"
        return f"<IpcWeights, version {self.version}, {state}>"

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._arrays is None

    def _check_open(self) -> None:
        self._open()

    def close(self) -> None:
        """Free the arrays, and end the import (aclrtIpcMemClose). A second call does nothing.

        Where an array of these is in use, the import ends with that.

        Raises:
            AclError: The import could not be ended.
        """
        arrays, self._arrays = self._arrays, None
        with ExitStack() as last_first:
            if self._owned:
                last_first.callback(self._memory.close)
            for array in (arrays or {}).values():
                last_first.callback(array.free)


def open_ipc(manifest: object, device: SupportsIndex | Device) -> IpcWeights:
    """Open the weights of a manifest; see `acl_bundle.weights.from_ipc`."""
    index, read = index_of(device), IpcManifest.read(manifest)
    return IpcWeights(read, Imported(read, index))
