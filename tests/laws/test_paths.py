"""Whoever follows a page finds what it names: links, headings, files and folders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")})
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
PLACE = re.compile(r"\b(?:acl_bundle|benchmarks|csrc|docs|examples|fakes|tests)/[\w./]*\w")
MADE = re.compile(r"/(?:mine/\w+|(?:_|test_)?mine)\.py$")  # by whoever follows a recipe
FILE = re.compile(r"`([\w*./]+\.(?:py|c|cc|h|toml))`")
PAST = {"CHANGELOG.md"}  # names what was there then


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    for name, heading in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / name if name else page
        assert target.exists(), name
        if heading:
            assert heading in headings(target), f"{name}#{heading}"


def headings(page: Path) -> set[str]:
    """What a page's headings are called in links."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in found}


@pytest.mark.parametrize("page", [one for one in PAGES if one.name not in PAST], ids=shown)
def test_every_place_that_is_named_exists(page: Path) -> None:
    places = {*PLACE.findall(page.read_text(encoding="utf-8"))}
    lost = {one for one in places if not MADE.search(one) and not (ROOT / one).exists()}
    assert lost == set()


def test_architecture_names_files_as_it_says() -> None:
    """Python's begin in acl_bundle and C's in csrc; all others in the project's folder."""
    files = FILE.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
    assert len(files) > 25
    lost = set()
    for one in files:
        home = ROOT / {".py": "acl_bundle", ".c": "csrc", ".h": "csrc"}.get(Path(one).suffix, "")
        if not any((*home.glob(one), *ROOT.glob(one))):
            lost.add(one)
    assert lost == set()
