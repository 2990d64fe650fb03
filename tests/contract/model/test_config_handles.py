"""Options for loading and for executing: what each accepts (facts 1.8, 1.11, 1.12)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl

PRIORITY, LOAD_TYPE, PATH, MEM_ADDR, MEM_SIZE = range(5)
WEIGHT_ADDR, WEIGHT_SIZE, WORK_ADDR, WORK_SIZE = range(5, 9)
INPUTQ_NUM, INPUTQ_ADDR, OUTPUTQ_NUM, OUTPUTQ_ADDR, OPTIMIZE, WEIGHT_PATH = range(9, 15)
WITHOUT_GRAPH = 28
SIZES = [LOAD_TYPE, MEM_SIZE, WEIGHT_SIZE, WORK_SIZE, INPUTQ_NUM, OUTPUTQ_NUM, OPTIMIZE]
REQUIRED_POINTERS = [PATH, MEM_ADDR, INPUTQ_ADDR, OUTPUTQ_ADDR, WEIGHT_PATH]
OPTIONAL_POINTERS = [WEIGHT_ADDR, WORK_ADDR]
INTS = [PRIORITY, WITHOUT_GRAPH]


def value(acl: Acl, attr: int, number: int = 1) -> Any:
    """A place that holds a good value of the attribute's type."""
    if attr in INTS:
        return acl.new("int32_t *", number)
    if attr in SIZES:
        return acl.new("size_t *", number)
    return acl.new("void **", acl.hold(bytearray(b"/some/path\0")))


def width(attr: int) -> int:
    return 4 if attr in INTS else 8


def put(acl: Acl, attr: int, given: Any, size: int) -> int:
    handle = acl.aclmdlCreateConfigHandle()
    status = int(acl.aclmdlSetConfigOpt(handle, attr, given, size))
    assert acl.aclmdlDestroyConfigHandle(handle) == codes.SUCCESS
    return status


SETTABLE = [*range(15), WITHOUT_GRAPH]


@pytest.mark.parametrize("attr", SETTABLE)
def test_settable_facts_1_12(ready: Acl, attr: int) -> None:
    assert put(ready, attr, value(ready, attr), width(attr)) == codes.SUCCESS


@pytest.mark.parametrize("attr", SETTABLE)
@pytest.mark.parametrize("size", [0, 1, 2, 16, "other"])
def test_another_size_than_the_types_facts_1_8(ready: Acl, attr: int, size: int | str) -> None:
    given = 12 - width(attr) if size == "other" else size
    assert put(ready, attr, value(ready, attr), int(given)) == codes.INVALID_PARAM


@pytest.mark.parametrize("attr", [*range(15, 28), 29, 1000, 0xFFFF])
@pytest.mark.parametrize("size", [4, 8])
def test_not_settable_here_facts_1_12(ready: Acl, attr: int, size: int) -> None:
    given = ready.new("void **", ready.hold(bytearray(8)))
    assert put(ready, attr, given, size) == codes.INVALID_PARAM


@pytest.mark.parametrize("attr", REQUIRED_POINTERS)
def test_pointers_that_must_point_facts_1_8(ready: Acl, attr: int) -> None:
    assert put(ready, attr, ready.new("void **"), 8) == codes.INVALID_PARAM


@pytest.mark.parametrize("attr", OPTIONAL_POINTERS)
def test_pointers_that_need_not_facts_1_8(ready: Acl, attr: int) -> None:
    assert put(ready, attr, ready.new("void **"), 8) == codes.SUCCESS


