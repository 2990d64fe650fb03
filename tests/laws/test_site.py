"""The manual as a site: it is built without a warning, is whole, and has every public name."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from .test_public_names import PUBLIC

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
HREF = re.compile(r'(?:href|src)="([^"]+)"')
LINK = re.compile(r"\]\((?!https?:)([^)#]+\.md)(?:#[^)]*)?\)")
PLACE = re.compile(r'\bid="([^"]+)"')
OUTSIDE = re.compile(r"https?:|data:|mailto:|#__|javascript:")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `manual`, what the site is made from, and `site`."""
    pytest.importorskip("zensical")
    place = tmp_path_factory.mktemp("docs")
    config = CONFIG.replace("build/manual", "manual").replace("build/site", "site")
    config = config.replace("paths: [.]", f"paths: ['{ROOT}']")
    (place / "mkdocs.yml").write_text(config, encoding="utf-8")
    steps = (
        (sys.executable, ROOT / "docs" / "site" / "tree.py", place / "manual"),
        (sys.executable, "-m", "zensical", "build", "--strict"),
    )
    for step in steps:
        done = subprocess.run(step, cwd=place, capture_output=True, text=True, check=False)
        told = done.stdout + done.stderr
        assert done.returncode == 0, told
        assert "arning" not in told, told
    return place


def leaves(entry: Any) -> Iterator[str]:
    """The pages of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for value in entry.values():
            yield from leaves(value)
    else:
        for one in entry:
            yield from leaves(one)


def test_every_page_is_in_the_navigation_once() -> None:
    (text,) = re.findall(r"^nav:\n.*\Z", CONFIG, re.MULTILINE | re.DOTALL)
    listed = [*leaves(yaml.safe_load(text)["nav"])]
    assert sorted({*listed}) == sorted(listed)
    tree = runpy.run_path(str(ROOT / "docs" / "site" / "tree.py"))
    reference = {f"docs/api/{name}.md" for name in (*tree["API"], "index")}
    assert {*listed} == {*tree["pages"]()} | reference


def test_every_page_is_within_two_clicks_of_the_first() -> None:
    """By links in the text, as a reader without the site's navigation goes."""
    pages = {*runpy.run_path(str(ROOT / "docs" / "site" / "tree.py"))["pages"]()}
    reached = {"README.md"}
    for _ in range(2):
        links = {
            (ROOT / page).parent.joinpath(link).resolve()
            for page in reached & pages
            for link in LINK.findall((ROOT / page).read_text(encoding="utf-8"))
        }
        reached |= {one.relative_to(ROOT).as_posix() for one in links if one.is_file()}
    assert pages - reached == set()


def target(page: Path, link: str, site: Path) -> tuple[Path, str]:
    """The file that a link of a page means, and the place in it."""
    name, _, place = unquote(link).partition("#")
    found = (page.parent / name).resolve() if name else page
    return (found / "index.html" if found.is_dir() else found), place


def test_every_link_of_the_site_leads_somewhere(folder: Path) -> None:
    site = (folder / "site").resolve()
    pages = {one: one.read_text(encoding="utf-8") for one in site.rglob("*.html")}
    assert len(pages) > 60
    places = {one: {*PLACE.findall(text)} for one, text in pages.items()}
    lost = set()
    for page, text in pages.items():
        if page.name == "404.html":  # its links begin at the root of the server
            continue
        for link in {*HREF.findall(text)}:
            if OUTSIDE.match(link):
                continue
            found, place = target(page, link, site)
            if not found.exists() or (place and place not in places.get(found, {place})):
                lost.add((page.relative_to(site).as_posix(), link))
    assert lost == set()


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(folder: Path, module: str) -> None:
    page = folder / "site" / "docs" / "api" / module / "index.html"
    there = {*PLACE.findall(page.read_text(encoding="utf-8"))}
    names = {f"{module}.{name}" for name in import_module(module).__all__}
    assert names - there == set()
