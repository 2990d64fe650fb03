"""Parameters of dynamic AIPP, and runs with them and without (ACL/acl_aipp.cpp)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from .. import codes
from ..face import Acl, Dataset
from ..programs import Tensor, null_model
from . import models, reference
from .models import fields

LENGTH = 145012
DIMS = (2, 3, 6, 8)
LARGEST = 2 * 10 * 12 * 4
Size = tuple[int, int]


class Session:
    """A loaded model of two images behind dynamic AIPP, its datasets, its parameters."""

    def __init__(self, acl: Acl, dims: tuple[int, ...] = DIMS, **options: Any) -> None:
        self.acl, self.dims, self.batch = acl, dims, dims[0]
        self.model = acl.load_model(models.dynamic(dims, LARGEST, **options))
        self.given = acl.dataset(LARGEST, 64 + 96 * self.batch)
        self.made = acl.dataset(4 * int(np.prod(dims)))
        self.one = acl.aclmdlCreateAIPP(self.batch)

    def close(self) -> None:
        acl = self.acl
        assert acl.aclmdlDestroyAIPP(self.one) == 0
        assert acl.aclmdlUnload(self.model) == 0

    def put(self, one: dict[str, Any]) -> None:
        """Set what the batch has in common."""
        acl = self.acl
        assert acl.aclmdlSetAIPPInputFormat(self.one, models.FORMATS[one["input_format"]]) == 0
        sizes = (one[axis] for axis in models.SIZES)
        assert acl.aclmdlSetAIPPSrcImageSize(self.one, *sizes) == 0
        numbers = [one[f"matrix_r{r}c{c}"] for r in range(3) for c in range(3)]
        biases = [one[f"{kind}_bias_{i}"] for kind in ("output", "input") for i in range(3)]
        csc = acl.aclmdlSetAIPPCscParams(self.one, one["csc_switch"], *numbers, *biases)
        assert csc == 0
        assert acl.aclmdlSetAIPPRbuvSwapSwitch(self.one, one["rbuv_swap_switch"]) == 0
        assert acl.aclmdlSetAIPPAxSwapSwitch(self.one, one["ax_swap_switch"]) == 0
        for image in range(self.batch):
            self.part(image, one)

    def part(self, at: int, one: dict[str, Any]) -> None:
        """Set what one image has of its own."""
        acl, channels = self.acl, range(4)
        crop = ("load_start_pos_w", "load_start_pos_h", "crop_size_w", "crop_size_h")
        edges = [f"{edge}_padding_size" for edge in ("top", "bottom", "left", "right")]
        for call, names in (
            (acl.aclmdlSetAIPPCropParams, ["crop", *crop]),
            (acl.aclmdlSetAIPPPaddingParams, ["padding", *edges]),
            (acl.aclmdlSetAIPPDtcPixelMean, [f"mean_chn_{i}" for i in channels]),
            (acl.aclmdlSetAIPPDtcPixelMin, [f"min_chn_{i}" for i in channels]),
            (acl.aclmdlSetAIPPPixelVarReci, [f"var_reci_chn_{i}" for i in channels]),
        ):
            assert call(self.one, *(one[name] for name in names), at) == 0

    def set(self, index: int = 1, dataset: Dataset | None = None) -> int:
        handle = (dataset or self.given).handle
        return int(self.acl.aclmdlSetInputAIPP(self.model, handle, index, self.one))

    def run(self) -> int:
        status = self.acl.aclmdlExecute(self.model, self.given.handle, self.made.handle)
        return int(status)

    @property
    def answer(self) -> NDArray[np.float32]:
        return np.frombuffer(self.made.read(0), np.float32).reshape(self.dims)


@pytest.fixture
def session(ready: Acl) -> Iterator[Session]:
    made = Session(ready)
    yield made
    made.close()


def images(one: dict[str, Any], batch: int = 2, seed: int = 0) -> NDArray[np.uint8]:
    size = reference.nbytes(one["input_format"], *(one[axis] for axis in models.SIZES))
    return np.random.default_rng(seed).integers(0, 256, (batch, size), np.uint8)


PLAIN = fields(src_image_size_w=8, src_image_size_h=6)
CASES = {
    "plain": PLAIN,
    "normalised": {**PLAIN, "mean_chn_0": 3, "min_chn_1": 0.7, "var_reci_chn_2": 0.017},
    "cropped": fields(
        src_image_size_w=12, src_image_size_h=10, crop=1, load_start_pos_w=3, load_start_pos_h=2,
        crop_size_w=8, crop_size_h=6, rbuv_swap_switch=1,
    ),
    "padded": fields(
        src_image_size_w=5, src_image_size_h=5, padding=1, left_padding_size=2,
        right_padding_size=1, bottom_padding_size=1, var_reci_chn_0=-2.0,
    ),
    "NV12": fields(
        input_format="YUV420SP_U8", src_image_size_w=8, src_image_size_h=6, csc_switch=1,
        **{f"matrix_r{at // 3}c{at % 3}": number
           for at, number in enumerate((298, 516, 0, 298, -100, -208, 298, 0, 409))},
        input_bias_0=16, input_bias_1=128, input_bias_2=128,
    ),
    "XRGB": {**PLAIN, "input_format": "XRGB8888_U8", "ax_swap_switch": 1},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_run_computes_with_what_was_set_facts_13_8(session: Session, case: str) -> None:
    one = CASES[case]
    session.put(one)
    given = images(one)
    session.given.write(0, given.tobytes())
    assert session.set() == 0
    assert session.run() == 0
    size = (one["src_image_size_w"], one["src_image_size_h"])
    np.testing.assert_array_equal(session.answer, reference.expected(given, one, 3, size))


def test_fewer_bytes_are_enough_where_the_images_end_facts_13_3(session: Session) -> None:
    acl = session.acl
    session.put(PLAIN)
    assert session.set() == 0
    given = images(PLAIN)
    exact, buffer = acl.on_device(given.tobytes()), session.given.buffers[0]
    assert acl.aclUpdateDataBuffer(buffer, exact, given.nbytes) == 0
    assert session.run() == 0
    np.testing.assert_array_equal(session.answer, reference.expected(given, PLAIN, 3, (8, 6)))
    assert acl.aclUpdateDataBuffer(buffer, exact, given.nbytes - 1) == 0
    assert session.run() == codes.GE_FAILURE
    assert acl.violations() == ["AB-MDL-0010"]


def test_each_image_has_its_own_part_facts_13_5(session: Session) -> None:
    one = CASES["cropped"]
    parts = [{**one, "load_start_pos_w": 4 * at, "mean_chn_0": 100 * at} for at in range(2)]
    session.put(one)
    for at, part in enumerate(parts):
        session.part(at, part)
    given = images(one)
    session.given.write(0, given.tobytes())
    assert session.set() == 0
    assert session.run() == 0
    expected = [
        reference.expected(given[at : at + 1], part, 3, (12, 10))[0]
        for at, part in enumerate(parts)
    ]
    np.testing.assert_array_equal(session.answer, expected)


def test_other_parameters_count_at_the_next_run(session: Session) -> None:
    session.put(PLAIN)
    given = images(PLAIN)
    session.given.write(0, given.tobytes())
    for mean in (0, 50):
        one = {**PLAIN, "mean_chn_1": mean}
        session.part(0, one)
        session.part(1, one)
        assert session.set() == 0
        assert session.run() == 0
        np.testing.assert_array_equal(session.answer, reference.expected(given, one, 3, (8, 6)))


def test_the_image_of_its_input_facts_13_7(session: Session) -> None:
    acl = session.acl
    call = acl.aclmdlSetAIPPByInputIndex
    session.put(PLAIN)
    given = session.given.handle
    assert call(session.model, given, 0, session.one) == 0
    assert session.given.read(1)[:12] == struct.pack("<B4b3xi", 5, 0, 0, 0, 2, 8)
    assert call(session.model, given, 1, session.one) == codes.FAILURE
    assert call(session.model, given, 2, session.one) == codes.INVALID_PARAM
    assert call(session.model, acl.NULL, 0, session.one) == codes.INVALID_PARAM
    assert call(session.model, given, 0, acl.NULL) == codes.INVALID_PARAM
    assert call(99, given, 0, session.one) == codes.GE_MODEL_ID_INVALID
    more = acl.dataset(8, 8, 8)
    assert call(session.model, more.handle, 2, session.one) == codes.INVALID_PARAM


def test_what_takes_no_parameters_facts_13_7(session: Session) -> None:
    acl = session.acl
    session.put(PLAIN)
    for index in (0, 2):
        assert session.set(index) == codes.INVALID_PARAM
    given = session.given.handle
    call = acl.aclmdlSetInputAIPP
    assert call(session.model, acl.NULL, 1, session.one) == codes.INVALID_PARAM
    assert call(session.model, given, 1, acl.NULL) == codes.INVALID_PARAM
    assert call(99, given, 1, session.one) == codes.GE_MODEL_ID_INVALID
    plain = acl.load_model(null_model([Tensor("x", (4,))]))
    assert call(plain, given, 0, session.one) == codes.INVALID_PARAM
    assert "no dynamic AIPP" in (acl.message() or "")
    assert acl.aclmdlSetAIPPByInputIndex(plain, given, 0, session.one) == codes.FAILURE
    assert acl.aclmdlUnload(plain) == 0


def test_buffers_that_cannot_take_them_facts_13_7(session: Session) -> None:
    acl = session.acl
    session.put(PLAIN)
    assert session.set(dataset=acl.dataset(LARGEST)) == codes.INVALID_PARAM
    assert session.set(dataset=acl.dataset(LARGEST, None)) == codes.INVALID_PARAM
    assert session.set(dataset=acl.dataset(LARGEST, 64 + 96 * 2 - 1)) == LENGTH
    assert session.set(dataset=acl.dataset(LARGEST, 64 + 96 * 2 + 1)) == 0
    elsewhere = acl.dataset(LARGEST)
    host = acl.new("char[]", 512)
    elsewhere.buffers.append(acl.aclCreateDataBuffer(host, 512))
    assert acl.aclmdlAddDatasetBuffer(elsewhere.handle, elsewhere.buffers[-1]) == 0
    assert session.set(dataset=elsewhere) == codes.GE_FAILURE
    assert acl.violations() == ["AB-RT-0015"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "too large": ({"src_image_size_w": 4096, "src_image_size_h": 4096}, "max_src_image_size"),
    "size": ({"src_image_size_w": 7}, "the model takes"),
    "cropped": ({"crop": 1, "crop_size_w": 4, "crop_size_h": 6}, "the model takes"),
    "leaves": (
        {"crop": 1, "load_start_pos_w": 1, "crop_size_w": 8, "crop_size_h": 6}, "what is cropped"
    ),
    "gray": ({"input_format": "YUV400_U8"}, "1 channel"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_images_that_the_model_does_not_take_facts_13_7(session: Session, case: str) -> None:
    one, said = WRONG[case]
    session.put({**PLAIN, **one})
    assert session.set() == codes.INVALID_PARAM
    assert said in (session.acl.message() or "")


def test_what_aipp_cannot_do_facts_13_7(session: Session) -> None:
    acl = session.acl
    assert session.set() == codes.INVALID_PARAM, "nothing is set"
    assert acl.aclmdlSetAIPPSrcImageSize(session.one, 8, 6) == 0
    assert session.set() == codes.INVALID_PARAM
    assert "aclmdlSetAIPPInputFormat" in (acl.message() or "")
    for number in (5, 6, 7, 8, 9, 10, 11, 12, 13, 14):
        assert acl.aclmdlSetAIPPInputFormat(session.one, number) == 0
        assert session.set() == codes.INVALID_PARAM
    session.put(PLAIN)
    assert session.set() == 0
    assert acl.aclmdlSetAIPPScfParams(session.one, 1, 16, 16, 16, 16, 1) == 0
    assert session.set() == codes.INVALID_PARAM
    assert "scaled" in (acl.message() or "")
    assert acl.aclmdlSetAIPPScfParams(session.one, 0, 0, 0, 0, 0, 1) == 0
    assert acl.aclmdlSetAIPPPaddingParams(session.one, 1, 0, 0, 1, 0, 1) == 0
    assert session.set() == codes.INVALID_PARAM
    assert "of image 1 and" in (acl.message() or "")


def test_odd_numbers_of_nv12_facts_13_7(ready: Acl) -> None:
    session = Session(ready, (1, 3, 5, 7))
    nv12 = fields(input_format="YUV420SP_U8", src_image_size_w=8, src_image_size_h=6)
    odd = {**nv12, "src_image_size_w": 7, "src_image_size_h": 5}
    session.put(odd)
    assert session.set() == codes.INVALID_PARAM
    assert "must be even" in (ready.message() or "")
    crop = {**nv12, "crop": 1, "crop_size_w": 7, "crop_size_h": 5}
    session.put({**crop, "load_start_pos_w": 1})
    assert session.set() == codes.INVALID_PARAM
    assert "must be even" in (ready.message() or "")
    session.put(crop)
    assert session.set() == 0
    session.close()


def test_another_batch_facts_13_7(session: Session) -> None:
    acl = session.acl
    for batch in (1, 3):
        other = acl.aclmdlCreateAIPP(batch)
        mine, session.one, session.batch = session.one, other, batch
        session.put(PLAIN)
        assert session.set() == codes.INVALID_PARAM
        assert f"{batch} images" in (acl.message() or "")
        session.one, session.batch = mine, 2
        assert acl.aclmdlDestroyAIPP(other) == 0


def test_a_run_without_parameters_is_a_violation(session: Session) -> None:
    acl = session.acl
    assert session.run() == codes.GE_FAILURE
    assert acl.violations() == ["AB-MDL-0020"]
    session.put(PLAIN)
    assert session.set() == 0
    assert session.run() == 0
    good = session.given.read(1)
    rng = np.random.default_rng(5)
    for at in rng.choice(len(good), 60, replace=False):
        wrong = bytearray(good)
        wrong[at] ^= 0xFF
        session.given.write(1, bytes(wrong))
        if session.run() != 0:
            assert acl.violations() == ["AB-MDL-0020"], at
    for _ in range(200):
        session.given.write(1, rng.bytes(len(good)))
        assert session.run() == codes.GE_FAILURE
        assert acl.violations() == ["AB-MDL-0020"]


def test_parameters_on_a_stream(session: Session) -> None:
    acl = session.acl
    session.put(PLAIN)
    given = images(PLAIN)
    session.given.write(0, given.tobytes())
    assert session.set() == 0
    stream = acl.new("aclrtStream *")
    assert acl.aclrtCreateStream(stream) == 0
    done = acl.aclmdlExecuteAsync(
        session.model, session.given.handle, session.made.handle, stream[0]
    )
    assert done == 0
    assert acl.aclrtSynchronizeStream(stream[0]) == 0
    assert acl.aclrtDestroyStream(stream[0]) == 0
    np.testing.assert_array_equal(session.answer, reference.expected(given, PLAIN, 3, (8, 6)))


def test_parameters_set_beside_a_queued_run_are_a_race(session: Session) -> None:
    """The setter writes the device's memory, as a copy does."""
    acl = session.acl
    session.put(PLAIN)
    session.given.write(0, images(PLAIN).tobytes())
    assert session.set() == 0
    stream = acl.new("aclrtStream *")
    assert acl.aclrtCreateStream(stream) == 0
    sets = session.given.handle, session.made.handle
    assert acl.aclmdlExecuteAsync(session.model, *sets, stream[0]) == 0
    assert session.set() != 0
    assert acl.violations() == ["AB-STR-0004"]
    assert acl.aclrtSynchronizeStream(stream[0]) == 0
    assert session.set() == 0
    assert acl.aclrtDestroyStream(stream[0]) == 0
