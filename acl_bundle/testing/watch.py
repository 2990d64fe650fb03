"""A fresh fake for one test, module or session: judged and cleaned when that ends.

A test's watch begins before any fixture of the test is made and ends after the last one is gone,
whatever their order, so what fixtures hold is theirs to give back. Violations are judged twice:
right after the test's body, so that the test itself fails, and at the end for those of the
fixtures. Leaks can be judged at the end only. A test that failed by itself is not judged at the
end: its traceback keeps alive what it held.

The watch of a module or of the session lives as its fixture does. It judges the violations of each
test, as `acl_bundle.testing.unasked` does, and leaks at its end.

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

import pytest

from acl_bundle import fake
from acl_bundle._binding.library import forget
from acl_bundle.testing import found, left
from acl_bundle.testing.changes import PutBack
from acl_bundle.testing.controls import FakeAcl
from acl_bundle.testing.marker import Allowed


class Watch:
    """Keeps an eye on one test, module or session.

    Attributes:
        controls: What is in hands as ``fake_acl``.
        changes: What a test has changed, where others come after it.
        passed: Whether the test's body came to its end; of several, each one's.
    """

    def __init__(self, allowed: Allowed, fixture: str = "fake_acl") -> None:
        """Begin: make the fake this process's library, and fresh.

        Raises:
            pytest.fail.Exception: Another library is open, or something is
                alive that was made before.
        """
        self.changes: PutBack = PutBack()
        self.controls: FakeAcl = FakeAcl(fixture, self.changes)
        self.passed: bool = False
        self._allowed = allowed
        self._fixture = fixture
        self._seen = found.Judged()
        _activate(fixture)
        if not allowed.leaks:
            _check_nothing_lives(fixture)
        _clean()
        fake.set("lines", "on")

    def after_body(self) -> None:
        """Judge what the test's body did.

        Raises:
            pytest.fail.Exception: It broke a rule.
        """
        self.passed = True
        self._judge_violations()

    def body_failed(self) -> str:
        """Return what a report of the failure should show beside it."""
        return found.violations(fake.violations(), self._allowed, self._fixture)

    def body_failed_of_one(self) -> None:
        """Put back what one test of several changed, as far as that goes."""
        self.passed = False
        with suppress(ValueError):
            self.changes.put_back()

    def end(self, late: str | None = None) -> None:
        """Judge what is left, and leave nothing.

        Args:
            late: Of a module's or a session's watch, whose tests were judged one by one: what is
                wrong with the violations since the last test.

        Raises:
            pytest.fail.Exception: A rule was broken, or something leaked.
        """
        try:
            if late is not None:
                self._seen.new()
            forgotten = _collect() if fake.live() else []
            found.judge(late or "")
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
        found.judge(found.violations(self._seen.new(), self._allowed, self._fixture))

    def _judge_leaks(self) -> None:
        if not self._allowed.leaks:
            found.judge(found.leaks(self._fixture))


def _activate(fixture: str) -> None:
    try:
        fake.activate()
    except RuntimeError as error:
        pytest.fail(
            f"{fixture} cannot have this process: {error}\n"
            "Something used acl_bundle before: an earlier test, an import, a conftest.py. Run the"
            " tests that need the other library in a process of their own, or call"
            " acl_bundle.fake.activate() at the top of conftest.py.",
            pytrace=False,
        )


def _check_nothing_lives(fixture: str) -> None:
    if fake.live():
        _collect()
    text = found.alive_before(fixture)
    if text:
        pytest.fail(text, pytrace=False)


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


def _clean() -> None:
    """Close what Python holds, devices last, and make the fake fresh."""
    forget()
    if fake.live():
        left.close_all()
    fake.reset()
    if "acl_bundle.pyacl.importing" in sys.modules:  # a test had, or has, its module
        from acl_bundle.pyacl import importing  # noqa: PLC0415  see above

        importing.clear()
