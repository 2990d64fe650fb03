"""ONNX's element types beside ACL's, and how ONNX stores their values.

Only types whose elements take whole bytes on both sides appear: these may be
inputs, outputs, weights and constants kept outside the ONNX message. Tensors
of other types (strings, packed 4-bit numbers, 8-bit floats, complex numbers)
may occur inside a graph and stay in the message.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from onnx import TensorProto

from acl_bundle import dtypes


class _OnnxType(NamedTuple):
    acl: int
    field: str  # of TensorProto, where values stand that are not in raw_data
    carrier: str  # numpy dtype of that field's numbers once they are narrowed


_ELEMS: Final[dict[int, _OnnxType]] = {
    TensorProto.FLOAT: _OnnxType(dtypes.FLOAT, "float_data", "float32"),
    TensorProto.FLOAT16: _OnnxType(dtypes.FLOAT16, "int32_data", "uint16"),
    TensorProto.BFLOAT16: _OnnxType(dtypes.BF16, "int32_data", "uint16"),
    TensorProto.DOUBLE: _OnnxType(dtypes.DOUBLE, "double_data", "float64"),
    TensorProto.INT8: _OnnxType(dtypes.INT8, "int32_data", "int8"),
    TensorProto.UINT8: _OnnxType(dtypes.UINT8, "int32_data", "uint8"),
    TensorProto.INT16: _OnnxType(dtypes.INT16, "int32_data", "int16"),
    TensorProto.UINT16: _OnnxType(dtypes.UINT16, "int32_data", "uint16"),
    TensorProto.INT32: _OnnxType(dtypes.INT32, "int32_data", "int32"),
    TensorProto.UINT32: _OnnxType(dtypes.UINT32, "uint64_data", "uint32"),
    TensorProto.INT64: _OnnxType(dtypes.INT64, "int64_data", "int64"),
    TensorProto.UINT64: _OnnxType(dtypes.UINT64, "uint64_data", "uint64"),
    TensorProto.BOOL: _OnnxType(dtypes.BOOL, "int32_data", "bool"),
}
_BY_NUMPY: Final = {dtypes.to_numpy(row.acl): elem for elem, row in _ELEMS.items()}

FLOATING: Final = frozenset(
    (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
)


def is_plain(elem: int) -> bool:
    """Say whether ACL has the type and its elements take whole bytes."""
    return elem in _ELEMS


def to_acl(elem: int) -> int:
    """Return the ``aclDataType`` of an ONNX type, -1 where there is none."""
    return _ELEMS[elem].acl if elem in _ELEMS else dtypes.UNDEFINED


def to_numpy(elem: int) -> np.dtype[Any]:
    """Return the numpy dtype of a plain ONNX type."""
    return dtypes.to_numpy(_ELEMS[elem].acl)


def from_numpy(dtype: np.dtype[Any]) -> int:
    """Return the ONNX type of a numpy dtype in the table."""
    return _BY_NUMPY[dtype]


def name(elem: int) -> str:
    """Return ONNX's name of a type."""
    known = elem in TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(elem)) if known else f"type {elem}"


def names() -> str:
    """Return the names of all plain types, for messages."""
    return ", ".join(dtypes.to_numpy(row.acl).name for row in _ELEMS.values())


def field_values(tensor: TensorProto) -> bytes:
    """Return the bytes of a plain tensor whose values are not in ``raw_data``."""
    row = _ELEMS[tensor.data_type]
    values = np.array(getattr(tensor, row.field))
    return values.astype(row.carrier).tobytes()
