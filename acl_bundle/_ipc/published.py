"""Weights of this process in device memory that others may import."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from acl_bundle._base.arrays import as_array, check
from acl_bundle._base.owner import Closing
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.foreign import as_device
from acl_bundle._device.make import to_device
from acl_bundle._ipc.blocks import ExportedBlock, chip_of
from acl_bundle._ipc.manifest import IpcManifest, laid_out
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec


class ExportedWeights(Closing):
    """A block with a place for each weight, exported.

    Args:
        weights: The weights that have a place, and their first values.
        device: The index of the device.

    Attributes:
        arrays: The places, by name.
    """

    def __init__(self, weights: Mapping[str, Any], device: int) -> None:
        self._placed, size = laid_out({n: (a.dtype, tuple(a.shape)) for n, a in weights.items()})
        self._block = ExportedBlock(device, size)
        self._all = DeviceArray(self._block, (self._block.nbytes,), np.dtype(np.uint8))
        self.arrays: dict[str, DeviceArray] = {}
        try:
            self._chip = chip_of(device)
            for name, one in self._placed.items():
                self.arrays[name] = DeviceArray.from_pointer(
                    self._all.pointer + one.offset,
                    one.shape,
                    one.dtype,
                    device=device,
                    owner=self._all,
                )
                to_device(weights[name], out=self.arrays[name])
        except BaseException:
            self.close()
            raise

    def write(self, given: Mapping[str, Any]) -> None:
        """Copy weights to their places (aclrtMemcpy), when all of them were found to fit.

        Of a lazy mapping each is fetched twice, and one is held at a time.

        Raises:
            WeightError: One has no place, or its dtype, shape or device is another's; nothing was
                written.
            TypeError: One is no array; nothing was written.
            ClosedError: One was on the device, and was freed; nothing was written.
            AclError: A copy failed; some may be written.
        """
        lost = [name for name in given if name not in self.arrays]
        if lost:
            raise WeightError(
                f"there is no place for {lost[0]!r}; there are {', '.join(self.arrays)[:200]}"
            )
        if isinstance(given, dict):
            given = {name: self._fitting(name, value) for name, value in given.items()}
        else:
            for name in given:
                self._fitting(name, given[name])
        for name in given:
            self._copy(name, self._fitting(name, given[name]))

    def _fitting(self, name: str, value: Any) -> Any:
        """A value as an array on the host, or on the device, where it stays until it was copied."""
        what, place = f"weight {name!r}", self.arrays[name]
        found: Any = None if isinstance(value, np.ndarray) else as_device(value, what)
        spec = WeightSpec(name, place.shape, place.dtype)
        array = as_array(value, what, spec) if found is None else found.held()
        check(array, what, spec)
        if found is not None and found.device != place.device:
            raise WeightError(
                f"{what} is on device {found.device}, and its place on {place.device}; copy it by"
                " way of .to_host()"
            )
        return array

    def _copy(self, name: str, array: Any) -> None:
        place = self.arrays[name]
        if not isinstance(array, DeviceArray) or array.pointer != place.pointer:
            to_device(array, out=place)

    def allow(self, process: int) -> None:
        """Let a process import it."""
        self._block.allow(process)

    def manifest(self, version: int) -> IpcManifest:
        """What a version consists of."""
        return IpcManifest(
            version, self._block.key, self._block.nbytes, self._chip, self._placed, time.time()
        )

    def close(self) -> None:
        """Close the key (aclrtIpcMemClose) and free the memory, once nothing here uses it.

        Raises:
            AclError: Another process has the memory imported.
        """
        with ExitStack() as last_first:
            last_first.callback(self._all.free)
            for array in self.arrays.values():
                last_first.callback(array.free)
