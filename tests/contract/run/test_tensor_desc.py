"""aclTensorDesc: dims, sizes, names and what their setters really set (facts 1.6)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .. import codes
from ..face import FLOAT, FLOAT16, ND, Acl

UNKNOWN_RANK = 2**64 - 2


def dims_of(acl: Acl, desc: Any) -> list[int]:
    count = acl.aclGetTensorDescNumDims(desc)
    return [acl.aclGetTensorDescDim(desc, axis) for axis in range(count)]


@pytest.mark.parametrize(("count", "dims"), [(-1, [1]), (-(2**31), [1]), (1, None), (3, None)])
def test_refused_facts_1_6(acl: Acl, count: int, dims: list[int] | None) -> None:
    given_dims = acl.NULL if dims is None else acl.new("int64_t[]", dims)
    assert acl.aclCreateTensorDesc(FLOAT, count, given_dims, ND) == acl.NULL


def test_no_dims_need_no_pointer_facts_1_6(acl: Acl) -> None:
    desc = acl.aclCreateTensorDesc(FLOAT, 0, acl.NULL, ND)
    assert desc != acl.NULL
    assert acl.aclGetTensorDescNumDims(desc) == 0
    assert acl.aclGetTensorDescElementCount(desc) == 1
    assert acl.aclGetTensorDescSize(desc) == 4


@pytest.mark.parametrize(
    ("dims", "elements"),
    [
        ((5,), 5),
        ((2, 3, 4), 24),
        ((0,), 0),
        ((4, 0), 0),
        ((-1,), 0),
        ((3, -1, 2), 0),
        ((2**32, 2**32), 0),
        ((2**62, 4), 0),
    ],
)
def test_number_of_elements_facts_1_6(acl: Acl, dims: tuple[int, ...], elements: int) -> None:
    """Any negative dim gives 0, and so does an overflow."""
    desc = acl.tensor_desc(dims)
    assert acl.aclGetTensorDescElementCount(desc) == elements
    assert acl.aclGetTensorDescSize(desc) == elements * 4
    assert dims_of(acl, desc) == list(dims), "all dims are stored as given"


@settings(max_examples=50)
@given(
    dims=st.lists(st.integers(-3, 1000), max_size=5),
    dtype=st.sampled_from([0, 1, 2, 3, 9, 12, 17, 27]),
)
def test_elements_and_bytes_of_any_shape_facts_1_6(
    _library: Acl, dims: list[int], dtype: int
) -> None:
    acl = _library
    if dims[:1] == [-2]:
        dims[0] = -1
    desc = acl.tensor_desc(dims, dtype)
    count = 0 if any(dim < 0 for dim in dims) else math.prod(dims)
    assert acl.aclGetTensorDescElementCount(desc) == count
    assert acl.aclGetTensorDescSize(desc) == count * acl.aclDataTypeSize(dtype)
    acl.aclDestroyTensorDesc(desc)


def test_type_and_format_facts_1_6(acl: Acl) -> None:
    desc = acl.aclCreateTensorDesc(27, 1, acl.new("int64_t[]", [2]), 29)
    assert acl.aclGetTensorDescType(desc) == 27
    assert acl.aclGetTensorDescFormat(desc) == 29
    assert acl.aclGetTensorDescType(acl.NULL) == -1
    assert acl.aclGetTensorDescFormat(acl.NULL) == -1


def test_null_is_nothing_facts_1_6(acl: Acl) -> None:
    acl.aclDestroyTensorDesc(acl.NULL)
    assert acl.aclGetTensorDescElementCount(acl.NULL) == 0
    assert acl.aclGetTensorDescSize(acl.NULL) == 0
    assert acl.aclGetTensorDescNumDims(acl.NULL) == 0
    assert acl.aclGetTensorDescDim(acl.NULL, 0) == -1


def test_unknown_rank_facts_1_6(acl: Acl) -> None:
    assert acl.aclGetTensorDescNumDims(acl.tensor_desc((-2,))) == UNKNOWN_RANK


def test_dim_out_of_range_facts_1_6(acl: Acl) -> None:
    desc, dim = acl.tensor_desc((7, 8)), acl.new("int64_t *")
    assert acl.aclGetTensorDescDim(desc, 2) == -1
    assert acl.aclGetTensorDescDimV2(desc, 2, dim) == codes.INVALID_PARAM
    assert acl.aclGetTensorDescDimV2(desc, 2**64 - 1, dim) == codes.INVALID_PARAM
    assert acl.aclGetTensorDescDimV2(desc, 1, dim) == codes.SUCCESS
    assert dim[0] == 8


def test_dim_with_null_facts_1_6(acl: Acl) -> None:
    desc = acl.tensor_desc((7,))
    assert acl.aclGetTensorDescDimV2(acl.NULL, 0, acl.new("int64_t *")) == codes.INVALID_PARAM
    assert acl.aclGetTensorDescDimV2(desc, 0, acl.NULL) == codes.INVALID_PARAM


@pytest.mark.parametrize(
    ("desc", "index", "room", "answer"),
    [(False, 0, 2, True), (True, 1, 2, True), (True, 0, 1, True), (True, 0, 2, False)],
)
def test_dim_range_refused_facts_1_6(
    acl: Acl, desc: bool, index: int, room: int, answer: bool
) -> None:
    given_desc = acl.tensor_desc((7,)) if desc else acl.NULL
    place = acl.new("int64_t[2]") if answer else acl.NULL
    status = acl.aclGetTensorDescDimRange(given_desc, index, room, place)
    assert status == codes.INVALID_PARAM


def test_names_facts_1_6(acl: Acl) -> None:
    desc = acl.tensor_desc((1,))
    assert acl.ffi.string(acl.aclGetTensorDescName(desc)) == b""
    acl.aclSetTensorDescName(desc, b"weight")
    assert acl.ffi.string(acl.aclGetTensorDescName(desc)) == b"weight"
    acl.aclSetTensorDescName(acl.NULL, b"nobody")
    assert acl.ffi.string(acl.aclGetTensorDescName(acl.NULL)) == b""


SHAPE_SETTERS = ["aclSetTensorShape", "aclSetTensorStorageShape", "aclSetTensorOriginShape"]
FORMAT_SETTERS = ["aclSetTensorFormat", "aclSetTensorStorageFormat", "aclSetTensorOriginFormat"]


@pytest.mark.parametrize("function", SHAPE_SETTERS)
def test_shape_setters_refuse_null_facts_1_6(acl: Acl, function: str) -> None:
    setter, dims = getattr(acl, function), acl.new("int64_t[]", [9])
    assert setter(acl.NULL, 1, dims) == codes.INVALID_PARAM
    assert setter(acl.tensor_desc((1,)), 1, acl.NULL) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", SHAPE_SETTERS)
@pytest.mark.parametrize("count", [-1, -(2**31)])
def test_a_negative_count_clears_the_dims_facts_1_6(acl: Acl, function: str, count: int) -> None:
    """tensor_desc_internal_om2.cpp:436-500; only the origin shape is the dims."""
    desc, dims = acl.tensor_desc((2, 3)), acl.new("int64_t[]", [9])
    assert getattr(acl, function)(desc, count, dims) == codes.SUCCESS
    assert dims_of(acl, desc) == ([] if function == "aclSetTensorOriginShape" else [2, 3])
    assert getattr(acl, function)(acl.NULL, count, dims) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", FORMAT_SETTERS)
def test_format_setters_accept_null_facts_1_6(acl: Acl, function: str) -> None:
    assert getattr(acl, function)(acl.NULL, ND) == codes.SUCCESS
    assert getattr(acl, function)(acl.tensor_desc((1,)), ND) == codes.SUCCESS


@pytest.mark.parametrize(
    ("function", "dims"),
    [
        ("aclSetTensorShape", [2, 3]),
        ("aclSetTensorStorageShape", [2, 3]),
        ("aclSetTensorOriginShape", [9]),
    ],
)
def test_only_the_origin_shape_changes_the_dims_facts_1_6(
    acl: Acl, function: str, dims: list[int]
) -> None:
    desc = acl.tensor_desc((2, 3))
    assert getattr(acl, function)(desc, 1, acl.new("int64_t[]", [9])) == codes.SUCCESS
    assert dims_of(acl, desc) == dims


NCHW, NHWC, NC1HWC0, FRACTAL_Z, HWCN, NDHWC, FRACTAL_NZ, NDC1HWC0 = 0, 1, 3, 4, 16, 27, 29, 32
FRACTAL_Z_C04, FRACTAL_ZZ, NCDHW, DHWCN, FRACTAL_Z_3D = 13, 28, 30, 31, 33
INT8, STRING = 2, 13
CONVERTED = [
    (NCHW, NHWC, FLOAT, (2, 3, 4, 5), (2, 4, 5, 3)),
    (NCHW, HWCN, FLOAT, (2, 3, 4, 5), (4, 5, 3, 2)),
    (NHWC, NCHW, FLOAT, (2, 4, 5, 3), (2, 3, 4, 5)),
    (HWCN, NCHW, FLOAT, (4, 5, 3, 2), (2, 3, 4, 5)),
    (NCHW, NC1HWC0, FLOAT16, (1, 3, 224, 224), (1, 1, 224, 224, 16)),
    (NCHW, NC1HWC0, INT8, (1, 33, 2, 2), (1, 2, 2, 2, 32)),
    (NHWC, NC1HWC0, FLOAT, (1, 2, 2, 17), (1, 2, 2, 2, 16)),
    (NCHW, NC1HWC0, FLOAT, (0, 3, 2, 2), (0, 1, 2, 2, 16)),
    (NCHW, FRACTAL_Z, FLOAT, (17, 18, 3, 3), (18, 2, 16, 16)),
    (HWCN, FRACTAL_Z, FLOAT, (3, 3, 18, 17), (18, 2, 16, 16)),
    (NHWC, FRACTAL_Z, INT8, (17, 3, 3, 18), (9, 2, 16, 32)),
    (ND, FRACTAL_NZ, FLOAT16, (17,), (2, 1, 16, 16)),
    (ND, FRACTAL_NZ, FLOAT16, (17, 33), (3, 2, 16, 16)),
    (ND, FRACTAL_NZ, INT8, (7, 17, 33), (7, 2, 2, 16, 32)),
    (NCHW, FRACTAL_NZ, FLOAT, (2, 3, 4, 5), (2, 3, 1, 1, 16, 16)),
    (ND, FRACTAL_ZZ, FLOAT16, (17,), (1, 2, 16, 16)),
    (ND, FRACTAL_ZZ, FLOAT16, (17, 33), (2, 3, 16, 16)),
    (NHWC, FRACTAL_ZZ, FLOAT, (2, 3, 4, 33), (2, 3, 1, 3, 16, 16)),
    (NCHW, FRACTAL_ZZ, INT8, (2, 3, 4, 65), (2, 3, 1, 3, 32, 32)),
    (DHWCN, FRACTAL_Z_3D, FLOAT16, (2, 3, 4, 17, 33), (48, 3, 16, 16)),
    (DHWCN, FRACTAL_Z_3D, INT8, (1, 1, 1, 33, 16), (2, 1, 16, 32)),
    (NCHW, FRACTAL_Z_C04, FLOAT16, (17, 3, 3, 3), (2, 2, 16, 16)),
    (NCHW, FRACTAL_Z_C04, INT8, (33, 4, 3, 3), (2, 2, 32, 32)),
]
REFUSED = [
    (NC1HWC0, NCHW, FLOAT, (1, 1, 2, 2, 16), codes.GE_FORMAT_INVALID),
    (FRACTAL_NZ, ND, FLOAT, (1, 1, 16, 16), codes.GE_FORMAT_INVALID),
    (ND, NC1HWC0, FLOAT, (1, 2, 3, 4), codes.GE_FORMAT_INVALID),
    (NCHW, NCHW, FLOAT, (1, 2, 3, 4), codes.GE_FORMAT_INVALID),
    (NDHWC, NDC1HWC0, FLOAT, (1, 2, 3, 4, 5), codes.GE_FORMAT_INVALID),
    (NCHW, 999, FLOAT, (1, 2, 3, 4), codes.GE_FORMAT_INVALID),
    (NCHW, NC1HWC0, STRING, (1, 2, 3, 4), codes.GE_DATATYPE_INVALID),
    (NCHW, NC1HWC0, FLOAT, (1, 2, 3), codes.GE_SHAPE_INVALID),
    (NCHW, NHWC, FLOAT, (1, 2, 3), codes.GE_SHAPE_INVALID),
    (NCHW, FRACTAL_Z, FLOAT, (-1, 2, 3, 4), codes.GE_SHAPE_INVALID),
    (ND, FRACTAL_NZ, FLOAT, (), codes.GE_SHAPE_INVALID),
    (ND, FRACTAL_NZ, FLOAT, (1 << 20, 1 << 21), codes.GE_SHAPE_INVALID),
    (NCHW, FRACTAL_Z, FLOAT, (0, 1 << 40, 1 << 40, 1 << 40), codes.GE_SHAPE_INVALID),
    (NCDHW, NDC1HWC0, FLOAT, (1, 2, 3, 4, 5), codes.GE_FORMAT_INVALID),
    (NDHWC, NCDHW, FLOAT, (1, 2, 3, 4, 5), codes.GE_FORMAT_INVALID),
    (NDHWC, FRACTAL_Z_3D, FLOAT, (1, 2, 3, 4, 5), codes.GE_FORMAT_INVALID),
    (NHWC, FRACTAL_Z_C04, FLOAT, (1, 2, 3, 4), codes.GE_FORMAT_INVALID),
    (HWCN, FRACTAL_ZZ, FLOAT, (1, 2, 3, 4), codes.GE_FORMAT_INVALID),
    (DHWCN, FRACTAL_Z_3D, FLOAT, (1, 2, 3, 4), codes.GE_SHAPE_INVALID),
    (DHWCN, FRACTAL_Z_3D, STRING, (1, 2, 3, 4, 5), codes.GE_DATATYPE_INVALID),
    (NCHW, FRACTAL_Z_C04, FLOAT, (0, 1 << 40, 1 << 40, 1 << 40), codes.GE_SHAPE_INVALID),
    (ND, FRACTAL_ZZ, FLOAT, (), codes.GE_SHAPE_INVALID),
]


def converted(acl: Acl, given: tuple[int, int, int, tuple[int, ...]]) -> tuple[int, Any]:
    source, target, dtype, dims = given
    desc = acl.aclCreateTensorDesc(dtype, len(dims), acl.new("int64_t[]", [*dims, 0]), source)
    made = acl.new("aclTensorDesc **")
    return int(acl.aclTransTensorDescFormat(desc, target, made)), made[0]


@pytest.mark.parametrize("case", CONVERTED)
def test_shapes_are_converted_facts_1_6(acl: Acl, case: tuple[Any, ...]) -> None:
    """GeFormatUtil::TransShape, reached from acl_model.cpp:732; the source's format stays.

    The rules are those of GE's own transfers (format_transfer_fractal_zz, _dhwcn_fracz3D,
    _nchw_to_fz_c04 and their neighbours).
    """
    status, made = converted(acl, case[:4])
    assert status == codes.SUCCESS
    assert tuple(dims_of(acl, made)) == case[4]
    assert acl.aclGetTensorDescFormat(made) == case[0]
    assert acl.aclGetTensorDescType(made) == case[2]
    acl.aclDestroyTensorDesc(made)


@pytest.mark.parametrize("case", REFUSED)
def test_shapes_that_ge_does_not_convert_facts_1_6(acl: Acl, case: tuple[Any, ...]) -> None:
    assert converted(acl, case[:4]) == (case[4], acl.NULL)


def test_conversion_of_nothing_facts_1_6(acl: Acl) -> None:
    made = acl.new("aclTensorDesc **")
    assert acl.aclTransTensorDescFormat(acl.NULL, NHWC, made) == codes.INVALID_PARAM
    assert acl.aclTransTensorDescFormat(acl.tensor_desc((1,)), NHWC, acl.NULL) == (
        codes.INVALID_PARAM
    )


def test_const_facts_1_6(acl: Acl) -> None:
    desc, data = acl.tensor_desc((1,)), acl.hold(bytearray(b"abcd"))
    assert acl.aclSetTensorConst(acl.NULL, data, 4) == codes.INVALID_PARAM
    assert acl.aclSetTensorConst(desc, acl.NULL, 4) == codes.INVALID_PARAM
    assert acl.aclSetTensorConst(desc, data, 0) == codes.INVALID_PARAM
    assert acl.aclSetTensorConst(desc, data, 4) == codes.SUCCESS


@pytest.mark.parametrize("place", [0, 1, 2])
def test_placement_facts_1_6(acl: Acl, place: int) -> None:
    assert acl.aclSetTensorPlaceMent(acl.NULL, place) == codes.INVALID_PARAM
    assert acl.aclSetTensorPlaceMent(acl.tensor_desc((1,)), place) == codes.SUCCESS


def test_use_after_destroy_is_seen_design_7(acl: Acl) -> None:
    desc = acl.tensor_desc((1,))
    acl.aclDestroyTensorDesc(desc)
    acl.aclGetTensorDescSize(desc)
    acl.aclDestroyTensorDesc(desc)
    assert acl.violations() == ["AB-RT-0002", "AB-RT-0004"]
