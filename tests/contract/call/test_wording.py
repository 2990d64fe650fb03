"""How messages name things: articles, kinds, and NULL."""

from __future__ import annotations

import re
from typing import Any

from ..face import Acl


def message_of(acl: Acl) -> str:
    """The text of the last violation, addresses left out, up to its sentence."""
    row = acl.read("violations")[-1]
    acl.violations()
    told = acl.message() or ""
    assert row["message"] in told
    text: str = re.sub(r"0x[0-9a-f]+", "@", row["message"])
    return re.sub(r" \(call \d+\)", "", text)


def event(acl: Acl) -> Any:
    made = acl.new("aclrtEvent *")
    assert acl.aclrtCreateEvent(made) == 0
    return made[0]


def stream(acl: Acl) -> Any:
    made = acl.new("aclrtStream *")
    assert acl.aclrtCreateStream(made) == 0
    return made[0]


def test_a_dead_object_is_named_once(ready: Acl) -> None:
    dead = event(ready)
    ready.aclrtDestroyEvent(dead)
    ready.aclrtDestroyEvent(dead)
    assert message_of(ready).startswith(
        "event @, made by aclrtCreateEvent, ended by aclrtDestroyEvent: "
    )


def test_an_unknown_one_too(ready: Acl) -> None:
    ready.aclrtDestroyEvent(ready.ffi.cast("void *", 16))
    assert message_of(ready) == "event @: this library never handed out this handle"


def test_another_kind_has_its_article(ready: Acl) -> None:
    ready.aclrtDestroyStream(event(ready))
    assert message_of(ready).startswith("stream @ is an event, made by aclrtCreateEvent: ")
    ready.aclrtDestroyEvent(stream(ready))
    assert message_of(ready).startswith("event @ is a stream, made by aclrtCreateStream: ")


def test_an_argument_that_says_no_kind_is_explained(ready: Acl) -> None:
    config, execution = ready.aclmdlCreateConfigHandle(), ready.aclmdlCreateExecConfigHandle()
    ready.aclmdlDestroyConfigHandle(ready.ffi.cast("aclmdlConfigHandle *", execution))
    assert message_of(ready).startswith(
        "handle @ should be a load configuration and is an execution configuration, made by "
    )
    ready.aclmdlDestroyConfigHandle(config)
    ready.aclmdlDestroyConfigHandle(config)
    assert message_of(ready).startswith("handle @, a load configuration, made by ")


def test_null_in_a_trace(ready: Acl) -> None:
    ready.set("trace", "on")
    ready.aclrtMemcpy(ready.NULL, 1, ready.NULL, 1, 1)
    (row,) = ready.read("trace")
    assert row["args"].startswith("dst=NULL, destMax=1, src=NULL, count=1, ")


def test_null_in_a_message_and_a_name_as_it_is(ready: Acl) -> None:
    assert ready.aclmdlBundleLoadFromFile(b"/no/(nil).om", ready.new("uint32_t *")) != 0
    assert "/no/(nil).om" in (ready.message() or "")
