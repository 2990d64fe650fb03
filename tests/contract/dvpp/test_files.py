"""What files say of themselves, what JPEGE writes and what PNGD reads (facts 11.11-11.13)."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ..face import Acl
from .media import NV12, NV21, RGB, RGBA, UNKNOWN, Media, decoded, jpeg, png, scene

AI_CPU = 507018


def info(acl: Acl, data: bytes, name: str = "acldvppJpegGetImageInfo") -> tuple[int, ...]:
    """Status, width, height, components."""
    width, height = acl.new("uint32_t *"), acl.new("uint32_t *")
    components = acl.new("int32_t *")
    status = getattr(acl, name)(acl.hold(data), len(data), width, height, components)
    return status, width[0], height[0], components[0]


def test_a_jpeg_tells_its_size_facts_11_11(acl: Acl) -> None:
    """Before aclInit, as CANN does: it is the host that reads."""
    assert info(acl, jpeg(scene(40, 72))) == (0, 72, 40, 3)
    assert info(acl, jpeg(scene(40, 72, 1))) == (0, 72, 40, 1)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert info(acl, jpeg(scene(40, 72), exif=exif)) == (0, 40, 72, 3)
    assert acl.acldvppJpegGetImageInfo(acl.NULL, 4, acl.NULL, acl.NULL, acl.NULL) == 100000
    acl.message()


@pytest.mark.parametrize(
    ("subsampling", "told"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2), (None, 3)]
)
def test_a_jpeg_tells_its_subsampling_facts_11_11(
    acl: Acl, subsampling: str | None, told: int
) -> None:
    data = jpeg(scene(32, 32, 1)) if subsampling is None else jpeg(scene(32, 32), subsampling)
    form = acl.new("acldvppJpegFormat *")
    null = acl.NULL
    assert acl.acldvppJpegGetImageInfoV2(acl.hold(data), len(data), null, null, null, form) == 0
    assert form[0] == told


@pytest.mark.parametrize("cut", [0, 1, 3, 20, 100, 158])
def test_what_is_no_jpeg_is_refused_facts_11_11(acl: Acl, cut: int) -> None:
    status, *_ = info(acl, jpeg(scene(32, 32))[:cut] or b"no")
    assert status == 500001
    assert "data is no JPEG" in (acl.message() or "")


@pytest.mark.parametrize(
    ("subsampling", "form", "halves"),
    [("4:2:0", NV12, 3), ("4:4:4", NV21, 3), ("4:4:4", 6, 6), ("4:2:2", 3, 4),
     ("4:2:0", UNKNOWN, 3), ("4:4:4", UNKNOWN, 6)],
)  # fmt: skip
def test_the_size_of_a_decoded_jpeg_facts_11_11(
    acl: Acl, subsampling: str, form: int, halves: int
) -> None:
    data, size = jpeg(scene(70, 150), subsampling), acl.new("uint32_t *")
    assert acl.acldvppJpegPredictDecSize(acl.hold(data), len(data), form, size) == 0
    assert size[0] == 256 * 80 * halves // 2


@pytest.mark.parametrize(("orientation", "right"), [(1, 1), (6, 0)])
def test_a_turned_jpeg_is_predicted_as_it_is_decoded_facts_11_11(
    media: Media, orientation: int, right: int
) -> None:
    """422 is decoded to 422SP, and to 440SP where the picture is turned; both are as large."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(scene(64, 96), "4:2:2", exif=exif)
    acl, size = media.acl, media.acl.new("uint32_t *")
    predict = acl.acldvppJpegPredictDecSize
    forms = [1000, 3]
    assert predict(acl.hold(data), len(data), forms[right], size) == 0
    assert size[0] == 128 * (96 if right == 0 else 64) * 2
    assert predict(acl.hold(data), len(data), forms[1 - right], size) == 100027
    assert acl.message()
    media.decode(data, forms[right])
    assert media.wait() == 0, acl.message()


