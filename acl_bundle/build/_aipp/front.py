"""AIPP in front of one input: the image that goes in, the tensor that the graph takes."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final

from acl_bundle.aipp import AippConfig
from acl_bundle.aipp._fields import FORMATS, MIN, NUMBERS, VAR_RECI
from acl_bundle.om import TensorInfo

Dims = tuple[int, ...]

NCHW, NHWC, UINT8 = 0, 1, 4
PARAMETERS: Final = "ascend_dynamic_aipp_data"
_CHANNELS: Final = {"YUV420SP_U8": 3, "XRGB8888_U8": 4, "RGB888_U8": 3, "YUV400_U8": 1}
_HEAD: Final = struct.Struct("<IIIiIi4q")
_NONE: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class Front:
    """AIPP in front of one input.

    Attributes:
        config: What it does; sizes that were left out are the model's.
        at: The input's place.
        tensor: What the graph takes; its dims are -1 where gears say them.
        nhwc: Whether the graph's tensor is NHWC; NCHW if not.
        batch: How many images there are, of the largest gear.
    """

    config: AippConfig
    at: int
    tensor: TensorInfo
    nhwc: bool
    batch: int

    @property
    def _size(self) -> tuple[int, int]:
        return self.config.number("src_image_size_w"), self.config.number("src_image_size_h")

    @property
    def image(self) -> TensorInfo:
        """The input that the model has instead, by the dims of its images."""
        count = self.tensor.dims[0]
        if self.config.is_dynamic:
            nbytes = self.config.number("max_src_image_size")
            return TensorInfo(self.tensor.name, UINT8, NHWC, (count, -1, -1, -1), nbytes)
        width, height = self._size
        channels = _CHANNELS[str(self.config["input_format"])]
        nbytes = self.batch * math.prod(self.memory_dims[1:])
        return TensorInfo(self.tensor.name, UINT8, NHWC, (count, height, width, channels), nbytes)

    @property
    def memory_dims(self) -> Dims:
        """The dims that the bytes of a static input have."""
        layout, (width, height) = str(self.config["input_format"]), self._size
        rows = height * 3 // 2 if layout == "YUV420SP_U8" else height
        channels = 1 if layout == "YUV420SP_U8" else _CHANNELS[layout]
        return self.tensor.dims[0], rows, width, channels

    @property
    def attrs(self) -> dict[str, bool | int | float]:
        """The configuration as GE keeps it in the data node's attribute "aipp"."""
        mode = {"static": 1, "dynamic": 2}[str(self.config["aipp_mode"])]
        found: dict[str, bool | int | float] = {"aipp_mode": mode, "related_input_rank": self.at}
        if self.config.is_dynamic:
            return {**found, "max_src_image_size": self.config.number("max_src_image_size")}
        values = {name: value for name, value in self.config.items() if not isinstance(value, str)}
        left = "max_src_image_size", "support_rotation"
        layout = FORMATS[str(self.config["input_format"])]
        kept = {name: value for name, value in values.items() if name not in left}
        return {**kept, **found, "input_format": layout}

    def record(self, parameters: int | None) -> bytes:
        """Return the record of a program.

        Args:
            parameters: The place of the input with its parameters, None where it is static.
        """
        one, static = self.config, not self.config.is_dynamic
        floats = [float(one[name]) for name in (*MIN, *VAR_RECI, "padding_value")]
        return b"".join((
            _HEAD.pack(
                self.at, _NONE if parameters is None else parameters, 1 if static else 2,
                FORMATS[str(one["input_format"])] if static else 0, self.nhwc, self.tensor.dtype,
                *self.tensor.dims,
            ),
            struct.pack("<38i", *(one.number(name) if static else 0 for name in NUMBERS)),
            struct.pack("<9f", *(floats if static else [0.0] * 9)),
            struct.pack("<I", one.number("max_src_image_size")),
        ))  # fmt: skip
