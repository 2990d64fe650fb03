"""The constants of an ONNX graph, with their bytes held outside the message.

A constant is an initializer or the output of a ``Constant`` node. Its bytes
are a view on whatever has them: a mapped file for external data, the value
protobuf handed out otherwise. They are never copied on the way to the bundle.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from acl_bundle.build._onnx import element_types
from acl_bundle.build._onnx.external import ExternalData


class ModelConstant(NamedTuple):
    """One constant of a plain type: ``data`` is its little-endian C-order bytes."""

    name: str
    elem: int
    dims: tuple[int, ...]
    data: memoryview

    @property
    def dtype(self) -> int:
        """The ``aclDataType``."""
        return element_types.to_acl(self.elem)

    @property
    def array(self) -> NDArray[Any]:
        """The value, read-only and not copied."""
        return np.frombuffer(self.data, element_types.to_numpy(self.elem)).reshape(self.dims)


def read(tensor: TensorProto, name: str, beside: ExternalData) -> ModelConstant:
    """Take a tensor of a plain type out of its message.

    Args:
        tensor: The message; it is not changed.
        name: What the graph calls the tensor.
        beside: The files beside the model, where external data lies.

    Raises:
        ValueError: Its bytes are missing, too many or too few, or lie where
            they may not.
        FileNotFoundError: They lie in a file that is not there.
    """
    dims = tuple(tensor.dims)
    if any(dim < 0 for dim in dims):
        raise ValueError(f"constant {name!r} has dims {list(dims)}; none may be negative")
    expected = math.prod(dims) * element_types.to_numpy(tensor.data_type).itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        data = beside.read(tensor, name, expected)
    elif tensor.HasField("raw_data"):
        data = memoryview(tensor.raw_data)
    else:
        data = memoryview(element_types.field_values(tensor))
    if data.nbytes != expected:
        raise ValueError(
            f"constant {name!r} has dims {list(dims)} and type"
            f" {element_types.name(tensor.data_type)}, so {expected} bytes, but carries"
            f" {data.nbytes}"
        )
    return ModelConstant(name, tensor.data_type, dims, data)
