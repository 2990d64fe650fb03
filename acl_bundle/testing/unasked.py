"""Tests that use the fake without asking for it: judged, too.

A test may open the fake without the fixture: its program does, a fixture of a wider scope, a
conftest.py, a thread. Nothing can be fresh for it then, but what it does wrong can be told: new
violations fail the test that they fell on, its setup and its end included. What happened outside of
tests, and what is alive at the end, fails the session.

Looking costs nothing where this process has no fake: that is known from what is imported.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from acl_bundle.testing.found import Judged
    from acl_bundle.testing.marker import Allowed

__all__ = ["CHOICES", "Unasked", "is_open"]

CHOICES = ("judge", "refuse", "ignore")

_OPENERS = ("acl_bundle.fake", "acl_bundle._binding", "acl_bundle.pyacl")
_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "fake", "lib")


@cache
def _is_on_path() -> bool:
    """Whether the loader finds the fake by its name, as after ``acl-bundle fake env``."""
    return _FOLDER in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)


_open = False


def is_open() -> bool:
    """Whether this process has the fake open. Nothing is imported where it cannot be."""
    global _open  # noqa: PLW0603
    if not _open and (_is_on_path() or any(name in sys.modules for name in _OPENERS)):
        _open = _is_loaded()
    return _open


def _is_loaded() -> bool:
    import ctypes  # noqa: PLC0415  numpy has it, and a project without numpy pays nothing

    try:
        ctypes.CDLL(os.path.join(_FOLDER, "libascendcl.so"), os.RTLD_NOLOAD | os.RTLD_LAZY)
    except OSError:
        return False
    return True


class Unasked:
    """What was judged so far, in the tests of one session.

    Args:
        choice: One of `CHOICES`.
        fixture: What names the fixture that is in use meanwhile, a module's or the session's;
            "" for none.
    """

    def __init__(self, choice: str, fixture: Callable[[], str]) -> None:
        self._choice = choice
        self._fixture = fixture
        self._seen: Judged | None = None
        self._stray: list[dict[str, Any]] = []
        self._calls = -1

    def _new(self) -> list[dict[str, Any]]:
        from acl_bundle.testing.found import Judged  # noqa: PLC0415  opens the fake

        if self._seen is None:
            self._seen = Judged()
        return self._seen.new()

    def looks(self) -> bool:
        """Whether there is anything to judge."""
        return self._choice != "ignore" and is_open()

    def begin(self) -> None:
        """Leave out what there is: another session in this process has it."""
        if is_open():
            self._new()

    def before_test(self) -> None:
        """Keep for the end what happened since the last test."""
        self._calls = self._many()
        if self.looks():
            self._stray += self._new()

    def _many(self) -> int:
        """How many calls the fake has had, where that is asked for."""
        if self._choice != "refuse" or not is_open():
            return -1
        from acl_bundle import fake  # noqa: PLC0415  see above

        return sum(fake.calls().values())

    def pass_over(self) -> None:
        """A test with a fake of its own judges itself."""
        if self._seen is not None:
            self._new()

    def judge(self, allowed: Callable[[], Allowed]) -> str:
        """Return what is wrong with the test so far; "" for nothing."""
        if not self.looks():
            return ""
        from acl_bundle.testing import found  # noqa: PLC0415  see above

        fixture = self._fixture()
        new = self._new()
        text = found.violations(new, allowed(), fixture or "the fake") if new else ""
        many = self._many()
        if fixture or many == self._calls:
            return text
        self._calls = many
        return (
            "this test opened the fake without asking for fake_acl, and fake_acl_without_fixture"
            " is refuse" + (f"\n\n{text}" if text else "")
        )

    def at_end(self) -> str:
        """Return what happened outside of tests, and what is alive; "" for nothing."""
        if not self.looks():
            return ""
        from acl_bundle.testing import found  # noqa: PLC0415  see above
        from acl_bundle.testing.marker import Allowed  # noqa: PLC0415

        self._stray += self._new()
        texts = (
            found.violations(self._stray, Allowed(), "outside of tests the fake"),
            found.leaks("the fake"),
        )
        return "\n\n".join(filter(None, texts))
