"""A smallest set of things that must stay exact, found by trying sets of the others inexact.

1. Everything inexact: when that is within the tolerance, nothing must stay.
2. Things are ranked by the error of each alone. Groups are tried and halved; a group that
   takes no more than its share of the tolerance is not divided further.
3. The shortest run of the worst that must stay is found by bisection. Where errors add up,
   no smaller set exists.
4. Where they do not (two things that fail together only), parts of that run are made
   inexact again, ever smaller ones, until no single one can be.

Errors need not grow with the set: what is returned was tried as a whole, and so was
each set with one thing less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Error: TypeAlias = Callable[[frozenset[str]], float]
"""The error when just these things are inexact, as a part of the tolerance: up to 1 is within."""
Watch: TypeAlias = Callable[[int], None]
"""Told how many sets were tried."""


@dataclass(frozen=True)
class KeptName:
    """One thing that must stay exact.

    Attributes:
        name: Which.
        alone: The error when it alone is inexact.
        added: The error when it is inexact as well as all that need not stay: above 1.
    """

    name: str
    alone: float
    added: float


@dataclass(frozen=True)
class SmallestSet:
    """What a search found.

    Attributes:
        kept: What must stay exact, the worst first; everything where `met` is false.
        error: The error when all the others are inexact.
        whole: The error when everything is.
        met: Whether the tolerance can be met at all: not if it is not when all is exact.
        tried: How many sets were tried.
    """

    kept: tuple[KeptName, ...]
    error: float
    whole: float
    met: bool
    tried: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what must stay."""
        return tuple(one.name for one in self.kept)


class _Tried:
    """Errors of sets, each found once."""

    def __init__(self, error: Error, watch: Watch | None) -> None:
        self._error, self._watch = error, watch
        self._known: dict[frozenset[str], float] = {}

    def __call__(self, inexact: frozenset[str]) -> float:
        if inexact not in self._known:
            self._known[inexact] = self._error(inexact)
            if self._watch is not None:
                self._watch(len(self))
        return self._known[inexact]

    def __len__(self) -> int:
        return len(self._known)

    def fits(self, inexact: frozenset[str]) -> bool:
        return self(inexact) <= 1


def smallest(names: Sequence[str], error: Error, watch: Watch | None = None) -> SmallestSet:
    """Find a smallest set of things that must stay exact.

    No set that is returned can lose a single thing. Where errors add up, no set that fits
    has fewer things. One culprit of n things takes about 3 log2 n tries.

    Args:
        names: All things, each once.
        error: Asked once for each set. NaN must not be given: infinity is right.
        watch: Called after each set.
    """
    tried, every = _Tried(error, watch), frozenset(names)
    whole = tried(every)
    if whole <= 1:
        return SmallestSet((), whole, whole, True, len(tried))
    exact = tried(frozenset())
    if exact > 1:
        kept = tuple(KeptName(name, exact, exact) for name in names)
        return SmallestSet(kept, exact, whole, False, len(tried))
    ranked = _ranked(names, tried)
    kept_names = _minimal(ranked[: _shortest(ranked, tried)], every, tried)
    others = every - set(kept_names)
    kept = tuple(
        KeptName(name, tried(frozenset((name,))), tried(others | {name})) for name in kept_names
    )
    worst_first = tuple(sorted(kept, key=lambda one: -one.alone))
    return SmallestSet(worst_first, tried(others), whole, True, len(tried))


def _ranked(names: Sequence[str], tried: _Tried) -> list[str]:
    """Sort by the error of each alone, or of its group's where that is small."""
    scores: dict[str, float] = {}
    groups = [list(names)]
    while groups:
        group = groups.pop()
        error = tried(frozenset(group))
        if len(group) == 1 or error <= len(group) / len(names):
            scores.update((name, error / len(group)) for name in group)
        else:
            middle = len(group) // 2
            groups += group[:middle], group[middle:]
    return sorted(names, key=lambda name: -scores[name])


def _shortest(ranked: Sequence[str], tried: _Tried) -> int:
    """Return how many of the first must stay, if just the first may."""
    low, high = 0, len(ranked)
    while high - low > 1:
        middle = (low + high) // 2
        if tried.fits(frozenset(ranked[middle:])):
            high = middle
        else:
            low = middle
    return high


def _minimal(kept: list[str], every: frozenset[str], tried: _Tried) -> list[str]:
    """Take parts off a set that fits, the smallest errors first, until no single one goes."""
    size = max(1, len(kept) // 2)
    while True:
        before, at = len(kept), len(kept)
        while at > 0:
            begin = max(0, at - size)
            rest = kept[:begin] + kept[at:]
            if tried.fits(every - set(rest)):
                kept = rest
            at = begin
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)
