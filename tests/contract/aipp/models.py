"""Models with AIPP in front, packed from docs/program_format.md, apart from the builder."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from acl_bundle import om
from acl_bundle.om import Gears, Header, PartitionType, TensorInfo
from acl_bundle.om._container import inout
from acl_bundle.om._container.gears import INPUT_NAME

from .. import programs
from ..face import FLOAT, ND
from ..programs import DEFINITION, INPUT, ONNX, Tensor, feed, fetch, graph_bytes, onnx_model, record

UINT8, NCHW, NHWC = 4, 0, 1
NONE = 0xFFFFFFFF
PARAMETERS = "ascend_dynamic_aipp_data"
FORMATS = {"YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 3, "YUV400_U8": 4}
SIZES = ("src_image_size_w", "src_image_size_h")
INTEGERS = (
    *SIZES, "crop", "load_start_pos_w", "load_start_pos_h", "crop_size_w", "crop_size_h",
    "resize", "resize_output_w", "resize_output_h", "padding", "left_padding_size",
    "right_padding_size", "top_padding_size", "bottom_padding_size", "csc_switch",
    "rbuv_swap_switch", "ax_swap_switch", "single_line_mode",
    *(f"matrix_r{r}c{c}" for r in range(3) for c in range(3)),
    *(f"output_bias_{i}" for i in range(3)), *(f"input_bias_{i}" for i in range(3)),
    *(f"mean_chn_{i}" for i in range(4)),
)  # fmt: skip
FLOATS = (
    *(f"min_chn_{i}" for i in range(4)), *(f"var_reci_chn_{i}" for i in range(4)), "padding_value",
)  # fmt: skip
VAR_RECI = FLOATS[4:8]


def fields(**given: Any) -> dict[str, Any]:
    """All fields of a static configuration, left out ones as facts 13.2 have them."""
    made: dict[str, Any] = {**dict.fromkeys(INTEGERS, 0), **dict.fromkeys(FLOATS, 0.0)}
    return {**made, **dict.fromkeys(VAR_RECI, 1.0), "input_format": "RGB888_U8", **given}


def aipp(
    dims: Sequence[int],
    one: Mapping[str, Any] | None = None,
    *,
    at: int = 0,
    parameters: int = NONE,
    largest: int = 0,
    nhwc: bool = False,
    dtype: int = FLOAT,
    **raw: int,
) -> bytes:
    """An AIPP record; static with fields, dynamic without. ``raw`` replaces fields of the head."""
    mode = 1 if one is not None else 2
    layout = FORMATS[one["input_format"]] if one is not None else 0
    head = {"at": at, "parameters": parameters, "mode": mode, "format": layout}
    head |= {"nhwc": nhwc, "dtype": dtype}
    values = fields() if one is None else one
    integers = [values[name] * (one is not None) for name in INTEGERS]
    floats = [values[name] * (one is not None) for name in FLOATS]
    return record(9, b"".join((
        struct.pack("<IIIiIi", *{**head, **raw}.values()),
        struct.pack("<4q", *dims),
        struct.pack("<38i", *integers),
        struct.pack("<9f", *floats),
        struct.pack("<I", largest),
    )))  # fmt: skip


def image(name: str, count: int, one: Mapping[str, Any], most: int = 0) -> TensorInfo:
    """The input of static images (facts 13.3)."""
    width, height = (one[axis] for axis in SIZES)
    channels = {"XRGB8888_U8": 4, "YUV400_U8": 1}.get(one["input_format"], 3)
    dims = (count, *memory(one)[1:])
    nbytes = (most or count) * dims[1] * dims[2] * dims[3]
    return TensorInfo(name, UINT8, NHWC, (count, height, width, channels), nbytes)


def memory(one: Mapping[str, Any], count: int = 1) -> tuple[int, ...]:
    """What aclmdlGetInputDimsV2 says of them."""
    width, height = (one[axis] for axis in SIZES)
    channels = {"XRGB8888_U8": 4, "RGB888_U8": 3}.get(one["input_format"], 1)
    rows = height * 3 // 2 if one["input_format"] == "YUV420SP_U8" else height
    return count, rows, width, channels


def model(
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    tasks: bytes,
    *,
    gears: Gears | None = None,
    second: Mapping[str, Sequence[int]] | None = None,
    dynamic: bool = False,
) -> bytes:
    """A model of these parts."""
    parts = [
        (PartitionType.MODEL_INOUT_INFO, [inout.write(inputs, outputs, gears, second)]),
        (PartitionType.MODEL_DEF, [DEFINITION]),
        (PartitionType.TASK_INFO, [tasks]),
    ]
    header = Header(is_unknow_model=int(dynamic), name="aipp")
    return om.write_model(parts, header=header).to_bytes()


def tasks(dims: Sequence[int], *aipps: bytes, fed: int = 0, dtype: int = FLOAT) -> bytes:
    """A program y = -(-x), x behind AIPP."""
    x, y = Tensor("x", tuple(dims), dtype), Tensor("y", tuple(dims), dtype)
    onnx = onnx_model(graph_bytes([("Neg", "x", "n"), ("Neg", "n", "y")], [x], [y]))
    return programs.program(ONNX, onnx, feed(INPUT, fed, "x"), fetch(0, "y"), *aipps)


def output(dims: Sequence[int], dtype: int = FLOAT) -> TensorInfo:
    """The graph's tensor again."""
    return Tensor("y", tuple(dims), dtype).info


def static(dims: Sequence[int], one: Mapping[str, Any], **options: Any) -> bytes:
    """A model whose input is images of one kind."""
    x = image("x", dims[0], one)
    second = {"x": memory(one, dims[0])}
    return model([x], [output(dims)], tasks(dims, aipp(dims, one, **options)), second=second)


def dynamic(dims: Sequence[int], largest: int, **options: Any) -> bytes:
    """A model whose input is images of any kind that fits."""
    batch = dims[0]
    x = TensorInfo("x", UINT8, NHWC, (batch, -1, -1, -1), largest)
    size = 64 + 96 * batch
    told = TensorInfo(PARAMETERS, UINT8, ND, (size,), size)
    one = aipp(dims, parameters=1, largest=largest, **options)
    return model([x, told], [output(dims)], tasks(dims, one))


def in_gears(
    dims: Sequence[int], largest: int, kind: Any, *values: Sequence[int], **options: Any
) -> bytes:
    """`dynamic` with gears, whose values fill the open dims; the inputs are in ATC's order."""
    shapes = [filled(dims, one) for one in values]
    most = max(shapes, key=math.prod)
    size = 64 + 96 * most[0]
    inputs = [
        TensorInfo("x", UINT8, NHWC, (dims[0], -1, -1, -1), largest),
        TensorInfo(INPUT_NAME, 9, ND, (len(values[0]),), 8 * len(values[0])),
        TensorInfo(PARAMETERS, UINT8, ND, (size,), size),
    ]
    rows = tuple((gear, 0, shape) for gear, shape in enumerate(shapes))
    gears = Gears(kind, tuple(map(tuple, values)), rows, ("x",) if kind == "dims" else ())
    one = aipp(dims, largest=largest, **{"parameters": 2, **options})
    return model(inputs, [output(most)], tasks(dims, one), gears=gears)


def filled(dims: Sequence[int], values: Sequence[int]) -> tuple[int, ...]:
    """Dims with these where they are open."""
    rest = iter(values)
    return tuple(next(rest) if dim < 0 else dim for dim in dims)
