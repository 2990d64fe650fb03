"""AIPP against numpy, over configurations made at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import aipp, build, fake

from ..contract.aipp import reference

DTYPES = {
    TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16, TensorProto.UINT8: np.uint8,
}  # fmt: skip
ELEMS = {np.dtype(kind): elem for elem, kind in DTYPES.items()}


@dataclass(frozen=True)
class Case:
    """A configuration, the graph's input, and a batch of images."""

    config: dict[str, Any]
    channels: int
    nhwc: bool
    dtype: Any
    size: tuple[int, int]
    made: tuple[int, int]
    images: NDArray[np.uint8]

    @property
    def dims(self) -> tuple[int, ...]:
        """The graph's input."""
        count, (width, height) = len(self.images), self.made
        if self.nhwc:
            return count, height, width, self.channels
        return count, self.channels, height, width

    def model(self, batch: str | None = None) -> onnx.ModelProto:
        """y = x, for any batch if that has a name."""
        elem = ELEMS[np.dtype(self.dtype)]
        dims = self.dims if batch is None else (batch, *self.dims[1:])
        ends = [[helper.make_tensor_value_info(n, elem, dims)] for n in "xy"]
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", *ends)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A whole case: sizes that fit first, then what AIPP does in between."""
    layout = draw(st.sampled_from(sorted(aipp._fields.READABLE)))
    step = 2 if layout == "YUV420SP_U8" else 1
    size = tuple(step * draw(st.integers(2, 7)) for _ in "wh")
    one: dict[str, Any] = {"aipp_mode": "static", "input_format": layout}
    one |= {f"src_image_size_{axis}": dim for axis, dim in zip("wh", size, strict=True)}
    made = list(size)
    if draw(st.booleans()):
        one["crop"] = True
        for at, axis in enumerate("wh"):
            part = step * draw(st.integers(1, size[at] // step))
            one[f"crop_size_{axis}"] = made[at] = part
            most = (size[at] - part) // step
            one[f"load_start_pos_{axis}"] = step * draw(st.integers(0, most))
    if draw(st.booleans()):
        one |= {"padding": True, "padding_value": draw(st.floats(0, 200, width=16))}
        for at, pair in enumerate((("left", "right"), ("top", "bottom"))):
            for edge in pair:
                one[f"{edge}_padding_size"] = added = draw(st.integers(0, 3))
                made[at] += added
    one["rbuv_swap_switch"] = draw(st.booleans())
    one["ax_swap_switch"] = layout == "XRGB8888_U8" and draw(st.booleans())
    channels = 1 if layout == "YUV400_U8" else 3
    if layout != "YUV400_U8" and draw(st.booleans()):
        one["csc_switch"] = True
        if draw(st.booleans()):
            numbers = draw(st.lists(st.integers(-600, 600), min_size=9, max_size=9))
            one |= dict(zip(aipp._fields.MATRIX, numbers, strict=True))
            for kind in ("input", "output"):
                one |= {f"{kind}_bias_{i}": draw(st.integers(0, 255)) for i in range(3)}
    elif layout == "XRGB8888_U8" and draw(st.booleans()):
        channels = 4
    dtype = draw(st.sampled_from([np.float32, np.float16, np.uint8]))
    if dtype != np.uint8:
        for i in range(channels):
            one[f"mean_chn_{i}"] = draw(st.integers(0, 255))
            one[f"min_chn_{i}"] = draw(st.floats(0, 255))
            one[f"var_reci_chn_{i}"] = draw(st.floats(-2, 2))
    count = draw(st.integers(1, 3))
    seed = draw(st.integers(0, 2**32 - 1))
    shape = (count, reference.nbytes(layout, *size))
    images = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    nhwc = made[1] not in (1, 3, 4) and draw(st.booleans())
    return Case(one, channels, nhwc, dtype, (size[0], size[1]), (made[0], made[1]), images)


@pytest.fixture(autouse=True)
def _fake() -> Iterator[None]:
    fake.activate()
    yield
    assert fake.live() == []
    assert fake.violations() == []


@given(cases())
@settings(max_examples=120, deadline=None)
def test_static_aipp_makes_what_numpy_makes(tmp_path_factory: Any, case: Case) -> None:
    path = tmp_path_factory.mktemp("aipp") / "m.om"
    build.model(case.model(), aipp=case.config).save(path)
    (config,) = aipp.read(case.config)
    expected = reference.expected(case.images, config, case.channels, case.size, case.dtype)
    if case.nhwc:
        expected = np.moveaxis(expected, 1, 3)
    with ab.Bundle.load(path) as bundle:
        (spec,) = bundle.infer.inputs
        made = bundle.infer(case.images.reshape(spec.shape))
    np.testing.assert_array_equal(made, expected)


@given(cases(), st.integers(0, 50))
@settings(max_examples=120, deadline=None)
def test_dynamic_aipp_makes_what_numpy_makes(tmp_path_factory: Any, case: Case, more: int) -> None:
    """The images are bytes, the parameters an input; a second image of the batch has its own."""
    batch, largest = len(case.images), case.images.nbytes + more
    path = tmp_path_factory.mktemp("aipp") / "m.om"
    front = {"aipp_mode": "dynamic", "max_src_image_size": largest}
    build.model(case.model(), aipp=front).save(path)
    fields = {key: value for key, value in case.config.items() if key != "padding_value"}
    each = [{**fields, "mean_chn_0": at} if case.dtype != np.uint8 else fields
            for at in range(batch)]  # fmt: skip
    expected = np.concatenate([
        reference.expected(case.images[at : at + 1], aipp.read(one)[0], case.channels, case.size,
                           case.dtype)
        for at, one in enumerate(each)
    ])  # fmt: skip
    if case.nhwc:
        expected = np.moveaxis(expected, 1, 3)
    with ab.Bundle.load(path) as bundle:
        image, told = bundle.infer.inputs
        assert (image.shape, told.shape) == ((largest,), (64 + 96 * batch,))
        made = bundle.infer(np.pad(case.images.ravel(), (0, more)), aipp.parameters(each, batch))
    np.testing.assert_array_equal(made, expected)


@given(cases(), st.integers(0, 50), st.permutations([1, 2, 3]))
@settings(max_examples=80, deadline=None)
def test_each_gear_of_dynamic_aipp_makes_what_numpy_makes(
    tmp_path_factory: Any, case: Case, more: int, runs: list[int]
) -> None:
    """Parameters are of the largest gear; a run in another takes the first of them."""
    largest = max(len(case.images), *runs)
    pixels = np.resize(case.images, (largest, case.images.shape[1]))
    room = pixels.shape[1] + more
    path = tmp_path_factory.mktemp("aipp") / "m.om"
    front = {"aipp_mode": "dynamic", "max_src_image_size": largest * room}
    gears = list(range(1, largest + 1))
    build.model(case.model("N"), aipp=front, dynamic_batch=gears).save(path)
    fields = {key: value for key, value in case.config.items() if key != "padding_value"}
    each = [{**fields, "mean_chn_0": at} if case.dtype != np.uint8 else fields
            for at in range(largest)]  # fmt: skip
    expected = np.concatenate([
        reference.expected(pixels[at : at + 1], aipp.read(one)[0], case.channels, case.size,
                           case.dtype)
        for at, one in enumerate(each)
    ])  # fmt: skip
    if case.nhwc:
        expected = np.moveaxis(expected, 1, 3)
    told = aipp.parameters(each, largest)
    with ab.Bundle.load(path) as bundle:
        image, parameters = bundle.infer.inputs
        assert (image.shape, image.nbytes) == ((-1,), largest * room)
        assert parameters.shape == told.shape
        for count in runs:
            given = np.zeros(count * room, np.uint8)
            given[: pixels[:count].size] = pixels[:count].ravel()
            np.testing.assert_array_equal(bundle.infer(given, told), expected[:count])
