"""The plugin as pytest sees it: hooks, two fixtures, a marker.

pytest imports this module in every project, so it imports pytest alone; all
else comes when a test asks for it. The hooks stand around a test's fixtures
(`acl_bundle.testing.watch` says why); a test that asks for ``fake_acl`` only
while it runs, with ``getfixturevalue``, gets its watch at that moment.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from acl_bundle.testing.controls import FakeAcl
    from acl_bundle.testing.make import MakeBundle
    from acl_bundle.testing.watch import Watch

_WATCH: pytest.StashKey[Watch] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for ``--strict-markers``."""
    from acl_bundle.testing.marker import LINE  # noqa: PLC0415  only pytest, but after configure

    config.addinivalue_line("markers", LINE)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the watch before any fixture is made."""
    if "fake_acl" in getattr(item, "fixturenames", ()):
        _begin(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judge the test's body; a failure of its own shows violations beside it."""
    try:
        result = yield
    except BaseException:
        _show_violations(item)
        raise
    if _WATCH in item.stash:
        item.stash[_WATCH].after_body()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """End the watch when the last fixture is gone."""
    try:
        result = yield
    except BaseException:
        if _WATCH in item.stash:
            _take(item).abandon()
        raise
    if _WATCH in item.stash:
        _take(item).end()
    return result


@pytest.fixture
def fake_acl(request: pytest.FixtureRequest) -> FakeAcl:
    """A fresh fake libascendcl.so; leaks and violations fail the test."""
    item: pytest.Item = request.node
    if _WATCH not in item.stash:
        _begin(item)
    return item.stash[_WATCH].controls


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """Build bundle files from ONNX models or Python functions."""
    from acl_bundle.testing.make import MakeBundle  # noqa: PLC0415  only tests that build need it

    return MakeBundle(tmp_path)


def _begin(item: pytest.Item) -> None:
    from acl_bundle.testing.marker import allowed  # noqa: PLC0415  see the module's text
    from acl_bundle.testing.watch import Watch  # noqa: PLC0415

    item.stash[_WATCH] = Watch(allowed(item))


def _take(item: pytest.Item) -> Watch:
    watch = item.stash[_WATCH]
    del item.stash[_WATCH]
    return watch


def _show_violations(item: pytest.Item) -> None:
    text = item.stash[_WATCH].body_failed() if _WATCH in item.stash else ""
    if text:
        item.add_report_section("call", "fake_acl", text)
