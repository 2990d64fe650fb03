"""Replacing constants in the program of a model made by :mod:`acl_bundle.build`.

The program (docs/program_format.md) is an ONNX model among records. Large
constants are handed to it from WEIGHTS_DATA and are named in CONSTANT
records; small ones stand in the model itself, where they are replaced here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from acl_bundle._base.extra import need
from acl_bundle.errors import BundleFormatError, WeightError
from acl_bundle.weights._base.spec import Array, Weights
from acl_bundle.weights._freeze.onnx import put, tensors

_HEAD: Final = struct.Struct("<8sIIQQ")
_RECORD: Final = struct.Struct("<IIQ")
_TENSOR: Final = struct.Struct("<QQiiII")
_CONSTANT, _ONNX = 2, 3


def rewritten(program: memoryview, weights: Weights) -> bytes:
    """Return a program whose own constants have their new values.

    Raises:
        WeightError: A constant stands there in another form than it was built from.
        BundleFormatError: The program is damaged.
        UnsupportedError: onnx is not installed.
    """
    records = list(_records(program))
    try:
        handed = {_tensor_name(payload) for tag, payload in records if tag == _CONSTANT}
    except struct.error as error:
        raise BundleFormatError(f"a constant of the program is cut short: {error}") from None
    inside = [name for name in weights if name not in handed]
    parts = [bytes(program[: _HEAD.size])]
    for tag, payload in records:
        data = _model(payload, weights, inside) if tag == _ONNX and inside else bytes(payload)
        parts += [_RECORD.pack(tag, 0, len(data)), data, bytes(-len(data) % 8)]
    return b"".join(parts)


def _records(program: memoryview) -> Iterator[tuple[int, memoryview]]:
    try:
        _, _, count, _, _ = _HEAD.unpack_from(program)
        at = _HEAD.size
        for _ in range(count):
            tag, _, size = _RECORD.unpack_from(program, at)
            at += _RECORD.size
            if size > len(program) - at:
                raise BundleFormatError(f"a record of the program claims {size} bytes")
            yield tag, program[at : at + size]
            at += size + -size % 8
    except struct.error as error:
        raise BundleFormatError(f"the program is cut short: {error}") from None


def _tensor_name(payload: memoryview) -> str:
    rank = _TENSOR.unpack_from(payload)[4]
    return bytes(payload[_TENSOR.size + 8 * rank :]).decode("utf-8", "backslashreplace")


def _model(payload: memoryview, weights: Weights, inside: list[str]) -> bytes:
    onnx = need("onnx", "build", "reading the program of a model")
    model = onnx.ModelProto.FromString(bytes(payload))
    found = {name: tensor for tensor, name in tensors(model.graph)}
    for name in inside:
        if name not in found:
            raise WeightError(
                f"constant {name!r} does not stand in the model's program under its name;"
                " freeze the ONNX model and build it again"
            )
        put(found[name], _in_its_type(weights[name], found[name], onnx))
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _in_its_type(array: Array, tensor: Any, onnx: Any) -> Array:
    """bfloat16 is widened for a CPU, which loses nothing."""
    wide = tensor.data_type == onnx.TensorProto.FLOAT and array.dtype.name == "bfloat16"
    return array.astype(np.float32) if wide else array
