"""Regions, scaling, pasting, borders and colours, held against OpenCV and Pillow
(facts 11.6-11.9)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .media import BGR, GREY, NV12, NV21, RGB, RGBA, Media, Pixels, decoded, jpeg, scene

cv2: Any = pytest.importorskip("cv2")


def nv12(pixels: Pixels) -> list[Pixels]:
    """Luma, and chroma of its own: any will do."""
    height, width = pixels.shape[:2]
    pairs = scene(height // 2, width // 2, 3)[..., :2]
    return [pixels[..., 0], pairs]


def resized(plane: Pixels, width: int, height: int, nearest: bool = False) -> Pixels:
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, (width, height), interpolation=how))


def close(ours: Pixels, right: Pixels, tolerance: int = 1) -> bool:
    return int(np.abs(ours.astype(int) - right.astype(int)).max()) <= tolerance


@pytest.mark.parametrize("size", [(64, 48), (224, 224), (130, 90), (416, 300)], ids=str)
@pytest.mark.parametrize("form", [NV12, NV21])
def test_resize_of_semi_planar_pictures_facts_11_8(
    media: Media, form: int, size: tuple[int, int]
) -> None:
    planes = nv12(scene(180, 260))
    source = media.fill(media.picture(form, 260, 180), planes)
    target = media.picture(form, *size)
    resize = media.acl.acldvppVpcResizeAsync
    assert resize(media.channel, source, target, media.resize, media.stream) == 0
    assert media.wait() == 0
    assert close(media.luma(target), resized(planes[0], *size))
    assert close(media.chroma(target), resized(planes[1], size[0] // 2, size[1] // 2))


@pytest.mark.parametrize("nearest", [False, True])
@pytest.mark.parametrize("form", [RGB, BGR, RGBA])
def test_resize_of_packed_pictures_facts_11_8(media: Media, form: int, nearest: bool) -> None:
    pixels = scene(120, 200, 4 if form == RGBA else 3)
    source = media.fill(media.picture(form, 200, 120), [pixels])
    target = media.picture(form, 90, 70)
    algorithm = 2 if nearest else 1
    assert media.acl.acldvppSetResizeConfigInterpolation(media.resize, algorithm) == 0
    assert media.acl.acldvppGetResizeConfigInterpolation(media.resize) == algorithm
    resize = media.acl.acldvppVpcResizeAsync
    assert resize(media.channel, source, target, media.resize, media.stream) == 0
    assert media.wait() == 0
    assert close(media.packed(target), resized(pixels, 90, 70, nearest), 0 if nearest else 1)


def test_crop_keeps_the_pixels_facts_11_7(media: Media) -> None:
    planes = nv12(scene(96, 128))
    source = media.fill(media.picture(NV12, 128, 96), planes)
    target = media.picture(NV12, 48, 32)
    area = media.acl.acldvppCreateRoiConfig(16, 63, 10, 41)
    assert media.acl.acldvppVpcCropAsync(media.channel, source, target, area, media.stream) == 0
    assert media.wait() == 0
    assert np.array_equal(media.luma(target), planes[0][10:42, 16:64])
    assert np.array_equal(media.chroma(target), planes[1][5:21, 8:32])


def test_crop_and_resize_facts_11_7(media: Media) -> None:
    pixels = scene(96, 128)
    source = media.fill(media.picture(RGB, 128, 96), [pixels])
    target = media.picture(RGB, 64, 64)
    area = media.acl.acldvppCreateRoiConfig(0, 0, 0, 0)
    assert media.acl.acldvppSetRoiConfig(area, 20, 99, 12, 71) == 0
    assert (
        media.acl.acldvppVpcCropResizeAsync(
            media.channel, source, target, area, media.resize, media.stream
        )
        == 0
    )
    assert media.wait() == 0
    assert close(media.packed(target), resized(pixels[12:72, 20:100], 64, 64))


@pytest.mark.parametrize("resizing", [False, True])
def test_paste_leaves_the_rest_alone_facts_11_7(media: Media, resizing: bool) -> None:
    planes, under = nv12(scene(96, 128)), nv12(scene(100, 160))
    source = media.fill(media.picture(NV12, 128, 96), planes)
    target = media.fill(media.picture(NV12, 160, 100), under)
    cut = media.acl.acldvppCreateRoiConfig(0, 79, 0, 59)
    paste = media.acl.acldvppCreateRoiConfig(32, 71, 20, 49)
    if resizing:
        status = media.acl.acldvppVpcCropResizePasteAsync(
            media.channel, source, target, cut, paste, media.resize, media.stream
        )
    else:
        status = media.acl.acldvppVpcCropAndPasteAsync(
            media.channel, source, target, cut, paste, media.stream
        )
    assert status == 0
    assert media.wait() == 0
    right = [plane.copy() for plane in under]
    right[0][20:50, 32:72] = resized(planes[0][:60, :80], 40, 30)
    right[1][10:25, 16:36] = resized(planes[1][:30, :40], 20, 15)
    assert close(media.luma(target), right[0])
    assert close(media.chroma(target), right[1])


@pytest.mark.parametrize("form", [RGB, BGR, RGBA])
def test_a_jpegs_colours_become_pillows_facts_11_9(media: Media, form: int) -> None:
    data = jpeg(scene(96, 144))
    source = media.decode(data, NV12)
    assert media.wait() == 0
    target = media.picture(form, 144, 96)
    convert = media.acl.acldvppVpcConvertColorAsync
    assert convert(media.channel, source, target, media.stream) == 0
    assert media.wait() == 0
    pixels = media.packed(target)
    right = decoded(data)[..., ::-1] if form == BGR else decoded(data)
    assert close(pixels[..., :3], right, 2)
    assert form != RGBA or (pixels[..., 3] == 0).all()


def test_rgb_becomes_yuv_and_back_facts_11_9(media: Media) -> None:
    flat = np.repeat(np.repeat(scene(24, 40), 4, 0), 4, 1)  # even chroma
    source = media.fill(media.picture(RGB, 160, 96), [flat])
    between, back, grey = (media.picture(form, 160, 96) for form in (NV21, RGB, GREY))
    convert = media.acl.acldvppVpcConvertColorAsync
    assert convert(media.channel, source, between, media.stream) == 0
    assert convert(media.channel, between, back, media.stream) == 0
    assert convert(media.channel, source, grey, media.stream) == 0
    assert media.wait() == 0
    right = cv2.cvtColor(flat, cv2.COLOR_RGB2YCrCb)
    assert close(media.luma(between), right[..., 0])
    assert close(media.luma(grey), right[..., 0])
    assert close(media.chroma(between), right[::2, ::2, 1:])
    inner = (np.mgrid[0:96, 0:160] % 4 // 2 == 0).all(0)
    assert np.abs(media.packed(back).astype(int) - flat)[inner].mean() < 30


@pytest.mark.parametrize("matrix", range(6))
def test_the_matrix_of_a_channel_facts_11_9(media: Media, matrix: int) -> None:
    """Black, white and the grey between keep their places in each range."""
    acl = media.acl
    assert acl.acldvppSetChannelDescParam(media.channel, 0, 4, acl.new("uint32_t *", matrix)) == 0
    read, size = acl.new("uint32_t *"), acl.new("size_t *")
    assert acl.acldvppGetChannelDescParam(media.channel, 0, 4, size, read) == 0
    assert (read[0], size[0]) == (matrix, 4)
    levels = np.zeros((16, 48, 3), np.uint8)
    levels[:, 16:32], levels[:, 32:] = 128, 255
    source = media.fill(media.picture(RGB, 48, 16), [levels])
    target = media.picture(NV12, 48, 16)
    convert = acl.acldvppVpcConvertColorAsync
    assert convert(media.channel, source, target, media.stream) == 0
    assert media.wait() == 0
    low, high = (16, 235) if matrix % 2 else (0, 255)
    luma = media.luma(target)
    assert (luma[0, 0], luma[0, 47]) == (low, high)
    assert abs(int(luma[0, 20]) - (low + (high - low) * 128 // 255)) <= 1
    assert (media.chroma(target) == 128).all()


def test_a_conversion_fills_a_size_of_0_facts_11_9(media: Media) -> None:
    source = media.fill(media.picture(RGB, 100, 50), [scene(50, 100)])
    target = media.picture(NV12, 100, 50)
    for name in ("Width", "Height", "WidthStride", "HeightStride"):
        assert getattr(media.acl, f"acldvppSetPicDesc{name}")(target, 0) == 0
    convert = media.acl.acldvppVpcConvertColorAsync
    assert convert(media.channel, source, target, media.stream) == 0
    assert media.wait() == 0
    assert media.shape(target) == (NV12, 100, 50, 112, 50)
    assert media.acl.acldvppSetPicDescWidth(target, 98) == 0
    assert convert(media.channel, source, target, media.stream) == 100000
    assert "98 * 50" in (media.acl.message() or "")


EDGES = {0: "constant", 1: "edge", 2: "symmetric", 3: "reflect"}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("form", [RGB, NV12])
def test_borders_are_numpys_facts_11_4(media: Media, form: int, edge: int) -> None:
    acl = media.acl
    planes = [scene(20, 32)] if form == RGB else nv12(scene(20, 32))
    source = media.fill(media.picture(form, 32, 20), planes)
    target = media.picture(form, 32 + 4 + 8, 20 + 2 + 6)
    border = acl.acldvppCreateBorderConfig()
    for side, size in {"Left": 4, "Right": 8, "Top": 2, "Bottom": 6}.items():
        assert getattr(acl, f"acldvppSetBorderConfig{side}")(border, size) == 0
        assert getattr(acl, f"acldvppGetBorderConfig{side}")(border) == size
    assert acl.acldvppSetBorderConfigBorderType(border, edge) == 0
    assert acl.acldvppGetBorderConfigBorderType(border) == edge
    for index, value in enumerate((7, 8, 9)):
        assert acl.acldvppSetBorderConfigValue(border, index, value) == 0
        assert acl.acldvppGetBorderConfigValue(border, index) == value
    make = acl.acldvppVpcMakeBorderAsync
    assert make(media.channel, source, target, border, media.stream) == 0
    assert media.wait() == 0

    def padded(plane: Pixels, half: int, first: int) -> Pixels:
        widths = [(2 // half, 6 // half), (4 // half, 8 // half)]
        mode: Any = EDGES[edge]
        stack = [
            np.pad(
                plane[..., i], widths, mode, **({} if edge else {"constant_values": 7 + first + i})
            )
            for i in range(plane.shape[-1])
        ]
        return np.stack(stack, -1)

    if form == RGB:
        assert np.array_equal(media.packed(target), padded(planes[0], 1, 0))
    else:
        assert np.array_equal(media.luma(target), padded(planes[0][..., None], 1, 0)[..., 0])
        assert np.array_equal(media.chroma(target), padded(planes[1], 2, 1))
    assert acl.acldvppDestroyBorderConfig(border) == 0


def test_a_batch_cuts_region_after_region_facts_11_14(media: Media) -> None:
    acl = media.acl
    sources, targets = acl.acldvppCreateBatchPicDesc(2), acl.acldvppCreateBatchPicDesc(3)
    pixels = [scene(64, 96), scene(80, 64)]
    kept = [media.picture(RGB, p.shape[1], p.shape[0]) for p in pixels]
    for i, one in enumerate(kept):
        copied(media, media.fill(one, [pixels[i]]), acl.acldvppGetPicDesc(sources, i))
    for i in range(3):
        copied(media, media.picture(RGB, 32, 32), acl.acldvppGetPicDesc(targets, i))
    regions = [(0, 31, 0, 31), (16, 79, 0, 63), (0, 63, 8, 39)]
    areas = [acl.acldvppCreateRoiConfig(*region) for region in regions]
    status = acl.acldvppVpcBatchCropResizeAsync(
        media.channel, sources, acl.new("uint32_t[]", [2, 1]), 2, targets,
        acl.new("acldvppRoiConfig *[]", areas), media.resize, media.stream,
    )  # fmt: skip
    assert status == 0, acl.message()
    assert media.wait() == 0
    for i, (left, right, top, bottom) in enumerate(regions):
        cut = pixels[0 if i < 2 else 1][top : bottom + 1, left : right + 1]
        ours = media.packed(acl.acldvppGetPicDesc(targets, i))
        assert close(ours, resized(cut, 32, 32))
    assert acl.acldvppDestroyBatchPicDesc(sources) == 0
    assert acl.acldvppDestroyBatchPicDesc(targets) == 0


def copied(media: Media, desc: Any, into: Any) -> None:
    """Set a description of a batch as another is."""
    for name in ("Data", "Size", "Format", "Width", "Height", "WidthStride", "HeightStride"):
        value = getattr(media.acl, f"acldvppGetPicDesc{name}")(desc)
        assert getattr(media.acl, f"acldvppSetPicDesc{name}")(into, value) == 0


@pytest.mark.parametrize("function", ["Paste", "Border", "CropAndPaste", "Crop"])
def test_every_batch_function_facts_11_14(media: Media, function: str) -> None:
    acl = media.acl
    sources, targets = acl.acldvppCreateBatchPicDesc(1), acl.acldvppCreateBatchPicDesc(1)
    pixels, under = scene(64, 96), scene(64, 96)[::-1].copy()
    for batch, content in ((sources, pixels), (targets, under)):
        filled = media.fill(media.picture(RGB, 96, 64), [content])
        copied(media, filled, acl.acldvppGetPicDesc(batch, 0))
    counts = acl.new("uint32_t[]", [1])
    areas = acl.new("acldvppRoiConfig *[]", [acl.acldvppCreateRoiConfig(0, 47, 0, 31)])
    pastes = acl.new("acldvppRoiConfig *[]", [acl.acldvppCreateRoiConfig(32, 79, 16, 47)])
    border = acl.acldvppCreateBorderConfig()
    assert acl.acldvppSetBorderConfigLeft(border, 48) == 0
    assert acl.acldvppSetBorderConfigTop(border, 32) == 0
    borders = acl.new("acldvppBorderConfig *[]", [border])
    head = (media.channel, sources, counts, 1, targets, areas)
    right = under.copy()
    if function == "Crop":
        status = acl.acldvppVpcBatchCropAsync(*head, media.stream)
        right = resized(pixels[:32, :48], 96, 64)
    elif function == "Border":
        status = acl.acldvppVpcBatchCropResizeMakeBorderAsync(
            *head, borders, media.resize, media.stream
        )
        right[:] = 0
        right[32:, 48:] = pixels[:32, :48]
    else:
        right[16:48, 32:80] = pixels[:32, :48]
        if function == "Paste":
            status = acl.acldvppVpcBatchCropResizePasteAsync(
                *head, pastes, media.resize, media.stream
            )
        else:
            status = acl.acldvppVpcBatchCropAndPasteAsync(*head, pastes, media.stream)
    assert status == 0, acl.message()
    assert media.wait() == 0
    assert close(media.packed(acl.acldvppGetPicDesc(targets, 0)), right)


@pytest.mark.parametrize("form", [7, 8, 9, 10])
def test_packed_422_is_read_facts_11_5(media: Media, form: int) -> None:
    """The same samples as of 422SP, at other places."""
    planes = [scene(32, 64)[..., 0], scene(32, 32, 3)[..., :2]]
    order = {7: (0, 1, 3), 8: (1, 0, 2), 9: (0, 3, 1), 10: (1, 2, 0)}[form]
    quads = np.zeros((32, 32, 4), np.uint8)
    quads[..., order[0]], quads[..., order[0] + 2] = planes[0][:, ::2], planes[0][:, 1::2]
    quads[..., order[1]], quads[..., order[2]] = planes[1][..., 0], planes[1][..., 1]
    convert = media.acl.acldvppVpcConvertColorAsync
    source = media.fill(media.picture(form, 64, 32), [quads])
    target = media.picture(3, 64, 32)
    assert convert(media.channel, source, target, media.stream) == 0
    assert media.wait() == 0
    assert np.array_equal(media.luma(target), planes[0])
    assert np.array_equal(media.chroma(target), planes[1])
