"""aclmdlAIPP: making, setting, ranges (ACL/acl_aipp_om2.cpp)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from .. import codes
from ..face import Acl

SWITCHES = ("aclmdlSetAIPPRbuvSwapSwitch", "aclmdlSetAIPPAxSwapSwitch")
CSC = (298, 516, 0, 298, -100, -208, 298, 0, 409, 16, 128, 128, 16, 128, 128)


@pytest.fixture
def one(acl: Acl) -> Any:
    """Parameters of two images; given back when the test ends."""
    made = acl.aclmdlCreateAIPP(2)
    assert made != acl.NULL
    yield made
    assert acl.aclmdlDestroyAIPP(made) == 0


def test_making_and_ending_facts_13_6(acl: Acl) -> None:
    for batch in (0, 1 << 60, 2**64 - 1):
        assert acl.aclmdlCreateAIPP(batch) == acl.NULL
        assert acl.message()
    made = acl.aclmdlCreateAIPP(3)
    assert acl.live() == ["set of AIPP parameters"]
    assert acl.aclmdlDestroyAIPP(made) == 0
    assert acl.live() == []
    assert acl.aclmdlDestroyAIPP(made) == codes.GE_FAILURE
    assert acl.violations() == ["AB-RT-0004"]
    assert acl.aclmdlDestroyAIPP(acl.NULL) == codes.INVALID_PARAM


def test_the_size_of_parameters_facts_13_4(acl: Acl) -> None:
    size = acl.new("size_t *")
    for batch in (1, 2, 127, 1000):
        assert acl.aclmdlGetAippDataSize(batch, size) == 0
        assert size[0] == 64 + 96 * batch
    assert acl.aclmdlGetAippDataSize(0, size) == codes.INVALID_PARAM
    assert acl.aclmdlGetAippDataSize(1, acl.NULL) == codes.INVALID_PARAM
    assert acl.aclmdlGetAippDataSize(2**64 - 1, size) == codes.FAILURE


def test_null_and_what_is_none_are_refused_facts_13_6(acl: Acl) -> None:
    other = acl.aclmdlCreateDataset()
    calls: list[tuple[Any, ...]] = [
        (acl.aclmdlSetAIPPInputFormat, 1),
        (acl.aclmdlSetAIPPCscParams, 0, *CSC),
        (acl.aclmdlSetAIPPRbuvSwapSwitch, 0),
        (acl.aclmdlSetAIPPAxSwapSwitch, 0),
        (acl.aclmdlSetAIPPSrcImageSize, 4, 4),
        (acl.aclmdlSetAIPPScfParams, 0, 0, 0, 0, 0, 0),
        (acl.aclmdlSetAIPPCropParams, 0, 0, 0, 0, 0, 0),
        (acl.aclmdlSetAIPPPaddingParams, 0, 0, 0, 0, 0, 0),
        (acl.aclmdlSetAIPPDtcPixelMean, 0, 0, 0, 0, 0),
        (acl.aclmdlSetAIPPDtcPixelMin, 0, 0, 0, 0, 0),
        (acl.aclmdlSetAIPPPixelVarReci, 0, 0, 0, 0, 0),
    ]
    for function, *rest in calls:
        assert function(acl.NULL, *rest) == codes.INVALID_PARAM
        assert function(acl.ffi.cast("aclmdlAIPP *", other), *rest) == codes.GE_FAILURE
        assert acl.violations() == ["AB-RT-0003"]
    assert acl.aclmdlDestroyDataset(other) == 0


def test_formats_facts_13_6(acl: Acl, one: Any) -> None:
    for number in range(1, 15):
        assert acl.aclmdlSetAIPPInputFormat(one, number) == 0
    for number in (0, 15, 0xFFFF):
        assert acl.aclmdlSetAIPPInputFormat(one, number) == codes.INVALID_PARAM
        assert f"inputFormat is {number}" in (acl.message() or "")


@pytest.mark.parametrize("function", SWITCHES)
def test_switches_facts_13_6(acl: Acl, one: Any, function: str) -> None:
    call = getattr(acl, function)
    assert [call(one, value) for value in (0, 1)] == [0, 0]
    assert [call(one, value) for value in (-1, 2)] == [codes.INVALID_PARAM] * 2


def test_colour_conversion_facts_13_6(acl: Acl, one: Any) -> None:
    assert acl.aclmdlSetAIPPCscParams(one, 1, *CSC) == 0
    assert acl.aclmdlSetAIPPCscParams(one, 2, *CSC) == codes.INVALID_PARAM
    for at in range(9):
        for value in (-32678, 32677):
            wrong = [*CSC]
            wrong[at] = value
            assert acl.aclmdlSetAIPPCscParams(one, 1, *wrong) == codes.INVALID_PARAM
            assert f"R{at // 3}C{at % 3} is {value}" in (acl.message() or "")
            assert acl.aclmdlSetAIPPCscParams(one, 0, *wrong) == 0, "not looked at"


def test_the_size_of_images_facts_13_6(acl: Acl, one: Any) -> None:
    for good in ((2, 1), (4096, 4096)):
        assert acl.aclmdlSetAIPPSrcImageSize(one, *good) == 0
    for bad in ((1, 1), (2, 0), (4097, 4), (4, 4097), (-2, 4)):
        assert acl.aclmdlSetAIPPSrcImageSize(one, *bad) == codes.INVALID_PARAM


OF_AN_IMAGE = [  # function, numbers that are right, their ranges
    ("aclmdlSetAIPPScfParams", (16, 16, 16, 16),
     ((16, 4096), (16, 4096), (16, 1920), (16, 4096))),
    ("aclmdlSetAIPPCropParams", (0, 0, 8, 8), ((0, 4095), (0, 4095), (1, 4096), (1, 4096))),
    ("aclmdlSetAIPPPaddingParams", (0, 0, 0, 0), ((0, 32),) * 4),
]  # fmt: skip


@pytest.mark.parametrize(("function", "right", "ranges"), OF_AN_IMAGE)
def test_what_is_of_one_image_facts_13_6(
    acl: Acl, one: Any, function: str, right: tuple[int, ...], ranges: tuple[tuple[int, int], ...]
) -> None:
    call = getattr(acl, function)
    assert call(one, 1, *right, 1) == 0
    assert call(one, 1, *right, 2) == codes.INVALID_PARAM, "of two images the last is 1"
    assert call(one, 2, *right, 0) == codes.INVALID_PARAM
    for at, (low, high) in enumerate(ranges):
        for value, status in ((low, 0), (high, 0), (low - 1, 1), (high + 1, 1)):
            numbers = [*right]
            numbers[at] = value
            assert call(one, 1, *numbers, 0) == (codes.INVALID_PARAM if status else 0)
            assert call(one, 0, *numbers, 0) == 0, "not looked at"


def test_means_minima_and_variances_facts_13_6(acl: Acl, one: Any) -> None:
    rows = [
        ("aclmdlSetAIPPDtcPixelMean", 0, 255, 1),
        ("aclmdlSetAIPPDtcPixelMin", 0, 255, 0.01),
        ("aclmdlSetAIPPPixelVarReci", -65504, 65504, 32),
    ]
    for function, low, high, step in rows:
        call = getattr(acl, function)
        for at in range(4):
            for value, status in ((low, 0), (high, 0), (low - step, 1), (high + step, 1)):
                numbers = [0] * 4
                numbers[at] = value
                assert call(one, *numbers, 1) == (codes.INVALID_PARAM if status else 0), value
        assert call(one, 0, 0, 0, 0, 2) == codes.INVALID_PARAM
    for function, *_ in rows[1:]:
        assert getattr(acl, function)(one, math.nan, 0, 0, 0, 0) == 0, "as in CANN"
