"""Naming weights by pattern: the name itself, or ``*``, ``?`` and ``[...]`` as in a shell.

A pattern that matches no weight is an error, because it is a slip of the pen.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from operator import index
from typing import SupportsIndex, TypeVar

from acl_bundle.errors import WeightError

T = TypeVar("T")


def matching(names: Mapping[str, object], patterns: Iterable[str], what: str) -> set[str]:
    """Return the names that match one of the patterns at least.

    Args:
        names: All weights, of which the names count.
        patterns: What to look for.
        what: What the patterns are, for messages: ``"keep_float32"``.

    Raises:
        WeightError: A pattern matches nothing.
        TypeError: A single string was given for the list of patterns; or as for `assigned`.
    """
    return set(assigned(names, dict.fromkeys(names_of(patterns, what)), what))


def assigned(names: Mapping[str, object], values: Mapping[str, T], what: str) -> dict[str, T]:
    """Return the value of each name that a pattern gives one, in the names' order.

    Raises:
        WeightError: A pattern matches nothing, or two give one name different values.
        TypeError: ``values`` or ``names`` is no mapping, or a name is no string.
    """
    if not isinstance(values, Mapping) or not all(isinstance(one, str) for one in values):
        raise TypeError(f"{what} is {values!r:.80}; a mapping of name or pattern to value is right")
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names):
        raise TypeError("give the weights as a mapping of name to array; names are strings")
    found: dict[str, tuple[str, T]] = {}
    known = set(names)
    for pattern, value in values.items():
        hits = [pattern] if pattern in known else [n for n in names if fnmatchcase(n, pattern)]
        if not hits:
            raise unmatched(pattern, names, what)
        for name in hits:
            before, other = found.setdefault(name, (pattern, value))
            if other != value:
                raise WeightError(
                    f"{what}: {before!r} says {other!r} for {name!r}, and {pattern!r} {value!r}"
                )
    return {name: found[name][1] for name in names if name in found}


def numbers(given: Iterable[SupportsIndex], what: str) -> tuple[int, ...]:
    """Whole numbers.

    Raises:
        TypeError: They are none.
    """
    try:
        return tuple(map(index, given))
    except TypeError:
        raise TypeError(f"{what} is {given!r:.80}; a list of whole numbers is right") from None


def names_of(patterns: Iterable[str], what: str) -> list[str]:
    """A list of names or patterns, which may be empty.

    Raises:
        TypeError: It is none; a single text is none.
    """
    if isinstance(patterns, Iterable) and not isinstance(patterns, str):
        with suppress(TypeError):  # an array without dims says that it can be iterated over
            listed = list(patterns)
            if all(isinstance(one, str) for one in listed):
                return listed
    raise TypeError(f"{what} is {patterns!r:.80}; a list of names or patterns is right")


def unmatched(pattern: str, names: Collection[str], what: str) -> WeightError:
    """Make the exception for a pattern that fits no weight, with names that are close."""
    near = difflib.get_close_matches(pattern, names, n=3) or list(names)[:3]
    there = f"there are {', '.join(map(repr, near))}" if near else "there are none"
    return WeightError(f"{what}: {pattern!r} matches no weight; {there}")
