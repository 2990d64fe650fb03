"""``fake_acl``, ``fake_acl_module`` and ``fake_acl_session``: there is one fake, so one of them.

Who asks for which is known when all tests are collected, so a mixture is refused whatever order
the tests run in: the same tests fail alone, shuffled, and spread over workers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from acl_bundle.testing.watch import Watch

__all__ = ["NAMES", "Scopes"]

NAMES = ("fake_acl", "fake_acl_module", "fake_acl_session")
"""From the narrowest to the widest."""


class Scopes:
    """Which fixture is in use, and what is refused.

    Attributes:
        watch: What the fixture in use has begun; None while there is none but of single tests.
    """

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self._name = ""
        self._refused: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The fixture of a module or of the session that is in use, or ""."""
        return self._name if self.watch is not None else ""

    def collected(self, items: Iterable[pytest.Item]) -> None:
        """Find out which tests cannot have what they ask for."""
        asking = [(item, wanted) for item in items if (wanted := _wanted(item))]
        if not any(wanted[-1] != NAMES[0] for _, wanted in asking):
            return
        widest: dict[str, tuple[str, str]] = {}
        for item, wanted in asking:
            for name in wanted[::-1]:
                for where in _reach(item, name):
                    widest.setdefault(where, (name, item.nodeid))
        for item, wanted in asking:
            for where in _reach(item, NAMES[2])[::-1] + _reach(item, NAMES[1]):
                if where in widest:
                    self._check(item, wanted, *widest[where])

    def _check(self, item: pytest.Item, wanted: list[str], name: str, by: str) -> None:
        narrower = [one for one in wanted if NAMES.index(one) < NAMES.index(name)]
        if narrower and item.nodeid not in self._refused:
            scope = "this module" if name == NAMES[1] else "the session"
            by = "it itself" if by == item.nodeid else by
            self._refused[item.nodeid] = (
                f"{narrower[0]} cannot be fresh here: {by} uses {name}, which {scope} has until"
                f" its end; there is one fake in a process. Let this test use {name} too, or put"
                " it where that is not in use."
            )

    def refusal(self, item: pytest.Item) -> str:
        """Return why a test cannot have what it asks for; "" where it can."""
        return self._refused.get(item.nodeid, "")

    def taken(self, name: str) -> str:
        """Return why a fixture cannot begin now; "" where it can."""
        if self.watch is None:
            return ""
        return f"{name} cannot be fresh here: {self._name} is in use; let this use {self._name} too"

    def begin(self, name: str, watch: Watch) -> None:
        """Note that a fixture is in use."""
        self._name, self.watch = name, watch

    def end(self) -> None:
        """Note that none is."""
        self.watch = None


def _wanted(item: pytest.Item) -> list[str]:
    names = getattr(item, "fixturenames", ())
    return [name for name in NAMES if name in names]


def _reach(item: pytest.Item, name: str) -> list[str]:
    """Return where a fixture that this test asks for is in use beside it."""
    if name == NAMES[2]:
        return [""]
    module = item.getparent(pytest.Module)
    return [module.nodeid] if name == NAMES[1] and module is not None else []
