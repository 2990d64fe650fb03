"""Several names of one version's number: which of them counts.

A follower with a key takes the one that is signed as what it is called
(`_sign.verified`), so that nobody without the key can hold up a number by a
second name for it. A follower without one takes the first, in the order that the
source prefers. In a directory that is the one whose number is written without
zeros in front; two of those leave a doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from acl_bundle.follow._versions.source import Checkpoint, Impossible, Order

_ZEROS = re.compile(r"(?<![0-9])0[0-9]")


@dataclass(frozen=True)
class Rivals(Checkpoint):
    """A version that goes by several names; it opens as the first of them.

    Attributes:
        names: All of them, the first one first.
        others: What the others offer.
        doubt: Why nobody can tell which is meant without a signature, or None.
    """

    names: tuple[str, ...] = field(default=(), kw_only=True)
    others: tuple[Checkpoint, ...] = field(default=(), compare=False, kw_only=True)
    doubt: ValueError | None = field(default=None, compare=False, kw_only=True)

    def told(self) -> str:
        """Say that there are several."""
        return f"{' and '.join(map(repr, self.names))} stand for version {self.version!r}"


def is_plain(name: str) -> bool:
    """Say whether the numbers in a name are written as numbers are, without zeros in front."""
    return _ZEROS.search(name) is None


def gathered(found: Iterable[tuple[str, Checkpoint]]) -> list[Checkpoint]:
    """Return one checkpoint for each order, oldest first.

    Args:
        found: Names and what they offer; of one order in the order of preference.
    """
    groups: dict[Order, dict[str, Checkpoint]] = {}
    for name, one in found:
        groups.setdefault(one.order, {})[name] = one
    return [_one_of(groups[order]) for order in sorted(groups)]


def _one_of(group: dict[str, Checkpoint]) -> Checkpoint:
    first, *others = group.values()
    if not others:
        return first
    return Rivals(
        first.version, first.order, first.open, first.published, first.place,
        names=tuple(group), others=tuple(others),
    )  # fmt: skip


def candidates(checkpoint: Checkpoint) -> tuple[Checkpoint, ...]:
    """Return what may be the version that a checkpoint stands for, likeliest first."""
    return (checkpoint, *(checkpoint.others if isinstance(checkpoint, Rivals) else ()))


def passed_by(listed: Sequence[Checkpoint]) -> list[Impossible]:
    """Return the names that do not count where nothing is signed.

    Raises:
        ValueError: It cannot be told which does.
    """
    passed = []
    for one in listed:
        if isinstance(one, Rivals):
            if one.doubt is not None:
                raise one.doubt
            error = ValueError(f"{one.told()}; {one.names[0]!r} is the one that counts")
            passed += [Impossible(name, error) for name in one.names[1:]]
    return passed
