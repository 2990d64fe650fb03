"""What an `InferSession` hands out: descriptions, outputs that stay, times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle.spec import TensorSpec


class Dtype(Enum):
    """Element types, by the names that ais_bench has for them."""

    uint8 = 1
    int8 = 2
    uint16 = 3
    int16 = 4
    uint32 = 5
    int32 = 6
    uint64 = 7
    int64 = 8
    float16 = 9
    float32 = 10
    double64 = 11
    bool = 12
    bfloat16 = 13


@dataclass(frozen=True)
class TensorDesc:
    """An input or output of a session.

    Attributes:
        name: As the library reports it.
        datatype: Its elements' type.
        format: ACL's number of the layout: 0 NCHW, 1 NHWC, 2 ND.
        shape: In elements; -1 is a dim that the mode leaves open.
        size: Bytes of its memory: of the largest gear, 0 where no shape is known.
        realsize: Bytes of the last inference's array, size before the first.
    """

    name: str
    datatype: Dtype
    format: int
    shape: list[int]
    size: int
    realsize: int


def describe(spec: TensorSpec, last: NDArray[Any] | None) -> TensorDesc:
    """Make the description of an input or output.

    Args:
        spec: The tensor.
        last: The array of the last inference.
    """
    name = {"float64": "double64"}.get(spec.dtype.name, spec.dtype.name)
    return TensorDesc(
        spec.name,
        Dtype[name],
        dtypes.format_number(spec.format),
        list(spec.shape),
        spec.nbytes,
        spec.nbytes if last is None else last.nbytes,
    )


class Tensor:
    """An output that was not asked for as an array: `infer(..., out_array=False)`.

    Its memory is the host's, so `to_host` has nothing to do. It is a feed like an array.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is None:
            return np.asarray(self._array, dtype)
        return np.array(self._array, dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, ...]:
        """The dims."""
        return self._array.shape

    def to_host(self) -> None:
        """Do nothing: the memory is the host's."""


class Summary(list[float]):
    """Milliseconds of each inference, in order. It is its own `exec_time_list`."""

    @property
    def exec_time_list(self) -> list[float]:
        """The same."""
        return self
