"""Which weights a fused one is made of: names with ``*``, which stands for the same text in each.

``{"*.qkv.weight": ["*.q.weight", "*.k.weight", "*.v.weight"]}`` says it of every layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import unmatched
from acl_bundle.weights._base.spec import mapping_of

Fused = Mapping[str, Sequence[str]]


def fused(
    weights: Mapping[str, object], rules: Fused, what: str, *, whole: bool
) -> dict[str, tuple[str, ...]]:
    """Return fused name -> names of its parts, in the order of what is there.

    Args:
        weights: All weights, of which the names count.
        rules: Pattern of a fused name -> patterns of its parts.
        what: What the rules are, for messages.
        whole: Whether the fused weights are there, and not their parts.

    Raises:
        WeightError: A pattern fits no weight, or has other ``*`` than its parts have; a part
            is missing, or of two fused weights; or a new name is taken, or comes twice.
        TypeError: ``weights`` or ``rules`` is no mapping, or the parts are no list.
    """
    weights = mapping_of(weights)
    if not isinstance(rules, Mapping):
        raise TypeError(f"{what} is {rules!r}; a mapping of fused name to parts is right")
    found: dict[str, tuple[str, ...]] = {}
    for pattern, parts in rules.items():
        listed = _checked(pattern, parts, what)
        for stars in _stars(weights, pattern if whole else listed[0], what):
            found[_filled(pattern, stars)] = tuple(_filled(one, stars) for one in listed)
    gone = [name for one, parts in found.items() for name in ((one,) if whole else parts)]
    made = [name for one, parts in found.items() for name in (parts if whole else (one,))]
    for one, parts in found.items():
        missing = [name for name in ((one,) if whole else parts) if name not in weights]
        if missing:
            raise WeightError(f"{what}: there is no {missing[0]!r}, a part of {one!r}")
    _check_once(gone, f"{what}: {{!r}} is a part twice")
    _check_once(
        [*(name for name in weights if name not in set(gone)), *made],
        f"{what}: two weights would be called {{!r}}",
    )
    return found


def _checked(pattern: str, parts: Sequence[str], what: str) -> list[str]:
    if isinstance(parts, str) or not all(isinstance(one, str) for one in parts):
        raise TypeError(f"{what}: the parts of {pattern!r} are {parts!r}; a list of names is right")
    listed = list(parts)
    if not listed or any(one.count("*") != pattern.count("*") for one in listed):
        raise WeightError(
            f"{what}: the parts of {pattern!r} are {listed}; names with as many '*' as it has are"
            " right"
        )
    return listed


def _stars(weights: Iterable[str], pattern: str, what: str) -> list[tuple[str, ...]]:
    """What each ``*`` of a pattern stands for, for every weight that it fits."""
    names = list(weights)
    if pattern in names:
        return [("*",) * pattern.count("*")]
    fits = re.compile("(.*)".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    hits = [found.groups() for found in map(fits.fullmatch, names) if found]
    if not hits:
        raise unmatched(pattern, names, what)
    return hits


def _filled(pattern: str, stars: Sequence[str]) -> str:
    first, *rest = pattern.split("*")
    return first + "".join(star + part for star, part in zip(stars, rest, strict=True))


def _check_once(names: Iterable[str], message: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise WeightError(message.format(name))
        seen.add(name)


def ordered(weights: Iterable[str], replaced: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the names of a view: for each name below, what stands in its place."""
    return [new for name in weights for new in replaced(name)]
