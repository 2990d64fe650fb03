"""What an execution works on: datasets over device memory, and engines over datasets.

All of it is made once, when a graph is opened, and given back by the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from acl_bundle._binding.calls import acl
from acl_bundle._binding.library import need
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._device.memory import DeviceBuffer
from acl_bundle.device import Device

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_engine, ab_gate, aclDataBuffer, aclmdlDataset


class Dataset(NamedTuple):
    """An aclmdlDataset, its aclDataBuffers, and each with the device memory behind it."""

    handle: aclmdlDataset
    buffers: list[aclDataBuffer]
    tensors: list[tuple[Any, int, aclDataBuffer]]


def dataset(stack: ExitStack, sizes: Sequence[int]) -> Dataset:
    """Make a dataset with a device buffer of each size; the stack gives them back."""
    made = Dataset(acl.aclmdlCreateDataset(), [], [])
    stack.callback(acl.aclmdlDestroyDataset, made.handle)
    for size in sizes:
        memory = DeviceBuffer(max(size, 1))
        stack.callback(memory.close)
        _append(stack, made, memory.pointer, size)
    return made


def loose_dataset(stack: ExitStack, sizes: Sequence[int]) -> Dataset:
    """Make a dataset as `dataset` does, but with no memory, yet, where a size is 0."""
    made = dataset(stack, [])
    for size in sizes:
        if size == 0:
            _append(stack, made, NULL, 0)
            continue
        memory = DeviceBuffer(size)
        stack.callback(memory.close)
        _append(stack, made, memory.pointer, size)
    return made


def _append(stack: ExitStack, made: Dataset, pointer: Any, size: int) -> None:
    buffer = acl.aclCreateDataBuffer(pointer, size)
    stack.callback(acl.aclDestroyDataBuffer, buffer)
    acl.aclmdlAddDatasetBuffer(made.handle, buffer)
    made.buffers.append(buffer)
    made.tensors.append((pointer, size, buffer))


def new_engine(
    gate: ab_gate, reads: bool, model_id: int, device: Device, inputs: Dataset, outputs: Dataset
) -> ab_engine:
    """Make the engine of a model over two datasets; the gate owns it.

    A commit (`reads` False) copies nothing itself: its datasets hold all it needs.

    Raises:
        UnsupportedError: The library lacks what C calls for it.
    """
    need("running a graph", ("aclmdlExecute", "aclrtMemcpy"))
    tensors = [dataset.tensors if reads else [] for dataset in (inputs, outputs)]
    engine = lib.ab_engine_new(
        gate, reads, model_id, device.context, device.on_host,
        inputs.handle, tensors[0], len(tensors[0]), outputs.handle, tensors[1], len(tensors[1]),
    )  # fmt: skip
    if engine == ffi.NULL:
        raise MemoryError("no memory for a graph's engine")
    return engine


def join_replicas(gate: ab_gate, engines: Sequence[ab_engine]) -> ab_engine:
    """Let the engines of one graph take each other's place; the gate owns them.

    Returns:
        An engine: a run of it is a run of whichever is free.
    """
    if len(engines) > 1 and not lib.ab_engine_join(gate, len(engines), engines):
        raise MemoryError("no memory for the replicas of a graph's engine")
    return engines[0]
