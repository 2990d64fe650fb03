"""A loaded bundle whose weights are rounded to half precision, one set of them after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from acl_bundle.bundle import Bundle
from acl_bundle.compare import Tolerance
from acl_bundle.errors import UnsupportedError, UpdateError
from acl_bundle.precision._distance import Outputs, part

Arrays = Mapping[str, NDArray[Any]]
HALVES: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}


def half_type(name: str) -> np.dtype[Any]:
    """Return the dtype of a half precision.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in HALVES:
        raise ValueError(f"dtype is {name!r}; one of {', '.join(map(repr, HALVES))} is right")
    return HALVES[name]


class RoundedWeights:
    """A bundle of float32 weights, any of which may hold what half precision leaves of it.

    What the bundle holds now, or `values`, is the float32 model; its answers to the inputs
    are the reference. Each set of weights is put in by one partial update of those that
    change. The bundle holds the float32 values again after `restore`.

    Attributes:
        names: The weights that half precision changes, in the file's order.
        overflowing: Those that have a finite value beyond its range, which must stay.
        unchanged: Those that lose nothing.
        others: Those that are not float32.
        expected: The float32 answers to the inputs.
    """

    def __init__(
        self,
        bundle: Bundle,
        inputs: Sequence[Arrays],
        dtype: str,
        tolerance: Tolerance,
        values: Arrays | None = None,
    ) -> None:
        """Take a bundle, with its weights, and the inputs to compare on.

        Args:
            bundle: It stays the caller's, who must not run or update it meanwhile.
            inputs: One run each.
            dtype: ``"float16"`` or ``"bfloat16"``.
            tolerance: What outputs may differ.
            values: The float32 values, by name; None for what the bundle holds.

        Raises:
            ValueError: There is no such dtype, no input, or no float32 weight.
            UpdateError: The bundle does not tell what it holds, and no values are given.
            AclBundleError: It cannot be run or updated.
        """
        self._half_dtype = half_type(dtype)
        self._bundle, self._inputs, self._tolerance = bundle, list(inputs), tolerance
        if not self._inputs:
            raise ValueError("there are no inputs to compare on; one set at least is right")
        if values is not None:
            bundle.update(values)
        states = bundle.weights
        single = [name for name, one in states.items() if one.spec.dtype == np.float32]
        if not single:
            raise ValueError("the model has no float32 weights that an update could round")
        self.others: tuple[str, ...] = tuple(name for name in states if name not in set(single))
        self._values = {name: self._value(name, values) for name in single}
        self._sort()
        self._now: frozenset[str] = frozenset()
        self.expected: list[Outputs] = self._run()

    def _value(self, name: str, values: Arrays | None) -> NDArray[Any]:
        if values is not None and name in values:
            return np.asarray(values[name], np.float32)
        try:
            return self._bundle.read(name)
        except (UnsupportedError, UpdateError) as error:
            raise UpdateError(
                f"the float32 value of {name!r} is not known: {error}; give the weights"
            ) from error

    def _sort(self) -> None:
        """Say what becomes of each weight."""
        names, overflowing, unchanged = [], [], []
        for name, value in self._values.items():
            rounded = self._rounded(value)
            if (np.isinf(rounded) & np.isfinite(value)).any():
                overflowing.append(name)
            elif np.array_equal(rounded, value, equal_nan=True):
                unchanged.append(name)
            else:
                names.append(name)
        self.names: tuple[str, ...] = tuple(names)
        self.overflowing: tuple[str, ...] = tuple(overflowing)
        self.unchanged: tuple[str, ...] = tuple(unchanged)

    def _rounded(self, value: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return value.astype(self._half_dtype).astype(np.float32)

    def error(self, half: frozenset[str]) -> float:
        """Return the error when just these weights are rounded, as a part of the tolerance.

        Raises:
            AclBundleError: The bundle cannot be run or updated.
        """
        changes = half ^ self._now
        if changes:
            self._bundle.update(
                {
                    name: self._rounded(self._values[name]) if name in half else self._values[name]
                    for name in self._values
                    if name in changes
                }
            )
            self._now = half
        answers = zip(self._run(), self.expected, strict=True)
        return max(part(one, expected, self._tolerance) for one, expected in answers)

    def checked(self, half: frozenset[str]) -> float:
        """As `error`, with every weight put in anew: nothing is owed to what was there before."""
        self.restore()
        return self.error(half)

    def restore(self) -> None:
        """Give every weight its float32 value back."""
        self._bundle.update(self._values)
        self._now = frozenset()

    def nbytes(self, names: Sequence[str]) -> int:
        """Return how many bytes these weights take in float32."""
        return sum(self._values[name].nbytes for name in names)

    def _run(self) -> list[Outputs]:
        return [dict(self._bundle.infer.run(one)) for one in self._inputs]
