"""Dims, their ranges, names that do not fit and sizes that are not known (facts 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..programs import Tensor, null_model

RT2_DIMS = (-1, 4)


def described(acl: Acl, *inputs: Tensor, outputs: tuple[Tensor, ...] = ()) -> Any:
    dynamic = any(dim < 0 for one in inputs for dim in one.dims)
    return acl.describe(acl.load_model(null_model(inputs, outputs, dynamic=dynamic)))


def dims_of(acl: Acl, desc: Any, index: int = 0, function: str = "aclmdlGetInputDims") -> Any:
    dims = acl.new("aclmdlIODims *")
    assert getattr(acl, function)(desc, index, dims) == codes.SUCCESS
    return dims


def ranges_of(acl: Acl, desc: Any) -> list[list[int]]:
    ranges = acl.new("aclmdlIODimsRange *")
    assert acl.aclmdlGetInputDimsRange(desc, 0, ranges) == codes.SUCCESS
    return [list(ranges.range[axis]) for axis in range(ranges.rangeCount)]


@pytest.mark.parametrize("function", ["aclmdlGetInputDims", "aclmdlGetInputDimsV2"])
def test_dims_facts_1_9(ready: Acl, function: str) -> None:
    dims = dims_of(ready, described(ready, Tensor("x", (2, 3, 4))), function=function)
    assert list(dims.dims)[: dims.dimCount] == [2, 3, 4]
    assert ready.ffi.string(dims.name) == b"x"


def test_dims_of_outputs_facts_1_9(ready: Acl) -> None:
    desc = described(ready, Tensor("x", (1,)), outputs=(Tensor("y", (5, 6)),))
    for function in ("aclmdlGetOutputDims", "aclmdlGetCurOutputDims"):
        dims = dims_of(ready, desc, function=function)
        assert list(dims.dims)[: dims.dimCount] == [5, 6]
        assert ready.ffi.string(dims.name) == b"y"


def test_a_scalar_has_none_facts_1_9(ready: Acl) -> None:
    desc = described(ready, Tensor("x", ()))
    assert dims_of(ready, desc).dimCount == 0
    assert ready.aclmdlGetInputSizeByIndex(desc, 0) == 4


def test_what_is_past_the_count_is_left_alone_facts_2(ready: Acl) -> None:
    desc = described(ready, Tensor("x", (2, 3)))
    dims, ranges = ready.new("aclmdlIODims *"), ready.new("aclmdlIODimsRange *")
    dims.dims = [77] * 128
    ranges.range = [[77, 77]] * 128
    assert ready.aclmdlGetInputDims(desc, 0, dims) == codes.SUCCESS
    assert list(dims.dims)[2:] == [77] * 126
    assert ready.aclmdlGetInputDimsRange(desc, 0, ranges) == codes.SUCCESS
    assert [list(pair) for pair in ranges.range][2:] == [[77, 77]] * 126


@pytest.mark.parametrize(
    "function",
    [
        "aclmdlGetInputDims",
        "aclmdlGetInputDimsV2",
        "aclmdlGetInputDimsRange",
        "aclmdlGetOutputDims",
        "aclmdlGetCurOutputDims",
    ],
)
def test_null_and_out_of_range_facts_1_9(ready: Acl, function: str) -> None:
    desc = described(ready, Tensor("x", (2,)), outputs=(Tensor("y", (2,)),))
    kind = "aclmdlIODimsRange *" if "Range" in function else "aclmdlIODims *"
    call, place = getattr(ready, function), ready.new(kind)
    assert call(ready.NULL, 0, place) == codes.INVALID_PARAM
    assert call(desc, 0, ready.NULL) == codes.INVALID_PARAM
    assert call(desc, 1, place) == codes.INVALID_PARAM
    assert call(desc, 2**64 - 1, place) == codes.INVALID_PARAM


def test_128_dims_fit_and_129_do_not_facts_1_9(ready: Acl) -> None:
    fits = dims_of(ready, described(ready, Tensor("x", (1,) * 128)))
    assert fits.dimCount == 128
    desc = described(ready, Tensor("x", (1,) * 129), outputs=(Tensor("y", (1,) * 129),))
    dims, ranges = ready.new("aclmdlIODims *"), ready.new("aclmdlIODimsRange *")
    for function in ("aclmdlGetInputDims", "aclmdlGetInputDimsV2", "aclmdlGetOutputDims"):
        assert getattr(ready, function)(desc, 0, dims) == 300000
    assert ready.aclmdlGetInputDimsRange(desc, 0, ranges) == 500000


def test_ranges_of_static_dims_facts_1_9(ready: Acl) -> None:
    assert ranges_of(ready, described(ready, Tensor("x", (2, 3)))) == [[2, 2], [3, 3]]


def test_ranges_as_stored_facts_1_9(ready: Acl) -> None:
    one = Tensor("x", RT2_DIMS, ranges=((1, 16), (4, 4)))
    assert ranges_of(ready, described(ready, one)) == [[1, 16], [4, 4]]


def test_no_ranges_stored_facts_1_9(ready: Acl) -> None:
    assert ranges_of(ready, described(ready, Tensor("x", RT2_DIMS))) == [[-1, -1], [4, 4]]
    assert ranges_of(ready, described(ready, Tensor("x", (-2,)))) == [[-2, -2]]


def test_not_as_many_ranges_as_dims_facts_1_9(ready: Acl) -> None:
    desc = described(ready, Tensor("x", RT2_DIMS, ranges=((1, 16),)))
    ranges = ready.new("aclmdlIODimsRange *")
    assert ready.aclmdlGetInputDimsRange(desc, 0, ranges) == 500000


@pytest.mark.parametrize(
    ("dims", "ranges", "size"),
    [
        ((-1, 4), ((1, 16), (4, 4)), 16 * 4 * 4),
        ((-1, -1), ((1, 16), (2, 8)), 16 * 8 * 4),
        ((-1, 4), ((1, -1), (4, 4)), 0),  # no upper bound
        ((-1, 4), ((0, 0), (4, 4)), 0),
        ((-1, -1), ((1, 2**40), (1, 2**40)), 0),  # more bytes than there are numbers
        ((-1, 4), (), 0),  # the stored size
        ((-2,), (), 0),
    ],
)
def test_size_of_what_is_not_fixed_facts_1_9(
    ready: Acl, dims: tuple[int, ...], ranges: tuple[tuple[int, int], ...], size: int
) -> None:
    one = Tensor("x", dims, ranges=ranges)
    data = null_model([one], [Tensor("y", dims, ranges=ranges)], dynamic=True)
    desc = ready.describe(ready.load_model(data))
    assert ready.aclmdlGetInputSizeByIndex(desc, 0) == size
    assert ready.aclmdlGetOutputSizeByIndex(desc, 0) == size


LONG = "layer/" * 22  # 132 characters


def test_names_of_127_characters_fit_facts_1_9(ready: Acl) -> None:
    name = LONG[:127]
    desc = described(ready, Tensor(name, (1,)))
    assert ready.ffi.string(dims_of(ready, desc).name) == name.encode()


@pytest.mark.parametrize("length", [128, 129, 1000])
def test_longer_names_are_converted_facts_1_9(ready: Acl, length: int) -> None:
    """Only in aclmdlIODims; the other functions know the real one."""
    name = (LONG * 8)[:length]
    outputs = (Tensor("y", (1,)), Tensor(name, (1,)))
    model = ready.load_model(null_model([Tensor(name, (1,))], outputs))
    desc = ready.describe(model)
    made = f"acl_modelId_{model}_input_0".encode()
    assert ready.ffi.string(dims_of(ready, desc).name) == made
    assert ready.ffi.string(ready.aclmdlGetInputNameByIndex(desc, 0)) == name.encode()
    assert ready.ffi.string(ready.aclmdlGetTensorRealName(desc, made)) == name.encode()
    output = dims_of(ready, desc, 1, "aclmdlGetOutputDims")
    made = f"acl_modelId_{model}_output_1".encode()
    assert ready.ffi.string(output.name) == made
    assert ready.ffi.string(ready.aclmdlGetTensorRealName(desc, made)) == name.encode()


def test_converted_names_that_collide_facts_1_9(ready: Acl) -> None:
    taken = [Tensor(f"acl_modelId_1_input_0{end}", (1,)) for end in ("", "_a")]
    model = ready.load_model(null_model([Tensor(LONG, (1,)), *taken]))
    assert model == 1
    desc = ready.describe(model)
    assert ready.ffi.string(dims_of(ready, desc).name) == b"acl_modelId_1_input_0_b"


def test_real_name_of_what_is_no_name_facts_1_9(ready: Acl) -> None:
    desc = described(ready, Tensor(LONG, (1,)))
    assert ready.aclmdlGetTensorRealName(desc, b"nobody") == ready.NULL
    assert ready.aclmdlGetTensorRealName(ready.NULL, b"nobody") == ready.NULL
    assert ready.aclmdlGetTensorRealName(desc, ready.NULL) == ready.NULL


def test_current_dims_of_a_dynamic_model_facts_1_9(ready: Acl) -> None:
    data = null_model([Tensor("x", RT2_DIMS)], [Tensor("y", RT2_DIMS)], dynamic=True)
    desc, dims = ready.describe(ready.load_model(data)), ready.new("aclmdlIODims *")
    assert ready.aclmdlGetCurOutputDims(desc, 0, dims) == codes.API_NOT_SUPPORT


def test_current_dims_after_unload_facts_1_9(ready: Acl) -> None:
    model = ready.load_model(null_model([Tensor("x", (1,))], [Tensor("y", (1,))]))
    desc, dims = ready.describe(model), ready.new("aclmdlIODims *")
    assert ready.aclmdlUnload(model) == codes.SUCCESS
    assert ready.aclmdlGetCurOutputDims(desc, 0, dims) == codes.GE_MODEL_ID_INVALID


def test_current_dims_of_a_description_from_a_file_facts_1_9(ready: Acl) -> None:
    """It belongs to no loaded model."""
    data = null_model([Tensor("x", (1,))], [Tensor("y", (1,))])
    desc, dims = ready.aclmdlCreateDesc(), ready.new("aclmdlIODims *")
    assert ready.aclmdlGetDescFromMem(desc, ready.hold(data), len(data)) == codes.SUCCESS
    assert ready.aclmdlGetCurOutputDims(desc, 0, dims) != codes.SUCCESS
