"""What a caller wants of an update, looked at before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypedDict

import numpy as np

from acl_bundle._base.arrays import label_of
from acl_bundle._names.given import Given, by_name, check_patterns, matches, without
from acl_bundle._update._transaction.ahead import ANY
from acl_bundle.errors import WeightError
from acl_bundle.fleet._messages.messages import ReplicaDescription

if TYPE_CHECKING:
    from types import EllipsisType

Consistency = Literal["rolling", "strict"]
OnLost = Literal["fail", "drop"]
STAGED = frozenset({"cast", "on_overflow", "unknown", "finite", "threads"})


class UpdateChoices(TypedDict, total=False):
    """Options of `Bundle.stage` that a fleet hands on."""

    cast: str
    on_overflow: str
    unknown: str | None
    ignore: Iterable[str]
    finite: bool | np.bool_
    threads: SupportsIndex


@dataclass(frozen=True)
class UpdateRequest:
    """An update that was asked for.

    Attributes:
        version: What to call it; None for one more.
        expect: The version that must be in force; ANY for any.
        strict: Whether no two versions may answer at one time.
        drop: Whether to go on without replicas that are lost.
        timeout: Seconds that all before the decision may take; None for ever.
        options: Of `Bundle.stage`.
        ignore: Patterns of names that are as if they were not given.
    """

    version: int | str | None
    expect: object
    strict: bool
    drop: bool
    timeout: float | None
    options: Mapping[str, Any]
    ignore: tuple[str, ...]


def checked(
    version: SupportsIndex | str | None,
    expect: SupportsIndex | str | EllipsisType | None,
    consistency: Consistency,
    on_lost: OnLost,
    timeout: float | None,
    options: Mapping[str, Any],
) -> UpdateRequest:
    """Look at the arguments of an update.

    Raises:
        TypeError, ValueError: One cannot be what it is.
    """
    if consistency not in ("rolling", "strict"):
        raise ValueError(f"consistency is 'rolling' or 'strict', not {consistency!r}")
    if on_lost not in ("fail", "drop"):
        raise ValueError(f"on_lost is 'fail' or 'drop', not {on_lost!r}")
    given = dict(options)
    ignore = check_patterns(given.pop("ignore", ()))
    wrong = sorted(given.keys() - STAGED)
    if wrong:
        right = ", ".join(sorted({*STAGED, "ignore"}))
        raise TypeError(f"an update of a fleet has no option {wrong[0]!r}; there are {right}")
    return UpdateRequest(
        None if version is None else label_of(version),
        expect if expect is None or expect is ANY else label_of(expect, "expect"),
        consistency == "strict", on_lost == "drop",
        None if timeout is None else seconds(timeout, "timeout"), given, ignore,
    )  # fmt: skip


def seconds(value: float, name: str, least: float = 0.0) -> float:
    """A time in seconds.

    Raises:
        TypeError, ValueError: It is no number above 0, or less than `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} is a number of seconds, not {value!r}")
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value!r}; a number of seconds above 0 is right")
    if value < least:
        raise ValueError(f"{name} is {value!r}; give at least {least} seconds")
    return float(value)


def named(weights: Given, request: UpdateRequest, known: ReplicaDescription) -> dict[str, Any]:
    """Weights under the names of the model; what is passed over anyway is left out.

    Raises:
        WeightError: Two names of one weight have different values.
        TypeError: It is no mapping and no pairs.
    """
    names = {*known.weights, *known.aliases}
    given = without(by_name(weights, names), request.ignore)
    passed = request.options.get("unknown")
    found: dict[str, Any] = {}
    for name in given:
        own = known.aliases.get(name, name)
        if own not in known.weights and _is_passed(name, passed, known.unused):
            continue
        value = given[name]
        if own in found and not np.array_equal(np.asarray(found[own]), np.asarray(value)):
            raise WeightError(f"weight {own!r} has two values, one as {name!r}; give one of them")
        found[own] = value
    return found


def _is_passed(name: str, unknown: str | None, unused: tuple[str, ...]) -> bool:
    if unknown == "ignore":
        return True
    declared = unknown == "unused" or (unknown is None and unused)
    return bool(declared) and matches(name, unused)
