"""Numbers that stand one by one in a protobuf message, as arrays.

ONNX's and TensorFlow's tensors have their values either as bytes, which are
viewed, or in a repeated field, which is decoded here without a Python object
per value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from acl_bundle.om._proto.wire import Message
from acl_bundle.weights._base.spec import Array

_VARINT_MAX = 10  # bytes


def fixed(message: Message, field: int, dtype: np.dtype[Any], width: int) -> Array:
    """Return a field of floats or doubles; a complex number takes two.

    Args:
        message: What the field belongs to.
        field: Its number.
        dtype: What the values are, a whole multiple of ``width``.
        width: Bytes of each number of the field.

    Raises:
        BundleFormatError: The field holds anything else.
    """
    run = message.run(field, width)
    if len(run) % dtype.itemsize:
        raise message.span.error(0, f"field {field} ends inside a number of {dtype.name}")
    return np.frombuffer(run, dtype)


def integers(message: Message, field: int, dtype: np.dtype[Any]) -> Array:
    """Return a field of varints, each cut to what the dtype holds; its bits for narrow floats.

    Raises:
        BundleFormatError: The field holds anything else.
    """
    raw = np.frombuffer(message.run(field), np.uint8)
    try:
        values = _varints(raw)
    except ValueError as error:
        raise message.span.error(0, f"field {field}: {error}") from None
    narrow: Array = values.astype(f"u{dtype.itemsize}") if dtype.kind != "b" else values != 0
    return narrow.view(dtype)


def _varints(raw: Array) -> Array:
    ends = np.flatnonzero(raw < 0x80)
    if len(ends) == len(raw):
        return raw.astype(np.uint64)
    starts = np.concatenate([np.zeros(1, ends.dtype), ends[:-1] + 1]) if len(ends) else ends
    sizes = ends - starts + 1
    if raw[-1] >= 0x80 or sizes.max() > _VARINT_MAX:
        raise ValueError(f"a number does not end within {_VARINT_MAX} bytes")
    values = np.zeros(len(ends), np.uint64)
    for at in range(int(sizes.max())):
        there = np.flatnonzero(sizes > at)
        part = raw[starts[there] + at].astype(np.uint64) & np.uint64(0x7F)
        values[there] |= part << np.uint64(7 * at)
    return values
