"""The operations of a weight program, on numpy arrays.

Each takes arrays and plain options, every size already worked out, and means
what numpy means by it. Views come without a copy. What computes does so in
float32 where its operands are narrower, and rounds once, at its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Operation = Callable[..., Array]

_NARROW: Final = tuple(np.dtype(one) for one in (np.float16, ml_dtypes.bfloat16))
FLOAT32: Final = np.dtype(np.float32)


def dtype_of(name: str) -> np.dtype[Any]:
    """Return numpy's dtype of a name, those of ml_dtypes included.

    Raises:
        ValueError: There is none.
    """
    try:
        return np.dtype(getattr(ml_dtypes, name, None) or name)
    except TypeError:
        raise ValueError(f"there is no dtype {name!r}") from None


def transpose(value: Array, *, perm: Sequence[int]) -> Array:
    """Order the axes anew."""
    return np.transpose(value, perm)


def reshape(value: Array, *, shape: Sequence[int]) -> Array:
    """Lay the same elements out otherwise."""
    return value.reshape(tuple(shape))


def slice_(
    value: Array, *, starts: Sequence[int], stops: Sequence[int | None], steps: Sequence[int]
) -> Array:
    """Cut a piece out; None as a stop goes on to the end, in either direction."""
    found: Array = value[tuple(map(slice, starts, stops, steps))]
    return found


def cast(value: Array, *, dtype: str) -> Array:
    """Convert to another dtype, floats to integers towards zero."""
    with np.errstate(all="ignore"):
        return value.astype(dtype_of(dtype))


def concat(*values: Array, axis: int) -> Array:
    """Join arrays along an axis."""
    return np.concatenate(values, axis)


def gather(value: Array, indices: Array, *, axis: int) -> Array:
    """Take slices of an axis, by number."""
    return np.asarray(np.take(value, indices, axis))


def expand(value: Array, *, shape: Sequence[int]) -> Array:
    """Repeat along axes of length one, without a copy."""
    return np.broadcast_to(value, tuple(shape))


def tile(value: Array, *, repeats: Sequence[int]) -> Array:
    """Repeat the whole along each axis."""
    return np.tile(value, tuple(repeats))


def pad(value: Array, fill: Array, *, before: Sequence[int], after: Sequence[int]) -> Array:
    """Put a value around an array; a negative width cuts off."""
    kept = tuple(
        slice(max(-low, 0), dim - max(-high, 0))
        for dim, low, high in zip(value.shape, before, after, strict=True)
    )
    widths = [(max(low, 0), max(high, 0)) for low, high in zip(before, after, strict=True)]
    return np.pad(value[kept], widths, constant_values=fill.reshape(()))


def where(condition: Array, left: Array, right: Array) -> Array:
    """Take one of two, element by element."""
    return np.where(condition, left, right)


def dequantize(value: Array, scale: Array, zero: Array, *, axis: int) -> Array:
    """``(value - zero) * scale``, with a scale for all or for each slice of an axis."""
    wide = value.astype(np.int32) if value.dtype.kind in "iu" else value.astype(np.float32)
    offset = _along(zero.astype(wide.dtype), wide, axis)
    found = np.multiply((wide - offset).astype(np.float32), _along(scale, wide, axis))
    return cast(found, dtype=scale.dtype.name)


def quantize(value: Array, scale: Array, zero: Array, *, axis: int) -> Array:
    """``value / scale``, rounded to even, plus ``zero``, within the dtype of ``zero``."""
    bounds = np.iinfo(zero.dtype)
    wide = value.astype(np.float32) / _along(scale, value, axis).astype(np.float32)
    found = np.rint(wide) + _along(zero.astype(np.float32), value, axis)
    return cast(np.clip(found, bounds.min, bounds.max), dtype=zero.dtype.name)


def _along(value: Array, like: Array, axis: int) -> Array:
    """Give one number per slice of an axis the shape that broadcasts so."""
    if value.size == 1:
        return value.reshape(())
    shape = [1] * like.ndim
    shape[axis] = value.size
    return value.reshape(shape)


def _computed(function: Callable[..., Any]) -> Operation:
    """Have a function compute narrow floats in float32 and round its result."""

    def operation(*values: Array, **options: Any) -> Array:
        dtype = values[0].dtype
        narrow = dtype in _NARROW
        with np.errstate(all="ignore"):
            wide = [one.astype(FLOAT32) for one in values] if narrow else values
            found = np.asarray(function(*wide, **options))
            return found.astype(dtype) if narrow else found

    return operation


def _reduced(function: Callable[..., Any]) -> Operation:
    """The same of a function over axes."""

    def over(value: Array, *, axes: Sequence[int], keepdims: bool) -> Any:
        return function(value, axis=tuple(axes), keepdims=keepdims)

    return _computed(over)


def _divide(left: Array, right: Array) -> Array:
    """Division; of integers it goes towards zero, as ONNX has it."""
    if left.dtype.kind not in "iu":
        return np.asarray(left / right)
    quotient = np.asarray(left // right)
    return np.asarray(quotient + ((left % right != 0) & ((left < 0) != (right < 0)))).astype(
        left.dtype
    )


def _sigmoid(value: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-value))).astype(value.dtype)


def _einsum(*values: Array, equation: str) -> Array:
    return np.asarray(np.einsum(equation, *values))


def _sum_of_squares(value: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    return np.asarray(np.sum(value * value, axis=axis, keepdims=keepdims))


def _norm(value: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    return np.sqrt(_sum_of_squares(value, axis=axis, keepdims=keepdims))


def _of_magnitudes(value: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    return np.asarray(np.sum(np.abs(value), axis=axis, keepdims=keepdims))


VIEWS: Final[Mapping[str, Operation]] = {
    "transpose": transpose,
    "reshape": reshape,
    "slice": slice_,
    "expand": expand,
}
"""What moves no byte, or none that it can leave where it is."""

_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": np.abs, "ceil": np.ceil, "exp": np.exp, "floor": np.floor, "log": np.log,
    "neg": np.negative, "reciprocal": np.reciprocal, "round": np.rint, "sign": np.sign,
    "sigmoid": _sigmoid, "sqrt": np.sqrt, "tanh": np.tanh,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": _divide, "pow": np.power,
    "max": np.maximum, "min": np.minimum,
}  # fmt: skip
_OVER_AXES: Final[Mapping[str, Callable[..., Any]]] = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "amax": np.max, "amin": np.min,
    "sum_of_squares": _sum_of_squares, "norm": _norm, "sum_of_magnitudes": _of_magnitudes,
}  # fmt: skip

OPERATIONS: Final[Mapping[str, Operation]] = {
    **VIEWS,
    **{name: _computed(function) for name, function in _FUNCTIONS.items()},
    **{name: _reduced(function) for name, function in _OVER_AXES.items()},
    "cast": cast,
    "concat": concat,
    "dequantize": dequantize,
    "einsum": _computed(_einsum),
    "gather": gather,
    "matmul": _computed(np.matmul),
    "pad": pad,
    "quantize": quantize,
    "tile": tile,
    "where": where,
}
"""Every operation by name."""


def nbytes(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Bytes of an array."""
    return math.prod(shape) * dtype.itemsize
