"""aclInit, aclFinalize and what works without them (facts 1.1, 3)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .. import codes
from ..face import Acl
from ..threads import at_once


def config(folder: Path, text: str) -> bytes:
    path = folder / f"{abs(hash(text))}.json"
    path.write_text(text, encoding="utf-8")
    return os.fsencode(path)


def count(acl: Acl) -> int:
    """How often it is initialised; asking costs one reference, taken back here."""
    left = acl.new("uint64_t *")
    acl.aclInit(acl.NULL)
    assert acl.aclFinalizeReference(left) == 0
    return int(left[0])


def test_second_init_counts_and_says_so_facts_1_1(acl: Acl) -> None:
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclInit(acl.NULL) == codes.REPEAT_INITIALIZE
    assert count(acl) == 2


def test_repeated_init_looks_at_nothing_else_facts_1_1(acl: Acl) -> None:
    """The count is the first check: even an unreadable path is not noticed."""
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclInit(b"/no/such/config.json") == codes.REPEAT_INITIALIZE


def test_unreadable_config_facts_1_1(acl: Acl) -> None:
    assert acl.aclInit(b"/no/such/config.json") == codes.INVALID_FILE
    assert acl.aclInit(acl.NULL) == codes.SUCCESS, "the failed one did not count"


def test_empty_path_is_no_config_facts_1_1(acl: Acl) -> None:
    assert acl.aclInit(b"") == codes.SUCCESS
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclInit(acl.NULL) == codes.SUCCESS


def test_config_content_is_remembered_across_finalize_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    first = config(tmp_path, '{"a": 1}')
    assert acl.aclInit(first) == codes.SUCCESS
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclInit(config(tmp_path, '{"a": 2}')) == codes.INVALID_PARAM
    assert acl.aclInit(b"") == codes.INVALID_PARAM, "none is another content than one"
    assert acl.aclInit(first) == codes.SUCCESS


def test_null_after_another_content_ends_a_process_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    """error_manager.cc:1128 makes a std::string of the path; "" is the same content, and is not."""
    first = config(tmp_path, "{}")
    assert acl.aclInit(first) == codes.SUCCESS
    assert acl.aclInit(acl.NULL) == codes.REPEAT_INITIALIZE, "counted before anything else"
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclInit(acl.NULL) == codes.INVALID_PARAM
    assert acl.violations() == ["AB-RT-0020"]
    assert os.fsdecode(first) in (acl.message() or "")
    assert acl.aclInit(b"") == codes.INVALID_PARAM
    assert acl.aclInit(first) == codes.SUCCESS


def test_no_config_is_remembered_too_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclInit(config(tmp_path, '{"a": 1}')) == codes.INVALID_PARAM


def test_config_of_a_failed_init_is_not_remembered_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    assert acl.aclInit(config(tmp_path, '{"err_msg_mode": "nonsense"}')) != codes.SUCCESS
    assert acl.aclInit(acl.NULL) == codes.SUCCESS


def test_first_finalize_needs_no_init_facts_1_1(acl: Acl) -> None:
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclFinalize() == codes.REPEAT_FINALIZE


def test_finalize_twice_facts_3(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclFinalize() == codes.REPEAT_FINALIZE


def test_finalize_ignores_the_count_facts_3(acl: Acl) -> None:
    for _ in range(3):
        acl.aclInit(acl.NULL)
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclFinalizeReference(acl.NULL) == codes.REPEAT_FINALIZE
    assert acl.aclInit(acl.NULL) == codes.SUCCESS, "the count was 0"


def test_init_after_finalize_facts_1_1(acl: Acl) -> None:
    for _ in range(3):
        assert acl.aclInit(acl.NULL) == codes.SUCCESS
        assert acl.aclFinalize() == codes.SUCCESS


def test_finalize_reference_counts_down_facts_3(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    acl.aclInit(acl.NULL)
    left = acl.new("uint64_t *", 99)
    assert acl.aclFinalizeReference(left) == codes.SUCCESS
    assert left[0] == 1
    assert acl.aclInit(acl.NULL) == codes.REPEAT_INITIALIZE, "the library is still alive"
    acl.aclFinalizeReference(acl.NULL)
    assert acl.aclFinalizeReference(left) == codes.SUCCESS
    assert left[0] == 0
    assert acl.aclFinalizeReference(left) == codes.REPEAT_FINALIZE


def test_last_reference_finalizes_facts_1_1(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    assert acl.aclFinalizeReference(acl.NULL) == codes.SUCCESS
    assert acl.aclFinalize() == codes.REPEAT_FINALIZE


def test_finalize_reference_without_init_facts_3(acl: Acl) -> None:
    assert acl.aclFinalizeReference(acl.NULL) == codes.REPEAT_FINALIZE


def test_a_second_init_says_that_it_counts(acl: Acl) -> None:
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclInit(acl.NULL) == codes.REPEAT_INITIALIZE
    assert acl.message() == (
        "aclInit: aclInit (call 1) was before this one, which is counted: 2 now."
        " This status may be ignored"
    )


def test_who_ended_it_is_named(acl: Acl) -> None:
    """Whatever comes after somebody's aclFinalize: the model's calls and the next end."""
    model = acl.new("uint32_t *")
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclmdlLoadFromMem(acl.hold(bytes(300)), 300, model) == codes.GE_EXEC_NOT_INIT
    assert acl.aclFinalize() == codes.REPEAT_FINALIZE
    assert acl.aclFinalizeReference(acl.NULL) == codes.REPEAT_FINALIZE
    why = "aclFinalize (call 2) has ended what aclInit (call 1) began"
    assert (acl.message() or "").splitlines() == [
        f"aclmdlLoadFromMem: {why}", f"aclFinalize: {why}", f"aclFinalizeReference: {why}",
    ]  # fmt: skip


def test_a_last_reference_is_named_too(acl: Acl) -> None:
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclFinalizeReference(acl.NULL) == codes.SUCCESS
    assert acl.aclFinalize() == codes.REPEAT_FINALIZE
    assert "aclFinalizeReference (call 2) has ended what aclInit (call 1) began" in (
        acl.message() or ""
    )


def test_what_is_alive_at_the_end_is_no_error_text(ready: Acl) -> None:
    """No call failed: the next error's text must not begin with it."""
    ready.malloc(8)
    assert ready.aclFinalize() == codes.SUCCESS
    assert ready.message() is None
    assert {*ready.violations()} == {"AB-RT-0019"}


