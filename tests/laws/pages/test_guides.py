"""docs/guides: each page is one session in an empty folder, and prints what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .page import ROOT, Page
from .session import run

BEGINNING = ("**Who this is for:**", "**What you have:**", "**What you get:**")
GUIDES = sorted(path.stem for path in (ROOT / "docs" / "guides").glob("*.md"))
NEEDS = {"c_and_python": ("cc",)}


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_begins_with_who_what_and_what_for(name: str) -> None:
    first = Page(f"docs/guides/{name}.md").text.split("\n\n")[1]
    places = [first.index(one) for one in BEGINNING]
    assert places == sorted(places)
    assert len(first.splitlines()) <= 5


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_runs(name: str, tmp_path: Path) -> None:
    for command in NEEDS.get(name, ()):
        if shutil.which(command) is None:
            pytest.skip(f"no {command} here")
    page = Page(f"docs/guides/{name}.md")
    page.check_links()
    steps = run(page.text, tmp_path, {})
    assert steps
    for command, shown, printed in steps:
        told = "\n".join(line.rstrip() for line in printed.strip().splitlines())
        if command.startswith("python") and not shown:
            assert told == "", f"{command} prints\n{told}"
        assert like(shown.strip()).fullmatch(told), f"{command} prints\n{told}"


def like(shown: str) -> re.Pattern[str]:
    """What is shown, with any lines where a line is `...`."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)]
    return re.compile("(?s:.*?)".join(parts))