@pytest.mark.parametrize(
    ("attr", "number", "code"),
    [
        *[(LOAD_TYPE, number, 0) for number in range(1, 7)],
        *[(LOAD_TYPE, number, codes.INVALID_PARAM) for number in (0, 7, 2**32)],
        (WITHOUT_GRAPH, 0, 0),
        (WITHOUT_GRAPH, 1, 0),
        (WITHOUT_GRAPH, 2, codes.INVALID_PARAM),
        (WITHOUT_GRAPH, -1, codes.INVALID_PARAM),
        (OPTIMIZE, 0, 0),
        (OPTIMIZE, 1, 0),
        (OPTIMIZE, 2, codes.INVALID_PARAM),
        (PRIORITY, 0, 0),
        (PRIORITY, 7, 0),
        (PRIORITY, -1, codes.INVALID_PARAM),
        (PRIORITY, 1000, codes.INVALID_PARAM),
    ],
)
def test_values_facts_1_8(ready: Acl, attr: int, number: int, code: int) -> None:
    assert put(ready, attr, value(ready, attr, number), width(attr)) == code


def test_null_facts_1_8(ready: Acl) -> None:
    handle, given = ready.aclmdlCreateConfigHandle(), ready.new("int32_t *")
    assert ready.aclmdlSetConfigOpt(ready.NULL, PRIORITY, given, 4) == codes.INVALID_PARAM
    assert ready.aclmdlSetConfigOpt(handle, PRIORITY, ready.NULL, 4) == codes.INVALID_PARAM
    assert ready.aclmdlDestroyConfigHandle(ready.NULL) == codes.INVALID_PARAM


STREAM_TIMEOUT, EVENT_TIMEOUT = 0, 1


def put_exec(acl: Acl, attr: int, number: int, size: int = 4) -> int:
    handle = acl.aclmdlCreateExecConfigHandle()
    given = acl.new("int32_t[2]", [number, 0])
    status = int(acl.aclmdlSetExecConfigOpt(handle, attr, given, size))
    assert acl.aclmdlDestroyExecConfigHandle(handle) == codes.SUCCESS
    return status


@pytest.mark.parametrize("attr", [STREAM_TIMEOUT, EVENT_TIMEOUT])
@pytest.mark.parametrize(
    ("number", "code"),
    [(-1, 0), (0, 0), (1, 0), (2**31 - 1, 0), (-2, codes.INVALID_PARAM)],
)
def test_timeouts_facts_1_11(acl: Acl, attr: int, number: int, code: int) -> None:
    assert put_exec(acl, attr, number) == code


@pytest.mark.parametrize("size", [0, 1, 8])
def test_timeouts_have_4_bytes_facts_1_11(acl: Acl, size: int) -> None:
    assert put_exec(acl, STREAM_TIMEOUT, 1, size) == codes.INVALID_PARAM


@pytest.mark.parametrize("attr", [*range(2, 10), 77])
@pytest.mark.parametrize("size", [4, 8])
def test_no_other_execute_option_facts_1_11(acl: Acl, attr: int, size: int) -> None:
    assert put_exec(acl, attr, 1, size) == codes.INVALID_PARAM


def test_execute_options_with_null_facts_1_11(acl: Acl) -> None:
    handle, given = acl.aclmdlCreateExecConfigHandle(), acl.new("int32_t *")
    assert acl.aclmdlSetExecConfigOpt(acl.NULL, 0, given, 4) == codes.INVALID_PARAM
    assert acl.aclmdlSetExecConfigOpt(handle, 0, acl.NULL, 4) == codes.INVALID_PARAM
    assert acl.aclmdlDestroyExecConfigHandle(acl.NULL) == codes.INVALID_PARAM


def test_use_after_destroy_is_seen_design_7(acl: Acl) -> None:
    config, execute = acl.aclmdlCreateConfigHandle(), acl.aclmdlCreateExecConfigHandle()
    acl.aclmdlDestroyConfigHandle(config)
    acl.aclmdlDestroyExecConfigHandle(execute)
    given = acl.new("int32_t *")
    assert acl.aclmdlSetConfigOpt(config, PRIORITY, given, 4) != codes.SUCCESS
    assert acl.aclmdlSetExecConfigOpt(execute, 0, given, 4) != codes.SUCCESS
    assert acl.violations() == ["AB-RT-0002"] * 2
