"""What was found, in words, and which violations were judged."""

from __future__ import annotations

from typing import Any

import pytest

from acl_bundle import fake
from acl_bundle.errors import visible
from acl_bundle.fake import _table
from acl_bundle.testing import left
from acl_bundle.testing.marker import Allowed

__all__ = ["Judged", "alive_before", "judge", "leaks", "violations"]

Rows = list[dict[str, Any]]

_LEAK = "leak"  # the severity of what aclFinalize found alive


class Judged:
    """The violations that were looked at."""

    def __init__(self) -> None:
        self._count = 0
        self._last: dict[str, Any] = {}

    def new(self) -> Rows:
        """Return those since the last look; all after a reset of the fake."""
        rows = fake.violations()
        known = self._count
        if known > len(rows) or (known and rows[known - 1] != self._last):
            known = 0
        self._count, self._last = len(rows), rows[-1] if rows else {}
        return rows[known:]


def judge(text: str) -> None:
    """Fail with a text, if there is one.

    Raises:
        pytest.fail.Exception: There is.
    """
    if text:
        pytest.fail(text, pytrace=False)


def violations(rows: Rows, allowed: Allowed, fixture: str) -> str:
    """Return what is wrong with these violations; "" for nothing."""
    broken = [row for row in rows if row["severity"] != _LEAK]
    if not broken or allowed.violations:
        return ""
    return _text(
        f"{fixture} saw {_count(len(broken), 'violation')}",
        _table.violations(broken),
        'if that is on purpose: @pytest.mark.acl(violations="ignore")',
    )


def leaks(fixture: str) -> str:
    """Close what is open, and return what was alive; "" for nothing."""
    number = len(fake.live())
    finalised = [row for row in fake.violations() if row["severity"] == _LEAK]
    if not (number or finalised):
        return ""
    parts = [f"{fixture} found {_count(number, 'object')} {_that(number)} not given back"]
    if number:
        parts.append("\n".join(left.lines()))
    if finalised:
        parts += ["alive when aclFinalize was called:", _table.violations(finalised)]
    return _text(*parts, 'if that is on purpose: @pytest.mark.acl(leaks="ignore")')


def alive_before(fixture: str) -> str:
    """Return what was alive before a fresh fake would take it away; "" for nothing."""
    alive = fake.live()
    if not alive:
        return ""
    wide = "" if fixture == "fake_acl" else "_" + fixture.rpartition("_")[2]
    return _text(
        f"{fixture} found {_count(len(alive), 'object')} {_that(len(alive))} made before it began",
        "\n".join(left.others(alive)),
        "A fresh fake would take them away from whoever holds them: a test or fixture that works"
        f" without fake_acl{wide}, or one of a wider scope. Let it use fake_acl{wide}, or"
        " fake_acl_module or fake_acl_session where it is wider, or give back what it took;"
        ' @pytest.mark.acl(leaks="ignore") takes them away.',
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _that(number: int) -> str:
    return "that was" if number == 1 else "that were"


def _text(*parts: str) -> str:
    return visible("\n\n".join(parts))
