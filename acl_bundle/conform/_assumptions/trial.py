"""A bundle on a device by ACL's plain calls: loaded graph by graph, over memory of one's own.

It lives in a process of one check, which gives the device back by its end. Nothing of the package's
own way to load and update is used, as that stands on what is to be found out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes, om
from acl_bundle._binding.shim import NULL, ffi, lib, text

__all__ = ["Trial", "Untried", "address", "done", "download", "malloc", "upload"]

TO_DEVICE, TO_HOST = 1, 2
Arrays = dict[str, NDArray[Any]]


class Untried(Exception):  # noqa: N818  no fault: the check cannot be made here
    """A check cannot be made with this bundle, or on this machine; the text says why."""


def done(function: str, *arguments: Any) -> None:
    """Call a function that must succeed for the check to be made.

    Raises:
        Untried: It is not there, or did not succeed.
    """
    if not lib.ab_has(function.encode()):
        raise Untried(f"the library has no {function}")
    status = getattr(lib, function)(*arguments)
    if status:
        said = text(lib.aclGetRecentErrMsg())[:160]
        raise Untried(f"{function} returned {status}{': ' if said else ''}{said}")


def malloc(size: int) -> Any:
    """Memory of the device."""
    place = ffi.new("void **")
    done("aclrtMalloc", place, max(size, 1), 0)
    return place[0]


def address(pointer: Any) -> int:
    """The number of an address."""
    return int(ffi.cast("uintptr_t", pointer))


def upload(pointer: Any, data: bytes) -> None:
    """Copy bytes to the device."""
    if data:
        done("aclrtMemcpy", pointer, len(data), ffi.from_buffer(data), len(data), TO_DEVICE)


def download(pointer: Any, size: int) -> bytes:
    """Copy bytes from the device."""
    host = bytearray(size)
    if size:
        done("aclrtMemcpy", ffi.from_buffer(host), size, pointer, size, TO_HOST)
    return bytes(host)


def made_up(shape: Sequence[int], dtype: int, seed: int) -> NDArray[Any]:
    """An array of small numbers: of whole ones, 0 and 1."""
    rng, kind = np.random.default_rng(seed), dtypes.to_numpy(dtype)
    if kind.kind in "iub":
        return rng.integers(0, 2, shape).astype(kind)
    return (rng.standard_normal(shape) * 0.25).astype(kind)


class Trial:
    """A bundle of a file, registered; its variables lie in memory of ours.

    Attributes:
        om: The file's content.
        bundle: The bundle's id.
        variables: The memory of its variables.
        size: And the bytes of it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.om = path, om.open_bundle(path)
        lacking = {"infer", "update"} - {*self.om.roles}
        if lacking:
            raise Untried(f"the bundle has no graph of role {', '.join(sorted(lacking))}")
        self.size = self.om.variable_size
        self.variables = malloc(self.size)
        place = ffi.new("uint32_t *")
        done("aclmdlBundleInitFromFile", str(path).encode(), self.variables, self.size, place)
        self.bundle = int(place[0])
        self._held: list[Any] = []
        self.infer_id, self.update_id = self.load("infer"), self.load("update")
        if "init" in self.om.roles:
            self.execute(self.load("init"), [], [])

    @property
    def infer_model(self) -> om.Model:
        """The graph that infers, as the file has it."""
        return self.om.models[self.om.roles["infer"]]

    def load(self, role: om.Role) -> int:
        """Load a graph, once more where it is loaded; its id."""
        place = ffi.new("uint32_t *")
        done("aclmdlBundleLoadModel", self.bundle, self.om.roles[role], place)
        return int(place[0])

    def dataset(self, memory: Sequence[tuple[Any, int]]) -> Any:
        """A dataset over memory of the device: addresses and bytes."""
        made = lib.aclmdlCreateDataset()
        for pointer, size in memory:
            done("aclmdlAddDatasetBuffer", made, lib.aclCreateDataBuffer(pointer, size))
        return made

    def execute(
        self, model: int, given: Sequence[tuple[Any, int]], taken: Sequence[tuple[Any, int]]
    ) -> None:
        """Run a graph once over memory of the device."""
        done("aclmdlExecute", model, self.dataset(given), self.dataset(taken))

    def inputs(self, gear: int = 0) -> list[NDArray[Any]]:
        """Arrays for the graph that infers, always the same ones; of one with gears, for a gear."""
        model, gears = self.infer_model, self.infer_model.gears
        if gears is not None and gears.kind != "batch":
            raise Untried(f"its graph has gears of {gears.kind}; one of one shape or batches does")
        found = []
        for at, info in enumerate(self.infer_model.inputs[: len(model.inputs) - bool(gears)]):
            batch = gears.values[gear][0] if gears else -1
            dims = [batch if dim == -1 else dim for dim in info.dims]
            if any(dim < 0 for dim in dims):
                raise Untried(
                    f"input {info.name!r} is open: {info.dims}; a graph of one shape does"
                )
            found.append(made_up(dims, info.dtype, at))
        return found

    def outputs(self) -> list[int]:
        """The bytes of each output, of the largest gear."""
        desc = lib.aclmdlCreateDesc()
        done("aclmdlGetDesc", desc, self.infer_id)
        count = lib.aclmdlGetNumOutputs(desc)
        sizes = [int(lib.aclmdlGetOutputSizeByIndex(desc, at)) for at in range(count)]
        if not all(sizes):
            raise Untried("the size of an output is not known before it runs")
        return sizes

    def place(self, arrays: Sequence[NDArray[Any]]) -> list[tuple[Any, int]]:
        """Memory of the device that holds these, with its bytes."""
        found = []
        for one in arrays:
            data = one.tobytes()
            found.append((malloc(len(data)), len(data)))
            upload(found[-1][0], data)
        return found

    def ran(
        self, model: int, given: Sequence[tuple[Any, int]], taken: Sequence[tuple[Any, int]],
        gear: int = 0,
    ) -> list[bytes]:  # fmt: skip
        """Run the graph that infers over this memory, and give its outputs' bytes."""
        gears, memory = self.infer_model.gears, list(given)
        if gears is not None:
            memory.append((malloc(64), 64))
        inputs = self.dataset(memory)
        if gears is not None:
            value, at = gears.values[gear][0], len(memory) - 1
            done("aclmdlSetDynamicBatchSize", model, inputs, at, value)
        done("aclmdlExecute", model, inputs, self.dataset(taken))
        return [download(pointer, size) for pointer, size in taken]

    def infer(self, model: int | None = None) -> list[bytes]:
        """Run the graph that infers on the same inputs as ever; its outputs' bytes."""
        taken = [(malloc(size), size) for size in self.outputs()]
        for pointer, size in taken:
            done("aclrtMemset", pointer, size, 0, size)
        id_ = self.infer_id if model is None else model
        return self.ran(id_, self.place(self.inputs()), taken)

    def values(self, seed: int) -> Arrays:
        """A value for every weight whose shape is known."""
        known = self.om.variables.items()
        found = {
            name: made_up(one.shape, one.dtype, seed + at)
            for at, (name, one) in enumerate(known)
            if one.shape is not None
        }
        if not found:
            raise Untried("the file tells no weight's shape")
        return found

    def update(self, values: Mapping[str, NDArray[Any]], kept_bytes: int = 64) -> None:
        """Assign these weights; each other one is given a shape of (0,) and so many bytes."""
        memory, shapes = [], []
        for name, one in self.om.variables.items():
            value = values.get(name)
            memory += [(malloc(kept_bytes), kept_bytes)] if value is None else self.place([value])
            shapes.append(((0,) if value is None else value.shape, one.dtype))
        dataset = self.dataset(memory)
        for at, (shape, dtype) in enumerate(shapes):
            dims = ffi.new("int64_t[]", shape) if shape else NULL
            desc = lib.aclCreateTensorDesc(dtype, len(shape), dims, dtypes.FORMAT_ND)
            done("aclmdlSetDatasetTensorDesc", dataset, desc, at)
            lib.aclDestroyTensorDesc(desc)
        done("aclmdlExecute", self.update_id, dataset, self.dataset([]))

    def changed(self, seed: int) -> list[bytes]:
        """Update every weight, and infer.

        Raises:
            Untried: The outputs are those of before, so nothing can be told by them.
        """
        before = self.infer()
        self.update(self.values(seed))
        after = self.infer()
        if before == after:
            raise Untried("an update of all weights changes no output, so nothing can be told")
        return after
