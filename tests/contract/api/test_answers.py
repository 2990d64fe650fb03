"""Questions whose answer costs nothing (RA/device.cpp, context.cpp, acl.cpp, memory.cpp)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .. import codes
from ..face import Acl
from ..programs import Tensor, null_model
from ..threads import elsewhere

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
HOST, DEVICE, UNREGISTERED = 0, 1, 2


def information(acl: Acl, attribute: int, device: int = 0) -> int:
    value = acl.new("int64_t *", -7)
    status = acl.aclrtGetDeviceInfo(device, attribute, value)
    return int(value[0]) if status == codes.SUCCESS else int(status)


def test_what_a_device_is(acl: Acl) -> None:
    acl.set("memory", 1 << 30)
    assert information(acl, 301) == 1 << 30
    assert information(acl, 402, device=3) == 3
    assert information(acl, 501) == 0


@pytest.mark.parametrize(
    ("soc", "numbers"),
    [("Ascend910B3", [20, 20, 40]), ("Ascend910B2", [24, 24, 48]), ("Ascend310P3", [8, 8, 7])],
)
def test_its_cores_as_platform_config_has_them(acl: Acl, soc: str, numbers: list[int]) -> None:
    acl.set("soc", soc)
    assert [information(acl, attribute) for attribute in (101, 102, 201)] == numbers


def test_a_physical_chip_is_the_lists(acl: Acl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "2,5")
    assert [information(acl, 402, device) for device in (0, 1)] == [2, 5]


def test_what_it_does_not_know_it_says(acl: Acl) -> None:
    acl.set("soc", "mine")
    for attribute in (101, 601, 999):
        assert information(acl, attribute) == codes.RT_FEATURE_NOT_SUPPORT
        assert f"attribute {attribute} of a mine" in (acl.message() or "")
    assert information(acl, 301, device=8) == codes.RT_INVALID_DEVICEID
    assert information(acl, 301, device=0xFFFFFFFF) == codes.RT_INVALID_DEVICEID
    assert acl.aclrtGetDeviceInfo(0, 301, acl.NULL) == codes.INVALID_PARAM


def test_an_idle_device_is_used_by_nobody(acl: Acl) -> None:
    used = acl.new("aclrtUtilizationInfo *")
    assert acl.aclrtGetDeviceUtilizationRate(0, used) == codes.SUCCESS
    fields = ("cubeUtilization", "vectorUtilization", "aicpuUtilization", "memoryUtilization")
    assert [getattr(used, field) for field in fields] == [0, 0, 0, -1]
    assert acl.aclrtGetDeviceUtilizationRate(99, used) == codes.SUCCESS, "CANN says -1 and no more"
    assert [getattr(used, field) for field in fields] == [-1] * 4
    used.utilizationExtend = acl.ffi.cast("aclrtUtilizationExtendInfo *", 8)
    assert acl.aclrtGetDeviceUtilizationRate(0, used) == codes.INVALID_PARAM
    assert "reserved and must be NULL" in (acl.message() or "")
    assert acl.aclrtGetDeviceUtilizationRate(0, acl.NULL) == codes.INVALID_PARAM


def test_whether_a_device_is_set(acl: Acl) -> None:
    active = acl.new("int32_t *", 9)
    for expected in (0, 1, 0):
        assert acl.aclrtGetPrimaryCtxState(1, acl.NULL, active) == codes.SUCCESS
        assert active[0] == expected
        if expected == 0:
            acl.aclrtSetDevice(1)
        else:
            acl.aclrtResetDevice(1)
    acl.aclrtResetDevice(1)
    assert acl.aclrtGetPrimaryCtxState(8, acl.NULL, active) == codes.RT_INVALID_DEVICEID
    assert acl.aclrtGetPrimaryCtxState(0, acl.new("uint32_t *"), active) == codes.INVALID_PARAM
    assert acl.aclrtGetPrimaryCtxState(0, acl.NULL, acl.NULL) == codes.INVALID_PARAM


@pytest.mark.parametrize("name", range(8))
def test_the_version_of_each_package(acl: Acl, name: int) -> None:
    version = acl.new("aclCANNPackageVersion *")
    assert acl.ffi.sizeof("aclCANNPackageVersion") == 128 + 4 * 64 + 128
    assert acl.aclsysGetCANNVersion(name, version) == codes.SUCCESS
    text, *parts = (
        acl.ffi.string(getattr(version, field)).decode()
        for field in ("version", "majorVersion", "minorVersion", "releaseVersion")
    )
    assert text == ".".join(parts)


def test_the_version_as_text(acl: Acl) -> None:
    version, text = acl.new("aclCANNPackageVersion *"), acl.new("char[128]")
    acl.aclsysGetCANNVersion(0, version)
    for name in (b"runtime", b"opp-kernel", b"opp_kernel", b"ge_executor"):
        assert acl.aclsysGetVersionStr(name, text) == codes.SUCCESS
        assert acl.ffi.string(text) == acl.ffi.string(version.version)
    assert acl.aclsysGetVersionStr(b"opp.kernel", text) == codes.INVALID_FILE
    assert 'no package "opp.kernel"' in (acl.message() or "")
    assert acl.aclsysGetVersionStr(acl.NULL, text) == codes.INVALID_PARAM
    assert acl.aclsysGetVersionStr(b"runtime", acl.NULL) == codes.INVALID_PARAM
    assert acl.aclsysGetCANNVersion(8, version) == codes.INVALID_PARAM
    assert acl.aclsysGetCANNVersion(0, acl.NULL) == codes.INVALID_PARAM


def test_timeouts_of_operators_are_taken(acl: Acl) -> None:
    assert acl.aclrtSetOpWaitTimeout(3) == codes.SUCCESS
    assert acl.aclrtSetOpExecuteTimeOut(0) == codes.SUCCESS


def test_a_stream_has_a_number_of_its_own(ready: Acl) -> None:
    stream, number = ready.new("aclrtStream *"), ready.new("int32_t *")
    numbers = set()
    for _ in range(3):
        assert ready.aclrtCreateStream(stream) == codes.SUCCESS
        assert ready.aclrtStreamGetId(stream[0], number) == codes.SUCCESS
        numbers.add(number[0])
    assert ready.aclrtStreamGetId(ready.NULL, number) == codes.SUCCESS, "the default stream"
    assert len(numbers | {number[0]}) == 4
    assert ready.aclrtStreamGetId(stream[0], ready.NULL) == codes.INVALID_PARAM
    ready.aclrtDestroyStream(stream[0])
    assert ready.aclrtStreamGetId(stream[0], number) == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002"]
    status = elsewhere(lambda: ready.aclrtStreamGetId(ready.NULL, number))
    assert status == codes.RT_CONTEXT_NULL


def test_dumps_are_taken_and_said_once(
    ready: Acl, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Their order is CANN's (toolchain/dump.cpp)."""
    path = tmp_path / "dump.json"
    path.write_text('{"dump": {"dump_path": "out", "dump_list": []}}')
    given = str(path).encode()
    assert ready.aclmdlSetDump(given) == codes.DUMP_NOT_RUN
    assert ready.aclmdlFinalizeDump() == codes.DUMP_NOT_RUN
    assert ready.aclmdlInitDump() == codes.SUCCESS
    assert ready.aclmdlInitDump() == codes.REPEAT_INITIALIZE
    assert ready.aclmdlSetDump(given) == codes.SUCCESS
    assert ready.aclmdlSetDump(given) == codes.SUCCESS
    assert capfd.readouterr().err.count("nothing is dumped") <= 1
    assert ready.aclmdlSetDump(ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlSetDump(b"/no/such.json") == codes.INVALID_FILE
    path.write_text("[")
    assert ready.aclmdlSetDump(given) == codes.PARSE_FILE
    assert ready.aclmdlFinalizeDump() == codes.SUCCESS
    assert [*tmp_path.iterdir()] == [path], "nothing is written"


def test_dumps_want_init(acl: Acl) -> None:
    assert acl.aclmdlInitDump() == codes.UNINITIALIZE
    assert acl.aclmdlSetDump(b"x") == codes.UNINITIALIZE
    assert acl.aclmdlFinalizeDump() == codes.UNINITIALIZE
    assert (acl.message() or "").count("aclInit was not called") == 3


def location(acl: Acl, pointer: object) -> tuple[int, int]:
    told = acl.new("aclrtPtrAttributes *")
    assert acl.aclrtPointerGetAttributes(pointer, told) == codes.SUCCESS
    return told.location.type, told.location.id


def test_where_an_address_lies(acl: Acl) -> None:
    acl.start(1)
    device, host = acl.malloc(64), acl.new("void **")
    assert acl.aclrtMallocHost(host, 64) == codes.SUCCESS
    assert location(acl, device) == (DEVICE, 1)
    assert location(acl, host[0]) == (HOST, 0)
    assert location(acl, acl.hold(bytearray(8))) == (UNREGISTERED, 0)
    acl.aclrtFree(device)
    assert location(acl, device) == (UNREGISTERED, 0)
    told = acl.new("aclrtPtrAttributes *")
    assert acl.aclrtPointerGetAttributes(acl.NULL, told) == codes.INVALID_PARAM
    assert acl.aclrtPointerGetAttributes(host[0], acl.NULL) == codes.INVALID_PARAM
    status = elsewhere(lambda: acl.aclrtPointerGetAttributes(host[0], told))
    assert status == codes.RT_CONTEXT_NULL


def test_memory_with_a_configuration(ready: Acl) -> None:
    pointer = ready.new("void **")
    attributes = ready.new("aclrtMallocAttribute[2]")
    attributes[0].attr, attributes[0].value.moduleId = 1, 33
    attributes[1].attr, attributes[1].value.deviceId = 2, 0
    config = ready.new("aclrtMallocConfig *", {"attrs": attributes, "numAttrs": 2})
    for given in (ready.NULL, config):
        assert ready.aclrtMallocWithCfg(pointer, 100, 0, given) == codes.SUCCESS
        ready.upload(pointer[0], bytes(100))
        assert ready.aclrtFree(pointer[0]) == codes.SUCCESS
    attributes[1].value.deviceId = 1
    assert ready.aclrtMallocWithCfg(pointer, 100, 0, config) == codes.RT_PARAM_INVALID
    assert "deviceId is 1, and this thread's device 0" in (ready.message() or "")
    attributes[1].attr = 4
    assert ready.aclrtMallocWithCfg(pointer, 100, 0, config) == codes.RT_PARAM_INVALID
    config.attrs = ready.NULL
    assert ready.aclrtMallocWithCfg(pointer, 100, 0, config) == codes.INVALID_PARAM
    assert ready.aclrtMallocWithCfg(pointer, 0, 0, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclrtMallocWithCfg(ready.NULL, 8, 0, ready.NULL) == codes.INVALID_PARAM
    assert ready.live() == ["device"]


def test_host_memory_with_a_configuration(ready: Acl) -> None:
    pointer = ready.new("void **")
    attributes = ready.new("aclrtMallocAttribute[1]")
    attributes[0].attr, attributes[0].value.moduleId = 1, 33
    config = ready.new("aclrtMallocConfig *", {"attrs": attributes, "numAttrs": 1})
    for given in (ready.NULL, config):
        assert ready.aclrtMallocHostWithCfg(pointer, 100, given) == codes.SUCCESS
        ready.ffi.memmove(pointer[0], bytes(100), 100)
        assert "host memory" in ready.live()
        assert ready.aclrtFreeHost(pointer[0]) == codes.SUCCESS
    attributes[0].attr = 4
    assert ready.aclrtMallocHostWithCfg(pointer, 100, config) == codes.RT_PARAM_INVALID
    config.attrs = ready.NULL
    assert ready.aclrtMallocHostWithCfg(pointer, 100, config) == codes.INVALID_PARAM
    assert ready.aclrtMallocHostWithCfg(pointer, 0, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclrtMallocHostWithCfg(ready.NULL, 8, ready.NULL) == codes.INVALID_PARAM
    status = elsewhere(lambda: ready.aclrtMallocHostWithCfg(pointer, 8, ready.NULL))
    assert status == codes.RT_CONTEXT_NULL
    assert ready.live() == ["device"]


def test_an_asynchronous_run_with_a_configuration(ready: Acl) -> None:
    model, stream = ready.load_model(STATIC), ready.new("aclrtStream *")
    assert ready.aclrtCreateStream(stream) == codes.SUCCESS
    config = ready.aclmdlCreateExecConfigHandle()
    data = ready.dataset(16), ready.dataset(16)
    handles = [one.handle for one in data]
    assert ready.aclmdlExecuteAsyncV2(model, *handles, stream[0], config) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream[0]) == codes.SUCCESS
    assert ready.aclmdlExecuteAsyncV2(model, *handles, stream[0], ready.NULL) == (
        codes.INVALID_PARAM
    )
    assert ready.aclmdlExecuteAsyncV2(77, *handles, stream[0], config) == (
        codes.GE_MODEL_ID_INVALID
    )
