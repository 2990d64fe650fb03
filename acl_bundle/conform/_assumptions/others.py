"""Assumptions about other packages and other processes."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from acl_bundle._binding.shim import ffi, lib
from acl_bundle.conform._assumptions.checks import TriedOn, Verdict, check
from acl_bundle.conform._assumptions.trial import Untried, done, download, malloc, upload

KEY_BYTES, SIZE = 65, 2 << 20
REFUSED = 507899


def _torch(device: int) -> Any:
    if find_spec("torch_npu") is None:
        raise Untried("torch_npu is not installed")
    torch = import_module("torch")
    import_module("torch_npu")
    return torch.empty(1024, device=f"npu:{device}"), torch


@check("A18", "aclrtPointerGetAttributes knows all memory that torch_npu allocates")
def of_torch(where: TriedOn) -> Verdict:
    """Ask about a tensor's."""
    tensor, _ = _torch(where.device)
    found = ffi.new("aclrtPtrAttributes *")
    status = lib.aclrtPointerGetAttributes(ffi.cast("void *", tensor.data_ptr()), found)
    kind, device = int(found.location.type), int(found.location.id)
    said = f"a tensor's memory: status {status}, location type {kind}, device {device}"
    return (status, kind, device) == (0, 1, where.device), said


@check("A19", "kDLExtDev is torch_npu's, with aclrtSetDevice's numbers")
def dlpack(where: TriedOn) -> Verdict:
    """Ask a tensor for its DLPack device."""
    tensor, _ = _torch(where.device)
    kind, number = tensor.__dlpack_device__()
    return (int(kind), int(number)) == (12, where.device), f"device type {kind}, number {number}"


@check("A20", "npu_event of a torch.npu.Event is its aclrtEvent")
def event(where: TriedOn) -> Verdict:
    """Record one, and ask AscendCL for its status."""
    _, torch = _torch(where.device)
    made = torch.npu.Event()
    made.record()
    made.synchronize()
    status = ffi.new("aclrtEventRecordedStatus *")
    code = lib.aclrtQueryEventStatus(ffi.cast("void *", made.npu_event), status)
    said = f"aclrtQueryEventStatus returned {code}, status {int(status[0])}"
    return (code, int(status[0])) == (0, 1), said


@check("A21", f"{REFUSED} is what the driver's refusals of keys become")
def refused(_: TriedOn) -> Verdict:
    """Import a key that nobody exported."""
    if not lib.ab_has(b"aclrtIpcMemImportByKey"):
        raise Untried("the library has no aclrtIpcMemImportByKey")
    place, key = ffi.new("void **"), ffi.new("char[]", b"0" * (KEY_BYTES - 1))
    status = lib.aclrtIpcMemImportByKey(place, key, 0)
    return status == REFUSED, f"a key that is none: {status}"


class _Importer:
    """Another process, which imports memory by its key."""

    def __init__(self, device: int) -> None:
        self.heard, out = os.pipe()
        into, self.told = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.heard)
            os.close(self.told)  # so that the end of the one that asks is an end here
            _import(device, into, out)
        os.close(into)
        os.close(out)

    def ask(self, word: bytes) -> bytes:
        """Send a line and give the line that comes back."""
        os.write(self.told, word + b"\n")
        return self.answer()

    def answer(self) -> bytes:
        """The next line."""
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(self.heard, 1)
            if not piece:
                raise Untried("the other process ended")
            line += piece
        if line.startswith(b"!"):
            raise Untried(f"in the other process: {line[1:].decode().strip()}")
        return line.strip()


def _import(device: int, source: int, target: int) -> None:
    """The other process's life: its number, the bytes that it saw, that it closed the key."""
    try:
        with os.fdopen(source, "rb", buffering=0) as asked:
            done("aclInit", b"")
            done("aclrtSetDevice", device)
            own = ffi.new("int32_t *")
            done("aclrtDeviceGetBareTgid", own)
            os.write(target, f"{own[0]}\n".encode())
            key, place = asked.readline().strip(), ffi.new("void **")
            done("aclrtIpcMemImportByKey", place, key, 0)
            os.write(target, download(place[0], 16).hex().encode() + b"\n")
            asked.readline()
            done("aclrtIpcMemClose", key)
            os.write(target, b"closed\n")
            os._exit(0)
    except BaseException as error:  # the check is told
        with suppress(OSError):
            os.write(target, f"!{error}\n".encode())
    os._exit(1)


@check("A22", "what one process has waited for is seen by another that has the memory imported",
       needs_device=False)  # fmt: skip
def seen(where: TriedOn) -> Verdict:
    """Export, import in another process, and read there."""
    data = bytes(range(16))
    other, pointer, key = _exported(where, data)
    got = other.ask(key)
    other.ask(b"close")
    done("aclrtIpcMemClose", key)
    done("aclrtFree", pointer)
    return got == data.hex().encode(), f"wrote {data.hex()}, the other process read {got.decode()}"


@check("A23", "memory whose importers and exporter closed the key, in this order, can be freed",
       needs_device=False)  # fmt: skip
def freed(where: TriedOn) -> Verdict:
    """Close in both processes, and free."""
    other, pointer, key = _exported(where, bytes(16))
    other.ask(key)
    other.ask(b"close")
    statuses = lib.aclrtIpcMemClose(key), lib.aclrtFree(pointer)
    return statuses == (0, 0), f"aclrtIpcMemClose returned {statuses[0]}, aclrtFree {statuses[1]}"


def _exported(where: TriedOn, data: bytes) -> tuple[_Importer, Any, bytes]:
    """Start the other process, while no library has begun here; export memory to it."""
    other = _Importer(where.device)
    done("aclInit", b"")
    done("aclrtSetDevice", where.device)
    pointer, key = malloc(SIZE), ffi.new(f"char[{KEY_BYTES}]")
    upload(pointer, data)
    done("aclrtIpcMemGetExportKey", pointer, SIZE, key, KEY_BYTES, 0)
    number = ffi.new("int32_t *", int(other.answer()))
    done("aclrtIpcMemSetImportPid", key, number, 1)
    return other, pointer, ffi.string(key)
