"""What was given last time: enough to tell that a weight has not changed.

A weight that an update is given again is unchanged when its token equals that
of the last successful update, or when the digest of its dtype and bytes is the
same. `Seen` remembers these, per weight. It learns
from an update that was committed and from no other, and forgets a weight as
soon as there is a doubt about what the device holds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.extra import how
from acl_bundle._base.pieces import pieces
from acl_bundle.errors import UnsupportedError

PIECE = 1 << 20
Digest = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of the value of one weight.

    Attributes:
        token: The caller's, in a tuple of one; None when there is none.
        digest: Of its dtype and bytes, as it was given.
    """

    token: tuple[Hashable] | None = None
    digest: Digest | None = None

    def fits(self, other: Remembered) -> bool:
        """Whether it is known to be the same value as another."""
        if self.token is not None and self.token == other.token:
            return True
        return self.digest is not None and self.digest == other.digest


class Committed(Protocol):
    """As much of a plan as `Seen.commit` reads."""

    @property
    def names(self) -> tuple[str, ...]:
        """The weights that were written."""

    @property
    def unchanged(self) -> list[str]:
        """Those that were given and left as they are."""

    @property
    def facts(self) -> dict[str, Remembered]:
        """What to remember of each."""


class Seen:
    """What the last successful updates were given, by weight."""

    def __init__(self) -> None:
        self._known: dict[str, Remembered] = {}

    def __getitem__(self, name: str) -> Remembered:
        return self._known.get(name, Remembered())

    def commit(self, plan: Committed) -> None:
        """Take over what a plan knows, now that its weights are in place."""
        self.forget(plan.names)
        if plan.facts:
            self._known.update({n: plan.facts[n] for n in plan.names if n in plan.facts})
        for name in plan.unchanged:
            old, new = self[name], plan.facts.get(name, Remembered())
            self._known[name] = replace(
                old,
                token=new.token or old.token,
                digest=new.digest or old.digest,
            )

    def forget(self, names: Iterable[str] | None = None) -> None:
        """Take nothing for granted of these weights, or of any: the next update moves them."""
        if names is None:
            self._known = {}
        elif self._known:
            for name in names:
                self._known.pop(name, None)


def hasher() -> ModuleType:
    """The xxhash module.

    Raises:
        UnsupportedError: It is not installed.
    """
    try:
        import xxhash  # noqa: PLC0415  an extra, and import is cheap without it
    except ImportError as error:
        raise UnsupportedError(
            f"digests need xxhash: {how('weights')} (tokens= does without)"
        ) from error
    return xxhash


def digest(array: NDArray[Any]) -> Digest:
    """XXH3-128 of an array's bytes in C order, with its dtype's name."""
    if array.flags.c_contiguous:
        return array.dtype.name, hasher().xxh3_128_digest(array)
    state = hasher().xxh3_128()
    for piece in pieces(array, PIECE):
        state.update(np.ascontiguousarray(piece))
    return array.dtype.name, state.digest()


def digests(arrays: Mapping[str, NDArray[Any]], threads: int) -> dict[str, Digest]:
    """`digest` of several arrays; hashing lets go of the GIL, so threads help."""
    hasher()
    if threads == 1 or len(arrays) < 2:
        return {name: digest(array) for name, array in arrays.items()}
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(arrays, pool.map(digest, arrays.values()), strict=True))
