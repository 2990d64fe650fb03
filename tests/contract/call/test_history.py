"""Violations tell what befell the object: who made it, and who ended it (design 7)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from ..face import TO_DEVICE, Acl
from ..programs import Tensor, bundle, init_model, model, null_model, onnx_program, places
from ..run.test_callback import ONE, W, X, Y, callback, register, run, tasks, update_model, variable

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))], weights=b"w" * 64)


def told(acl: Acl) -> tuple[str, str]:
    """Id and message of the only violation."""
    (row,) = acl.read("violations")
    acl.violations()
    return row["id"], row["message"]


def numbered(acl: Acl, function: str) -> str:
    """The last call of a function, as messages name it."""
    seq = [row["seq"] for row in acl.read("trace") if row["function"] == function][-1]
    return f"{function} (call {seq})"


@pytest.fixture
def traced(ready: Acl) -> Acl:
    ready.set("trace", "on")
    return ready


def test_of_an_object_that_is_dead(traced: Acl) -> None:
    dataset = traced.aclmdlCreateDataset()
    traced.aclmdlDestroyDataset(dataset)
    made, ended = numbered(traced, "aclmdlCreateDataset"), numbered(traced, "aclmdlDestroyDataset")
    traced.aclmdlDestroyDataset(dataset)
    assert told(traced)[0] == "AB-RT-0004"
    assert f", made by {made}, ended by {ended}: " in told(traced)[1]


def test_of_an_object_of_another_kind(traced: Acl) -> None:
    dataset = traced.aclmdlCreateDataset()
    traced.aclDestroyDataBuffer(traced.ffi.cast("aclDataBuffer *", dataset))
    assert told(traced)[0] == "AB-RT-0003"
    assert f"made by {numbered(traced, 'aclmdlCreateDataset')}: " in told(traced)[1]


def test_of_a_data_buffer_that_died_in_its_dataset(traced: Acl) -> None:
    inputs, loaded = traced.dataset(16), traced.load_model(STATIC)
    traced.aclDestroyDataBuffer(inputs.buffers[0])
    assert traced.aclmdlExecute(loaded, inputs.handle, traced.dataset(16).handle) != 0
    assert told(traced)[0] == "AB-MDL-0001"
    assert f"ended by {numbered(traced, 'aclDestroyDataBuffer')}: " in told(traced)[1]


@pytest.mark.parametrize("use", ["free", "copy"])
def test_of_memory_that_was_freed(traced: Acl, use: str) -> None:
    pointer, host = traced.malloc(64), traced.hold(bytearray(64))
    traced.aclrtFree(pointer)
    made, ended = numbered(traced, "aclrtMalloc"), numbered(traced, "aclrtFree")
    if use == "free":
        traced.aclrtFree(pointer)
    else:
        traced.aclrtMemcpy(pointer, 64, host, 64, TO_DEVICE)
    assert told(traced)[0] == {"free": "AB-RT-0007", "copy": "AB-RT-0010"}[use]
    assert f"made by {made}, ended by {ended}: " in told(traced)[1]


@pytest.mark.parametrize("where", ["interior", "past the end"])
def test_of_memory_that_lives(traced: Acl, where: str) -> None:
    pointer, host = traced.malloc(64), traced.hold(bytearray(96))
    if where == "interior":
        traced.aclrtFree(traced.ffi.cast("char *", pointer) + 8)
    else:
        traced.aclrtMemcpy(pointer, 96, host, 96, TO_DEVICE)
    assert told(traced)[0] == {"interior": "AB-RT-0008", "past the end": "AB-RT-0011"}[where]
    assert f"made by {numbered(traced, 'aclrtMalloc')}: " in told(traced)[1]


def test_of_host_memory(traced: Acl) -> None:
    host = traced.new("void **")
    traced.aclrtMallocHost(host, 64)
    traced.aclrtMemcpy(traced.malloc(128), 128, host[0], 128, TO_DEVICE)
    assert told(traced)[0] == "AB-RT-0018"
    assert f"made by {numbered(traced, 'aclrtMallocHost')}: " in told(traced)[1]


def test_of_host_memory_that_was_freed(traced: Acl) -> None:
    host = traced.new("void **")
    traced.aclrtMallocHost(host, 64)
    traced.aclrtFreeHost(host[0])
    ended = numbered(traced, "aclrtFreeHost")
    traced.aclrtFreeHost(host[0])
    assert told(traced)[0] == "AB-RT-0017"
    assert f"made by {numbered(traced, 'aclrtMallocHost')}, ended by {ended}: " in told(traced)[1]


def test_of_a_model(traced: Acl) -> None:
    """Unloaded by its own function while it runs."""
    register(traced, 1, lambda *lists: None if traced.aclmdlUnload(loaded) else "unloaded")
    loaded = traced.load_model(model(tasks(callback(1)), [X], [Y]))
    assert run(traced, loaded, ONE)[0] == 0
    assert told(traced)[0] == "AB-MDL-0008"
    assert f"made by {numbered(traced, 'aclmdlLoadFromMem')}: " in told(traced)[1]


def test_memory_of_a_model_is_not_the_users_to_free(ready: Acl) -> None:
    """It can only be guessed: it lies between two allocations of the user's."""
    first = int(ready.ffi.cast("uintptr_t", ready.malloc(32)))
    ready.load_model(STATIC)
    last = int(ready.ffi.cast("uintptr_t", ready.malloc(32)))
    for address in range(first + 512, last, 512):
        assert ready.aclrtFree(ready.ffi.cast("void *", address)) != 0
    rows = [row for row in ready.read("violations") if row["id"] == "AB-RT-0009"]
    assert rows
    assert all("made by aclmdlLoadFromMem (call " in row["message"] for row in rows)
    ready.violations()


