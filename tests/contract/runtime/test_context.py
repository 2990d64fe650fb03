"""Contexts: explicit ones, the default one, and the thread rule (facts 1.3, 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..programs import Linear, Tensor, null_model
from ..threads import elsewhere

DEAD_HANDLE = "AB-RT-0002"
DOUBLE_DESTROY = "AB-RT-0004"


def create(acl: Acl, device: int = 0) -> Any:
    context = acl.new("aclrtContext *")
    assert acl.aclrtCreateContext(context, device) == codes.SUCCESS
    return context[0]


def current(acl: Acl) -> Any:
    """The current context, None where there is none."""
    context = acl.new("aclrtContext *")
    status = acl.aclrtGetCurrentContext(context)
    assert status in (codes.SUCCESS, codes.RT_CONTEXT_NULL)
    return context[0] if status == codes.SUCCESS else None


def test_new_context_is_current_facts_1_3(acl: Acl) -> None:
    context = create(acl)
    assert current(acl) == context


@pytest.mark.parametrize("device", [-1, 1, 1000])
def test_context_on_a_device_that_is_not_there_facts_1_3(acl: Acl, device: int) -> None:
    acl.set("devices", 1)
    made = acl.new("aclrtContext *")
    assert acl.aclrtCreateContext(made, device) == codes.RT_INVALID_DEVICEID


def test_null_comes_before_the_device_facts_1_3(acl: Acl) -> None:
    assert acl.aclrtCreateContext(acl.NULL, -1) == codes.INVALID_PARAM


@pytest.mark.parametrize(
    "function", ["aclrtDestroyContext", "aclrtSetCurrentContext", "aclrtGetCurrentContext"]
)
def test_null_facts_1_3(acl: Acl, function: str) -> None:
    assert getattr(acl, function)(acl.NULL) == codes.INVALID_PARAM


def test_none_yet_facts_1_3(acl: Acl) -> None:
    assert acl.aclrtGetCurrentContext(acl.new("aclrtContext *")) == codes.RT_CONTEXT_NULL


def test_setting_a_context_switches_the_device_facts_1_3(acl: Acl) -> None:
    acl.set("devices", 2)
    context = create(acl, 1)
    acl.aclrtSetDevice(0)
    assert acl.aclrtSetCurrentContext(context) == codes.SUCCESS
    device = acl.new("int32_t *")
    assert acl.aclrtGetDevice(device) == codes.SUCCESS
    assert device[0] == 1


@pytest.mark.parametrize("value", [1, 0x1234, 2**47 + 8])
def test_unknown_context_facts_1_3(acl: Acl, value: int) -> None:
    """What was never a context is told apart from what was one."""
    handle = acl.ffi.cast("void *", value)
    assert acl.aclrtSetCurrentContext(handle) == codes.RT_PARAM_INVALID
    assert acl.aclrtDestroyContext(handle) == codes.RT_CONTEXT_NULL
    assert acl.violations() == ["AB-RT-0001", "AB-RT-0001"]


def test_destroyed_context_facts_1_3(acl: Acl) -> None:
    context = create(acl)
    assert acl.aclrtDestroyContext(context) == codes.SUCCESS
    assert current(acl) is None
    assert acl.aclrtSetCurrentContext(context) == codes.RT_PARAM_INVALID
    assert acl.aclrtDestroyContext(context) == codes.RT_CONTEXT_NULL
    assert acl.violations() == [DEAD_HANDLE, DOUBLE_DESTROY]


def test_destroying_the_current_context_facts_1_3(acl: Acl) -> None:
    """The thread falls back to the default context or to nothing, never to the dead one."""
    acl.aclrtSetDevice(0)
    context = create(acl)
    assert acl.aclrtDestroyContext(context) == codes.SUCCESS
    assert current(acl) != context


def test_context_destroyed_by_another_thread_facts_1_3(acl: Acl) -> None:
    context = create(acl)
    assert elsewhere(lambda: acl.aclrtDestroyContext(context)) == codes.SUCCESS
    assert current(acl) is None
    pointer = acl.new("void **")
    assert acl.aclrtMalloc(pointer, 16, 0) == codes.RT_CONTEXT_NULL


def test_default_context_cannot_be_destroyed_facts_1_3(acl: Acl) -> None:
    acl.aclrtSetDevice(0)
    default = current(acl)
    assert acl.aclrtDestroyContext(default) == codes.RT_CONTEXT_NULL
    assert current(acl) == default
    acl.violations()


def test_a_handle_of_another_kind_is_no_context(acl: Acl) -> None:
    """Design 7: every handle is typed."""
    dataset = acl.aclmdlCreateDataset()
    handle = acl.ffi.cast("void *", dataset)
    assert acl.aclrtSetCurrentContext(handle) == codes.RT_PARAM_INVALID
    assert acl.violations() == ["AB-RT-0003"]


def test_contexts_are_per_thread_facts_3(acl: Acl) -> None:
    context = create(acl)
    assert elsewhere(lambda: current(acl)) is None

    def other() -> Any:
        assert acl.aclrtSetCurrentContext(context) == codes.SUCCESS
        return current(acl)

    assert elsewhere(other) == context


def _load(acl: Acl) -> int:
    data = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
    return int(acl.aclmdlLoadFromMem(acl.hold(data), len(data), acl.new("uint32_t *")))


def _load_bundle(acl: Acl) -> int:
    data = Linear().to_bytes()
    return int(acl.aclmdlBundleLoadFromMem(acl.hold(data), len(data), acl.new("uint32_t *")))


NEEDS_CONTEXT: dict[str, Callable[[Acl], int]] = {
    "aclrtMalloc": lambda acl: acl.aclrtMalloc(acl.new("void **"), 16, 0),
    "aclrtMallocAlign32": lambda acl: acl.aclrtMallocAlign32(acl.new("void **"), 16, 0),
    "aclrtMallocCached": lambda acl: acl.aclrtMallocCached(acl.new("void **"), 16, 0),
    "aclrtMallocHost": lambda acl: acl.aclrtMallocHost(acl.new("void **"), 16),
    "aclrtGetDevice": lambda acl: acl.aclrtGetDevice(acl.new("int32_t *")),
    "aclrtSynchronizeDevice": lambda acl: acl.aclrtSynchronizeDevice(),
    "aclrtGetMemInfo": lambda acl: acl.aclrtGetMemInfo(1, acl.new("size_t *"), acl.new("size_t *")),
    "aclmdlLoadFromMem": _load,
    "aclmdlBundleLoadFromMem": _load_bundle,
}


@pytest.mark.parametrize("name", NEEDS_CONTEXT)
def test_a_new_thread_has_no_context_facts_3(ready: Acl, name: str) -> None:
    """This thread has one, which does not help the other (facts 1.8, 8)."""
    assert elsewhere(lambda: NEEDS_CONTEXT[name](ready)) == codes.RT_CONTEXT_NULL
    assert NEEDS_CONTEXT[name](ready) == codes.SUCCESS


def test_copies_need_a_context_facts_1_5(ready: Acl) -> None:
    pointer, host = ready.malloc(16), ready.hold(bytearray(16))
    copies: list[Callable[[], int]] = [
        lambda: ready.aclrtMemcpy(pointer, 16, host, 16, 1),
        lambda: ready.aclrtMemcpyAsync(pointer, 16, host, 16, 1, ready.NULL),
        lambda: ready.aclrtMemset(pointer, 16, 0, 16),
    ]
    for copy in copies:
        assert elsewhere(copy) == codes.RT_CONTEXT_NULL
        assert copy() == codes.SUCCESS


def test_execute_needs_a_context_facts_1_11(ready: Acl) -> None:
    model = ready.load_model(null_model([Tensor("x", (4,))], [Tensor("y", (4,))]))
    inputs, outputs = ready.dataset(16), ready.dataset(16)

    def execute() -> int:
        return int(ready.aclmdlExecute(model, inputs.handle, outputs.handle))

    assert elsewhere(execute) == codes.RT_CONTEXT_NULL
    assert execute() == codes.SUCCESS


def test_host_functions_need_neither_device_nor_context_facts_3(acl: Acl) -> None:
    data = Linear().to_bytes()
    assert acl.aclInit(acl.NULL) == 0
    assert acl.aclmdlCreateDesc() != acl.NULL
    assert acl.aclmdlCreateDataset() != acl.NULL
    assert acl.aclCreateDataBuffer(acl.NULL, 0) != acl.NULL
    assert acl.tensor_desc((1, 2)) != acl.NULL
    assert acl.aclDataTypeSize(0) == 4
    info = acl.aclmdlBundleCreateQueryInfo()
    assert acl.aclmdlBundleQueryInfoFromMem(acl.hold(data), len(data), info) == 0
    assert (
        acl.aclmdlGetDescFromMem(
            acl.aclmdlCreateDesc(),
            acl.hold(Linear().models["infer"]),
            len(Linear().models["infer"]),
        )
        == codes.SUCCESS
    )
    assert acl.init_bundle(data) != 0
