"""Strides, sizes, regions, scales and memory: what the units cannot do is a violation
(facts 11.2, 11.5-11.7, 11.18)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .media import NV12, RGB, Media, jpeg, scene


def resize(media: Media, source: Any, target: Any) -> int:
    call = media.acl.acldvppVpcResizeAsync
    return int(call(media.channel, source, target, media.resize, media.stream))


def crop(media: Media, area: tuple[int, int, int, int], paste: tuple[int, ...] = ()) -> int:
    acl = media.acl
    source, target = media.picture(NV12, 128, 96), media.picture(NV12, 64, 64)
    cut = acl.acldvppCreateRoiConfig(*area)
    if not paste:
        return int(acl.acldvppVpcCropAsync(media.channel, source, target, cut, media.stream))
    into = acl.acldvppCreateRoiConfig(*paste)
    call = acl.acldvppVpcCropAndPasteAsync
    return int(call(media.channel, source, target, cut, into, media.stream))


@pytest.mark.parametrize(
    ("id", "form", "width", "height", "more"),
    [
        ("AB-DVPP-0002", NV12, 100, 64, {"stride": 104}),  # no multiple of 16
        ("AB-DVPP-0002", NV12, 100, 64, {"stride": 96}),  # less than a row
        ("AB-DVPP-0002", RGB, 100, 64, {"stride": 112}),  # less than a row
        ("AB-DVPP-0002", NV12, 16, 64, {"stride": 16}),
        ("AB-DVPP-0002", NV12, 100, 64, {"rows": 62}),
        ("AB-DVPP-0002", NV12, 100, 64, {"rows": 65}),
        ("AB-DVPP-0003", NV12, 8, 64, {}),
        ("AB-DVPP-0003", NV12, 64, 4, {}),
        ("AB-DVPP-0003", NV12, 8200, 64, {}),
        ("AB-DVPP-0004", NV12, 64, 64, {"size": 64 * 64}),
    ],
)
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_picture_that_the_unit_cannot_use(
    media: Media, side: str, id: str, form: int, width: int, height: int, more: dict[str, int]
) -> None:
    bad, good = media.picture(form, width, height, **more), media.picture(NV12, 64, 64)
    source, target = (bad, good) if side == "input" else (good, bad)
    assert resize(media, source, target) == 100000
    assert media.acl.violations() == [id]
    assert f"{side}Desc" in (media.acl.message() or "")


def test_a_picture_that_does_not_begin_on_16_bytes(media: Media) -> None:
    acl, desc = media.acl, media.picture(NV12, 64, 64)
    data = media.malloc(64 * 64 * 2)
    assert acl.acldvppSetPicDescData(desc, acl.ffi.cast("char *", data) + 8) == 0
    assert resize(media, desc, media.picture(NV12, 64, 64)) == 100000
    assert acl.violations() == ["AB-DVPP-0005"]


def test_memory_that_ends_before_the_picture(media: Media) -> None:
    acl, desc = media.acl, media.picture(NV12, 64, 64)
    assert acl.acldvppSetPicDescData(desc, media.malloc(64 * 64)) == 0
    assert resize(media, media.picture(NV12, 64, 64), desc) == 100000
    assert acl.violations() == ["AB-RT-0011"]


@pytest.mark.parametrize(
    "area",
    [(1, 63, 0, 63), (0, 63, 1, 63), (0, 0, 0, 63), (0, 63, 0, 0), (0, 130, 0, 63),
     (0, 129, 0, 63), (0, 63, 0, 97), (63, 63, 0, 63), (64, 31, 0, 63)],
    ids=str,
)  # fmt: skip
def test_a_region_that_the_unit_cannot_cut(media: Media, area: tuple[int, int, int, int]) -> None:
    assert crop(media, area) == 100000
    assert media.acl.violations() == ["AB-DVPP-0006"]
    assert "cropArea" in (media.acl.message() or "")


@pytest.mark.parametrize("paste", [(0, 64, 0, 64), (0, 64, 0, 63), (0, 63, 0, 64)])
def test_a_region_that_ends_behind_itself_is_told_and_done_facts_11_7(
    media: Media, paste: tuple[int, int, int, int]
) -> None:
    """As samples give it: 0 to its width. The same pixels as of 0 to 63."""
    acl, cut = media.acl, media.acl.acldvppCreateRoiConfig(0, 64, 0, 64)
    source = media.decode(jpeg(scene(96, 128)), NV12)
    assert media.wait() == 0
    made = []
    for area in (paste, (0, 63, 0, 63)):
        target, into = media.picture(NV12, 64, 64), acl.acldvppCreateRoiConfig(*area)
        call = acl.acldvppVpcCropAndPasteAsync
        assert call(media.channel, source, target, cut, into, media.stream) == 0
        assert media.wait() == 0
        made.append(media.luma(target))
    assert np.array_equal(*made)
    assert acl.violations() == ["AB-DVPP-0009"] * 3


def test_a_region_of_an_odd_picture_facts_11_7(media: Media) -> None:
    """Its last column is in the strides; nothing beyond them is touched."""
    acl = media.acl
    source, target = media.picture(NV12, 128, 96), media.picture(NV12, 99, 79)
    cut, call = acl.acldvppCreateRoiConfig(0, 99, 0, 79), acl.acldvppVpcCropAndPasteAsync
    assert call(media.channel, source, target, cut, cut, media.stream) == 0
    assert media.wait() == 0
    assert acl.violations() == ["AB-DVPP-0008"]
    beyond = acl.acldvppCreateRoiConfig(0, 101, 0, 79)
    assert call(media.channel, source, target, cut, beyond, media.stream) == 100000
    assert acl.violations() == ["AB-DVPP-0008", "AB-DVPP-0006"]
    acl.message()


def test_a_left_that_nothing_is_pasted_to(media: Media) -> None:
    assert crop(media, (0, 31, 0, 31), (8, 39, 0, 31)) == 100000
    assert media.acl.violations() == ["AB-DVPP-0006"]
    assert crop(media, (0, 31, 0, 31), (16, 47, 0, 31)) == 0
    assert media.wait() == 0


@pytest.mark.parametrize(
    ("source", "target"), [((2048, 64), (32, 64)), ((64, 2048), (64, 32)), ((32, 64), (1024, 64))]
)
def test_a_scale_beyond_32_and_16(
    media: Media, source: tuple[int, int], target: tuple[int, int]
) -> None:
    assert resize(media, media.picture(NV12, *source), media.picture(NV12, *target)) == 100000
    assert media.acl.violations() == ["AB-DVPP-0007"]


def test_an_odd_size_is_told_and_done(media: Media) -> None:
    assert resize(media, media.picture(NV12, 101, 67), media.picture(NV12, 64, 64)) == 0
    assert media.wait() == 0
    assert media.acl.violations() == ["AB-DVPP-0008"]


def test_each_kind_of_memory_has_its_own_end_facts_11_2(media: Media) -> None:
    acl, pointer = media.acl, media.malloc(64)
    assert acl.aclrtFree(pointer) == 107000
    assert "acldvppFree" in (acl.message() or "")
    assert acl.acldvppFree(pointer) == 0
    assert acl.acldvppFree(pointer) == 100000
    other = acl.malloc(64)
    assert acl.acldvppFree(other) == 100000
    assert "aclrtFree" in (acl.message() or "")
    assert acl.aclrtFree(other) == 0
    assert acl.acldvppFree(acl.NULL) == 100000
    acl.message()
    assert acl.violations() == ["AB-DVPP-0001", "AB-RT-0007", "AB-DVPP-0001"]


def test_memory_that_was_freed_meanwhile_fails_the_stream(media: Media) -> None:
    """In faithful mode, in which a free in front of the work goes through."""
    acl, source, target = media.acl, media.picture(NV12, 64, 64), media.picture(NV12, 64, 64)
    acl.set("mode", "faithful")
    acl.set("latency", "acldvppVpcResizeAsync:50000000")
    assert resize(media, source, target) == 0
    assert acl.acldvppFree(acl.acldvppGetPicDescData(source)) == 0
    assert media.wait() == 507018
    assert acl.violations() == ["AB-STR-0002", "AB-RT-0010"]
    acl.message()


def test_the_output_may_not_be_read_before_the_wait_facts_11_4(media: Media) -> None:
    acl, source, target = media.acl, media.picture(NV12, 64, 64), media.picture(NV12, 64, 64)
    assert resize(media, source, target) == 0
    host = acl.new("char[]", 64)
    data = acl.acldvppGetPicDescData(source)
    assert acl.aclrtMemcpy(host, 64, data, 64, 2) == 0  # the input may be read
    assert acl.acldvppGetPicDescRetCode(target) == 0
    assert acl.acldvppSetPicDescWidth(target, 32) == 100000
    assert acl.violations() == ["AB-STR-0004"] * 2
    assert media.wait() == 0
    assert acl.acldvppGetPicDescWidth(target) == 64
    assert resize(media, source, target) == 0
    assert media.wait() == 0
    out = acl.acldvppGetPicDescData(target)
    assert resize(media, source, target) == 0
    assert acl.aclrtMemcpy(host, 64, out, 64, 2) == 107000
    assert acl.acldvppFree(out) == 100000
    assert acl.violations() == ["AB-STR-0004", "AB-STR-0002"]
    assert media.wait() == 0
    acl.message()


def test_descriptions_are_kept_until_the_wait_facts_11_4(media: Media) -> None:
    acl, source, target = media.acl, media.picture(NV12, 64, 64), media.picture(NV12, 64, 64)
    assert resize(media, source, target) == 0
    assert acl.acldvppDestroyPicDesc(target) == 0
    assert acl.acldvppDestroyPicDesc(source) == 0
    assert acl.acldvppDestroyChannel(media.channel) == 0
    assert acl.violations() == ["AB-STR-0003"] * 3
    assert media.wait() == 0


def test_two_streams_on_one_output_facts_11_4(media: Media) -> None:
    acl, target = media.acl, media.picture(NV12, 64, 64)
    other = acl.new("void **")
    assert acl.aclrtCreateStream(other) == 0
    assert resize(media, media.picture(NV12, 128, 64), target) == 0
    media.stream, first = other[0], media.stream
    assert resize(media, media.picture(NV12, 128, 64), target) == 107000 - 7000
    assert acl.violations() == ["AB-STR-0004"]
    assert acl.aclrtSynchronizeStream(first) == 0
    acl.message()


def test_a_fault_reaches_the_wait_and_the_description_facts_11_16(media: Media) -> None:
    acl, target = media.acl, media.picture(NV12, 64, 64)
    acl.fail("task", 1, 507018)
    assert resize(media, media.picture(NV12, 64, 64), target) == 0
    assert media.wait() == 507018
    assert acl.acldvppGetPicDescRetCode(target) == 507018
    acl.message()
    desc = media.decode(jpeg(scene(64, 64)), NV12)
    assert media.wait() == 0
    assert acl.acldvppGetPicDescRetCode(desc) == 0


def test_a_channel_that_is_not_there_facts_11_3(media: Media) -> None:
    acl = media.acl
    assert acl.acldvppDestroyChannel(media.channel) == 0
    assert resize(media, media.picture(NV12, 64, 64), media.picture(NV12, 64, 64)) == 100000
    assert "acldvppCreateChannel" in (acl.message() or "")
    assert acl.acldvppDestroyChannel(media.channel) == 100000
    assert acl.acldvppCreateChannel(media.channel) == 0
    assert acl.acldvppCreateChannel(media.channel) == 500000
    acl.message()


def test_older_chips_write_nv12_alone_facts_11_6_11_15(media: Media) -> None:
    acl = media.acl
    source, target = media.picture(NV12, 64, 64), media.picture(RGB, 64, 64)
    for soc in ("Ascend310", "Ascend910A"):
        acl.set("soc", soc)
        assert resize(media, source, target) == 100027
        assert "this chip" in (acl.message() or "")
        convert = acl.acldvppVpcConvertColorAsync
        assert convert(media.channel, source, target, media.stream) == 200006
        assert acl.acldvppCreateBorderConfig() == acl.NULL
        assert acl.acldvppCreateHist() == acl.NULL
        assert acl.acldvppSetChannelDescMode(media.channel, 1) == 200006
        acl.message()
    acl.set("soc", "Ascend910B3")
    assert resize(media, source, target) == 0
    assert media.wait() == 0
    assert acl.acldvppSetChannelDescMode(media.channel, 16) == 100000
    assert acl.acldvppSetChannelDescMode(media.channel, 3) == 0
    acl.message()
