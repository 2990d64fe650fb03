"""Each call of a program that works on images fails once: nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from acl_bundle import fake

from ..face import Acl
from .media import NV12, RGB, jpeg, scene, up

JPEG = jpeg(scene(64, 96))
FLOW = (
    "acldvppCreateChannelDesc", "acldvppCreateChannel", "acldvppCreateResizeConfig",
    "acldvppJpegGetImageInfo", "acldvppMalloc", "acldvppCreatePicDesc", "acldvppSetPicDescData",
    "acldvppSetPicDescWidth", "aclrtMemcpy", "acldvppJpegDecodeAsync", "acldvppVpcResizeAsync",
    "acldvppVpcConvertColorAsync", "aclrtSynchronizeStream", "task",
)  # fmt: skip


class Failed(Exception):
    """A call of the program failed."""


def ok(status: int) -> None:
    if status != 0:
        raise Failed(status)


def made(acl: Acl, handle: Any) -> Any:
    if handle == acl.NULL:
        raise Failed
    return handle


def picture(acl: Acl, undo: list[Callable[[], object]], form: int, width: int, height: int) -> Any:
    rows, row = up(height, 16), up(width, 128) * (3 if form == RGB else 1)
    size = row * rows * (3 if form == NV12 else 2) // 2
    memory = acl.new("void **")
    ok(acl.acldvppMalloc(memory, size))
    undo.append(lambda: acl.acldvppFree(memory[0]))
    desc = made(acl, acl.acldvppCreatePicDesc())
    undo.append(lambda: acl.acldvppDestroyPicDesc(desc))
    ok(acl.acldvppSetPicDescData(desc, memory[0]))
    for name, value in {
        "Size": size, "Format": form, "Width": width, "Height": height, "WidthStride": row,
        "HeightStride": rows,
    }.items():  # fmt: skip
        ok(getattr(acl, f"acldvppSetPicDesc{name}")(desc, value))
    return desc


def program(acl: Acl, undo: list[Callable[[], object]], stream: Any) -> None:
    """Decode, scale, convert, wait."""
    channel = made(acl, acl.acldvppCreateChannelDesc())
    undo.append(lambda: acl.acldvppDestroyChannelDesc(channel))
    ok(acl.acldvppCreateChannel(channel))
    undo.append(lambda: acl.acldvppDestroyChannel(channel))
    config = made(acl, acl.acldvppCreateResizeConfig())
    undo.append(lambda: acl.acldvppDestroyResizeConfig(config))
    width, height = acl.new("uint32_t *"), acl.new("uint32_t *")
    host = acl.hold(JPEG)
    ok(acl.acldvppJpegGetImageInfo(host, len(JPEG), width, height, acl.NULL))
    source = acl.new("void **")
    ok(acl.acldvppMalloc(source, len(JPEG)))
    undo.append(lambda: acl.acldvppFree(source[0]))
    ok(acl.aclrtMemcpy(source[0], len(JPEG), host, len(JPEG), 1))
    decoded = picture(acl, undo, NV12, width[0], height[0])
    small, colours = (picture(acl, undo, form, 48, 32) for form in (NV12, RGB))
    ok(acl.acldvppJpegDecodeAsync(channel, source[0], len(JPEG), decoded, stream))
    ok(acl.acldvppVpcResizeAsync(channel, decoded, small, config, stream))
    ok(acl.acldvppVpcConvertColorAsync(channel, small, colours, stream))
    ok(acl.aclrtSynchronizeStream(stream))


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("function", FLOW)
def test_nothing_is_left_when_a_call_fails(ready: Acl, function: str, nth: int) -> None:
    acl = ready
    for key, path in fake.image_paths().items():
        acl.set(key, path)
    stream = acl.new("void **")
    assert acl.aclrtCreateStream(stream) == 0
    before, undo = acl.live(), list[Callable[[], object]]()
    acl.fail(function, nth, 507018)
    try:
        program(acl, undo, stream[0])
    except Failed:
        assert acl.message()
    else:
        assert nth > 1, "the fault was not met"
    acl.aclrtSynchronizeStream(stream[0])
    for step in reversed(undo):
        assert step() == 0, acl.message()
    assert acl.live() == before
    acl.message()
