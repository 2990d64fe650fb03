"""Foreign arrays at every door: what becomes an ndarray, and what is refused.

A numpy array is taken as it is. Anything with ``__dlpack__`` on the CPU (a
torch tensor, say) is viewed without a copy; numpy has no bfloat16 and no float8
of its own, so such a tensor crosses as integers and is viewed as ml_dtypes'.
What has ``__array__`` alone (a variable of TensorFlow, a dataset of h5py, a
scalar of numpy) is asked for it. Everything else is refused by name: a list or
a scalar of Python has no dtype to check.
"""

from __future__ import annotations

import operator
import sys
from contextlib import suppress
from typing import Any, Literal, SupportsIndex

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from acl_bundle._base import dlpack
from acl_bundle.errors import WeightError
from acl_bundle.spec import TensorSpec, WeightSpec

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def whole(value: object, what: str) -> int:
    """An int of what `operator.index` takes, numpy's integers say; a bool is none.

    Args:
        value: It.
        what: What it is, for the message: "depth is how many runs may be ahead, an int".

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, SupportsIndex) and not isinstance(value, bool | np.bool_):
        with suppress(TypeError):
            return operator.index(value)
    raise TypeError(f"{what}, not {value!r}")


def flag(value: object, name: str) -> bool:
    """True or False, numpy's too.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError(f"{name} is False or True, not {value!r}")


def text(value: object, name: str) -> str:
    """A text; `name` is what the caller calls it.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, str):
        return value
    raise TypeError(f"{name} is a text, not {value!r:.80}")


def label_of(version: object, name: str = "version") -> int | str:
    """A version as an int or a str; numpy's are taken. `name` is what the caller calls it.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(version, str):
        return str(version)
    return whole(version, f"{name} is an int or a str")


def _is_masked(array: NDArray[Any]) -> bool:
    """Whether it is one of numpy.ma's, a module that takes 25 ms to import for a no."""
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(array, ma.MaskedArray)


class _Capsule:
    """A DLPack capsule once taken, offered again."""

    def __init__(self, capsule: Any, device: tuple[int, int]) -> None:
        self._capsule, self._device = capsule, device

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device


def _plain(value: Any) -> Any:
    """What a torch tensor holds: without its gradient, and conjugated or negated if marked so.

    DLPack refuses the first two and loses the third.
    """
    if hasattr(value, "resolve_neg"):
        return value.detach().resolve_conj().resolve_neg()
    return value


def _from_dlpack(value: Any) -> NDArray[Any]:
    capsule = value.__dlpack__()
    tensor, _ = dlpack.tensor_of(capsule)
    foreign = getattr(ml_dtypes, dlpack.FOREIGN.get((tensor.code, tensor.bits), ""), None)
    if foreign is not None:
        tensor.code = dlpack.UINT
    array = np.from_dlpack(_Capsule(capsule, value.__dlpack_device__()))
    return array if foreign is None else array.view(foreign)


def _device_of(value: Any) -> int:
    """DLPack's kind of the device that a value is on, as far as it tells."""
    with suppress(Exception):
        return int(value.__dlpack_device__()[0])
    return dlpack.CPU


def as_array(
    value: Any, what: str, spec: TensorSpec | WeightSpec | Literal[""] = ""
) -> NDArray[Any]:
    """Return a value as an ndarray; copied only where ``__array__`` does so.

    Args:
        value: An ndarray, or an object with ``__dlpack__`` on the CPU or with ``__array__``.
        what: What it is, for the message: ``"input 'x'"``.
        spec: What would be right, for the message.

    Raises:
        TypeError: It is none, or a masked array, whose mask would be lost.
    """
    if isinstance(value, np.ndarray):
        if not _is_masked(value):
            return value
    elif hasattr(value, "__dlpack__"):
        try:
            return _from_dlpack(_plain(value))
        except (BufferError, RuntimeError, ValueError, TypeError) as error:
            if _device_of(value) != dlpack.CPU:
                raise TypeError(
                    f"{what} is on a device (DLPack's kind {_device_of(value)}); copy it to the"
                    " host: only graphs and updates take arrays that are not there"
                ) from error
            raise TypeError(f"{what} cannot be viewed through DLPack: {error}") from error
    elif hasattr(value, "__array__") and not isinstance(value, type):
        try:
            return np.asarray(value)
        except Exception as error:  # whatever its own code raises
            raise TypeError(f"{what} gives no array: {error}") from error
    right = f"give a numpy array {spec}" if spec else "a numpy array is right"
    raise TypeError(f"{what} is a {type(value).__name__}; {right}")


def check_dtype(array: NDArray[Any], what: str, spec: TensorSpec | WeightSpec) -> None:
    """Refuse an array whose dtype or byte order is not the spec's.

    Raises:
        TypeError: It is not; for a weight, a WeightError.
    """
    if array.dtype != spec.dtype:
        swapped = array.dtype.newbyteorder() == spec.dtype
        raise (WeightError if isinstance(spec, WeightSpec) else TypeError)(
            f"{what} has dtype {array.dtype.str if swapped else array.dtype}"
            f"{' (byte-swapped)' if swapped else ''}; it must be {spec.dtype}"
        )


def check(array: NDArray[Any], what: str, spec: TensorSpec | WeightSpec) -> None:
    """Refuse an array whose dtype, byte order or shape is not the spec's.

    Raises:
        TypeError: Another dtype or byte order; for a weight, a WeightError.
        ValueError: Another shape; for a weight, a WeightError.
    """
    check_dtype(array, what, spec)
    if spec.shape is not None and array.shape != spec.shape:
        raise (WeightError if isinstance(spec, WeightSpec) else ValueError)(
            f"{what} has shape {array.shape}; it must be {spec.shape}"
        )
