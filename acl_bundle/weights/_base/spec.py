"""What a weight is, apart from its values: shape, dtype, size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array
from acl_bundle._names.given import Given, by_name
from acl_bundle.errors import WeightError

Array: TypeAlias = NDArray[Any]
Weights: TypeAlias = Mapping[str, Array]

finfo: Any = ml_dtypes.finfo  # without types in some releases, with odd ones in others

_RANK_MAX: Final = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
_ITEM_MAX: Final = 16  # bytes of complex128
_INTS: Final = frozenset({int})
SHAPE_RULE: Final = f"at most {_RANK_MAX} sizes >= 0, for fewer than 2**63 bytes, are right"


@dataclass(frozen=True, slots=True)
class Spec:
    """A weight's shape and dtype.

    Attributes:
        shape: Dimensions in elements.
        dtype: numpy's dtype in native byte order (bfloat16 and float8 are ml_dtypes').
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}"


def is_shape(dims: Sequence[object]) -> bool:
    """Say whether numpy can have an array of these sizes, whatever its dtype.

    An empty array is no exception: numpy wants the other axes to make sense.
    """
    if len(dims) > _RANK_MAX or not _INTS.issuperset(map(type, dims)):
        return False
    sizes: list[Any] = [one for one in dims if one]
    return min(sizes, default=1) > 0 and math.prod(sizes, start=_ITEM_MAX) < 1 << 63


def mapping_of(weights: Given) -> Weights:
    """Return what is given for weights by name: `acl_bundle._names.given` says what that may be.

    Raises:
        TypeError: It is a path, a list of arrays or the like.
        WeightError: A name is no text, or comes twice.
    """
    found = by_name(weights, copied=_copy_of)
    for name in found:
        if not isinstance(name, str):
            raise WeightError(f"a weight cannot be called {name!r}; a text is right")
    return found


def spec_of(weights: Weights, name: str) -> Spec:
    """Describe one weight of any mapping, without reading it where the mapping can tell.

    Raises:
        KeyError: There is no such weight.
        TypeError: It is no array, by the rule of an update (`acl_bundle._base.arrays`).
    """
    tell = getattr(weights, "spec", None)
    if tell is not None:
        spec: Spec = tell(name)
        return spec
    array = _anywhere(weights, name)
    return Spec(array.shape, array.dtype.newbyteorder("="))


def fetch_as_it_is(weights: Weights, name: str) -> Any:
    """As `fetch`; one that is on a device is returned as a DeviceArray, and not copied.

    Raises:
        As `fetch`.
        ValueError: It is on a device, and cannot be taken from there.
    """
    array = _anywhere(weights, name)
    if isinstance(array, np.ndarray) and not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def fetch(weights: Weights, name: str) -> Array:
    """Return one weight of any mapping, in native byte order.

    Raises:
        KeyError: There is no such weight.
        TypeError: What is there is no array, by the rule of an update.
    """
    array = _array(weights, name)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _array(weights: Weights, name: str) -> Array:
    return as_array(weights[name], f"weight {name!r}")


def _anywhere(weights: Weights, name: str) -> Any:
    value, what = weights[name], f"weight {name!r}"
    found = None if isinstance(value, np.ndarray) else _as_device(value, what)
    return as_array(value, what) if found is None else found


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Say whether a dtype holds real floating-point numbers, ml_dtypes' included."""
    if dtype.kind != "V":
        return dtype.kind == "f"
    try:
        finfo(dtype)
    except (ValueError, TypeError):
        return False
    return True


def is_number(dtype: np.dtype[Any]) -> bool:
    """Say whether the elements are numbers or booleans."""
    return dtype.kind in "biufc" or (dtype.kind == "V" and dtype.type is not np.void)


def _copy_of(value: Any, what: str) -> Any:
    from acl_bundle._device.make import copy_of  # noqa: PLC0415  needs the shim

    return copy_of(value, what)


def _as_device(value: Any, what: str) -> Any:
    from acl_bundle._device.foreign import as_device  # noqa: PLC0415  needs the shim

    return as_device(value, what)
