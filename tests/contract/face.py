"""The library as a C program sees it, and the few steps every program repeats.

`Acl` opens one file through cffi, with the declarations of csrc/ and of
aclfake.h as they stand: no wrapper, no conversion, ACL's functions are its
attributes. What is built on top here (device memory, datasets, loading) only
saves lines: it asserts that every call of its own succeeds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cffi import FFI

ROOT = Path(__file__).parents[2]
FLOAT, FLOAT16, INT32, ND = 0, 1, 3, 2
TO_DEVICE, TO_HOST = 1, 2


def declarations() -> str:
    """Everything the library exports, as cffi reads it."""
    api = (f"csrc/acl/{name}.h" for name in ("acl_types", "acl_api", "acl_dvpp_types", "acl_dvpp"))
    files = (*api, "fakes/aclfake.h")
    text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    return re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


class Acl:
    """One opened library. Its functions are attributes: ``acl.aclInit(acl.NULL)``."""

    def __init__(self, path: Path, onnxruntime: Path) -> None:
        self.path = path
        self.ffi = FFI()
        self.ffi.cdef(declarations())
        self.lib = self.ffi.dlopen(str(path))
        self.NULL = self.ffi.NULL
        self._onnxruntime = onnxruntime
        self._seen = 0
        self._kept: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lib, name)

    def reset(self) -> None:
        """Make the library as good as new."""
        self._seen = 0
        assert self.lib.aclfakeReset() == 0
        self._kept.clear()  # callbacks among them, which streams have called until now
        self.set("onnxruntime", str(self._onnxruntime))

    def set(self, key: str, value: object) -> None:
        """Change a setting that exists."""
        assert self.lib.aclfakeSet(key.encode(), str(value).encode()) == 0, (key, value)

    def fail(self, function: str, nth: int, code: int) -> None:
        """Plan a fault for a function that exists."""
        assert self.lib.aclfakeFail(function.encode(), nth, code) == 0, function

    def read(self, what: str) -> list[dict[str, Any]]:
        """One readout, each line parsed as JSON."""
        size = 1 << 16
        text = self.ffi.new("char[]", size)
        while (needed := self.lib.aclfakeRead(what.encode(), text, size)) > size:
            size = needed + 4096  # room for what other threads add meanwhile
            text = self.ffi.new("char[]", size)
        assert needed > 0, what
        return [json.loads(line) for line in self.ffi.string(text).decode().splitlines()]

    def violations(self) -> list[str]:
        """Ids of the violations since the last look. A test that leaves any fails."""
        rows = self.read("violations")
        fresh, self._seen = rows[self._seen :], len(rows)
        return [row["id"] for row in fresh]

    def live(self) -> list[str]:
        """Kinds of what is alive."""
        return [row["kind"] for row in self.read("live")]

    def message(self) -> str | None:
        """The thread's error text; reading consumes it."""
        text = self.lib.aclGetRecentErrMsg()
        return None if text == self.NULL else self.ffi.string(text).decode()

    def new(self, declaration: str, value: Any = None) -> Any:
        """Memory of the host for an answer, zeroed; it lives as long as the test."""
        self._kept.append(self.ffi.new(declaration, value))
        return self._kept[-1]

    def hold(self, data: Any) -> Any:
        """A pointer to the bytes of a buffer, which stay alive for the test."""
        self._kept.append(self.ffi.from_buffer(data))
        return self._kept[-1]

    def start(self, device: int = 0) -> None:
        """What every program begins with."""
        assert self.lib.aclInit(self.NULL) == 0
        assert self.lib.aclrtSetDevice(device) == 0

    def malloc(self, size: int) -> Any:
        """Device memory."""
        pointer = self.new("void **")
        assert self.lib.aclrtMalloc(pointer, size, 0) == 0
        return pointer[0]

    def upload(self, pointer: Any, data: bytes) -> None:
        """Copy to the device."""
        host = self.ffi.from_buffer(data)
        assert self.lib.aclrtMemcpy(pointer, len(data), host, len(data), TO_DEVICE) == 0

    def download(self, pointer: Any, size: int) -> bytes:
        """Copy from the device."""
        host = bytearray(size)
        into = self.ffi.from_buffer(host)
        assert self.lib.aclrtMemcpy(into, size, pointer, size, TO_HOST) == 0
        return bytes(host)

    def on_device(self, data: bytes) -> Any:
        """Device memory that holds these bytes."""
        pointer = self.malloc(max(len(data), 1))
        self.upload(pointer, data)
        return pointer

    def tensor_desc(self, dims: Sequence[int], dtype: int = FLOAT) -> Any:
        """A tensor description."""
        desc = self.lib.aclCreateTensorDesc(dtype, len(dims), self.ffi.new("int64_t[]", dims), ND)
        assert desc != self.NULL
        return desc

    def dataset(self, *slots: bytes | int | None) -> Dataset:
        """A dataset; see `Dataset`."""
        return Dataset(self, slots)

    def load_bundle(self, data: bytes) -> tuple[int, list[int]]:
        """Load all models of a bundle and return its id and theirs."""
        bundle = self.new("uint32_t *")
        assert self.lib.aclmdlBundleLoadFromMem(self.hold(data), len(data), bundle) == 0
        return bundle[0], self.model_ids(bundle[0])

    def model_ids(self, bundle: int) -> list[int]:
        """Ids of the models that were loaded with a bundle."""
        count, model = self.new("size_t *"), self.new("uint32_t *")
        assert self.lib.aclmdlBundleGetModelNum(bundle, count) == 0
        ids = []
        for index in range(count[0]):
            assert self.lib.aclmdlBundleGetModelId(bundle, index, model) == 0
            ids.append(model[0])
        return ids

    def init_bundle(self, data: bytes, var: Any = None, size: int = 0) -> int:
        """Register a bundle without loading a model."""
        bundle = self.new("uint32_t *")
        pointer = self.NULL if var is None else var
        status = self.lib.aclmdlBundleInitFromMem(self.hold(data), len(data), pointer, size, bundle)
        assert status == 0
        return bundle[0]

    def load_model_of(self, bundle: int, index: int) -> int:
        """Load one model of a registered bundle."""
        model = self.new("uint32_t *")
        assert self.lib.aclmdlBundleLoadModel(bundle, index, model) == 0
        return model[0]

    def load_model(self, data: bytes) -> int:
        """Load a file that holds a single model."""
        model = self.new("uint32_t *")
        assert self.lib.aclmdlLoadFromMem(self.hold(data), len(data), model) == 0
        return model[0]

    def describe(self, model: int) -> Any:
        """The description of a loaded model."""
        desc = self.lib.aclmdlCreateDesc()
        assert self.lib.aclmdlGetDesc(desc, model) == 0
        return desc