@pytest.mark.parametrize(
    ("pixels", "form", "status"), [((70, 150), 5, 100027), ((70, 150), 12, 100027),
                                   ((31, 150), NV12, 100000)],
)  # fmt: skip
def test_a_size_that_is_not_predicted_facts_11_11(
    acl: Acl, pixels: tuple[int, int], form: int, status: int
) -> None:
    data, size = jpeg(scene(*pixels)), acl.new("uint32_t *")
    assert acl.acldvppJpegPredictDecSize(acl.hold(data), len(data), form, size) == status
    assert acl.message()


def encode(media: Media, source: Any, level: int, room: int = 1 << 20) -> tuple[int, bytes]:
    """The status of the wait, and the bytes."""
    acl = media.acl
    config = acl.acldvppCreateJpegeConfig()
    assert acl.acldvppSetJpegeConfigLevel(config, level) == 0
    assert acl.acldvppGetJpegeConfigLevel(config) == level
    data, size = media.malloc(room), acl.new("uint32_t *", room)
    call = acl.acldvppJpegEncodeAsync
    assert call(media.channel, source, data, size, config, media.stream) == 0, acl.message()
    status = media.wait()
    assert acl.acldvppDestroyJpegeConfig(config) == 0
    return status, acl.download(data, size[0]) if status == 0 else b""


@pytest.mark.parametrize("level", [0, 30, 95])
@pytest.mark.parametrize("form", [NV12, NV21])
def test_a_picture_is_encoded_as_pillow_does_facts_11_12(
    media: Media, form: int, level: int
) -> None:
    source = media.decode(jpeg(scene(96, 144), quality=100), form)
    assert media.wait() == 0
    status, data = encode(media, source, level)
    assert status == 0
    ours = Image.open(io.BytesIO(data))
    assert ours.size == (144, 96)
    pillows: Any = Image.open(io.BytesIO(jpeg(scene(96, 144), quality=level or 100)))
    assert ours.quantization == pillows.quantization
    again = media.decode(data, form)
    assert media.wait() == 0
    error = np.abs(media.luma(again).astype(int) - media.luma(source))
    assert error.mean() < (2 if level in (0, 95) else 8)


def test_packed_422_is_encoded_as_422_facts_11_12(media: Media) -> None:
    yuyv = scene(64, 80, 2)
    source = media.fill(media.picture(7, 80, 64), [yuyv])
    status, data = encode(media, source, 100)
    assert status == 0
    form = media.acl.new("acldvppJpegFormat *")
    null = media.acl.NULL
    read = media.acl.acldvppJpegGetImageInfoV2
    assert read(media.acl.hold(data), len(data), null, null, null, form) == 0
    assert form[0] == 1
    assert np.abs(decoded(data, "YCbCr")[..., 0].astype(int) - yuyv[..., 0]).mean() < 2


def test_a_room_that_is_too_small_fails_the_stream_facts_11_12(media: Media) -> None:
    source = media.fill(media.picture(NV12, 64, 64), [scene(64, 64)[..., 0]])
    status, _ = encode(media, source, 100, room=100)
    assert status == AI_CPU
    assert "size was 100" in (media.acl.message() or "")


def test_the_size_of_an_encoded_jpeg_facts_11_12(media: Media) -> None:
    acl, size = media.acl, media.acl.new("uint32_t *")
    config = acl.acldvppCreateJpegeConfig()
    desc = media.picture(NV12, 1920, 1080)
    assert acl.acldvppJpegPredictEncSize(desc, config, size) == 0
    assert size[0] == 4 << 20
    for name, value in (("WidthStride", 1928), ("HeightStride", 1082), ("Width", 20)):
        bad = media.picture(NV12, 1920, 1080)
        assert getattr(acl, f"acldvppSetPicDesc{name}")(bad, value) == 0
        assert acl.acldvppJpegPredictEncSize(bad, config, size) == 100000
        assert str(value) in (acl.message() or "")
    assert acl.acldvppJpegPredictEncSize(media.picture(RGB, 64, 64), config, size) == 100027
    assert acl.acldvppSetJpegeConfigLevel(config, 101) == 100000
    acl.message()


