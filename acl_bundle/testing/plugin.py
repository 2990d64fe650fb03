"""The plugin as pytest sees it: hooks, fixtures, a marker, an ini option.

pytest imports this module in every project, so it imports pytest alone; all
else comes when a test asks for it, or has opened the fake. The hooks stand around a test's
fixtures (`acl_bundle.testing.watch` says why); a test that asks for ``fake_acl`` only
while it runs, with ``getfixturevalue``, gets its watch at that moment.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from acl_bundle.testing.controls import FakeAcl
    from acl_bundle.testing.make import MakeBundle
    from acl_bundle.testing.scopes import Scopes
    from acl_bundle.testing.unasked import Unasked
    from acl_bundle.testing.watch import Watch

_WATCH: pytest.StashKey[Watch] = pytest.StashKey()
_SCOPES: pytest.StashKey[Scopes] = pytest.StashKey()
_UNASKED: pytest.StashKey[Unasked] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the ini option."""
    parser.addini(
        "fake_acl_without_fixture",
        "judge, refuse or ignore tests that open acl_bundle's fake without a fixture for it",
        default="judge",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin before anything of the project is imported."""
    _prepare(early_config)


def _prepare(config: pytest.Config) -> None:
    from acl_bundle.testing.scopes import Scopes  # noqa: PLC0415  only pytest
    from acl_bundle.testing.unasked import CHOICES, Unasked  # noqa: PLC0415  likewise

    choice = str(config.getini("fake_acl_without_fixture"))
    if choice not in CHOICES:
        right = f"{', '.join(CHOICES[:-1])} or {CHOICES[-1]}"
        raise pytest.UsageError(f"fake_acl_without_fixture = {choice!r}: {right} is right")
    scopes = config.stash[_SCOPES] = Scopes()
    config.stash[_UNASKED] = Unasked(choice, lambda: scopes.name)
    config.stash[_UNASKED].begin()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for ``--strict-markers``."""
    from acl_bundle.testing.marker import LINE  # noqa: PLC0415  only pytest, but after configure

    config.addinivalue_line("markers", LINE)
    if _SCOPES not in config.stash:  # a conftest.py has named this plugin
        _prepare(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find out who asks for fakes of several scopes."""
    session.config.stash[_SCOPES].collected(session.items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the watch before any fixture is made."""
    _fail(item.config.stash[_SCOPES].refusal(item))
    item.config.stash[_UNASKED].before_test()
    if "fake_acl" in getattr(item, "fixturenames", ()):
        _begin(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Judge the test's body; a failure of its own shows violations beside it."""
    shared = item.config.stash[_SCOPES].watch
    if shared is not None:
        shared.changes.begin()
    try:
        result = yield
    except pytest.skip.Exception:  # no failure: leaks of a wide scope are judged still
        _show_violations(item)
        if shared is not None:
            shared.changes.put_back()
        raise
    except BaseException:
        _show_violations(item)
        if shared is not None:
            shared.body_failed_of_one()
        raise
    if shared is not None:
        shared.changes.put_back()
    if _WATCH in item.stash:
        item.stash[_WATCH].after_body()
    else:
        _fail(_unasked(item))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """End the watch when the last fixture is gone."""
    watched = _WATCH in item.stash
    try:
        result = yield
    except BaseException:
        if watched:
            _take(item).abandon()
        raise
    if watched:
        _take(item).end()
        item.config.stash[_UNASKED].pass_over()
    else:
        _fail(_unasked(item))
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge what happened outside of tests, and what is alive."""
    text = session.config.stash[_UNASKED].at_end()
    to_xdist = getattr(session.config, "workeroutput", None)
    if to_xdist is not None:  # a worker's own status is not looked at
        to_xdist["acl_bundle"] = text
    text = "\n\n".join(filter(None, (session.config.stash.get(_TEXT, ""), text)))
    if text:
        session.config.stash[_TEXT] = text
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist found at its end."""
    text, stash = getattr(node, "workeroutput", {}).get("acl_bundle", ""), node.config.stash
    if text:
        text = f"{node.gateway.id}: {text}"
        stash[_TEXT] = "\n\n".join(filter(None, (stash.get(_TEXT, ""), text)))


@pytest.fixture
def fake_acl(request: pytest.FixtureRequest) -> FakeAcl:
    """A fresh fake libascendcl.so; leaks and violations fail the test."""
    item: pytest.Item = request.node
    if _WATCH not in item.stash:
        _begin(item)
    return item.stash[_WATCH].controls


@pytest.fixture(scope="module")
def fake_acl_module(request: pytest.FixtureRequest) -> Generator[FakeAcl, None, None]:
    """A fake for all tests of a module; leaks are judged at its end."""
    yield from _shared(request, "fake_acl_module")


@pytest.fixture(scope="session")
def fake_acl_session(request: pytest.FixtureRequest) -> Generator[FakeAcl, None, None]:
    """A fake for all tests; leaks are judged at the end."""
    yield from _shared(request, "fake_acl_session")


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """Build bundle files from ONNX models or Python functions."""
    from acl_bundle.testing.make import MakeBundle  # noqa: PLC0415  only tests that build need it

    return MakeBundle(tmp_path)


_TEXT: pytest.StashKey[str] = pytest.StashKey()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was found at the end."""
    text = terminalreporter.config.stash.get(_TEXT, "")
    if text:
        terminalreporter.section("acl_bundle", red=True)
        terminalreporter.write_line(text)


def _fail(text: str) -> None:
    if text:
        pytest.fail(text, pytrace=False)


def _begin(item: pytest.Item) -> None:
    from acl_bundle.testing.marker import allowed  # noqa: PLC0415  see the module's text
    from acl_bundle.testing.watch import Watch  # noqa: PLC0415

    _fail(item.config.stash[_SCOPES].taken("fake_acl"))
    item.stash[_WATCH] = Watch(allowed(item))


def _shared(request: pytest.FixtureRequest, name: str) -> Generator[FakeAcl, None, None]:
    from acl_bundle.testing.marker import allowed  # noqa: PLC0415  see the module's text
    from acl_bundle.testing.watch import Watch  # noqa: PLC0415

    scopes, unasked = request.config.stash[_SCOPES], request.config.stash[_UNASKED]
    _fail(scopes.taken(name))
    watch = Watch(allowed(request.node), name)
    watch.passed = True
    unasked.pass_over()
    scopes.begin(name, watch)
    yield watch.controls
    late = unasked.judge(lambda: allowed(request.node))
    scopes.end()
    try:
        watch.end(late)
    finally:
        unasked.pass_over()


def _take(item: pytest.Item) -> Watch:
    watch = item.stash[_WATCH]
    del item.stash[_WATCH]
    return watch


def _unasked(item: pytest.Item) -> str:
    if not item.config.stash[_UNASKED].looks():
        return ""
    from acl_bundle.testing.marker import allowed  # noqa: PLC0415  see the module's text

    return item.config.stash[_UNASKED].judge(lambda: allowed(item))


def _show_violations(item: pytest.Item) -> None:
    text = item.stash[_WATCH].body_failed() if _WATCH in item.stash else _unasked(item)
    if text:
        item.add_report_section("call", "fake_acl", text)
