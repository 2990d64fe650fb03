"""Parameters of dynamic AIPP, as the input ``ascend_dynamic_aipp_data`` takes them (facts 13.5)."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.aipp import _fields
from acl_bundle.aipp._config import AippConfig, AippSource, read

_HEAD: Final = struct.Struct("<BbbbbxxxiihhhhhhhhhxxxxxxBBBBBBxx16x")
_PART: Final = struct.Struct("<bbbxxxxx12i4h4e4e16x")
_DEVICE_FORMATS: Final = {
    "YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 5, "YUV400_U8": 10,
}  # fmt: skip


def parameters(source: AippSource, batch: int = 1) -> NDArray[np.uint8]:
    """Return what aclmdlSetInputAIPP would put into ``ascend_dynamic_aipp_data``.

    Args:
        source: The fields of a static configuration, for all images of the batch, or a sequence
            with one for each image; ``aipp_mode`` may be left out. Its ``src_image_size_w`` and
            ``_h`` must be there. All of them are of one input: another input has parameters of its
            own.
        batch: How many images there are.

    Returns:
        uint8[64 + 96 * batch].

    Raises:
        ValueError: A field is wrong, or differs between images where it may not.
        TypeError: The source is of another type.
        OSError: A file cannot be read.
    """
    if batch < 1:
        raise ValueError(f"batch is {batch}; 1 or more are right")
    sources = source if isinstance(source, list | tuple) else [source]
    given = [_one(source) for source in sources]
    if len(given) not in (1, batch):
        raise ValueError(f"there are {len(given)} configurations for a batch of {batch}")
    head = _head(given[0], batch)
    for at, one in enumerate(given):
        if _input(one) != _input(given[0]):
            raise ValueError(
                f"the configuration of image {at} is of {_input(one)}, that of image 0 of"
                f" {_input(given[0])}; parameters are of one input: make them for each apart"
            )
        if _head(one, batch) != head:
            raise ValueError(
                f"the configuration of image {at} has another format, size or colour conversion"
                " than image 0; only crop, padding, mean_chn, min_chn and var_reci_chn may differ"
            )
    parts = [_part(one) for one in given] * (batch if len(given) == 1 else 1)
    made: NDArray[np.uint8] = np.frombuffer(b"".join([head, *parts]), np.uint8).copy()
    return made


def _one(source: AippSource) -> AippConfig:
    first, *more = read(source, mode="static")
    if more:
        raise ValueError(
            f"the configuration has {1 + len(more)} aipp_op, of {_input(first)} and"
            f" {_input(more[0])}; parameters are of one input: give the aipp_op of that"
        )
    return first


def _input(one: AippConfig) -> str:
    name = one["related_input_name"]
    return f"input {name!r}" if name else f"input {one['related_input_rank']}"


def _head(one: AippConfig, batch: int) -> bytes:
    if one.is_dynamic:
        raise ValueError("aipp_mode is dynamic; the parameters of a run are a static one's fields")
    for name in ("src_image_size_w", "src_image_size_h"):
        if not one[name]:
            raise ValueError(f"{name} is missing; the size of the images is right")
    numbers = [*_fields.MATRIX, *_fields.OUTPUT_BIAS, *_fields.INPUT_BIAS]
    return _HEAD.pack(
        _DEVICE_FORMATS[str(one["input_format"])],
        *(one.number(name) for name in ("csc_switch", "rbuv_swap_switch", "ax_swap_switch")),
        (batch + 128) % 256 - 128,
        one.number("src_image_size_w"),
        one.number("src_image_size_h"),
        *(one.number(name) for name in numbers),
    )


def _part(one: AippConfig) -> bytes:
    crop = ("load_start_pos_w", "load_start_pos_h", "crop_size_w", "crop_size_h")
    edges = ("top", "bottom", "left", "right")
    padding = [f"{edge}_padding_size" for edge in edges]
    return _PART.pack(
        one.number("crop"), 0, one.number("padding"),
        *(one.number(name) for name in crop), 0, 0, 0, 0,
        *(one.number(name) for name in padding),
        *(one.number(name) for name in _fields.MEAN),
        *(float(one[name]) for name in (*_fields.MIN, *_fields.VAR_RECI)),
    )  # fmt: skip
