"""Whether AIPP makes what a graph's input takes, and of which images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from acl_bundle import dtypes
from acl_bundle.aipp import AippConfig
from acl_bundle.aipp._fields import MATRIX, VAR_RECI
from acl_bundle.build._aipp.front import UINT8, Dims, Front
from acl_bundle.om import TensorInfo

_FLOATS: Final = (0, 1)  # ACL_FLOAT, ACL_FLOAT16
_WIDEST: Final = 1080  # after padding


def front(config: AippConfig, at: int, tensor: TensorInfo, shapes: Sequence[Dims]) -> Front:
    """Return AIPP in front of an input.

    Args:
        config: What it is to do.
        at: The input's place.
        tensor: The graph's input.
        shapes: Its dims in each gear, or its own.

    Raises:
        ValueError: AIPP cannot make that tensor.
    """
    if tensor.dtype not in (*_FLOATS, UINT8):
        raise ValueError(
            f"input {tensor.name!r} is of {dtypes.short_name(tensor.dtype)}; AIPP makes float32,"
            " float16 or uint8"
        )
    layouts = [nhwc for nhwc in (False, True) if _is_laid_out(config, tensor.dims, nhwc)]
    if not layouts:
        raise ValueError(_no_layout(tensor))
    batch = max(shape[0] for shape in shapes)
    if config.is_dynamic:
        return Front(config, at, tensor, layouts[0], batch)
    problems = []
    for nhwc in layouts:
        whole = _whole(config, tensor.dims, nhwc)
        problem = _misfit(whole, tensor, nhwc)
        if problem is None:
            return Front(whole, at, tensor, nhwc, batch)
        problems.append(problem)
    raise ValueError(problems[0])


def _is_laid_out(config: AippConfig, dims: Dims, nhwc: bool) -> bool:
    """Whether dims are those of images: 1, 3 or 4 channels, and a size that gears say or that is
    there; of dynamic AIPP alone gears say sizes."""
    if len(dims) != 4 or _channels(dims, nhwc) not in (1, 3, 4):
        return False
    size = dims[1:3] if nhwc else dims[2:4]
    opened = size == (-1, -1) and dims[0] > 0 and config.is_dynamic
    return min(size) > 0 or opened


def _channels(dims: Dims, nhwc: bool) -> int:
    return dims[3 if nhwc else 1]


def _no_layout(tensor: TensorInfo) -> str:
    return (
        f"input {tensor.name!r} has the shape {list(tensor.dims)}; AIPP makes images, four dims"
        " that are NCHW or NHWC, with 1, 3 or 4 channels; open may be the batch (dynamic_batch),"
        " or with dynamic AIPP height and width (dynamic_hw)"
    )


def _edges(config: AippConfig) -> tuple[int, int]:
    """What padding adds to the width and the height."""
    if not config["padding"]:
        return 0, 0
    left, right, top, bottom = (
        config.number(f"{edge}_padding_size") for edge in ("left", "right", "top", "bottom")
    )
    return left + right, top + bottom


def _whole(config: AippConfig, dims: Dims, nhwc: bool) -> AippConfig:
    """Give what was left out the model's sizes: the image's, or of what is cropped of it."""
    height, width = dims[1:3] if nhwc else dims[2:4]
    wide, high = _edges(config)
    made = {"w": max(width - wide, 0), "h": max(height - high, 0)}
    values = dict(config)
    for axis, size in made.items():
        values[f"src_image_size_{axis}"] = values[f"src_image_size_{axis}"] or size
        if values["crop"]:
            values[f"crop_size_{axis}"] = values[f"crop_size_{axis}"] or size
    return replace(config, fields=values)


def _misfit(config: AippConfig, tensor: TensorInfo, nhwc: bool) -> str | None:
    """Why AIPP does not make a tensor, None where it does."""
    height, width = tensor.dims[1:3] if nhwc else tensor.dims[2:4]
    made = {}
    for axis in ("w", "h"):
        size = config.number(f"src_image_size_{axis}")
        if config["crop"]:
            start, part = (config.number(f"{n}_{axis}") for n in ("load_start_pos", "crop_size"))
            if start + part > size:
                return (
                    f"load_start_pos_{axis} + crop_size_{axis} is {start + part}; up to"
                    f" src_image_size_{axis}, {size}, is right"
                )
            size = part
        made[axis] = size + _edges(config)[axis == "h"]
    if (made["w"], made["h"]) != (width, height):
        return (
            f"AIPP makes images of {made['w']} x {made['h']} (width x height); input"
            f" {tensor.name!r} takes {width} x {height}: src_image_size, crop_size and the"
            " paddings must add up to these"
        )
    return _other_misfit(config, tensor, _channels(tensor.dims, nhwc), width)


def _other_misfit(config: AippConfig, tensor: TensorInfo, channels: int, width: int) -> str | None:
    size = [config.number(f"src_image_size_{axis}") for axis in "wh"]
    if config["input_format"] == "YUV420SP_U8" and any(one % 2 for one in size):
        return f"images of YUV420SP_U8 are {size[0]} x {size[1]}; both must be even"
    if config["padding"] and width > _WIDEST:
        return f"after padding images are {width} wide; AIPP makes up to {_WIDEST}"
    arithmetic = any(config[f"{one}_{i}"] for one in ("mean_chn", "min_chn") for i in range(4))
    if tensor.dtype == UINT8 and (arithmetic or any(config[n] != 1 for n in VAR_RECI)):
        return (
            f"input {tensor.name!r} is of uint8, which AIPP passes on as it is; leave mean_chn,"
            " min_chn and var_reci_chn out, or give the graph a floating-point input"
        )
    return _wrong_channels(config, tensor.name, channels)


def _wrong_channels(config: AippConfig, name: str, channels: int) -> str | None:
    layout, csc = config["input_format"], config["csc_switch"]
    gray = csc and not any(config[one] for one in MATRIX[3:])
    if channels == 1 and not (layout == "YUV400_U8" or gray):
        return (
            f"input {name!r} has 1 channel; images of YUV400_U8 are right, or a colour conversion"
            " whose last two rows (matrix_r1c0 to matrix_r2c2) are 0"
        )
    if channels != 1 and layout == "YUV400_U8":
        return f"input {name!r} has {channels} channels; images of YUV400_U8 have 1"
    if channels == 4 and (layout != "XRGB8888_U8" or csc):
        return f"input {name!r} has 4 channels; images of XRGB8888_U8 without csc_switch are right"
    return None
