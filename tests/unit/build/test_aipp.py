"""AIPP in front of a graph: which configurations fit it, and what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build, om


def net(shape: str = "1,3,6,8", kind: str = "float") -> onnx.ModelProto:
    """y = x, for one input."""
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> g ({kind}[{shape}] x) => ({kind}[{shape}] y)'
        " { y = Identity(x) }"
    )


def static(**given: Any) -> dict[str, Any]:
    return {"aipp_mode": "static", "input_format": "RGB888_U8", **given}


@pytest.mark.parametrize(
    ("shape", "given", "dims", "nbytes"),
    [
        ("1,3,6,8", {}, (1, 6, 8, 3), 144),
        ("1,6,8,3", {}, (1, 6, 8, 3), 144),
        ("1,3,3,3", {}, (1, 3, 3, 3), 27),
        ("2,1,6,8", {"input_format": "YUV400_U8"}, (2, 6, 8, 1), 96),
        ("2,4,6,8", {"input_format": "XRGB8888_U8"}, (2, 6, 8, 4), 384),
        ("2,3,6,8", {"input_format": "YUV420SP_U8"}, (2, 6, 8, 3), 144),
        ("1,3,6,8", {"padding": 1, "left_padding_size": 2}, (1, 6, 6, 3), 108),
        (
            "1,3,6,8",
            {"crop": 1, "src_image_size_w": 20, "src_image_size_h": 10},
            (1, 10, 20, 3), 600,
        ),
    ],
)  # fmt: skip
def test_the_input_is_the_images_facts_13_3(
    shape: str, given: dict[str, Any], dims: tuple[int, ...], nbytes: int
) -> None:
    made = build.model(net(shape), aipp=static(**given))
    (x,) = made.inputs
    assert (x.name, x.dims, x.nbytes, x.numpy.name) == ("x", dims, nbytes, "uint8")
    read = om.open(made.to_bytes())
    assert isinstance(read, om.Model)
    assert read.inputs == (x,)


@pytest.mark.parametrize(
    ("shape", "given", "said"),
    [
        ("1,3,6,8", {"src_image_size_w": 9}, r"makes images of 9 x 6 .* takes 8 x 6"),
        ("1,3,6,8", {"related_input_rank": 1}, "related_input_rank is 1; the model has 1"),
        ("1,3,6,8", {"related_input_name": "y"}, "related_input_name is 'y'; the inputs are x"),
        ("1,3,6,8", {"input_format": "YUV400_U8"}, "has 3 channels"),
        ("1,1,6,8", {}, "has 1 channel; images of YUV400_U8"),
        ("1,4,6,8", {}, "has 4 channels; images of XRGB8888_U8"),
        ("1,5,6,8", {}, "with 1, 3 or 4 channels"),
        ("3,6,8", {}, "four dims that are NCHW or NHWC"),
        ("1,3,7,8", {"input_format": "YUV420SP_U8"}, "8 x 7; both must be even"),
        (
            "1,3,6,8",
            {"crop": 1, "src_image_size_w": 9, "src_image_size_h": 9, "load_start_pos_w": 2},
            r"load_start_pos_w \+ crop_size_w is 10; up to src_image_size_w, 9",
        ),
        ("1,3,6,1090", {"padding": 1, "left_padding_size": 2}, "1090 wide; AIPP makes up to 1080"),
    ],
)
def test_what_does_not_fit_is_said(shape: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build.model(net(shape), aipp=static(**given))


def test_types_that_aipp_does_not_make() -> None:
    with pytest.raises(ValueError, match="of int32; AIPP makes float32"):
        build.model(net(kind="int32"), aipp=static())
    with pytest.raises(ValueError, match="of uint8, which AIPP passes on as it is"):
        build.model(net(kind="uint8"), aipp=static(mean_chn_0=1))
    assert build.model(net(kind="uint8"), aipp=static()).inputs[0].nbytes == 144


def test_open_shapes() -> None:
    made = build.model(net("N,3,6,8"), aipp=static(), dynamic_batch=[1, 4])
    assert (made.inputs[0].dims, made.inputs[0].nbytes) == ((-1, 6, 8, 3), 4 * 144)
    with pytest.raises(ValueError, match="only dynamic_batch goes with it"):
        build.model(net("1,3,H,W"), aipp=static(), dynamic_hw=[(6, 8), (8, 8)])
    with pytest.raises(ValueError, match="only dynamic_batch goes with it"):
        build.model(net("N,3,6,8"), aipp=static(), dynamic_shape=True)


DYNAMIC = {"aipp_mode": "dynamic", "max_src_image_size": 1000}


@pytest.mark.parametrize(
    ("shape", "options", "dims", "batch"),
    [
        ("N,3,6,8", {"dynamic_batch": [2, 4, 1]}, (-1, -1, -1, -1), 4),
        ("N,6,8,3", {"dynamic_batch": [2]}, (-1, -1, -1, -1), 2),
        ("2,3,H,W", {"dynamic_hw": [(6, 8), (4, 4)]}, (2, -1, -1, -1), 2),
        ("2,H,W,3", {"dynamic_hw": [(6, 8), (4, 4)]}, (2, -1, -1, -1), 2),
    ],
)
def test_dynamic_aipp_with_gears_facts_13_9(
    shape: str, options: dict[str, Any], dims: tuple[int, ...], batch: int
) -> None:
    """The order of the inputs is ATC's: images, gear, parameters."""
    made = build.model(net(shape), aipp=DYNAMIC, **options)
    image, gear, told = made.inputs
    assert (image.name, image.dims, image.nbytes) == ("x", dims, 1000)
    assert (gear.name, told.name) == ("ascend_mbatch_shape_data", "ascend_dynamic_aipp_data")
    assert told.dims == (64 + 96 * batch,)
    read = om.open(made.to_bytes())
    assert isinstance(read, om.Model)
    assert read.inputs == made.inputs


