"""JPEGs are decoded as libjpeg decodes them, with their own samples (facts 11.10)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from .. import codes
from .media import GREY, NV12, NV21, UNKNOWN, Media, Pixels, decoded, jpeg, scene

AI_CPU = 507018


def halved(plane: Pixels) -> Pixels:
    """Means of squares of four."""
    height, width = (size & ~1 for size in plane.shape[:2])
    squares = plane[:height, :width].astype(float).reshape(height // 2, 2, width // 2, 2, -1)
    return squares.mean((1, 3))


@pytest.mark.parametrize("form", [NV12, NV21])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_any_jpeg_becomes_420_facts_11_10(media: Media, form: int, subsampling: str) -> None:
    data = jpeg(scene(96, 144), subsampling)
    desc = media.decode(data, form)
    assert media.wait() == 0, media.acl.message()
    right = decoded(data, "YCbCr")
    assert np.array_equal(media.luma(desc), right[..., 0])
    pairs = media.chroma(desc)[..., :: 1 if form == NV12 else -1].astype(float)
    error = np.abs(pairs - halved(right[..., 1:]))  # Pillow's was smoothed on the way up
    assert error.mean() < 1
    assert error.max() <= (1 if subsampling == "4:4:4" else 12)


@pytest.mark.parametrize(("subsampling", "form"), [("4:4:4", 5), ("4:4:4", 6), ("4:2:2", 3)])
def test_a_jpegs_own_samples_are_kept_facts_11_10(
    media: Media, subsampling: str, form: int
) -> None:
    data = jpeg(scene(64, 128), subsampling)
    desc = media.decode(data, form)
    assert media.wait() == 0, media.acl.message()
    right = decoded(data, "YCbCr")
    assert np.array_equal(media.luma(desc), right[..., 0])
    if subsampling == "4:4:4":
        order = [1, 2] if form == 5 else [2, 1]
        assert np.array_equal(media.chroma(desc), right[..., order])


def test_unknown_is_the_jpegs_own_format_facts_11_10(media: Media) -> None:
    data = jpeg(scene(64, 64), "4:4:4")
    desc = media.picture(6, 64, 64, step=64, row_step=16)
    assert media.acl.acldvppSetPicDescFormat(desc, UNKNOWN) == 0
    source = media.on_device(data)
    decode = media.acl.acldvppJpegDecodeAsync
    assert decode(media.channel, source, len(data), desc, media.stream) == 0
    assert media.wait() == 0
    assert media.shape(desc) == (6, 64, 64, 64, 64)


@pytest.mark.parametrize("orientation", [1, 6])
def test_unknown_follows_a_turned_jpeg_facts_11_10(media: Media, orientation: int) -> None:
    """What was halved across is halved down when the picture is turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(scene(64, 64), "4:2:2", exif=exif)
    desc = media.picture(6, 64, 64, step=64, row_step=16)
    assert media.acl.acldvppSetPicDescFormat(desc, UNKNOWN) == 0
    source = media.on_device(data)
    decode = media.acl.acldvppJpegDecodeAsync
    assert decode(media.channel, source, len(data), desc, media.stream) == 0
    assert media.wait() == 0, media.acl.message()
    assert media.shape(desc)[0] == {1: 4, 6: 1001}[orientation]


def test_grey_has_neutral_chroma_facts_11_10(media: Media) -> None:
    data = jpeg(scene(48, 80, 1))
    desc = media.decode(data, NV12)
    assert media.wait() == 0
    assert np.array_equal(media.luma(desc), decoded(data, "L"))
    assert (media.chroma(desc) == 128).all()
    grey = media.decode(jpeg(scene(48, 80)), GREY)
    assert media.wait() == 0
    assert np.array_equal(media.luma(grey), decoded(jpeg(scene(48, 80)), "YCbCr")[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_exif_says_facts_11_10(media: Media, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(scene(64, 96), "4:4:4", exif=exif)
    desc = media.decode(data, 5)
    assert media.wait() == 0, media.acl.message()
    upright = Image.fromarray(decoded(data, "YCbCr")[..., 0])
    turns = [
        None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90,
    ]  # fmt: skip
    turn = turns[orientation - 1]
    right = np.asarray(upright if turn is None else upright.transpose(turn))
    assert np.array_equal(media.luma(desc), right)


def test_an_odd_size_is_told_as_even_facts_11_10(media: Media) -> None:
    data = jpeg(scene(67, 101))
    desc = media.decode(data, NV12)
    assert media.wait() == 0
    assert media.shape(desc)[1:3] == (100, 66)
    assert media.acl.violations() == ["AB-DVPP-0008"]
    assert np.array_equal(media.luma(desc), decoded(data, "YCbCr")[:66, :100, 0])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (jpeg(scene(64, 64), progressive=True), "progressive"),
        (jpeg(scene(64, 64))[:900], "damaged"),
        (b"\x89PNG" + bytes(100), "does not begin as a JPEG"),
    ],
    ids=["progressive", "cut", "png"],
)
def test_what_the_unit_cannot_decode_fails_the_stream_facts_11_16(
    media: Media, data: bytes, says: str
) -> None:
    desc = media.picture(NV12, 64, 64, step=64, row_step=16)
    source = media.on_device(data)
    decode = media.acl.acldvppJpegDecodeAsync
    assert decode(media.channel, source, len(data), desc, media.stream) == 0
    assert media.wait() == AI_CPU
    assert says in (media.acl.message() or "")
    assert media.acl.acldvppGetPicDescRetCode(desc) == AI_CPU


def test_a_format_that_is_not_written_is_refused_facts_11_10(media: Media) -> None:
    desc = media.picture(12, 64, 64)
    data = jpeg(scene(64, 64))
    source = media.on_device(data)
    status = media.acl.acldvppJpegDecodeAsync(media.channel, source, len(data), desc, media.stream)
    assert status == codes.FORMAT_NOT_MATCH
    assert "format 12" in (media.acl.message() or "")


def test_older_chips_want_128_bytes_newer_64_facts_11_10(media: Media) -> None:
    data = jpeg(scene(64, 64))
    for soc, status in (("Ascend310P3", 0), ("Ascend310", AI_CPU)):
        media.acl.set("soc", soc)
        media.decode(data, NV12, step=64)
        assert media.wait() == status
    assert media.acl.violations() == ["AB-DVPP-0002"]
    media.acl.message()
    media.decode(data, NV12, step=128)
    assert media.wait() == 0


def test_without_a_library_the_call_says_what_to_install(media: Media) -> None:
    media.acl.set("libjpeg", "/none/libjpeg.so.62")
    data = jpeg(scene(64, 64))
    desc = media.picture(NV12, 64, 64, step=64, row_step=16)
    status = media.acl.acldvppJpegDecodeAsync(
        media.channel, media.on_device(data), len(data), desc, media.stream
    )
    assert status == 200006
    told = media.acl.message() or ""
    assert 'pip install "pillow>=10"' in told
    assert "ACL_FAKE_LIBJPEG" in told
    assert "/none/libjpeg.so.62" in told
