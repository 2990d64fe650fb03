"""Weights of this process in device memory that others may import."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from acl_bundle._base.owner import Closing
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.make import to_device
from acl_bundle._ipc.blocks import ExportedBlock, chip_of
from acl_bundle._ipc.manifest import IpcManifest, laid_out


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
