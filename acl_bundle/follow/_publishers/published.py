"""What a publication is checked for, wherever it goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsFloat, SupportsIndex

from acl_bundle._base.arrays import whole
from acl_bundle._names.given import Given, check_patterns, without
from acl_bundle.errors import VersionExistsError, WeightError
from acl_bundle.follow._versions.order import VERSION_MAX
from acl_bundle.follow._versions.source import Weights
from acl_bundle.weights._base.spec import mapping_of

ABANDONED = 3600
"""Seconds that a value or hidden file lives when its publisher was killed before it had a name."""


def check_version(version: SupportsIndex) -> int:
    """A version's number as an int; a trainer's step may be one of numpy's.

    Raises:
        TypeError, ValueError: It is no int, or out of bounds.
    """
    version = whole(version, "version is an int")
    if not 0 <= version <= VERSION_MAX:
        what = version if abs(version) <= VERSION_MAX else f"of {version.bit_length()} bits"
        raise ValueError(f"version is {what}; 0 or more is right, up to {VERSION_MAX}")
    return version


def check_base(base: SupportsIndex | None, version: int) -> int | None:
    """Return the version that a delta changes; None of a full version.

    Raises:
        TypeError, ValueError: It is no int, or not older than the delta.
    """
    if base is None:
        return None
    base = whole(base, "base is an int or None")
    if not 0 <= base < version:
        raise ValueError(f"base is {base}; a version that is older than {version} is right")
    return base


def check_keep(keep: SupportsIndex) -> int:
    """Return how many versions are kept: not less than what is read and what comes.

    Raises:
        TypeError, ValueError: It is no int, or below 2.
    """
    keep = whole(keep, "keep is an int")
    if keep < 2:
        raise ValueError(
            f"keep is {keep!r}; at least 2 is right, for one may be read while the next comes"
        )
    return keep


def check_consumers(consumers: SupportsIndex) -> int:
    """Return how many consumers are waited for.

    Raises:
        TypeError, ValueError: It is no int, or below 0.
    """
    consumers = whole(consumers, "consumers is an int")
    if consumers < 0:
        raise ValueError(f"consumers is {consumers}; 0 or more is right")
    return consumers


def check_seconds(timeout: float) -> float:
    """Return how long is waited; infinity is for ever.

    Raises:
        TypeError, ValueError: It is no number, or below 0.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, SupportsFloat):
        raise TypeError(f"timeout is a number of seconds, not {timeout!r}")
    seconds = float(timeout)
    if not seconds >= 0:
        raise ValueError(f"timeout is {seconds} seconds; 0 or more is right")
    return seconds


def check_newer(version: int, newest: int | None, place: object) -> None:
    """Refuse a version that is not beyond all others.

    Raises:
        VersionExistsError: It is the newest.
        ValueError: A newer one is there.
    """
    if newest is not None and version <= newest:
        raise (VersionExistsError if version == newest else ValueError)(
            f"version {version} is not newer than {newest}, which is published in {place};"
            f" followers would ignore it: {newest + 1} or more is right"
        )


def some(weights: Given, ignore: Iterable[str]) -> Weights:
    """Return what to publish by name: not nothing, which followers do not take for a version.

    Args:
        weights: What was given; see `acl_bundle._names.given`.
        ignore: Names or patterns of what is left out.

    Raises:
        WeightError: There are no weights, or a name cannot be.
        TypeError: They are neither a mapping nor pairs, or ``ignore`` is no list of texts.
    """
    left = without(mapping_of(weights), check_patterns(ignore))
    if not left:
        raise WeightError("weights: there is none to publish; at least one is right")
    return left
