"""Two arrays side by side, piece by piece: the only place where answers are measured.

An element differs where the two are not equal; NaN equals NaN, and an infinity
equals itself. It is beyond the tolerance where ``|a - b| > atol + rtol * |b|``, with
``b`` as what was expected. A NaN or an infinity beside anything else is infinitely far.

Of integers ``rtol`` is no part: class 1001 is not nearly class 1000. ``atol=1``
allows quantised outputs one step. Booleans are equal or beyond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, SupportsFloat, TypeAlias

import numpy as np

from acl_bundle._base.arguments import ArgumentError
from acl_bundle._base.arrays import as_array
from acl_bundle.compare.totals import Totals
from acl_bundle.weights._base.pieces import PIECE, place
from acl_bundle.weights._base.spec import Array, Spec, is_floating, is_number

RTOL: Final = 1e-3
ATOL: Final = 1e-5
WORST: Final = 5

Result: TypeAlias = Literal["equal", "within", "beyond", "shape", "only in a", "only in b"]


@dataclass(frozen=True)
class Tolerance:
    """How far two elements may be apart: ``atol + rtol * |b|``.

    Attributes:
        rtol: In units of what was expected; of floating-point and complex outputs alone.
        atol: In units of the output.

    Raises:
        ValueError: One is negative, infinite or no number.
    """

    rtol: float = RTOL
    atol: float = ATOL

    def __post_init__(self) -> None:
        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if not isinstance(value, SupportsFloat) or not 0 <= float(value) < math.inf:
                raise ArgumentError(f"{name} is {value!r}; a number from 0 is right", name)
            object.__setattr__(self, name, float(value))

    def __str__(self) -> str:
        return f"rtol {self.rtol:g}, atol {self.atol:g}"


class ComparedElement(NamedTuple):
    """One element of the two: where it is (``at``), both values, and how far they are apart.

    ``relative`` is in units of ``|b|``, None where ``b`` is zero.
    """

    at: tuple[int, ...]
    a: Any
    b: Any
    absolute: float
    relative: float | None


class ComparedOutput(NamedTuple):
    """What one output is on both sides.

    ``result`` is ``"equal"`` (every element), ``"within"`` the tolerance, ``"beyond"`` it,
    ``"shape"`` (they have two shapes, and nothing was compared), ``"only in a"`` or ``"only
    in b"``. Dtypes may differ: values are compared, and `a` and `b` tell.

    ``differing`` and ``beyond`` count elements. ``max_abs`` is the largest difference and
    ``max_abs_at`` where it is; ``max_relative`` the largest in units of ``|b|``, elements
    with ``b = 0`` left out. ``l2`` is the Euclidean norm of the difference,
    ``relative_l2`` that in units of the norm of ``b``, ``cosine`` the cosine between both as
    vectors; in these three, elements that are equal and not finite are left out, and one
    that differs and is not finite makes ``l2`` infinite. ``nan_a`` and ``nan_b`` count NaN.
    ``worst`` has the elements furthest beyond what the tolerance allows. What cannot be
    said, of an empty array say, is None.
    """

    name: str
    name_b: str
    result: Result
    a: Spec | None
    b: Spec | None
    differing: int | None = None
    beyond: int | None = None
    max_abs: float | None = None
    max_abs_at: tuple[int, ...] | None = None
    max_relative: float | None = None
    max_relative_at: tuple[int, ...] | None = None
    l2: float | None = None
    relative_l2: float | None = None
    cosine: float | None = None
    nan_a: int | None = None
    nan_b: int | None = None
    worst: tuple[ComparedElement, ...] = ()

    @property
    def within(self) -> bool:
        """Whether the output is there on both sides, and within the tolerance."""
        return self.result in ("equal", "within")


def arrays(
    a: object, b: object, *, rtol: float = RTOL, atol: float = ATOL, worst: int = WORST
) -> ComparedOutput:
    """Compare two arrays.

    Args:
        a: What was found.
        b: What was expected.
        rtol: As for `Tolerance`.
        atol: As for `Tolerance`.
        worst: How many of the worst elements to tell.

    Raises:
        TypeError: One is no array, or not of numbers or booleans.
        ValueError: A tolerance is negative or no number.
    """
    return compared(a, b, Tolerance(rtol, atol), worst)


def compared(
    a: object, b: object, tolerance: Tolerance, worst: int, names: tuple[str, str] = ("a", "b")
) -> ComparedOutput:
    """As `arrays`, for outputs that have names.

    Raises:
        TypeError: As for `arrays`.
    """
    x, y = numbers(a, f"output {names[0]!r}"), numbers(b, f"output {names[1]!r}")
    sides = Spec(x.shape, x.dtype), Spec(y.shape, y.dtype)
    if x.shape != y.shape:
        return ComparedOutput(*names, "shape", *sides)
    found = _totals(x.reshape(-1), y.reshape(-1), tolerance, worst)
    elements = [_element(x, y, at, found) for at in found.worst]
    result: Result = "beyond" if found.beyond else "within" if found.differing else "equal"
    return ComparedOutput(
        *names, result, *sides,
        found.differing, found.beyond,
        *_where(found.absolute, x.shape), *_where(found.relative, x.shape),
        found.l2, found.relative_l2, found.cosine, found.nan_a, found.nan_b, tuple(elements),
    )  # fmt: skip


def numbers(value: object, what: str) -> Array:
    """Return an array of numbers or booleans in native byte order.

    Raises:
        TypeError: It is something else.
    """
    array = as_array(value, what)
    if not is_number(array.dtype):
        raise TypeError(f"{what} has dtype {array.dtype}; numbers or booleans are right")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _totals(x: Array, y: Array, tolerance: Tolerance, worst: int) -> Totals:
    wide, rtol, atol = _wide(x.dtype, y.dtype), tolerance.rtol, tolerance.atol
    kinds = {x.dtype.kind, y.dtype.kind}
    if "c" not in kinds and not (is_floating(x.dtype) or is_floating(y.dtype)):
        rtol, atol = 0.0, 0.0 if "b" in kinds else atol
    found = Totals(rtol, atol, worst)
    for at in range(0, x.size, PIECE):
        piece = slice(at, at + PIECE)
        found.add(at, x[piece].astype(wide), y[piece].astype(wide))
    return found


def _wide(a: np.dtype[Any], b: np.dtype[Any]) -> Any:
    """The dtype in which both have their exact values, and differences lose next to nothing."""
    kinds = {a.kind, b.kind}
    if "c" in kinds:
        return np.complex128
    long = kinds & {*"iu"} and max(a.itemsize, b.itemsize) == 8
    return np.longdouble if long or max(a.itemsize, b.itemsize) > 8 else np.float64


def _where(
    found: tuple[float, int] | None, shape: tuple[int, ...]
) -> tuple[float | None, tuple[int, ...] | None]:
    if found is None:
        return None, None
    return found[0], place(found[1], shape) if found[1] >= 0 else None


def _element(x: Array, y: Array, at: int, found: Totals) -> ComparedElement:
    index = place(at, x.shape)
    distance, magnitude = found.distance(at)
    relative = None if not magnitude else distance / magnitude if distance < math.inf else math.inf
    return ComparedElement(index, _scalar(x[index]), _scalar(y[index]), distance, relative)


def _scalar(value: Any) -> Any:
    """A number of Python's."""
    found = value.item()
    return found if isinstance(found, bool | int | float | complex) else float(value)
