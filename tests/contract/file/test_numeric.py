"""aclDataTypeSize and the two half-precision conversions (facts 1.6, 6.44)."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..face import Acl

SIZES = {
    0: ["ACL_DT_UNDEFINED", "ACL_STRING"],
    1: [
        "ACL_INT4", "ACL_UINT1", "ACL_BOOL", "ACL_INT8", "ACL_UINT8", "ACL_HIFLOAT8",
        "ACL_FLOAT8_E5M2", "ACL_FLOAT8_E4M3FN", "ACL_FLOAT8_E8M0",
    ],
    2: ["ACL_FLOAT16", "ACL_INT16", "ACL_UINT16", "ACL_BF16"],
    4: ["ACL_FLOAT", "ACL_INT32", "ACL_UINT32", "ACL_COMPLEX32"],
    8: [
        "ACL_INT64", "ACL_UINT64", "ACL_DOUBLE", "ACL_COMPLEX64", "ACL_FLOAT6_E3M2",
        "ACL_FLOAT6_E2M3", "ACL_FLOAT4_E2M1", "ACL_FLOAT4_E1M2",
    ],
    16: ["ACL_COMPLEX128"],
}  # fmt: skip
BY_NAME = {name: size for size, names in SIZES.items() for name in names}
HALVES = np.arange(65536, dtype=np.uint16)


def float32(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def test_the_table_below_is_complete(acl: Acl) -> None:
    declared = set(acl.ffi.typeof("aclDataType").relements)
    assert declared == set(BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
def test_size_of_every_type_facts_1_6(acl: Acl, name: str) -> None:
    assert acl.aclDataTypeSize(getattr(acl.lib, name)) == BY_NAME[name]


@pytest.mark.parametrize("number", [5, 14, 15, 18, 26, 28, 42, 1000])
def test_size_of_everything_else_is_8_facts_1_6(acl: Acl, number: int) -> None:
    assert acl.aclDataTypeSize(number) == 8


def test_every_finite_half_is_exact_facts_1_6(acl: Acl) -> None:
    """All 63488 of them, denormals and both zeros included."""
    finite = HALVES[np.isfinite(HALVES.view(np.float16))]
    widened = np.array([acl.aclFloat16ToFloat(int(bits)) for bits in finite], np.float32)
    expected = finite.view(np.float16).astype(np.float32)
    assert np.array_equal(widened.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize(
    ("bits", "value"),
    [(0x7C00, 65536.0), (0xFC00, -65536.0), (0x7E00, 98304.0), (0xFE00, -98304.0)],
)
def test_infinity_and_nan_become_numbers_facts_1_6(acl: Acl, bits: int, value: float) -> None:
    assert acl.aclFloat16ToFloat(bits) == value


def test_halves_come_back_facts_1_6(acl: Acl) -> None:
    finite = HALVES[np.isfinite(HALVES.view(np.float16))]
    for bits in finite[::7].tolist():
        assert acl.aclFloatToFloat16(acl.aclFloat16ToFloat(bits)) == bits


@settings(max_examples=500)
@given(st.integers(0, 2**32 - 1))
def test_any_float_is_rounded_to_nearest_even_facts_1_6(_library: Acl, bits: int) -> None:
    """As numpy does, but what overflows or is no number saturates."""
    value = float32(bits)
    with np.errstate(over="ignore"):
        expected = int(np.float32(value).astype(np.float16).view(np.uint16))
    if expected & 0x7C00 == 0x7C00:
        expected = 0xFBFF if bits >> 31 else 0x7BFF
    assert _library.aclFloatToFloat16(_library.ffi.cast("float", value)) == expected


@settings(max_examples=500)
@given(st.floats(-70000, 70000, width=32))
def test_usual_floats_are_rounded_to_nearest_even_facts_1_6(_library: Acl, value: float) -> None:
    with np.errstate(over="ignore"):
        expected = int(np.float32(value).astype(np.float16).view(np.uint16))
    if expected & 0x7C00 == 0x7C00:
        expected = 0xFBFF if value < 0 else 0x7BFF
    assert _library.aclFloatToFloat16(value) == expected


@pytest.mark.parametrize(
    ("bits", "half"),
    [
        (0x7F800000, 0x7BFF),  # infinity
        (0xFF800000, 0xFBFF),
        (0x7FC00000, 0x7BFF),  # NaN
        (0xFFC00000, 0xFBFF),
        (0x477FF000, 0x7BFF),  # 65520, the first that rounds past the largest
        (0x477FEFFF, 0x7BFF),
        (0x7F7FFFFF, 0x7BFF),  # the largest float
        (0x33000000, 0x0000),  # half the smallest denormal, a tie: to even
        (0x33000001, 0x0001),
        (0x32FFFFFF, 0x0000),
        (0xB2FFFFFF, 0x8000),  # a signed zero
        (0x00000001, 0x0000),
        (0x80000000, 0x8000),
        (0x3F801000, 0x3C00),  # 1 + 2^-11, a tie: to even
        (0x3F803000, 0x3C02),
        (0x387FF000, 0x0400),  # rounds up into the normal numbers
    ],
)
def test_corners_of_rounding_facts_1_6(acl: Acl, bits: int, half: int) -> None:
    assert acl.aclFloatToFloat16(acl.ffi.cast("float", float32(bits))) == half
