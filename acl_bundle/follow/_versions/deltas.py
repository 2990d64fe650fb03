"""Versions that hold only what changed, and the versions they are based on.

A delta names its bases: the version that it changes, that one's base, and so on down to a full
version, which holds every weight that the trainer publishes. There are at most `BASES_MAX`, so
whoever starts late reads so many versions more, and no chain grows without end.

A follower whose bundle holds one of the bases reads what came after it. Another one reads all of
them, down to the full version. Of each weight the newest value counts, so both end with the same
weights: those of the version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeAlias

from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._versions.layers import Layers
from acl_bundle.follow._versions.source import Checkpoint, Order, Weights
from acl_bundle.follow._versions.stamp import BASES_MAX, bases_of

Held: TypeAlias = tuple[Order, tuple[int, ...]]
"""The order of a version that a bundle holds whole, and its bases."""
Opening: TypeAlias = Callable[[Checkpoint], AbstractContextManager[Weights]]


@contextmanager
def together(checkpoint: Checkpoint, held: Held | None, opening: Opening) -> Iterator[Weights]:
    """Open a version, and of its bases those that are needed.

    Args:
        checkpoint: The version.
        held: What the bundle holds, whole; None when that is not known.
        opening: Opens one version.

    Raises:
        WeightsFormatError: A base is not there, or has other bases than the version says.
        OSError: One cannot be read.
    """
    with ExitStack() as stack:
        layers = [stack.enter_context(opening(checkpoint))]
        bases = bases_of(layers[0])
        for at, number in enumerate(bases):
            if held == ((1, number), bases[at + 1 :]):
                break
            layers.append(stack.enter_context(_base(checkpoint, number, opening)))
            found = bases_of(layers[-1])
            if found != bases[at + 1 :]:
                raise WeightsFormatError(
                    f"version {checkpoint.version!r} is based on {list(bases)}, but version"
                    f" {number} there is based on {list(found)}: it is another one than it was"
                )
        one = layers[0]
        yield one if len(layers) == 1 else Layers(f"version {checkpoint.version!r}", layers)


@contextmanager
def _base(checkpoint: Checkpoint, number: int, opening: Opening) -> Iterator[Weights]:
    with ExitStack() as stack:
        try:
            if checkpoint.older is None:
                raise FileNotFoundError("this source offers no older versions")
            opened = stack.enter_context(opening(checkpoint.older(number)))
        except FileNotFoundError as error:
            raise WeightsFormatError(
                f"version {checkpoint.version!r} is based on version {number}, which cannot be"
                f" read: {error}"
            ) from error
        yield opened


def extended(base: int | None, bases: Sequence[int] | None, place: object) -> tuple[int, ...]:
    """Return the bases of a new version.

    Args:
        base: The version that it changes; None for a full one.
        bases: That version's own; None when it is not there.
        place: What messages call the place.

    Raises:
        ValueError: The base is not there, or there would be too many.
    """
    if base is None:
        return ()
    if bases is None:
        raise ValueError(f"base is {base}, which is not in {place}; a version that is, is right")
    if len(bases) >= BASES_MAX:
        raise ValueError(
            f"base is {base}, which is itself the {len(bases)}th delta after version {bases[-1]};"
            f" {BASES_MAX} in a row are the most: publish every weight now, without base"
        )
    return (base, *bases)