def test_an_end_without_a_beginning_is_named(acl: Acl) -> None:
    assert acl.aclFinalizeReference(acl.NULL) == codes.REPEAT_FINALIZE
    assert acl.message() == "aclFinalizeReference: aclInit was not called"
    assert acl.aclFinalize() == codes.SUCCESS
    assert acl.aclFinalize() == codes.REPEAT_FINALIZE
    assert (
        acl.message() == "aclFinalize: aclInit was not called, and aclFinalize (call 3) ended all"
    )


def test_ten_threads_initialise_facts_3(acl: Acl) -> None:
    results = at_once(10, lambda: acl.aclInit(acl.NULL))
    assert sorted(results) == [codes.SUCCESS] + [codes.REPEAT_INITIALIZE] * 9
    assert count(acl) == 10


def test_version_facts_1_1(acl: Acl) -> None:
    numbers = [acl.new("int32_t *") for _ in range(3)]
    assert acl.aclrtGetVersion(*numbers) == codes.SUCCESS
    assert [number[0] for number in numbers] == [1, 17, 0]


@pytest.mark.parametrize("missing", range(3))
def test_version_wants_three_answers_facts_1_1(acl: Acl, missing: int) -> None:
    numbers = [acl.new("int32_t *") for _ in range(3)]
    numbers[missing] = acl.NULL
    assert acl.aclrtGetVersion(*numbers) == codes.INVALID_PARAM


def test_soc_name_facts_1_1(acl: Acl) -> None:
    acl.set("soc", "Ascend310P3")
    assert acl.ffi.string(acl.aclrtGetSocName()) == b"Ascend310P3"


def test_runtime_functions_do_not_want_init_facts_1_1(acl: Acl) -> None:
    assert acl.aclrtSetDevice(0) == codes.SUCCESS
    assert acl.aclrtFree(acl.malloc(16)) == codes.SUCCESS
    assert acl.aclrtResetDevice(0) == codes.SUCCESS


def test_entries_it_does_not_know_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    """Not even those that begin as a known one does."""
    unknown = '{"err_msg_modes": "x", "err_msg": ["y", {"err_msg_mode": "z"}], "n": 1.5e3}'
    assert acl.aclInit(config(tmp_path, unknown)) == codes.SUCCESS
