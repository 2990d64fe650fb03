"""What AIPP makes of images, in numpy: written from facts 13.8 alone, image by image.

Nothing here is shared with the fake: channels are whole arrays, colour is converted with floats,
rounding to half precision is numpy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
CHANNELS = {"RGB888_U8": 3, "XRGB8888_U8": 4, "YUV400_U8": 1}


def nbytes(layout: str, width: int, height: int) -> int:
    """Bytes of one image."""
    if layout == "YUV420SP_U8":
        return width * height * 3 // 2
    return CHANNELS[layout] * width * height


def planes(image: Image, one: Mapping[str, Any], width: int, height: int) -> Image:
    """The channels of one image's bytes: uint8[height, width, channels]."""
    layout = one["input_format"]
    if layout != "YUV420SP_U8":
        made = image.reshape(height, width, CHANNELS[layout])
        if layout == "XRGB8888_U8" and one["ax_swap_switch"]:
            made = np.roll(made, -1, axis=2)
        swaps = one["rbuv_swap_switch"] and layout != "YUV400_U8"
        return made[:, :, [2, 1, 0, 3][: made.shape[2]]] if swaps else made
    luma = image[: width * height].reshape(height, width)
    chroma = image[width * height :].reshape(height // 2, width // 2, 2)
    if one["rbuv_swap_switch"]:
        chroma = chroma[:, :, ::-1]
    return np.dstack([luma, chroma.repeat(2, 0).repeat(2, 1)])


def converted(image: Image, one: Mapping[str, Any]) -> Image:
    """Another colour space, by the matrix in 256ths, to the nearest integer."""
    yuv = one["input_format"] == "YUV420SP_U8"
    matrix = np.array([[one[f"matrix_r{r}c{c}"] for c in range(3)] for r in range(3)], np.float64)
    before = np.float64([one[f"input_bias_{i}"] for i in range(3)]) * yuv
    after = np.float64([one[f"output_bias_{i}"] for i in range(3)]) * (not yuv)
    exact = (image[:, :, :3].astype(np.float64) - before) @ matrix.T / 256
    return np.clip(np.floor(exact + 0.5) + after, 0, 255).astype(np.uint8)


def expected(
    images: Image,
    one: Mapping[str, Any],
    channels: int,
    size: tuple[int, int],
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """What the graph is given for a batch of images: NCHW.

    Args:
        images: uint8[batch, bytes].
        one: All fields of a configuration.
        channels: Of the graph's input.
        size: Width and height of the images.
        dtype: Of the graph's input.
    """
    made = []
    for image in images:
        pixels = planes(image, one, *size)
        if one["crop"]:
            left, top = one["load_start_pos_w"], one["load_start_pos_h"]
            pixels = pixels[top : top + one["crop_size_h"], left : left + one["crop_size_w"]]
        if one["csc_switch"]:
            pixels = converted(pixels, one)
        pixels = np.moveaxis(pixels[:, :, :channels], 2, 0)
        if dtype != np.uint8:
            pixels = normalised(pixels, one)
        if one["padding"]:
            edges = [[one[f"{a}_padding_size"], one[f"{b}_padding_size"]]
                     for a, b in (("top", "bottom"), ("left", "right"))]  # fmt: skip
            value = np.array(one["padding_value"], pixels.dtype)
            pixels = np.pad(pixels, [[0, 0], *edges], constant_values=value)
        made.append(pixels.astype(dtype))
    return np.stack(made)


def normalised(pixels: Image, one: Mapping[str, Any]) -> NDArray[np.float16]:
    """(pixel - mean - min) * var_reci, each step in half precision."""
    made = np.empty(pixels.shape, np.float16)
    for at, channel in enumerate(pixels):
        less = (channel.astype(np.int32) - one[f"mean_chn_{at}"]).astype(np.float16)
        above = less - np.float16(one[f"min_chn_{at}"])
        made[at] = above * np.float16(one[f"var_reci_chn_{at}"])
    return made
