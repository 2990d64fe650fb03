"""The fields of a configuration: their kinds, ranges and defaults (facts 13.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

Value = bool | int | float | str

FORMATS: Final = {
    "YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 3, "YUV400_U8": 4, "NC1HWC0DI_FP16": 5,
    "NC1HWC0DI_S8": 6, "ARGB8888_U8": 7, "YUYV_U8": 8, "YUV422SP_U8": 9, "AYUV444_U8": 10,
    "RAW10": 11, "RAW12": 12, "RAW16": 13, "RAW24": 14, "RGB16": 15, "RGB20": 16, "RGB24": 17,
    "RGB8_IR": 18, "RGB16_IR": 19, "RGB24_IR": 20,
}  # fmt: skip
"""ATC's image formats, by their numbers."""
READABLE: Final = ("YUV420SP_U8", "XRGB8888_U8", "RGB888_U8", "YUV400_U8")
"""Those that the chips of today read."""
HALF_MAX: Final = 65504
SIZE_MAX: Final = 4096


class Field(NamedTuple):
    """One field.

    Attributes:
        kind: Its type: bool, int, float or str.
        low: The least value of a number.
        high: The greatest.
        default: What it is where a configuration leaves it out.
        choices: Of a text: what is right, () for any.
    """

    kind: type
    low: float = 0
    high: float = 0
    default: Value = 0
    choices: tuple[str, ...] = ()


def _numbered(names: list[str], field: Field) -> Iterator[tuple[str, Field]]:
    return ((name, field) for name in names)


_SWITCH: Final = Field(bool, default=False)
_SIZE: Final = Field(int, 0, SIZE_MAX)
_START: Final = Field(int, 0, SIZE_MAX - 1)
_PADDING: Final = Field(int, 0, 32)
_CHANNELS: Final = range(4)
MATRIX: Final = [f"matrix_r{row}c{column}" for row in range(3) for column in range(3)]
OUTPUT_BIAS: Final = [f"output_bias_{i}" for i in range(3)]
INPUT_BIAS: Final = [f"input_bias_{i}" for i in range(3)]
MEAN: Final = [f"mean_chn_{i}" for i in _CHANNELS]
MIN: Final = [f"min_chn_{i}" for i in _CHANNELS]
VAR_RECI: Final = [f"var_reci_chn_{i}" for i in _CHANNELS]

FIELDS: Final[dict[str, Field]] = {
    "aipp_mode": Field(str, default="", choices=("static", "dynamic")),
    "related_input_rank": Field(int, 0, 2**31 - 1),
    "related_input_name": Field(str, default=""),
    "max_src_image_size": Field(int, 0, 2**32 - 1),
    "support_rotation": _SWITCH,
    "input_format": Field(str, default="", choices=tuple(FORMATS)),
    "src_image_size_w": _SIZE,
    "src_image_size_h": _SIZE,
    "crop": _SWITCH,
    "load_start_pos_w": _START,
    "load_start_pos_h": _START,
    "crop_size_w": _SIZE,
    "crop_size_h": _SIZE,
    "resize": _SWITCH,
    "resize_output_w": _SIZE,
    "resize_output_h": _SIZE,
    "padding": _SWITCH,
    "left_padding_size": _PADDING,
    "right_padding_size": _PADDING,
    "top_padding_size": _PADDING,
    "bottom_padding_size": _PADDING,
    "csc_switch": _SWITCH,
    "rbuv_swap_switch": _SWITCH,
    "ax_swap_switch": _SWITCH,
    "single_line_mode": _SWITCH,
    **dict(_numbered(MATRIX, Field(int, -32677, 32676))),
    **dict(_numbered(OUTPUT_BIAS, Field(int, 0, 255))),
    **dict(_numbered(INPUT_BIAS, Field(int, 0, 255))),
    **dict(_numbered(MEAN, Field(int, 0, 255))),
    **dict(_numbered(MIN, Field(float, 0, 255, 0.0))),
    **dict(_numbered(VAR_RECI, Field(float, -HALF_MAX, HALF_MAX, 1.0))),
    "padding_value": Field(float, -HALF_MAX, HALF_MAX, 0.0),
}
NUMBERS: Final = [*FIELDS][6:25] + MATRIX + OUTPUT_BIAS + INPUT_BIAS + MEAN
"""The integers of a static configuration, in the order of a program's record."""
DYNAMIC: Final = [*FIELDS][:5]
"""What a dynamic configuration may have."""

YUV_TO_RGB: Final = (298, 516, 0, 298, -100, -208, 298, 0, 409)
RGB_TO_YUV: Final = (66, 129, 25, -38, -74, 112, 112, -94, -18)
BIAS: Final = (16, 128, 128)
