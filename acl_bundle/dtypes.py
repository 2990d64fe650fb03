"""ACL's numbers for element types and layouts, beside numpy's and the file format's.

Two tables, one per C enum (facts 1.12). A row of the first says what ACL
calls the type, which numpy dtype holds one element (``ml_dtypes`` supplies
those numpy lacks) and which number ge.proto gives it inside a model file
(facts 5.5), because the two numberings differ. Types that no numpy dtype can
hold element by element (packed, or two numbers in one) have ``None`` there:
their bytes can be moved, their values cannot be read.

    >>> from_numpy(np.dtype("float16"))
    1
    >>> name(1)
    'ACL_FLOAT16'
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import ml_dtypes
import numpy as np

UNDEFINED: Final = -1
FLOAT: Final = 0
FLOAT16: Final = 1
INT8: Final = 2
INT32: Final = 3
UINT8: Final = 4
INT16: Final = 6
UINT16: Final = 7
UINT32: Final = 8
INT64: Final = 9
UINT64: Final = 10
DOUBLE: Final = 11
BOOL: Final = 12
STRING: Final = 13
BF16: Final = 27

FORMAT_NCHW: Final = 0
FORMAT_ND: Final = 2


class _AclType(NamedTuple):
    name: str
    numpy: np.dtype[Any] | None
    nbytes: int
    proto: int


def _row(name: str, numpy: str | None, nbytes: int, proto: int) -> _AclType:
    scalar = getattr(ml_dtypes, numpy, numpy) if numpy else None
    try:
        dtype = np.dtype(scalar) if scalar is not None else None
    except TypeError:  # an ml_dtypes older than the type
        dtype = None
    return _AclType(name, dtype, nbytes, proto)


# aclDataType -> name, numpy, aclDataTypeSize (facts 1.6), ge.proto number (facts 5.5)
_TYPES: Final[dict[int, _AclType]] = {
    -1: _row("ACL_DT_UNDEFINED", None, 0, 0),
    0: _row("ACL_FLOAT", "float32", 4, 1),
    1: _row("ACL_FLOAT16", "float16", 2, 2),
    2: _row("ACL_INT8", "int8", 1, 3),
    3: _row("ACL_INT32", "int32", 4, 7),
    4: _row("ACL_UINT8", "uint8", 1, 4),
    6: _row("ACL_INT16", "int16", 2, 5),
    7: _row("ACL_UINT16", "uint16", 2, 6),
    8: _row("ACL_UINT32", "uint32", 4, 9),
    9: _row("ACL_INT64", "int64", 8, 8),
    10: _row("ACL_UINT64", "uint64", 8, 10),
    11: _row("ACL_DOUBLE", "float64", 8, 12),
    12: _row("ACL_BOOL", "bool", 1, 11),
    13: _row("ACL_STRING", None, 0, 13),
    16: _row("ACL_COMPLEX64", "complex64", 8, 16),
    17: _row("ACL_COMPLEX128", "complex128", 16, 17),
    27: _row("ACL_BF16", "bfloat16", 2, 27),
    29: _row("ACL_INT4", "int4", 1, 28),
    30: _row("ACL_UINT1", None, 1, 29),
    33: _row("ACL_COMPLEX32", None, 4, 32),
    34: _row("ACL_HIFLOAT8", None, 1, 33),
    35: _row("ACL_FLOAT8_E5M2", "float8_e5m2", 1, 34),
    36: _row("ACL_FLOAT8_E4M3FN", "float8_e4m3fn", 1, 35),
    37: _row("ACL_FLOAT8_E8M0", "float8_e8m0fnu", 1, 36),
    38: _row("ACL_FLOAT6_E3M2", None, 8, 37),
    39: _row("ACL_FLOAT6_E2M3", None, 8, 38),
    40: _row("ACL_FLOAT4_E2M1", None, 8, 39),
    41: _row("ACL_FLOAT4_E1M2", None, 8, 40),
}

# aclFormat -> name
_FORMATS: Final[dict[int, str]] = {
    -1: "UNDEFINED",
    0: "NCHW",
    1: "NHWC",
    2: "ND",
    3: "NC1HWC0",
    4: "FRACTAL_Z",
    12: "NC1HWC0_C04",
    16: "HWCN",
    27: "NDHWC",
    29: "FRACTAL_NZ",
    30: "NCDHW",
    32: "NDC1HWC0",
    33: "FRACTAL_Z_3D",
    35: "NC",
    47: "NCL",
    50: "FRACTAL_NZ_C0_16",
    51: "FRACTAL_NZ_C0_32",
    52: "FRACTAL_NZ_C0_2",
    53: "FRACTAL_NZ_C0_4",
    54: "FRACTAL_NZ_C0_8",
}

_BY_NUMPY: Final = {row.numpy: acl for acl, row in _TYPES.items() if row.numpy is not None}
_BY_PROTO: Final = {row.proto: acl for acl, row in _TYPES.items()}
_BY_FORMAT: Final = {text: number for number, text in _FORMATS.items()}

# In these layouts the dims of a tensor are the dims its author wrote.
PLAIN_FORMATS: Final = frozenset(
    _BY_FORMAT[text] for text in ("ND", "NCHW", "NHWC", "HWCN", "NCDHW", "NDHWC", "NC", "NCL")
)


def name(dtype: int) -> str:
    """Return the C name of an ``aclDataType``, ``"aclDataType(n)"`` for a hole."""
    row = _TYPES.get(dtype)
    return row.name if row else f"aclDataType({dtype})"


def short_name(dtype: int) -> str:
    """Return numpy's name of an ``aclDataType`` where there is one, else the C name."""
    row = _TYPES.get(dtype)
    return row.numpy.name if row and row.numpy is not None else name(dtype)


