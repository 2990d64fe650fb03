"""One test's fake: fresh when the test begins, judged and cleaned when it ends.

A watch begins before any fixture of the test is made and ends after the last
one is gone, whatever their order, so what fixtures hold is theirs to give
back. Violations are judged twice: right after the test's body, so that the
test itself fails, and at the end for those of the fixtures. Leaks can be
judged at the end only. A test that failed by itself is not judged at the end:
its traceback keeps alive what it held.

What Python objects still hold when the fake starts anew would come back as
calls with dead handles, in some later test, whenever they are collected. So
every object that was left open is closed before.
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest

from acl_bundle import fake
from acl_bundle._base.owner import Owner
from acl_bundle.device import Device
from acl_bundle.errors import AclBundleError, visible
from acl_bundle.fake import _table
from acl_bundle.testing.controls import FakeAcl
from acl_bundle.testing.marker import Allowed

_LEAK = "leak"  # the severity of what aclFinalize found alive


class Watch:
    """Keeps an eye on one test.

    Attributes:
        controls: What the test gets as ``fake_acl``.
        passed: Whether the test's body came to its end.
    """

    def __init__(self, allowed: Allowed) -> None:
        """Begin: make the fake this process's library, and fresh.

        Raises:
            pytest.fail.Exception: Another library is open, or something is
                alive that was made before the test.
        """
        self.controls: FakeAcl = FakeAcl()
        self.passed: bool = False
        self._allowed = allowed
        self._judged = 0
        _activate()
        if not allowed.leaks:
            _check_nothing_lives()
        _clean()

    def after_body(self) -> None:
        """Judge what the test's body did.

        Raises:
            pytest.fail.Exception: It broke a rule.
        """
        self.passed = True
        self._judge_violations()

    def body_failed(self) -> str:
        """Return what a report of the failure should show beside it."""
        return self._violations(fake.violations())

    def end(self) -> None:
        """Judge what is left, and leave nothing.

        Raises:
            pytest.fail.Exception: A rule was broken, or something leaked.
        """
        try:
            forgotten = _collect() if fake.live() else []
            if self.passed:
                self._judge_violations()
                self._judge_leaks()
                _warn_again(forgotten)
        finally:
            _clean()

    def abandon(self) -> None:
        """Leave nothing, and judge nothing."""
        _clean()

    def _judge_violations(self) -> None:
        rows = fake.violations()
        known = self._judged if self._judged <= len(rows) else 0  # 0: the test did a reset
        new, self._judged = rows[known:], len(rows)
        text = self._violations(new)
        if text:
            pytest.fail(text, pytrace=False)

    def _violations(self, rows: list[dict[str, Any]]) -> str:
        broken = [row for row in rows if row["severity"] != _LEAK]
        if not broken or self._allowed.violations:
            return ""
        return _text(
            f"fake_acl saw {_count(broken, 'violation')}",
            _table.violations(broken),
            'if that is on purpose: @pytest.mark.acl(violations="ignore")',
        )

    def _judge_leaks(self) -> None:
        leaked, table = fake.live(), fake.leaks().strip()
        finalised = [row for row in fake.violations() if row["severity"] == _LEAK]
        if self._allowed.leaks or not (leaked or finalised):
            return
        parts = [f"fake_acl found {_count(leaked, 'object')} that {_was(leaked)} not given back"]
        if leaked:
            parts.append(table)
        if finalised:
            parts += ["alive when aclFinalize was called:", _table.violations(finalised)]
        opened = _opened()
        if opened:
            parts.append("not closed: " + ", ".join(sorted(map(_describe, opened))))
        parts.append('if that is on purpose: @pytest.mark.acl(leaks="ignore")')
        pytest.fail(_text(*parts), pytrace=False)


def _activate() -> None:
    try:
        fake.activate()
    except RuntimeError as error:
        pytest.fail(
            f"fake_acl cannot have this process: {error}\n"
            "Something used acl_bundle before: an earlier test, an import, a conftest.py. Run the"
            " tests that need the other library in a process of their own, or call"
            " acl_bundle.fake.activate() at the top of conftest.py.",
            pytrace=False,
        )


def _check_nothing_lives() -> None:
    if fake.live():
        _collect()
    left = fake.live()
    if left:
        pytest.fail(
            _text(
                f"fake_acl found {_count(left, 'object')} that {_was(left)} made before this test",
                fake.leaks().strip(),
                "A fresh fake would take them away from whoever holds them: a test or fixture that"
                " works without fake_acl, or one of a wider scope. Let it use fake_acl or give"
                ' back what it took; @pytest.mark.acl(leaks="ignore") takes them away.',
            ),
            pytrace=False,
        )


def _collect() -> list[warnings.WarningMessage]:
    """Collect what is in cycles, and return the warnings of what nobody closed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    return caught


def _warn_again(caught: Iterable[warnings.WarningMessage]) -> None:
    """Warn where the test's own filters count, as an error too."""
    for one in caught:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _opened() -> list[Owner]:
    """Return what acl_bundle handed out in this process and nobody closed."""
    found = [one for one in gc.get_objects() if issubclass(type(one), Owner)]
    return [one for one in found if not one.closed]


def _clean() -> None:
    """Close what Python holds, devices last, and make the fake fresh."""
    if fake.live():
        fake.set("report", "off")  # what leaked was told
        for one in sorted(_opened(), key=lambda one: isinstance(one, Device)):
            with suppress(AclBundleError):
                one.close()
    fake.reset()
    if "acl_bundle.pyacl.importing" in sys.modules:  # a test had, or has, its module
        from acl_bundle.pyacl import importing  # noqa: PLC0415  see above

        importing.clear()


def _describe(owner: Owner) -> str:
    try:
        return repr(owner)
    except AclBundleError:
        return type(owner).__name__


def _count(rows: list[dict[str, Any]], what: str) -> str:
    return f"{len(rows)} {what}{'s' * (len(rows) != 1)}"


def _was(rows: list[dict[str, Any]]) -> str:
    return "was" if len(rows) == 1 else "were"


def _text(*parts: str) -> str:
    return visible("\n\n".join(parts))
