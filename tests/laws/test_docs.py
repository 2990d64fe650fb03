"""docs/testing.md: its examples are whole test files, and do what the page says."""

from __future__ import annotations

import fnmatch
import os
import re
from pathlib import Path

import pytest

import acl_bundle.build
import acl_bundle.bundle
import acl_bundle.testing.make
import acl_bundle.testing.watch  # noqa: F401  pytester unloads what is new after a run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
EXAMPLES = dict(
    re.findall(r"^## ([^\n]+)\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)
OUTCOMES = {
    "All is well": {"passed": 1},
    "Two answers": {"passed": 1},
    "A fault in an update": {"passed": 2},
    "Out of memory": {"passed": 3},
    "A slow device": {"passed": 2},
    "One bundle for many tests": {"passed": 4},
    "A leak is found": {"passed": 1, "errors": 1},
}


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project without any configuration."""
    for name in [name for name in os.environ if name.startswith(("ACL_", "PYTEST_"))]:
        monkeypatch.delenv(name)
    return pytester


def example(pytester: pytest.Pytester, title: str) -> pytest.RunResult:
    pytester.makepyfile(test_example=EXAMPLES[title])
    options = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "error")
    return pytester.runpytest_inprocess(*options)


def test_there_are_seven_examples() -> None:
    assert list(EXAMPLES) == list(OUTCOMES)
    assert PAGE.count("```python") == len(EXAMPLES)


@pytest.mark.parametrize("title", OUTCOMES)
def test_an_example_runs(run: pytest.Pytester, title: str) -> None:
    example(run, title).assert_outcomes(**OUTCOMES[title])


def test_the_report_of_the_leak_is_the_one_shown(run: pytest.Pytester) -> None:
    shown = PAGE.partition("numbers differ):\n\n```\n")[2].partition("\n```")[0]
    lines = example(run, "A leak is found").outlines
    for line in filter(None, shown.splitlines()):
        pattern = re.sub(r"\d+|\.\.\.", "*", line).replace("[", "?")
        assert fnmatch.filter(lines, f"*{pattern}*"), line


def test_every_member_that_the_page_names_exists() -> None:
    from acl_bundle.testing import FakeAcl  # noqa: PLC0415

    names = set(re.findall(r"fake_acl\.(\w+)", PAGE)) | set(re.findall(r"`\.(\w+)", PAGE))
    public = {name for name in vars(FakeAcl) if not name.startswith("_")}
    assert names <= public
    assert public - names <= {"settings"}