@pytest.mark.parametrize("what", ["device memory", "a handle"])
def test_answers_go_to_host_memory_only(traced: Acl, what: str) -> None:
    pointer = traced.malloc(64) if what == "device memory" else traced.aclmdlCreateDataset()
    assert traced.aclrtGetDeviceCount(traced.ffi.cast("uint32_t *", pointer)) != 0
    assert told(traced)[0] == "AB-RT-0014"
    assert f"is {what}: " in told(traced)[1]


def test_an_address_inside_an_element(traced: Acl) -> None:
    loaded, inputs = traced.load_model(STATIC), traced.dataset(32)
    pointer = traced.ffi.cast("char *", inputs.address(0)) + 2
    traced.aclUpdateDataBuffer(inputs.buffers[0], pointer, 16)
    assert traced.aclmdlExecute(loaded, inputs.handle, traced.dataset(16).handle) != 0
    assert told(traced)[0] == "AB-MDL-0011"
    assert "made by aclrtMalloc (call " in told(traced)[1]


def test_weights_that_change_while_a_model_reads_them(traced: Acl) -> None:
    """The inference's own function runs the update."""
    offsets, total = places([W])
    infer = model(tasks(variable(W, offsets[0]), callback(1), variables=total), [X], [Y])
    zeros = np.zeros((3, 2), np.float32).tobytes()
    data = bundle(infer, init_model([W], [zeros]), update_model([W]), variables=total)
    statuses: list[int] = []

    def update(*lists: list[Any]) -> None:
        weights = traced.dataset(zeros)
        weights.describe(0, [3, 2])
        statuses.append(traced.aclmdlExecute(ids[2], weights.handle, traced.dataset().handle))

    register(traced, 1, update)
    bundle_id, ids = traced.load_bundle(data)
    assert run(traced, ids[0], ONE)[0] == 0
    assert statuses == [500002]
    assert told(traced)[0] == "AB-MDL-0012"
    assert f"model {ids[2]} of bundle {bundle_id}, made by aclmdlBundleLoad" in told(traced)[1]


def test_a_loop_of_sins_keeps_them_apart(ready: Acl) -> None:
    """Every violation has the number of its own call."""
    nodes = [("Relu", "x", "y")]
    tensors = ([Tensor("x", (1,))], [Tensor("y", (1,))])
    loaded = ready.load_model(model(onnx_program(nodes, *tensors), *tensors))
    outputs = ready.dataset(4)
    for _ in range(3):
        inputs = ready.dataset(struct.pack("<f", 1))
        ready.aclrtFree(inputs.address(0))
        assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) != 0
    rows = ready.read("violations")
    assert len({row["seq"] for row in rows}) == len({row["message"] for row in rows}) == 3
    ready.violations()
