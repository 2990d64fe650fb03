"""The fake's own controls: settings, faults, latency, readouts (fakes/aclfake.h)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..programs import Linear, Tensor, null_model
from ..threads import at_once

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mode", "strict"), ("mode", "faithful"), ("trace", "on"), ("trace", "off"),
        ("devices", "1"), ("devices", "64"), ("memory", "1048576"), ("run_mode", "host"),
        ("run_mode", "device"), ("soc", "Ascend910B4"), ("onnxruntime", "/some/where.so"),
    ],
)  # fmt: skip
def test_settings(acl: Acl, key: str, value: str) -> None:
    assert acl.aclfakeSet(key.encode(), value.encode()) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mod", "strict"), ("MODE", "strict"), ("", "on"), ("mode", "Strict"), ("mode", ""),
        ("trace", "yes"), ("trace", "1"), ("devices", "0"), ("devices", "65"), ("devices", "-1"),
        ("devices", "two"), ("devices", "2 "), ("devices", ""), ("memory", "much"),
        ("memory", "-1"), ("memory", "99999999999999999999999"), ("run_mode", "HOST"),
    ],
)  # fmt: skip
def test_settings_refused(acl: Acl, key: str, value: str) -> None:
    """Nothing changes, and the text says why."""
    acl.set("devices", 3)
    assert acl.aclfakeSet(key.encode(), value.encode()) == -1
    assert acl.message()
    count = acl.new("uint32_t *")
    acl.aclrtGetDeviceCount(count)
    assert count[0] == 3


@pytest.mark.parametrize("given", [(None, b"on"), (b"trace", None), (None, None)])
def test_settings_of_null(acl: Acl, given: tuple[bytes | None, bytes | None]) -> None:
    assert acl.aclfakeSet(*(acl.NULL if one is None else one for one in given)) == -1
    acl.message()


@pytest.mark.parametrize("what", ["trace", "calls", "live", "violations"])
def test_readouts_are_cut_to_size(ready: Acl, what: str) -> None:
    ready.set("trace", "on")
    ready.malloc(64)
    ready.aclrtFree(ready.hold(bytearray(8)))
    assert ready.violations()
    size = ready.aclfakeRead(what.encode(), ready.NULL, 0)
    assert size > 10
    text = ready.new("char[]", b"#" * (size + 8))
    assert ready.aclfakeRead(what.encode(), text, 10) == size
    assert text[9] == b"\0"
    assert text[10] == b"#", "nothing is written past the size"


@pytest.mark.parametrize("what", [b"", b"traces", b"LIVE"])
def test_unknown_readouts(acl: Acl, what: bytes) -> None:
    assert acl.aclfakeRead(what, acl.NULL, 0) == 0
    acl.message()


def test_readouts_of_nothing(acl: Acl) -> None:
    for what in ("trace", "calls", "live", "violations"):
        assert acl.read(what) == []


def test_trace_keeps_calls_in_order(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    acl.set("trace", "on")
    acl.aclrtSetDevice(0)
    acl.aclmdlUnload(77)
    pointer = acl.malloc(100)
    acl.aclrtFree(pointer)
    rows = acl.read("trace")
    assert [row["function"] for row in rows] == [
        "aclrtSetDevice", "aclmdlUnload", "aclrtMalloc", "aclrtFree",
    ]  # fmt: skip
    assert [row["status"] for row in rows] == [0, codes.GE_MODEL_ID_INVALID, 0, 0]
    assert all({"seq", "function", "args", "status", "thread", "start_ns", "ns"} <= set(row)
               for row in rows)  # fmt: skip
    seqs = [row["seq"] for row in rows]
    assert seqs == sorted(set(seqs))
    starts = [row["start_ns"] for row in rows]
    assert starts == sorted(starts)


def test_trace_can_be_switched_off(acl: Acl) -> None:
    acl.set("trace", "on")
    acl.aclrtSetDevice(0)
    acl.set("trace", "off")
    acl.malloc(16)
    assert [row["function"] for row in acl.read("trace")] in (["aclrtSetDevice"], [])


def test_trace_names_threads(acl: Acl) -> None:
    acl.set("trace", "on")
    at_once(4, lambda: [acl.aclrtSetDevice(0) for _ in range(50)])
    rows = acl.read("trace")
    assert len(rows) == 200
    assert len({row["thread"] for row in rows}) == 4


def test_trace_of_strings_is_json(acl: Acl) -> None:
    """Whatever a path contains."""
    acl.set("trace", "on")
    odd = 'a"b\\c\n\t\x01é'.encode() + b"\xff\xed\xa0\x80\xc3"
    acl.aclmdlLoadFromFile(odd, acl.new("uint32_t *"))
    assert len(acl.read("trace")) == 1


def test_calls_are_counted_always(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    for _ in range(3):
        acl.aclrtSetDevice(0)
    acl.aclrtSetDevice(99)
    calls = {row["function"]: row["calls"] for row in acl.read("calls")}
    assert calls == {"aclInit": 1, "aclrtSetDevice": 4}


def test_controls_are_no_calls(acl: Acl) -> None:
    acl.set("trace", "on")
    acl.fail("aclrtFree", 1, 5)
    acl.read("live")
    assert acl.read("trace") == acl.read("calls") == []


def test_live_names_every_kind(ready: Acl, linear: Linear) -> None:
    ready.dataset(16).describe(0, (4,))
    ready.tensor_desc((4,))
    ready.aclrtMallocHost(ready.new("void **"), 64)
    ready.aclrtCreateContext(ready.new("aclrtContext *"), 0)
    ready.aclmdlCreateDesc()
    ready.aclmdlBundleCreateQueryInfo()
    ready.aclmdlCreateConfigHandle()
    ready.aclmdlCreateExecConfigHandle()
    ready.load_model(STATIC)
    ready.load_bundle(linear.to_bytes())
    rows = ready.read("live")
    makers = {row["created_by"] for row in rows}
    assert makers >= {
        "aclrtSetDevice", "aclrtMalloc", "aclrtMallocHost", "aclrtCreateContext",
        "aclCreateDataBuffer", "aclCreateTensorDesc", "aclmdlCreateDataset", "aclmdlCreateDesc",
        "aclmdlBundleCreateQueryInfo", "aclmdlCreateConfigHandle",
        "aclmdlCreateExecConfigHandle", "aclmdlLoadFromMem", "aclmdlBundleLoadFromMem",
    }  # fmt: skip
    assert all({"kind", "handle", "created_by", "seq", "size"} <= set(row) for row in rows)


def test_live_ends_with_the_object(ready: Acl) -> None:
    before = ready.live()
    pointer, loaded = ready.malloc(64), ready.load_model(STATIC)
    desc, buffer = ready.aclmdlCreateDesc(), ready.aclCreateDataBuffer(ready.NULL, 0)
    assert len(ready.live()) == len(before) + 4
    ready.aclrtFree(pointer)
    ready.aclmdlUnload(loaded)
    ready.aclmdlDestroyDesc(desc)
    ready.aclDestroyDataBuffer(buffer)
    assert ready.live() == before


def test_violations_say_who_and_what(ready: Acl) -> None:
    pointer = ready.malloc(64)
    ready.aclrtFree(pointer)
    ready.aclrtFree(pointer)
    (row,) = ready.read("violations")
    assert ready.violations() == ["AB-RT-0007"]
    assert (row["function"], row["severity"]) == ("aclrtFree", "error")
    assert "aclrtFree" in row["message"], "it says what ended the memory's life"


def test_leaks_at_finalize_are_violations(ready: Acl) -> None:
    ready.malloc(64)
    assert ready.aclFinalize() == codes.SUCCESS
    rows = ready.read("violations")
    assert set(ready.violations()) == {"AB-RT-0019"}
    assert {row["severity"] for row in rows} == {"leak"}


def test_a_clean_end_has_no_violation(ready: Acl) -> None:
    ready.aclrtFree(ready.malloc(64))
    assert ready.aclrtResetDevice(0) == codes.SUCCESS
    assert ready.aclFinalize() == codes.SUCCESS
    assert ready.live() == []


def test_the_nth_call_fails_and_does_nothing(ready: Acl) -> None:
    pointer = ready.malloc(64)
    ready.fail("aclrtMemset", 3, codes.RT_DRV_INTERNAL_ERROR)
    statuses = [ready.aclrtMemset(pointer, 64, turn, 64) for turn in range(5)]
    assert statuses == [0, 0, codes.RT_DRV_INTERNAL_ERROR, 0, 0]
    ready.fail("aclrtMemset", 1, codes.RT_DRV_INTERNAL_ERROR)
    ready.aclrtMemset(pointer, 64, 99, 64)
    assert ready.download(pointer, 64) == bytes([4]) * 64


def test_every_call_fails_until_it_is_allowed_again(ready: Acl) -> None:
    ready.fail("aclrtSynchronizeDevice", 0, 507000)
    assert [ready.aclrtSynchronizeDevice() for _ in range(3)] == [507000] * 3
    ready.fail("aclrtSynchronizeDevice", 0, 0)
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS


def test_a_second_fault_replaces_the_first(ready: Acl) -> None:
    ready.fail("aclrtSynchronizeDevice", 1, 507000)
    ready.fail("aclrtSynchronizeDevice", 2, 507001)
    statuses = [ready.aclrtSynchronizeDevice() for _ in range(3)]
    assert statuses == [0, 507001, 0]


@pytest.mark.parametrize(
    "factory",
    [
        "aclmdlCreateDesc", "aclmdlCreateDataset", "aclmdlBundleCreateQueryInfo",
        "aclmdlCreateConfigHandle", "aclmdlCreateExecConfigHandle",
    ],
)  # fmt: skip
def test_factories_return_null(acl: Acl, factory: str) -> None:
    acl.fail(factory, 1, 200000)
    assert getattr(acl, factory)() == acl.NULL
    assert getattr(acl, factory)() != acl.NULL


def test_data_buffers_and_tensor_descs_return_null(acl: Acl) -> None:
    acl.fail("aclCreateDataBuffer", 1, 200000)
    acl.fail("aclCreateTensorDesc", 1, 200000)
    assert acl.aclCreateDataBuffer(acl.NULL, 0) == acl.NULL
    assert acl.aclCreateTensorDesc(0, 0, acl.NULL, 2) == acl.NULL
    assert acl.tensor_desc((1,)) != acl.NULL


def test_any_function_that_can_fail_is_counted_by_the_star(ready: Acl) -> None:
    """Getters that cannot fail do not count."""
    ready.fail("*", 3, codes.RT_DRV_INTERNAL_ERROR)
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
    ready.aclDataTypeSize(0)
    ready.aclmdlGetNumInputs(ready.NULL)
    assert ready.aclmdlCreateDataset() != ready.NULL
    ready.aclGetRecentErrMsg()
    assert ready.aclrtSynchronizeDevice() == codes.RT_DRV_INTERNAL_ERROR
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS


def test_the_star_hits_every_call_when_told_so(ready: Acl) -> None:
    ready.fail("*", 0, 507000)
    assert ready.aclrtSynchronizeDevice() == 507000
    assert ready.aclmdlCreateDesc() == ready.NULL
    assert ready.aclrtMalloc(ready.new("void **"), 64, 0) == 507000
    ready.fail("*", 0, 0)
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS


def test_faults_come_before_argument_checks(acl: Acl) -> None:
    acl.fail("aclrtFree", 1, codes.RT_DRV_INTERNAL_ERROR)
    assert acl.aclrtFree(acl.NULL) == codes.RT_DRV_INTERNAL_ERROR
    assert acl.aclrtFree(acl.NULL) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", [b"", b"aclrtFre", b"aclrtCreateStreams", b"**"])
def test_faults_of_functions_that_are_not_there(acl: Acl, function: bytes) -> None:
    assert acl.aclfakeFail(function, 1, 5) == -1
    assert acl.aclfakeLatency(function, 5, 0.0) == -1
    acl.message()


def test_a_planned_fault_says_so(ready: Acl) -> None:
    ready.fail("aclrtSynchronizeDevice", 1, 507000)
    ready.aclrtSynchronizeDevice()
    assert ready.message()


def test_latency_is_fixed_plus_per_byte(ready: Acl) -> None:
    pointer, host = ready.malloc(1 << 16), ready.hold(bytearray(1 << 16))

    def seconds(size: int) -> float:
        start = time.perf_counter()
        assert ready.aclrtMemcpy(pointer, size, host, size, 1) == codes.SUCCESS
        return time.perf_counter() - start

    assert ready.aclfakeLatency(b"aclrtMemcpy", 20_000_000, 1000.0) == 0
    assert seconds(1) >= 0.02
    assert seconds(40_000) >= 0.06
    assert ready.aclfakeLatency(b"aclrtMemcpy", 0, 0.0) == 0


@pytest.mark.timed
def test_latencies_of_threads_overlap(ready: Acl) -> None:
    """A sleeping call keeps nobody else out."""
    assert ready.aclfakeLatency(b"aclrtSetDevice", 100_000_000, 0.0) == 0
    start = time.perf_counter()
    at_once(8, lambda: ready.aclrtSetDevice(0))
    assert time.perf_counter() - start < 0.6


def test_reset_brings_back_the_beginning(acl: Acl, linear: Linear) -> None:
    def everything() -> list[Any]:
        acl.set("trace", "on")
        statuses = [acl.aclInit(acl.NULL), acl.aclrtSetDevice(0)]
        bundle_id, models = acl.load_bundle(linear.to_bytes())
        count = acl.new("uint32_t *")
        acl.aclrtGetDeviceCount(count)
        functions = [row["function"] for row in acl.read("trace")]
        return [statuses, bundle_id, models, count[0], functions, acl.live()]

    before = everything()
    acl.set("devices", 7)
    acl.set("mode", "faithful")
    acl.fail("aclrtSetDevice", 0, 507000)
    assert acl.aclfakeLatency(b"aclInit", 10**12, 0.0) == 0
    acl.aclrtFree(acl.hold(bytearray(8)))
    acl.reset()
    assert acl.read("violations") == acl.read("live") == acl.read("calls") == []
    assert everything() == before


def test_reset_gives_memory_back(acl: Acl) -> None:
    for _ in range(20):
        acl.set("memory", 64 << 20)
        acl.start()
        acl.malloc(48 << 20)
        acl.reset()


def test_handles_of_before_a_reset_are_unknown(acl: Acl) -> None:
    dataset = acl.aclmdlCreateDataset()
    acl.reset()
    assert acl.aclmdlDestroyDataset(dataset) != codes.SUCCESS
    assert len(acl.violations()) == 1
