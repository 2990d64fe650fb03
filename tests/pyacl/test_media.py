"""acl.media: the functions whose arguments or answers are no words of C."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

RGB, SIDE = 12, 32


@pytest.fixture
def channel(acl: Any) -> Any:
    made = acl.media.dvpp_create_channel_desc()
    assert acl.media.dvpp_create_channel(made) == 0
    yield made
    assert acl.media.dvpp_destroy_channel(made) == 0
    assert acl.media.dvpp_destroy_channel_desc(made) == 0


def describe(acl: Any, desc: int, pixels: Any) -> Any:
    """Set a description to memory of its own that holds the pixels."""
    pointer, ret = acl.media.dvpp_malloc(pixels.nbytes)
    assert ret == 0
    data = pixels.tobytes()
    assert acl.rt.memcpy(pointer, len(data), acl.util.bytes_to_ptr(data), len(data), 1) == 0
    height, width, _ = pixels.shape
    for name, value in {
        "data": pointer, "size": pixels.nbytes, "format": RGB, "width": width, "height": height,
        "width_stride": width * 3, "height_stride": height,
    }.items():  # fmt: skip
        assert getattr(acl.media, f"dvpp_set_pic_desc_{name}")(desc, value) == 0
    return pointer


def read(acl: Any, pointer: int) -> Any:
    host, ret = acl.rt.malloc_host(SIDE * SIDE * 3)
    assert ret == 0
    assert acl.rt.memcpy(host, SIDE * SIDE * 3, pointer, SIDE * SIDE * 3, 2) == 0
    data = acl.util.ptr_to_bytes(host, SIDE * SIDE * 3)
    assert acl.rt.free_host(host) == 0
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3)


@pytest.mark.parametrize(
    ("name", "odd"),
    [("crop", True), ("crop_resize", False), ("crop_and_paste", True),
     ("crop_resize_paste", False), ("crop_resize_make_border", False)],
)  # fmt: skip
def test_lists_of_a_batch(acl: Any, channel: int, name: str, odd: bool) -> None:
    """Two regions of one picture, each to a picture of its own (facts 11.14)."""
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    media, source, target = acl.media, *(acl.media.dvpp_create_batch_pic_desc(n) for n in (1, 2))
    memory = [describe(acl, media.dvpp_get_pic_desc(source, 0), pixels)]
    blank = np.zeros((SIDE, SIDE, 3), np.uint8)
    memory += [describe(acl, media.dvpp_get_pic_desc(target, i), blank) for i in range(2)]
    crops = [media.dvpp_create_roi_config(*area) for area in ((0, 31, 0, 31), (32, 63, 16, 47))]
    whole = [media.dvpp_create_roi_config(0, SIDE - 1, 0, SIDE - 1) for _ in range(2)]
    borders = [media.dvpp_create_border_config() for _ in range(2)]
    config, (stream, ret) = media.dvpp_create_resize_config(), acl.rt.create_stream()
    assert ret == 0
    more = [whole] if "paste" in name else [borders] if "border" in name else []
    more += [config] if "resize" in name else []
    call = getattr(media, f"dvpp_vpc_batch_{name}_async")
    answer = call(channel, source, [2], target, crops, *more, stream)
    assert answer == ((target, 0) if odd else 0), acl.get_recent_err_msg()
    assert acl.rt.synchronize_stream(stream) == 0
    assert np.array_equal(read(acl, memory[1]), pixels[:32, :32])
    assert np.array_equal(read(acl, memory[2]), pixels[16:48, 32:])
    with pytest.raises(ValueError, match="between 1 and 256"):
        call(channel, source, [], target, crops, *more, stream)
    with pytest.raises(ValueError, match="for 3 crop areas, not 2"):
        call(channel, source, [3], target, crops, *more, stream)
    with pytest.raises(TypeError, match=r"^argument 3 is not list$"):
        call(channel, source, (2,), target, crops, *more, stream)
    for one in crops + whole:
        assert media.dvpp_destroy_roi_config(one) == 0
    for one in borders:
        assert media.dvpp_destroy_border_config(one) == 0
    for one in (source, target):
        assert media.dvpp_destroy_batch_pic_desc(one) == 0
    for one in memory:
        assert media.dvpp_free(one) == 0
    assert media.dvpp_destroy_resize_config(config) == 0
    assert acl.rt.destroy_stream(stream) == 0


def test_numbers_that_are_no_words(acl: Any, channel: int) -> None:
    media = acl.media
    border, desc = media.dvpp_create_border_config(), media.dvpp_create_stream_desc()
    assert media.dvpp_set_border_config_value(border, 1, 7.5) == 0
    assert media.dvpp_get_border_config_value(border, 1) == 7.5
    assert media.dvpp_set_stream_desc_eos(desc, 1) == 0
    assert media.dvpp_get_stream_desc_eos(desc) == 1
    assert media.dvpp_set_channel_desc_param(channel, 0, 3) == (channel, 0)
    assert media.dvpp_get_channel_desc_param(channel, 0) == (4, 3, 0)
    assert media.dvpp_destroy_border_config(border) == 0
    assert media.dvpp_destroy_stream_desc(desc) == 0


def test_memory_by_a_dict(acl: Any) -> None:
    for given in ({}, {"numAttrs": 0, "attrs": []}):
        pointer, ret = acl.media.dvpp_malloc_with_cfg(64, 0, given)
        assert ret == 0
        assert acl.media.dvpp_free(pointer) == 0
