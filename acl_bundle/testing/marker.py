"""The marker ``acl``: what a test is allowed to leave behind.

    @pytest.mark.acl(leaks="ignore")           # this test leaks on purpose
    pytestmark = pytest.mark.acl(violations="ignore")      # all of this module

The nearest marker that names a thing decides about it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

LINE = (
    'acl(leaks="ignore", violations="ignore"): what fake_acl lets pass; both are'
    ' "fail" where no marker says otherwise'
)
_RIGHT = ("fail", "ignore")


class Allowed(NamedTuple):
    """What does not fail a test."""

    leaks: bool = False
    violations: bool = False


def allowed(item: pytest.Item | pytest.Collector) -> Allowed:
    """Return what a test's, a module's or the session's markers allow.

    Raises:
        pytest.UsageError: A marker names an unknown thing or value.
    """
    found: dict[str, str] = {}
    for mark in item.iter_markers("acl"):  # the nearest first
        _check(mark)
        found = {**mark.kwargs, **found}
    return Allowed(*(found.get(field) == "ignore" for field in Allowed._fields))


def _check(mark: pytest.Mark) -> None:
    if mark.args:
        raise pytest.UsageError(
            f'marker acl takes {" and ".join(Allowed._fields)} by name, such as leaks="ignore";'
            f" not {mark.args[0]!r}"
        )
    for name, value in mark.kwargs.items():
        if name not in Allowed._fields:
            right = " and ".join(Allowed._fields)
            raise pytest.UsageError(f"marker acl knows {right}, not {name!r}")
        if value not in _RIGHT:
            raise pytest.UsageError(f'acl({name}={value!r}): "fail" or "ignore" is right')
