"""What a model says of its AIPP (ACL/acl_aipp.cpp, GE's davinci_model.cc)."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from acl_bundle import om
from acl_bundle.om import Gears, TensorInfo
from acl_bundle.om._container.gears import INPUT_NAME

from .. import codes
from ..face import ND, Acl
from ..programs import Tensor, null_model
from . import models
from .models import NHWC, UINT8, aipp, fields

NOT_EXIST, INVALID = 145015, 0xFFFFFFFF
RGB = fields(src_image_size_w=8, src_image_size_h=6)
DIMS = (2, 3, 6, 8)


def kind(acl: Acl, model: int, index: int) -> tuple[int, int, int]:
    found, attached = acl.new("aclmdlInputAippType *", 9), acl.new("size_t *", 9)
    status = acl.aclmdlGetAippType(model, index, found, attached)
    return int(status), int(found[0]), int(attached[0])


def dims(acl: Acl, model: int, index: int, second: bool = False) -> list[int]:
    desc, found = acl.aclmdlCreateDesc(), acl.new("aclmdlIODims *")
    assert acl.aclmdlGetDesc(desc, model) == 0
    call = acl.aclmdlGetInputDimsV2 if second else acl.aclmdlGetInputDims
    assert call(desc, index, found) == 0
    assert acl.aclmdlDestroyDesc(desc) == 0
    return list(found.dims[0 : found.dimCount])


def described(acl: Acl, model: int, index: int) -> tuple[int, int, int]:
    """Type, format and bytes of an input."""
    desc = acl.aclmdlCreateDesc()
    assert acl.aclmdlGetDesc(desc, model) == 0
    found = (
        acl.aclmdlGetInputDataType(desc, index), acl.aclmdlGetInputFormat(desc, index),
        acl.aclmdlGetInputSizeByIndex(desc, index),
    )  # fmt: skip
    assert acl.aclmdlDestroyDesc(desc) == 0
    return tuple(map(int, found))  # type: ignore[return-value]


def test_a_model_without_aipp_facts_13_4(ready: Acl) -> None:
    model = ready.load_model(null_model([Tensor("x", (4,))]))
    info = ready.new("aclAippInfo *")
    assert kind(ready, model, 0) == (0, 0, INVALID)
    assert ready.aclmdlGetFirstAippInfo(model, 0, info) == NOT_EXIST
    assert "no AIPP" in (ready.message() or "")
    assert kind(ready, model, 1)[0] == codes.INVALID_PARAM
    assert ready.aclmdlGetFirstAippInfo(model, 1, info) == codes.INVALID_PARAM
    assert kind(ready, 77, 0)[0] == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlGetFirstAippInfo(77, 0, info) == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlGetFirstAippInfo(model, 0, ready.NULL) == codes.INVALID_PARAM
    one, number = ready.new("aclmdlInputAippType *"), ready.new("size_t *")
    assert ready.aclmdlGetAippType(model, 0, one, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlGetAippType(model, 0, ready.NULL, number) == codes.INVALID_PARAM
    assert ready.aclmdlUnload(model) == 0


def test_aipp_wants_init_facts_13_4(acl: Acl) -> None:
    assert kind(acl, 1, 0)[0] == codes.GE_EXEC_NOT_INIT
    info = acl.new("aclAippInfo *")
    assert acl.aclmdlGetFirstAippInfo(1, 0, info) == codes.GE_EXEC_NOT_INIT


@pytest.mark.parametrize(
    ("layout", "first", "second"),
    [
        ("YUV420SP_U8", [2, 6, 8, 3], [2, 9, 8, 1]),
        ("RGB888_U8", [2, 6, 8, 3], [2, 6, 8, 3]),
        ("XRGB8888_U8", [2, 6, 8, 4], [2, 6, 8, 4]),
        ("YUV400_U8", [2, 6, 8, 1], [2, 6, 8, 1]),
    ],
)
def test_the_input_is_the_images_facts_13_3(
    ready: Acl, layout: str, first: list[int], second: list[int]
) -> None:
    one = {**RGB, "input_format": layout}
    graph = (2, 1, 6, 8) if layout == "YUV400_U8" else DIMS
    model = ready.load_model(models.static(graph, one))
    assert dims(ready, model, 0) == first
    assert dims(ready, model, 0, second=True) == second
    bytes_of_all = second[0] * second[1] * second[2] * second[3]
    assert described(ready, model, 0) == (UINT8, NHWC, bytes_of_all)
    assert kind(ready, model, 0) == (0, 1, INVALID)
    assert ready.aclmdlUnload(model) == 0


def test_all_fields_are_told_facts_13_4(ready: Acl) -> None:
    """Each has a number of its own, so that none stands for another."""
    names = [name for name in models.INTEGERS if not name.endswith(("switch", "mode"))]
    given = {name: 1 + at for at, name in enumerate(names)} | {"crop": 1, "padding": 1, "resize": 0}
    given |= {
        "src_image_size_w": 40,
        "src_image_size_h": 60,
        "csc_switch": 1,
        "rbuv_swap_switch": 1,
    }
    given |= {f"matrix_r{at // 3}c{at % 3}": -50 - at for at in range(9)}
    reals = {name: 100.25 + at for at, name in enumerate(models.FLOATS)}
    one = fields(**given, **reals)
    height = one["crop_size_h"] + one["top_padding_size"] + one["bottom_padding_size"]
    width = one["crop_size_w"] + one["left_padding_size"] + one["right_padding_size"]
    graph = (2, 3, height, width)
    model = ready.load_model(models.static(graph, one))
    info = ready.new("aclAippInfo *")
    assert ready.aclmdlGetFirstAippInfo(model, 0, info) == 0
    told = {
        "srcImageSizeW": "src_image_size_w", "srcImageSizeH": "src_image_size_h",
        "cropSwitch": "crop", "loadStartPosW": "load_start_pos_w",
        "loadStartPosH": "load_start_pos_h", "cropSizeW": "crop_size_w",
        "cropSizeH": "crop_size_h", "resizeSwitch": "resize",
        "resizeOutputW": "resize_output_w", "resizeOutputH": "resize_output_h",
        "paddingSwitch": "padding", "leftPaddingSize": "left_padding_size",
        "rightPaddingSize": "right_padding_size", "topPaddingSize": "top_padding_size",
        "bottomPaddingSize": "bottom_padding_size", "cscSwitch": "csc_switch",
        "rbuvSwapSwitch": "rbuv_swap_switch", "axSwapSwitch": "ax_swap_switch",
        "singleLineMode": "single_line_mode",
    } | {
        f"{ours}{at}": f"{theirs}_{at}"
        for ours, theirs, count in (
            ("outputBias", "output_bias", 3), ("inputBias", "input_bias", 3),
            ("meanChn", "mean_chn", 4), ("minChn", "min_chn", 4),
            ("varReciChn", "var_reci_chn", 4),
        )
        for at in range(count)
    } | {f"matrixR{r}C{c}": f"matrix_r{r}c{c}" for r in range(3) for c in range(3)}  # fmt: skip
    assert {key: getattr(info, key) for key in told} == {key: one[n] for key, n in told.items()}
    assert info.inputFormat == models.FORMATS["RGB888_U8"]
    assert (info.srcFormat, info.srcDatatype, info.srcDimNum, info.shapeCount) == (0, 0, 4, 1)
    shape = info.outDims[0]
    size = 4 * 2 * 3 * height * width
    assert (shape.srcSize, shape.aippOutSize) == (size, size)
    for part, name in ((shape.srcDims, b"x"), (shape.aippOutdims, b"features")):
        assert ready.ffi.string(part.name) == name
        assert tuple(part.dims[0 : part.dimCount]) == graph
    assert ready.aclmdlUnload(model) == 0


def test_dynamic_aipp_has_an_input_more_facts_13_1_13_4(ready: Acl) -> None:
    model = ready.load_model(models.dynamic(DIMS, 1000, nhwc=False))
    assert kind(ready, model, 0) == (0, 2, 1)
    assert kind(ready, model, 1) == (0, 3, INVALID)
    assert dims(ready, model, 0) == dims(ready, model, 0, second=True) == [2, -1, -1, -1]
    assert described(ready, model, 0) == (UINT8, NHWC, 1000)
    assert described(ready, model, 1) == (UINT8, ND, 64 + 96 * 2)
    info = ready.new("aclAippInfo *")
    assert ready.aclmdlGetFirstAippInfo(model, 0, info) == 0
    assert (info.inputFormat, info.srcImageSizeW, info.varReciChn0) == (0, 0, 0)
    assert tuple(info.outDims[0].srcDims.dims[0:4]) == DIMS
    assert ready.aclmdlGetFirstAippInfo(model, 1, info) == NOT_EXIST
    assert ready.aclmdlUnload(model) == 0


def geared(batches: tuple[int, ...]) -> bytes:
    """Static AIPP in front of any of these batches."""
    graph = (-1, 3, 6, 8)
    x = models.image("x", -1, RGB, most=max(batches))
    extra = TensorInfo(INPUT_NAME, 9, ND, (1,), 8)
    rows = tuple((gear, 0, (batch, *graph[1:])) for gear, batch in enumerate(batches))
    gears = Gears("batch", tuple((batch,) for batch in batches), rows)
    largest = models.output((max(batches), *graph[1:]))
    tasks = models.tasks(graph, aipp(graph, RGB))
    return models.model([x, extra], [largest], tasks, gears=gears)


def test_each_gear_has_a_shape_facts_13_4(ready: Acl) -> None:
    model = ready.load_model(geared((1, 4)))
    info = ready.new("aclAippInfo *")
    assert ready.aclmdlGetFirstAippInfo(model, 0, info) == 0
    assert info.shapeCount == 2
    told = [tuple(info.outDims[at].srcDims.dims[0:4]) for at in range(2)]
    assert told == [(1, 3, 6, 8), (4, 3, 6, 8)]
    assert [info.outDims[at].srcSize for at in range(2)] == [576, 4 * 576]
    assert ready.aclmdlUnload(model) == 0
    model = ready.load_model(geared(tuple(range(1, 130))))
    assert ready.aclmdlGetFirstAippInfo(model, 0, info) == codes.GE_FAILURE
    assert ready.aclmdlUnload(model) == 0


def test_a_name_too_long_facts_13_4(ready: Acl) -> None:
    name = "x" * 128
    x = models.image(name, 2, RGB)
    data = models.model([x], [models.output(DIMS)], models.tasks(DIMS, aipp(DIMS, RGB)))
    model = ready.load_model(data)
    assert ready.aclmdlGetFirstAippInfo(model, 0, ready.new("aclAippInfo *")) == codes.FAILURE
    assert ready.aclmdlUnload(model) == 0


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no input": ({}, {"at": 1}, "the image's input"),
    "mode": ({}, {"mode": 3}, "the mode"),
    "parameters": ({}, {"parameters": 0}, "the mode"),
    "format": ({}, {"format": 7}, "format"),
    "type": ({}, {"dtype": 3}, "neither of float32"),
    "width": ({"src_image_size_w": 0}, {}, "src_image_size"),
    "huge": ({"src_image_size_w": 2**31 - 1}, {}, "src_image_size"),
    "negative": ({"src_image_size_h": -2}, {}, "src_image_size"),
    "other size": ({"src_image_size_w": 4}, {}, "the input's"),
    "crop": ({"crop": 1, "crop_size_w": 9, "crop_size_h": 6}, {}, ""),
    "no crop": ({"crop": 1}, {}, "cropped"),
    "crop start": ({"crop": 1, "load_start_pos_w": -1, "crop_size_w": 8, "crop_size_h": 6}, {}, ""),
    "padding": ({"padding": 1, "left_padding_size": 2**31 - 1}, {}, "padding"),
    "less": ({"padding": 1, "left_padding_size": -1}, {}, "padding"),
    "other": ({"padding": 1, "left_padding_size": 2}, {}, ""),
    "matrix": ({"matrix_r0c0": 40000}, {}, "matrix"),
    "bias": ({"input_bias_0": 256}, {}, "bias"),
    "mean": ({"mean_chn_3": -40000}, {}, "mean"),
    "scale": ({"resize": 1}, {}, ""),
    "switch": ({"rbuv_swap_switch": 1, "resize": 7}, {}, ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_record_that_fits_no_images_is_refused(ready: Acl, case: str) -> None:
    one, raw, said = WRONG[case]
    x = models.image("x", 2, RGB)
    tasks = models.tasks(DIMS, aipp(DIMS, {**RGB, **one}, **raw))
    data = models.model([x], [models.output(DIMS)], tasks)
    model = ready.new("uint32_t *")
    assert ready.aclmdlLoadFromMem(ready.hold(data), len(data), model) == codes.GE_FAILURE
    assert said in (ready.message() or "")


@pytest.mark.parametrize(
    "graph", [(2, 2, 6, 8), (0, 3, 6, 8), (-1, 3, 6, 8), (2, 3, 2**40, 8), (2, 3, 0, 8)]
)
def test_a_tensor_that_is_none_of_images_is_refused(ready: Acl, graph: tuple[int, ...]) -> None:
    x = models.image("x", 2, RGB)
    tasks = models.tasks(DIMS, aipp(graph, RGB))
    data = models.model([x], [models.output(DIMS)], tasks)
    model = ready.new("uint32_t *")
    assert ready.aclmdlLoadFromMem(ready.hold(data), len(data), model) == codes.GE_FAILURE
    assert "AIPP record 0" in (ready.message() or "")


def refused(acl: Acl, data: bytes, said: str) -> None:
    model = acl.new("uint32_t *")
    assert acl.aclmdlLoadFromMem(acl.hold(data), len(data), model) == codes.GE_FAILURE
    assert said in (acl.message() or "")


def test_records_are_counted_and_are_of_static_models(ready: Acl) -> None:
    x, one = models.image("x", 2, RGB), aipp(DIMS, RGB)
    y = models.output(DIMS)
    refused(ready, models.model([x], [y], models.tasks(DIMS, one, one)), "same input")
    refused(ready, models.model([x], [y], models.tasks(DIMS, *[one] * 129)), "129 AIPP")
    cut = models.record(9, b"\0" * 100)
    refused(ready, models.model([x], [y], models.tasks(DIMS, cut)), "damaged")
    ranged = models.model([x], [y], models.tasks(DIMS, one), dynamic=True)
    model = ready.new("uint32_t *")
    assert ready.aclmdlLoadFromMem(ready.hold(ranged), len(ranged), model) != 0
    assert "AIPP records in a dynamic model" in (ready.message() or "")


@pytest.mark.parametrize(
    ("size", "largest", "parameters", "said"),
    [
        (255, 1000, 1, "no room"),
        (256, 0, 1, "max_src_image_size"),
        (256, 999, 1, "max_src_image_size"),
        (256, 1000, 0, "the input with the parameters is none"),
        (256, 1000, 2, "the input with the parameters is none"),
    ],
)
def test_dynamic_records_that_do_not_fit_are_refused(
    ready: Acl, size: int, largest: int, parameters: int, said: str
) -> None:
    inputs = [
        TensorInfo("x", UINT8, NHWC, (2, -1, -1, -1), 1000),
        TensorInfo(models.PARAMETERS, UINT8, ND, (size,), size),
    ]
    one = aipp(DIMS, parameters=parameters, largest=largest)
    refused(ready, models.model(inputs, [models.output(DIMS)], models.tasks(DIMS, one)), said)


def test_the_size_of_the_struct_facts_2(acl: Acl) -> None:
    size = acl.ffi.sizeof
    assert (size("aclAippInfo"), size("aclAippDims")) == (299216, 2336)
    places = {
        "aclAippDims": {"srcDims": 0, "srcSize": 1160, "aippOutdims": 1168, "aippOutSize": 2328},
        "aclAippInfo": {
            "inputFormat": 0, "matrixR0C0": 68, "minChn0": 144, "srcFormat": 176,
            "srcDimNum": 184, "outDims": 200,
        },
    }  # fmt: skip
    for name, rows in places.items():
        assert {row: acl.ffi.offsetof(name, row) for row in rows} == rows


def test_the_layout_of_parameters_facts_13_5() -> None:
    """The same two rows as docs/facts/13_aipp.md has them."""
    assert struct.calcsize("<B4b3x2i9h6x6B2x16x") == 64
    assert struct.calcsize("<4b4x12i4h4e4e16x") == 96
    assert om.PartitionType.TASK_INFO == 2