class Dataset:
    """A dataset and what is behind its slots.

    A slot is bytes (device memory that holds them), a number (so much device
    memory as it comes) or None (a data buffer of NULL and 0).
    """

    def __init__(self, acl: Acl, slots: Sequence[bytes | int | None]) -> None:
        self._acl = acl
        self.handle = acl.aclmdlCreateDataset()
        self.buffers: list[Any] = []
        for slot in slots:
            self.add(slot)

    def add(self, slot: bytes | int | None) -> None:
        """Append a slot."""
        acl = self._acl
        if slot is None:
            buffer = acl.aclCreateDataBuffer(acl.NULL, 0)
        elif isinstance(slot, int):
            buffer = acl.aclCreateDataBuffer(acl.malloc(slot), slot)
        else:
            buffer = acl.aclCreateDataBuffer(acl.on_device(slot), len(slot))
        assert acl.aclmdlAddDatasetBuffer(self.handle, buffer) == 0
        self.buffers.append(buffer)

    def describe(self, index: int, dims: Sequence[int], dtype: int = FLOAT) -> None:
        """Set the tensor description of a slot."""
        desc = self._acl.tensor_desc(dims, dtype)
        assert self._acl.aclmdlSetDatasetTensorDesc(self.handle, desc, index) == 0
        self._acl.aclDestroyTensorDesc(desc)

    def clear(self, index: int) -> None:
        """Take the tensor description of a slot away."""
        assert self._acl.aclmdlSetDatasetTensorDesc(self.handle, self._acl.NULL, index) == 0

    def dims(self, index: int) -> list[int] | None:
        """The dims in a slot's tensor description, None where it has none."""
        desc = self._acl.aclmdlGetDatasetTensorDesc(self.handle, index)
        if desc == self._acl.NULL:
            return None
        count = self._acl.aclGetTensorDescNumDims(desc)
        return [self._acl.aclGetTensorDescDim(desc, axis) for axis in range(count)]

    def address(self, index: int) -> Any:
        """The device memory of a slot."""
        return self._acl.aclGetDataBufferAddr(self.buffers[index])

    def read(self, index: int) -> bytes:
        """The bytes of a slot."""
        size = self._acl.aclGetDataBufferSizeV2(self.buffers[index])
        return self._acl.download(self.address(index), size)

    def write(self, index: int, data: bytes) -> None:
        """Put bytes into a slot's memory."""
        self._acl.upload(self.address(index), data)