def test_the_batch_of_another_input_is_none_of_the_images() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N,2] w, float[2,3,6,8] x)'
        " => (float[N,2] v, float[2,3,6,8] y) { v = Identity(w) y = Identity(x) }"
    )
    front = {**DYNAMIC, "related_input_rank": 1}
    _, image, _, told = build.model(model, aipp=front, dynamic_batch=[1, 5]).inputs
    assert (image.dims, told.nbytes) == ((2, -1, -1, -1), 64 + 96 * 2)


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ("N,3,6,8", {"dynamic_shape": True}, "goes with dynamic_batch or dynamic_hw"),
        ("N,3,6,8", {"dynamic_dims": {"x": [(1, 3, 6, 8)]}}, "ATC takes one of them, not both"),
        ("N,3,6,W", {"dynamic_hw": [(6, 8), (4, 4)]}, r"has the shape \[-1, 3, 6, -1\]"),
        ("1,H,6,W", {"dynamic_hw": [(3, 8), (3, 4)]}, r"has the shape \[1, -1, 6, -1\]"),
        ("N,2,6,8", {"dynamic_batch": [1, 2]}, "with 1, 3 or 4 channels"),
        ("2,5,6,8", {}, "with 1, 3 or 4 channels"),
    ],
)
def test_what_dynamic_aipp_does_not_go_with(shape: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build.model(net(shape), aipp=DYNAMIC, **options)


def test_dynamic_aipp_has_an_input_more_facts_13_1() -> None:
    made = build.model(net("2,3,6,8"), aipp={"aipp_mode": "dynamic", "max_src_image_size": 1000})
    image, told = made.inputs
    assert (image.dims, image.nbytes) == ((2, -1, -1, -1), 1000)
    assert (told.name, told.dims, told.nbytes) == ("ascend_dynamic_aipp_data", (256,), 256)


def test_two_inputs_each_with_its_own() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1,3,6,8] a, float[2] w, float[1,3,6,8] b)'
        " => (float[1,3,6,8] y) { y = Add(a, b) }"
    )
    both = [static(), static(related_input_name="b", input_format="XRGB8888_U8")]
    a, w, b = build.model(model, aipp=both).inputs
    assert [one.nbytes for one in (a, w, b)] == [144, 8, 192]
    dynamic = [
        {"aipp_mode": "dynamic", "max_src_image_size": 100 + at, "related_input_rank": at}
        for at in (0, 2)
    ]
    names = [one.name for one in build.model(model, aipp=dynamic).inputs]
    second = "ascend_dynamic_aipp_data_b_0_aipp"
    assert names == ["a", "w", "b", "ascend_dynamic_aipp_data", second]


def test_a_bundle_keeps_its_weights() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1,3,2,2] x) => (float[1,3,2,2] y)'
        " <float[1,3,1,1] w = {1, 2, 3}> { y = Mul(x, w) }"
    )
    made = build.from_onnx(model, ["w"], aipp=static())
    assert made.inputs[0].numpy == np.uint8
    assert [*made.weights] == ["w"]


def test_a_chips_compiler_is_not_given_it(tmp_path: Path) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1,3,2,2] x) => (float[1,3,2,2] y)'
        " <float[1,3,1,1] w = {1, 2, 3}> { y = Mul(x, w) }"
    )
    made = build.from_onnx(model, ["w"], aipp=static())
    with pytest.raises(ValueError, match="built with aipp=, which is not passed on to GE"):
        build.compile(made, out=tmp_path / "chip.om", soc="Ascend910B3")
    assert list(tmp_path.iterdir()) == []
