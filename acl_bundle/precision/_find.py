"""The weights that must stay float32: the search, what overflows, and a last look at the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from acl_bundle.precision._search import Watch, smallest
from acl_bundle.precision._weights import RoundedWeights


class KeptWeight(NamedTuple):
    """A weight that must stay float32.

    ``why`` is ``"overflow"``, where a value is beyond the range of half precision, or
    ``"tolerance"``. ``alone`` is the error when it alone is rounded, ``added`` the error when
    it is rounded as well as all that need not stay, both as parts of the tolerance; None of
    what overflows. ``nbytes`` is its size in float32.
    """

    name: str
    why: Literal["overflow", "tolerance"]
    alone: float | None
    added: float | None
    nbytes: int


@dataclass(frozen=True)
class KeepFloat32:
    """Which weights must stay float32.

    Attributes:
        kept: Those, what overflows first, then the worst first; everything where the
            tolerance is not met.
        rounded: All other weights that half precision changes.
        unchanged: Those that lose nothing in half precision.
        others: Those that are not float32.
        whole: The error when all but what overflows is rounded, as a part of the tolerance.
        error: The error when `rounded` is, after every weight was put in anew.
        met: Whether that keeps the tolerance.
        tried: How many sets were tried.
    """

    kept: tuple[KeptWeight, ...]
    rounded: tuple[str, ...]
    unchanged: tuple[str, ...]
    others: tuple[str, ...]
    whole: float
    error: float
    met: bool
    tried: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what must stay: ``keep_float32``."""
        return tuple(one.name for one in self.kept)


def find(weights: RoundedWeights, watch: Watch | None = None) -> KeepFloat32:
    """Find a smallest set of weights that must stay float32.

    The bundle holds the float32 weights again at the end, also when the search fails.

    Args:
        weights: A bundle to try them in.
        watch: Called after each set with how many were tried.

    Raises:
        AclBundleError: The bundle cannot be run or updated.
    """
    try:
        found = smallest(weights.names, weights.error, watch)
        rounded = tuple(name for name in weights.names if name not in set(found.names))
        checked = weights.checked(frozenset(rounded))
    finally:
        weights.restore()
    overflowing = [
        KeptWeight(name, "overflow", None, None, weights.nbytes([name]))
        for name in weights.overflowing
    ]
    kept = [
        KeptWeight(one.name, "tolerance", one.alone, one.added, weights.nbytes([one.name]))
        for one in found.kept
    ]
    return KeepFloat32(
        (*overflowing, *kept), rounded, weights.unchanged, weights.others,
        found.whole, checked, found.met and checked <= 1, found.tried,
    )  # fmt: skip
