"""dtypes.py against ACL's own header and facts 1.12."""

from __future__ import annotations

import re
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import dtypes

HEADER = Path(__file__).parents[3] / "csrc" / "acl" / "acl_types.h"


def enum(name):
    """The members of one C enum."""
    body = re.search(r"typedef enum \{([^}]*)\} " + name + ";", HEADER.read_text())
    return {key: int(value) for key, value in re.findall(r"(\w+) = (-?\d+)", body[1])}


def test_types_are_those_of_the_header():
    """Every aclDataType has its name here (facts 1.12)."""
    for name, number in enum("aclDataType").items():
        assert dtypes.name(number) == name


def test_formats_are_those_of_the_header():
    """Every aclFormat has its name here, and the way back."""
    for name, number in enum("aclFormat").items():
        short = name.removeprefix("ACL_").removeprefix("FORMAT_")
        assert dtypes.format_name(number) == short
        assert dtypes.format_number(short) == number


# aclDataTypeSize by size (facts 1.6)
SIZES = {
    0: [13, -1],
    1: [29, 30, 12, 2, 4, 34, 35, 36, 37],
    2: [1, 6, 7, 27],
    4: [0, 3, 8, 33],
    8: [9, 10, 11, 16, 38, 39, 40, 41],
    16: [17],
}


def test_sizes():
    """aclDataTypeSize of every type (facts 1.6)."""
    for size, numbers in SIZES.items():
        assert [dtypes.nbytes(number) for number in numbers] == [size] * len(numbers)


def test_numpy_there_and_back():
    """Types numpy can hold map both ways and agree on the size."""
    held = [n for n in enum("aclDataType").values() if dtypes.has_numpy(n)]
    assert len(held) >= 18
    for number in held:
        assert dtypes.from_numpy(dtypes.to_numpy(number)) == number
        assert dtypes.to_numpy(number).itemsize == dtypes.nbytes(number)
    assert dtypes.to_numpy(27) == ml_dtypes.bfloat16


@pytest.mark.parametrize("number", [5, 14, 99, 13, 30, -1])
def test_no_numpy_dtype(number):
    """Holes, strings and packed types say which types there are."""
    with pytest.raises(ValueError, match="has no numpy dtype; one of float32, "):
        dtypes.to_numpy(number)


@pytest.mark.parametrize("dtype", [">f4", "O", "S3", "M8[s]", [("a", "f4")]])
def test_no_acl_type(dtype):
    """Swapped bytes, objects, text and structures have no ACL type."""
    with pytest.raises(ValueError, match="has no ACL type; use one of float32, "):
        dtypes.from_numpy(np.dtype(dtype))


def test_unknown_numbers_have_names_too():
    """Messages can name what nobody knows."""
    assert (dtypes.name(5), dtypes.format_name(99)) == ("aclDataType(5)", "aclFormat(99)")
    assert (dtypes.short_name(1), dtypes.short_name(30)) == ("float16", "ACL_UINT1")
    assert (dtypes.format_number("nothing"), dtypes.to_proto(5)) == (-1, 0)
