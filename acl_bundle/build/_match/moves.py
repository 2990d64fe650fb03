"""How the elements of one array were moved to give another: transposed, reshaped, or both.

The elements of the second, in their order, lie in the first at places that count
like a number of several digits: each digit has a length and a stride. Which
digits these are says all; what came first, a transpose or a reshape, does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from acl_bundle.build._match.digest import same_bits
from acl_bundle.build._match.expr import Expr, reshaped, transposed

Array = NDArray[Any]
Shape = tuple[int, ...]
Digits = tuple[tuple[int, int], ...]  # length and stride, the outermost first

_MOST_AXES: Final = 5
_SAMPLES: Final = 64
_MOST_FOUND: Final = 4


def moves(
    one: Expr, source: Array, target: Array, same: Callable[[Array, Array], bool] = same_bits
) -> list[Expr]:
    """Return each way in which a target is the elements of a source, moved once or twice.

    Args:
        one: The source's expression.
        source: Its elements, of any shape.
        target: As many elements of the same dtype.
        same: Whether two arrays of one shape count as equal.

    Returns:
        Expressions of the target's shape that move differently, the simplest first;
        a few at most, and none where it is no such thing or is not found.
    """
    flat, wanted = np.ascontiguousarray(source).reshape(-1), np.ascontiguousarray(target)
    found: list[Expr] = []
    tried: set[Digits] = set()
    for digits, made in _ways(one, source.shape, target.shape):
        if digits in tried:
            continue
        tried.add(digits)
        if _fits(flat, wanted, digits, same):
            found.append(made())
            if len(found) == _MOST_FOUND:
                break
    return found


def moved_often(one: Expr, source: Array, target: Array) -> list[Expr]:
    """Return how a target is the elements of a source, however often they were moved.

    Only elements that are there once tell it. Where there are too few nothing is found.
    """
    flat, wanted = np.ascontiguousarray(source).reshape(-1), np.ascontiguousarray(target)
    digits = _counted(flat, wanted.reshape(-1))
    if digits and _fits(flat, wanted, digits, same_bits):
        return [_made(one, source.shape, target.shape, digits)]
    return []


def _ways(one: Expr, source: Shape, target: Shape) -> Iterator[tuple[Digits, Callable[[], Expr]]]:
    """Transposes of the source, then transposes of what becomes the target."""
    if max(len(source), len(target)) > _MOST_AXES:
        return
    if len(source) == len(target):
        for perm in permutations(range(len(source))):
            if tuple(source[at] for at in perm) == target:
                yield _digits(source, perm), partial(transposed, one, perm)
    yield _digits(source, range(len(source))), partial(reshaped, one, source, target)
    short = tuple(dim for dim in source if dim != 1)
    for perm in permutations(range(len(short))):
        yield _digits(short, perm), partial(_through, one, source, short, perm, target)
    brief = tuple(dim for dim in target if dim != 1)
    for perm in permutations(range(len(brief))):
        before = tuple(brief[perm.index(at)] for at in range(len(brief)))
        yield _digits(before, perm), partial(_through, one, source, before, perm, target)


def _through(one: Expr, source: Shape, before: Shape, perm: Sequence[int], target: Shape) -> Expr:
    """Reshape, transpose, reshape; what changes nothing is left out."""
    moved = tuple(before[at] for at in perm)
    return reshaped(transposed(reshaped(one, source, before), perm), moved, target)


def _digits(shape: Sequence[int], perm: Sequence[int]) -> Digits:
    """How places count in an array of a shape, read with its axes in another order."""
    strides = [math.prod(shape[at + 1 :]) for at in range(len(shape))]
    return _joined([(shape[at], strides[at]) for at in perm])


def _joined(digits: Sequence[tuple[int, int]]) -> Digits:
    """Take digits as one that count on like one, and leave out those that do not count."""
    found: list[tuple[int, int]] = []
    for length, stride in digits:
        if length == 1:
            continue
        if found and found[-1][1] == length * stride:
            found[-1] = found[-1][0] * length, stride
        else:
            found.append((length, stride))
    return tuple(found)


def _fits(flat: Array, wanted: Array, digits: Digits, same: Callable[[Array, Array], bool]) -> bool:
    if not digits:
        return same(flat, wanted.reshape(-1))
    lengths, strides = zip(*digits, strict=True)
    seen = as_strided(flat, lengths, [one * flat.itemsize for one in strides], writeable=False)
    shaped = wanted.reshape(lengths)
    places = np.arange(_SAMPLES) * (flat.size - 1) // (_SAMPLES - 1)
    some = np.unravel_index(places, lengths)
    return same(seen[some], shaped[some]) and same(seen, shaped)


def _counted(flat: Array, wanted: Array) -> Digits:
    """Find the digits from where those elements lie that are there but once; () if it fails."""
    bits, asked = (one.view(f"u{one.dtype.itemsize}") for one in (flat, wanted))
    order = np.argsort(bits, kind="stable")
    ordered = bits[order]
    at = np.searchsorted(ordered, asked)
    once = np.ones(len(ordered), bool)
    once[1:] &= ordered[1:] != ordered[:-1]
    once[:-1] &= ordered[:-1] != ordered[1:]
    inside = np.minimum(at, len(ordered) - 1)
    places = np.where(once[inside] & (ordered[inside] == asked), order[inside], -1)
    found: list[tuple[int, int]] = []
    while len(places) > 1:
        digit = _last_digit(places)
        if digit is None:
            return ()
        length, stride = digit
        found.insert(0, digit)
        rows = places.reshape(-1, length)
        known = rows >= 0
        first = rows - np.arange(length) * stride
        at = known.argmax(1)
        places = np.where(known.any(1), first[np.arange(len(rows)), at], -1)
    return _joined(found) if _is_order(found, flat.size) else ()


def _last_digit(places: Array) -> tuple[int, int] | None:
    """The innermost digit: the greatest length within which places go on by one stride."""
    steps = places[1:] - places[:-1]
    known = (places[1:] >= 0) & (places[:-1] >= 0)
    ends = np.arange(1, len(places))
    for length in _divisors(len(places)):
        inside = steps[known & (ends % length != 0)]
        if len(inside) and (inside == inside[0]).all():
            return length, int(inside[0])
    return None


def _divisors(number: int) -> list[int]:
    """The divisors from 2 on, the greatest first."""
    low = [one for one in range(1, int(number**0.5) + 1) if number % one == 0]
    return sorted({*low, *(number // one for one in low)} - {1}, reverse=True)


def _is_order(digits: Sequence[tuple[int, int]], size: int) -> bool:
    """Whether digits reach every element once."""
    reach = 1
    for length, stride in sorted(digits, key=lambda one: one[1]):
        if stride != reach:
            return False
        reach *= length
    return reach == size


def _made(one: Expr, source: Shape, target: Shape, digits: Digits) -> Expr:
    """An expression that moves as digits say."""
    outer = sorted(range(len(digits)), key=lambda at: -digits[at][1])
    before = tuple(digits[at][0] for at in outer)
    perm = tuple(outer.index(at) for at in range(len(digits)))
    return _through(one, source, before, perm, target)
