"""What a release stands on: where messages and pages send a reader, and the forms of issues."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

import acl_bundle
from acl_bundle.cli.app import app

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def texts() -> list[Path]:
    """Every page, module and source of the project."""
    found = [one for one in ROOT.glob("*.md") if one.name != "CHANGELOG.md"]
    for folder in ("acl_bundle", "benchmarks", "docs", "examples"):
        found += [one for one in (ROOT / folder).rglob("*") if one.suffix in (".md", ".py")]
    return found


def test_no_text_sends_a_reader_to_an_index_that_has_not_the_package() -> None:
    """Extras name each other in pyproject.toml by the package's name; a folder begins with ./."""
    index = re.compile(r"(?<!\./)acl[-_]bundle\[")
    wrong = [one for one in texts() if index.search(one.read_text("utf-8"))]
    assert wrong == []


def test_every_extra_that_a_text_names_is_there() -> None:
    named: dict[str, Path] = {}
    for one in texts():
        for extras in re.findall(r"'\.\[([\w,-]+)\]'", one.read_text("utf-8")):
            named |= dict.fromkeys(extras.split(","), one)
    extras = PROJECT["project"]["optional-dependencies"]
    assert len(named) >= 4
    assert {extra: one for extra, one in named.items() if extra not in extras} == {}


def test_the_version_is_one() -> None:
    assert PROJECT["project"]["version"] == acl_bundle.__version__


def test_nothing_installed_needs_a_build_that_asks_setup_for_more() -> None:
    """The hooks that would run setup.py in the checkout are left out of the backend."""
    code = "import acl_bundle_backend as b; print(*sorted(n for n in dir(b) if n[0] != '_'))"
    names = subprocess.run(
        (sys.executable, "-B", "-c", code),
        cwd=ROOT / "backend",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"build_wheel", "build_sdist", "build_editable"} <= {*names}
    assert not {"get_requires_for_build_wheel", "get_requires_for_build_sdist"} & {*names}


def test_the_copy_that_is_built_has_every_folder_that_setup_needs() -> None:
    code = "import acl_bundle_backend as b; print(*b.FOLDERS)"
    folders = subprocess.run(
        (sys.executable, "-B", "-c", code),
        cwd=ROOT / "backend",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    named = {name for name in re.findall(r'"(\w+)/', setup) if (ROOT / name).is_dir()}
    assert named
    assert named <= {*folders}


@pytest.mark.parametrize("path", FORMS, ids=lambda one: one.stem)
def test_a_form_is_one_and_its_commands_are_there(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= {*form}
    asked = [one for one in form["body"] if one["type"] != "markdown"]
    assert len({one["id"] for one in asked}) == len(asked) > 3
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"`acl-bundle ([\w-]+)", path.read_text(encoding="utf-8")))
    assert named
    assert named <= {*commands}
    places = set(re.findall(r"\b[\w/]+\.md\b", path.read_text(encoding="utf-8")))
    assert [one for one in places if not (ROOT / one).exists()] == []