@pytest.mark.parametrize("size", [(0xFFFFFFF0, 64), (0xFFFFFFFF, 0xFFFFFFFF), (0, 64)])
def test_no_size_is_told_of_a_png_beyond_the_unit(acl: Acl, size: tuple[int, int]) -> None:
    """Multiplied in 32 bits it would be small."""
    header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    data += struct.pack(">I", zlib.crc32(header))
    told = acl.new("uint32_t *", 77)
    assert acl.acldvppPngPredictDecSize(acl.hold(data), len(data), RGB, told) == 100000
    assert str(size[0]) in (acl.message() or "")
    assert told[0] == 77


def test_strides_beyond_the_unit_have_no_encoded_size(media: Media) -> None:
    acl, size = media.acl, media.acl.new("uint32_t *", 77)
    config = acl.acldvppCreateJpegeConfig()
    for strides in ((65536, 65536), (0xFFFFFFF0, 0xFFFFFFF0)):
        desc = media.picture(NV12, 1920, 1080)
        assert acl.acldvppSetPicDescWidthStride(desc, strides[0]) == 0
        assert acl.acldvppSetPicDescHeightStride(desc, strides[1]) == 0
        assert acl.acldvppJpegPredictEncSize(desc, config, size) == 100000
        assert str(strides[0]) in (acl.message() or "")
    assert size[0] == 77
    assert acl.acldvppDestroyJpegeConfig(config) == 0


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_is_decoded_exactly_facts_11_13(media: Media, channels: int) -> None:
    acl, pixels = media.acl, scene(40, 72, channels)
    data = png(pixels)
    assert info(acl, data, "acldvppPngGetImageInfo") == (0, 72, 40, channels)
    form, bytes_each = (RGBA, 4) if channels in (2, 4) else (RGB, 3)
    size = acl.new("uint32_t *")
    assert acl.acldvppPngPredictDecSize(acl.hold(data), len(data), UNKNOWN, size) == 0
    assert size[0] == 128 * bytes_each * 48
    desc = media.picture(form, 72, 40, step=128, row_step=16)
    assert acl.acldvppSetPicDescFormat(desc, UNKNOWN) == 0
    source = media.on_device(data)
    decode = acl.acldvppPngDecodeAsync
    assert decode(media.channel, source, len(data), desc, media.stream) == 0
    assert media.wait() == 0, acl.message()
    assert media.shape(desc)[0] == form
    assert np.array_equal(media.packed(desc), decoded(data, "RGBA" if form == RGBA else "RGB"))


def test_a_png_that_cannot_be_decoded_facts_11_13(media: Media) -> None:
    acl, whole = media.acl, png(scene(40, 72))
    palette = io.BytesIO()
    Image.fromarray(scene(40, 72)).quantize(16).save(palette, "PNG")
    for data, says in ((whole[:2000], "damaged"), (palette.getvalue(), "palettes")):
        desc = media.picture(RGB, 72, 40, step=128, row_step=16)
        source = media.on_device(data)
        decode = acl.acldvppPngDecodeAsync
        assert decode(media.channel, source, len(data), desc, media.stream) == 0
        assert media.wait() == AI_CPU
        assert says in (acl.message() or "")
    acl.set("libpng", "/none.so")
    desc = media.picture(RGB, 72, 40, step=128, row_step=16)
    source = media.on_device(whole)
    decode = acl.acldvppPngDecodeAsync
    assert decode(media.channel, source, len(whole), desc, media.stream) == 200006
    assert "ACL_FAKE_LIBPNG" in (acl.message() or "")
