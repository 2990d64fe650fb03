"""Numbers that say how long, or how much."""

from __future__ import annotations

from math import isfinite
from typing import SupportsFloat


def amount(value: object, name: str, unit: str) -> float:
    """A positive number, numpy's too; a bool is none.

    Args:
        value: It.
        name: What the caller calls it.
        unit: Of what, for the message: "seconds".

    Raises:
        TypeError: It is no number.
        ValueError: It is not above 0, or has no end.
    """
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        raise TypeError(f"{name} is {value!r:.80}; a number of {unit} is right")
    found = float(value)
    if not (isfinite(found) and found > 0):
        raise ValueError(f"{name} is {value} {unit}; a positive number is right")
    return found
