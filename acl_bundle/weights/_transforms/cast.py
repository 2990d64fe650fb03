"""Half precision: what becomes of each weight, counted, and the weights themselves.

The view converts a weight when it is asked for, in pieces, straight into the
result. The report counts the same pieces converted by the same function, so
the two cannot disagree, and both are what numpy's (or ml_dtypes') ``astype``
gives: nearest, ties to even.

An update converts while it copies, so it asks `Cast.unconverted` for the float32
array, and no half-precision copy exists on the host.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable
from typing import Any, Final, Literal, TypeAlias, get_args

import ml_dtypes
import numpy as np

from acl_bundle._base.pieces import pieces
from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import matching
from acl_bundle.weights._base.pieces import PIECE, place
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.spec import Array, Spec, Weights, finfo, is_floating, mapping_of
from acl_bundle.weights._base.view import View
from acl_bundle.weights._transforms.cast_counts import CastRow, CastTally, convert, report

OnOverflow: TypeAlias = Literal["error", "saturate", "inf"]
OnUnderflow: TypeAlias = Literal["error", "warn", "ignore"]
HALVES: Final = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
_SINGLE: Final = np.dtype(np.float32)


class Cast(View):
    """Floating-point weights in half precision, all others as they are."""

    def __init__(
        self,
        weights: Weights,
        target: np.dtype[Any],
        on_overflow: OnOverflow,
        on_underflow: OnUnderflow,
        kept: Iterable[str],
    ) -> None:
        super().__init__(weights)
        self._target, self._kept = target, set(kept)
        self._on_overflow, self._on_underflow = on_overflow, on_underflow

    def unconverted(self, name: str, dtype: np.dtype[Any]) -> tuple[Array, str] | None:
        """Return a float32 weight before the cast, for an update that converts as it copies.

        Args:
            name: The weight.
            dtype: What the update needs.

        Returns:
            The array below, and what an overflow is, as `cast` was told; None
            where the view's own array must be taken: nothing is cast, or not
            from float32 to that dtype, or somebody wants to know what becomes zero.

        Raises:
            KeyError: There is no such weight.
        """
        below = super().spec(name).dtype
        direct = below == _SINGLE and self._on_underflow == "ignore"
        if not direct or self._target_of(name, below) != dtype:
            return None
        return super().__getitem__(name), self._on_overflow

    def _done_to(self, name: str) -> Hashable:
        return self.spec(name).dtype

    def spec(self, name: str) -> Spec:
        """Return a weight's shape and dtype as they are here."""
        below = super().spec(name)
        return Spec(below.shape, self._target_of(name, below.dtype) or below.dtype)

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values as they are here: a new array where they are cast.

        Raises:
            KeyError: There is no such weight.
            WeightError: A value overflows, or becomes zero, and that is an error.
        """
        array = super().__getitem__(name)
        target = self._target_of(name, array.dtype)
        if target is None:
            return array
        result = np.empty(array.shape, target)
        flat, lost, at = result.reshape(-1), 0, 0
        for values in pieces(array, PIECE * array.itemsize):
            given, over = convert(values, target)
            self._saturate(given, over, values)
            if over is not None and self._on_overflow == "error":
                index = int(over.argmax())
                raise _overflows(name, values[index], place(at + index, array.shape), target)
            flat[at : at + values.size] = given
            if self._on_underflow != "ignore":
                zero = (given == 0) & (values != 0)
                if self._on_underflow == "error" and zero.any():
                    index = int(zero.argmax())
                    raise _underflows(name, values[index], place(at + index, array.shape), target)
                lost += int(np.count_nonzero(zero))
            at += values.size
        if lost:
            warnings.warn(
                f"weight {name!r}: {lost} of {array.size} values become zero in {target.name}",
                RuntimeWarning,
                stacklevel=2,
            )
        return result

    def report(self) -> Report[CastRow]:
        """Count what the cast does to each weight, the worst first; reads all, one at a time."""
        return report((row for row in map(self._row, self) if row is not None), self._target)

    def _row(self, name: str) -> CastRow | None:
        array = super().__getitem__(name)
        target = self._target_of(name, array.dtype)
        if target is None:
            return None
        counts = CastTally()
        for values in pieces(array, PIECE * array.itemsize):
            given, over = convert(values, target)
            counts.add(values, given)
            self._saturate(given, over, values)
            counts.compare(values, given)
        return CastRow(
            name, array.dtype.name, target.name, array.size,
            *counts.counts, counts.error, counts.relative,
        )  # fmt: skip

    def _target_of(self, name: str, dtype: np.dtype[Any]) -> np.dtype[Any] | None:
        """What a weight is cast to, None for one that stays as it is."""
        if not is_floating(dtype):
            return None
        if name in self._kept:
            return _SINGLE if dtype.itemsize > _SINGLE.itemsize else None
        return None if dtype == self._target else self._target

    def _saturate(self, given: Array, over: Array | None, values: Array) -> None:
        """Put the largest finite numbers where values overflow, if that was asked for."""
        if over is not None and self._on_overflow == "saturate":
            most = given.dtype.type(finfo(given.dtype).max)
            given[over] = np.where(values[over] > 0, most, -most)


def _name_of(dtype: object) -> str | None:
    if dtype is None or isinstance(dtype, str):
        return dtype
    try:
        return np.dtype(dtype).name  # type: ignore[call-overload,no-any-return]
    except TypeError:
        return None


def cast(
    weights: Given,
    dtype: str | np.dtype[Any] | type,
    *,
    on_overflow: OnOverflow = "error",
    on_underflow: OnUnderflow = "ignore",
    keep_float32: Iterable[str] = (),
) -> Cast:
    """See floating-point weights in half precision.

    Args:
        weights: What to cast. Integers and booleans stay as they are.
        dtype: ``"float16"`` or ``"bfloat16"``.
        on_overflow: What a finite value beyond the range becomes:
            ``"error"`` raises when the weight is read, ``"saturate"`` gives the
            largest finite number, ``"inf"`` infinity. Infinite values and NaN
            stay what they are.
        on_underflow: What happens when a value that is not zero becomes it:
            ``"error"`` and ``"warn"`` raise, or warn with the number of such values,
            when the weight is read; an update then takes the array that is converted
            here. ``"ignore"`` leaves it to the report to count them.
        keep_float32: Names or patterns of weights to leave in float32
            (float64 ones are cast to float32).

    Returns:
        A view; ``report()`` counts overflow, underflow, subnormal results and
        NaN per weight, and begins with the weight that has most of them, in this order.

    Raises:
        ValueError: Another dtype, or another word for ``on_overflow`` or ``on_underflow``.
        WeightError: A pattern fits no weight.
    """
    name = _name_of(dtype)
    if name not in HALVES:
        raise ValueError(f"dtype is {dtype!r:.80}; one of {', '.join(map(repr, HALVES))} is right")
    for what, word, known in (
        ("on_overflow", on_overflow, get_args(OnOverflow)),
        ("on_underflow", on_underflow, get_args(OnUnderflow)),
    ):
        if not isinstance(word, str) or word not in known:
            raise ValueError(f"{what} is {word!r}; one of {', '.join(map(repr, known))} is right")
    weights = mapping_of(weights)
    kept = matching(weights, keep_float32, "keep_float32")
    return Cast(weights, HALVES[name], on_overflow, on_underflow, kept)


def _overflows(name: str, value: Any, at: tuple[int, ...], target: np.dtype[Any]) -> WeightError:
    return WeightError(
        f"weight {name!r}: {float(value):g} at {list(at)} overflows {target.name}, whose range ends"
        f" at {float(finfo(target).max):g} (report() counts all). Keep the weight:"
        f' keep_float32=[{name!r}], or say on_overflow="saturate" or "inf"'
    )


def _underflows(name: str, value: Any, at: tuple[int, ...], target: np.dtype[Any]) -> WeightError:
    return WeightError(
        f"weight {name!r}: {float(value):g} at {list(at)} becomes zero in {target.name}, whose"
        f" smallest number is {float(finfo(target).smallest_subnormal):g} (report() counts all)."
        f' Keep the weight: keep_float32=[{name!r}], or say on_underflow="warn" or "ignore"'
    )
