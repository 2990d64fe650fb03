"""The protocol's names of element types, and numpy's."""

from __future__ import annotations

from typing import Any, Final

import ml_dtypes
import numpy as np

from acl_bundle.errors import visible
from acl_bundle.server._protocol.refusal import Refusal, Why

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
}
_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}


def dtype_of(name: object, what: str) -> np.dtype[Any]:
    """Return numpy's dtype of a name of the protocol.

    Args:
        name: What the client wrote.
        what: The tensor, for the message.

    Raises:
        Refusal: There is none.
    """
    found = DTYPES.get(name) if isinstance(name, str) else None
    if found is not None:
        return found
    if name == "BYTES":
        raise Refusal(Why.INVALID, f"{what} is of BYTES: no graph takes texts; numbers are right")
    known = ", ".join(DTYPES)
    raise Refusal(
        Why.INVALID, f"{what} has datatype {visible(repr(name))[:80]}; one of {known} is right"
    )


def name_of(dtype: np.dtype[Any]) -> str:
    """Return the protocol's name of a dtype, or numpy's where the protocol has none."""
    return _NAMES.get(dtype, str(dtype))
