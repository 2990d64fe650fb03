"""Blocks of device memory that another process has, too: exported ones and imported ones.

The end has one order (facts 10.1): importers close the key, then the exporter does, and then the
memory is freed. Each block keeps to its part of it.
"""

from __future__ import annotations

from typing import Any

from acl_bundle._binding.calls import acl, pointed
from acl_bundle._binding.library import has, need
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._device.block import Block, OpenDevice
from acl_bundle.errors import CONTEXT_NULL, AclError

KEY = 65
"""Bytes of a key, with the NUL at its end (facts 10.1)."""
PAGE = 2 << 20
"""Memory is exported in whole huge pages (facts 10.1)."""

_EXPORTING = (
    "aclrtIpcMemGetExportKey",
    "aclrtIpcMemSetImportPid",
    "aclrtIpcMemClose",
)
_IMPORTING = ("aclrtIpcMemImportByKey", "aclrtIpcMemClose", "aclrtDeviceGetBareTgid")


class ExportedBlock(Block):
    """Device memory of this process that others may import (aclrtIpcMemGetExportKey).

    Args:
        device: The index of its device.
        nbytes: How many bytes; whole pages of 2 MiB are taken.

    Attributes:
        key: What an importer needs.
        nbytes: Bytes of the pages.

    Raises:
        UnsupportedError: The library has no such functions.
        AclError: 207001 when the device has no such block left, 207000 when its chip shares none.
    """

    def __init__(self, device: int, nbytes: int) -> None:
        need("memory of several processes", _EXPORTING)
        self.nbytes: int = (max(nbytes, 1) + PAGE - 1) // PAGE * PAGE
        self._allowed: set[int] = set()
        super().__init__(device, self.nbytes)

    def _own(self, nbytes: int, memory: Any) -> int:
        pointer, key = ffi.new("void **"), ffi.new(f"char[{KEY}]")
        keys = list[Any]()
        with self.device.activated():
            acl.aclrtMalloc(pointer, nbytes, lib.ACL_MEM_MALLOC_HUGE_ONLY)
            memory = pointed("aclrtMalloc", pointer[0])
            self._stack.callback(_end, self.device, memory, keys)
            acl.aclrtIpcMemGetExportKey(memory, nbytes, key, KEY, 0)
            keys.append(key)
        self.key: str = ffi.string(key).decode("latin-1")
        return int(ffi.cast("uintptr_t", memory))

    def allow(self, process: int) -> None:
        """Let a process import, by the number that `process_number` gives there.

        A key takes 1,024 processes; one that is allowed is not told to it again.

        Raises:
            ValueError: It is no number of a process.
            AclError: The library refused.
        """
        if not 0 < process < 2**31:
            raise ValueError(f"{process} is no number of a process; aclrtDeviceGetBareTgid has it")
        if process not in self._allowed:
            with self.device.activated():
                pids = ffi.new("int32_t[]", [process])
                acl.aclrtIpcMemSetImportPid(self.key.encode("latin-1"), pids, 1)
            self._allowed.add(process)


def _end(device: OpenDevice, memory: Any, keys: list[Any]) -> None:
    """Free memory whose key could be closed; what another process has imported stays."""
    for key in keys:
        _close(device, key)
    acl.aclrtFree(memory)


def _close(device: OpenDevice, key: Any) -> None:
    """Close a key, which needs the device's context, also where that could not be had before."""
    try:
        acl.aclrtIpcMemClose(key)
    except AclError as error:
        if error.code != CONTEXT_NULL:
            raise
        with device.activated():
            acl.aclrtIpcMemClose(key)


class ImportedBlock(Block):
    """Device memory of another process (aclrtIpcMemImportByKey).

    Args:
        device: The index of the device of this process that it gets addresses on.
        key: The exporter's.

    Raises:
        UnsupportedError: The library has no such functions.
        AclError: 507899 for a key that is stale, or of a process that does not allow this one.
    """

    def __init__(self, device: int, key: str) -> None:
        need("memory of several processes", _IMPORTING)
        self._key = key.encode("latin-1")
        super().__init__(device, 0)

    def _own(self, nbytes: int, memory: Any) -> int:  # noqa: ARG002  both are the exporter's
        pointer = ffi.new("void **")
        with self.device.activated():
            acl.aclrtIpcMemImportByKey(pointer, self._key, 0)
            self._stack.callback(_close, self.device, self._key)
        return int(ffi.cast("uintptr_t", pointed("aclrtIpcMemImportByKey", pointer[0])))


def process_number() -> int:
    """The number by which an exporter allows this process (aclrtDeviceGetBareTgid)."""
    need("memory of several processes", _IMPORTING)
    number = ffi.new("int32_t *")
    acl.aclrtDeviceGetBareTgid(number)
    return int(number[0])


def chip_of(device: int) -> int | None:
    """The number that a device has in all processes of its host; None: the library does not say."""
    if not has("aclrtGetDeviceInfo"):
        return None
    number = ffi.new("int64_t *")
    acl.aclrtGetDeviceInfo(device, lib.ACL_DEV_ATTR_PHY_CHIP_ID, number)
    return int(number[0])