def nbytes(dtype: int) -> int:
    """Return what ``aclDataTypeSize`` says of one element, in bytes; 0 for a hole."""
    row = _TYPES.get(dtype)
    return row.nbytes if row else 0


def is_known(dtype: int) -> bool:
    """Say whether a number is an ``aclDataType``, the undefined one included."""
    return dtype == UNDEFINED or dtype in _TYPES


def has_numpy(dtype: int) -> bool:
    """Say whether a numpy dtype holds an ``aclDataType`` element by element."""
    row = _TYPES.get(dtype)
    return row is not None and row.numpy is not None


def to_numpy(dtype: int) -> np.dtype[Any]:
    """Return the numpy dtype of an ``aclDataType``.

    Raises:
        ValueError: Numpy has no type for it, or it is no ``aclDataType``.
    """
    row = _TYPES.get(dtype)
    if row is None or row.numpy is None:
        raise ValueError(f"{name(dtype)} has no numpy dtype; one of {_known()} has")
    return row.numpy


def from_numpy(dtype: np.dtype[Any]) -> int:
    """Return the ``aclDataType`` of a numpy dtype in native byte order.

    Raises:
        ValueError: ACL has no type for it, or its bytes are swapped.
    """
    acl = _BY_NUMPY.get(dtype)
    if acl is None:
        raise ValueError(f"dtype {dtype} has no ACL type; use one of {_known()}")
    return acl


def from_proto(number: int) -> int:
    """Return the ``aclDataType`` of a ge.proto number, ``UNDEFINED`` for an unknown one."""
    return _BY_PROTO.get(number, UNDEFINED)


def to_proto(dtype: int) -> int:
    """Return the ge.proto number of an ``aclDataType``, 0 for a hole."""
    row = _TYPES.get(dtype)
    return row.proto if row else 0


def format_name(number: int) -> str:
    """Return the name of an ``aclFormat`` without prefix, ``"aclFormat(n)"`` for a hole."""
    return _FORMATS.get(number, f"aclFormat({number})")


def format_number(text: str) -> int:
    """Return the ``aclFormat`` of a name without prefix, -1 for an unknown one."""
    return _BY_FORMAT.get(text, UNDEFINED)


def _known() -> str:
    return ", ".join(row.numpy.name for row in _TYPES.values() if row.numpy is not None)
