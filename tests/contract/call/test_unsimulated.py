"""Functions that only answer (facts 0, 0.1: 200001 is what a missing feature returns)."""

from __future__ import annotations

import ctypes
import re

import pytest

from .. import codes
from ..face import ROOT, Acl

ROW = re.compile(r"^    FUNCTION\((\w+), (\w+)\)", re.MULTILINE)
ANSWERS = dict(ROW.findall((ROOT / "fakes/call/unsimulated.h").read_text(encoding="utf-8")))
DECLARED = re.findall(r"(\w+)\(", (ROOT / "csrc/acl/acl_api.h").read_text(encoding="utf-8"))
NOTHING = {"ERROR": 200001, "POINTER": None, "NUMBER": 0, "NOTHING": None, "SILENCE": None}
RESULT = {
    "ERROR": ctypes.c_int,
    "POINTER": ctypes.c_void_p,
    "NUMBER": ctypes.c_size_t,
    "NOTHING": None,
    "SILENCE": None,
}


def function(acl: Acl, name: str) -> ctypes._NamedFuncPointer:
    """The function as a client in C calls it: through its symbol."""
    found = getattr(ctypes.CDLL(str(acl.path)), name)
    found.restype = RESULT[ANSWERS[name]]
    return found


def test_the_list_is_long_and_holds_no_simulated_function() -> None:
    assert len(ANSWERS) > 400
    assert not {*ANSWERS} & {*DECLARED}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_and_its_message_facts_0_1(acl: Acl, name: str) -> None:
    assert function(acl, name)() == NOTHING[ANSWERS[name]]
    told = None if ANSWERS[name] == "SILENCE" else f"{name} is not simulated by the fake"
    assert acl.message() == told


def test_a_line_for_the_log_leaves_the_error_text_alone_facts_1_1(acl: Acl) -> None:
    """Programs log that a call failed, and then ask why it did."""
    assert acl.aclrtFree(acl.NULL) == codes.INVALID_PARAM
    function(acl, "aclAppLog")(3, b"f", b"file.c", 1, b"%s failed", b"aclrtFree")
    assert acl.message() == "aclrtFree: devPtr is NULL"


def test_arguments_are_left_alone_facts_0_1(acl: Acl) -> None:
    """Integers, pointers and floats, in registers and on the stack, and variadic ones."""
    data = ctypes.create_string_buffer(b"model", 16)
    assert function(acl, "aclopLoad")(data, ctypes.c_size_t(16)) == codes.API_NOT_SUPPORT
    numbers = [ctypes.c_float(0.5)] * 12 + [ctypes.c_int64(7)] * 12
    assert function(acl, "aclopExecuteV2")(*numbers) == codes.API_NOT_SUPPORT
    log = function(acl, "aclAppLog")
    assert log(0, b"f", b"file.c", 1, b"%s %d", b"text", 3) is None
    assert data.value == b"model"
    acl.message()


def test_they_are_counted_and_traced(acl: Acl) -> None:
    acl.set("trace", "on")
    for _ in range(3):
        function(acl, "aclopCreateAttr")(ctypes.c_uint64(1))
    (row,) = acl.read("calls")
    assert row == {"function": "aclopCreateAttr", "calls": 3}
    traced = acl.read("trace")
    assert [(one["function"], one["status"]) for one in traced] == [("aclopCreateAttr", 200001)] * 3
    acl.message()


def test_they_can_be_made_to_fail_otherwise(acl: Acl) -> None:
    acl.fail("aclopLoad", 1, 500001)
    assert function(acl, "aclopLoad")() == 500001
    acl.message()
    assert function(acl, "aclopLoad")() == codes.API_NOT_SUPPORT
    acl.message()
