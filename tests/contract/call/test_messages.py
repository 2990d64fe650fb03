"""aclGetRecentErrMsg: one queue per thread, consumed by reading (facts 1.1, 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..programs import Tensor, null_model
from ..threads import elsewhere

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])


def fail(acl: Acl) -> None:
    """Do something wrong that leaves a text."""
    assert acl.aclmdlUnload(77) == codes.GE_MODEL_ID_INVALID


def test_nothing_yet_facts_1_1(acl: Acl) -> None:
    assert acl.message() is None


def test_success_says_nothing_facts_1_1(ready: Acl) -> None:
    ready.load_model(STATIC)
    assert ready.message() is None


def test_reading_consumes_facts_1_1(ready: Acl) -> None:
    fail(ready)
    assert ready.message()
    assert ready.message() is None


def test_every_thread_has_its_own_facts_1_1(ready: Acl) -> None:
    fail(ready)
    assert elsewhere(ready.message) is None
    elsewhere(lambda: fail(ready))
    assert ready.message()
    assert ready.message() is None, "the other thread's went with it"


def test_failures_queue_up_facts_1_1(ready: Acl) -> None:
    assert ready.aclmdlUnload(1077) == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlUnload(2077) == codes.GE_MODEL_ID_INVALID
    message = ready.message() or ""
    assert "1077" in message
    assert "2077" in message


def test_the_pointer_is_good_until_the_next_question_facts_1_1(ready: Acl) -> None:
    fail(ready)
    text = ready.aclGetRecentErrMsg()
    before = ready.ffi.string(text)
    for _ in range(100):
        ready.aclrtFree(ready.malloc(64))
    assert ready.ffi.string(text) == before


def test_a_reset_forgets_it(ready: Acl) -> None:
    fail(ready)
    ready.reset()
    assert ready.message() is None


def _few_inputs(acl: Acl) -> int:
    empty = acl.dataset()
    return int(acl.aclmdlExecute(acl.load_model(STATIC), empty.handle, acl.dataset(16).handle))


SAYS: dict[str, tuple[Callable[[Acl], Any], str]] = {
    "the path": (
        lambda acl: acl.aclmdlBundleLoadFromFile(b"/no/such.om", acl.new("uint32_t *")),
        "/no/such.om",
    ),
    "the model": (lambda acl: acl.aclmdlUnload(77), "77"),
    "the bundle": (lambda acl: acl.aclmdlBundleUnload(78), "78"),
    "the device": (lambda acl: acl.aclrtSetDevice(99), "99"),
    "the room": (
        lambda acl: acl.aclrtMemcpy(acl.malloc(64), 13, acl.hold(bytearray(64)), 64, 1),
        "13",
    ),
    "the number of inputs": (_few_inputs, "1"),
    "the bad argument": (lambda acl: acl.aclrtFree(acl.NULL), "aclrtFree"),
}


@pytest.mark.parametrize("name", SAYS)
def test_it_names_what_was_wrong(ready: Acl, name: str) -> None:
    call, word = SAYS[name]
    assert call(ready) != codes.SUCCESS
    assert word in (ready.message() or "")
