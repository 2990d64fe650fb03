"""docs/guides: each page is one session in an empty folder, and prints what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .page import ROOT, Page
from .session import run

BEGINNING = ("- **Who this is for:**", "- **What you have:**", "- **What you get:**")
GUIDES = sorted(path.stem for path in (ROOT / "docs" / "guides").glob("*.md"))
FIGURE = re.compile(r"\d+[.,]\d+")
COMMANDS = {"c_and_python": "cc"}
MODULES = {"online_tensorflow": ("keras", "tf2onnx"), "sparsity": ("torch", "onnxscript")}
MEASURED = {"half_precision"}
"""Pages with figures of a run: the lines, the words and the whole numbers are compared."""


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_begins_with_who_what_and_what_for(name: str) -> None:
    first = Page(f"docs/guides/{name}.md").text.split("\n\n")[1]
    items = re.split(r"\n(?=- )", first)
    assert len(items) == len(BEGINNING)
    assert all(item.startswith(one) for item, one in zip(items, BEGINNING, strict=True))


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_runs(name: str, tmp_path: Path) -> None:
    for module in MODULES.get(name, ()):
        pytest.importorskip(module)
    if shutil.which(COMMANDS.get(name, "sh")) is None:
        pytest.skip(f"no {COMMANDS[name]} here")
    page = Page(f"docs/guides/{name}.md")
    page.check_links()
    steps = run(page.text, tmp_path, {})
    assert steps
    for command, shown, printed in steps:
        told = "\n".join(line.rstrip() for line in printed.strip().splitlines())
        assert like(shown, name in MEASURED).fullmatch(told), f"{command} prints\n{told}"


def like(shown: str, measured: bool) -> re.Pattern[str]:
    """What is shown; of a page that measures with other figures, and other widths."""
    if not measured:
        return re.compile(re.escape(shown.strip()))
    words = (FIGURE.pattern.join(map(re.escape, FIGURE.split(word))) for word in shown.split())
    return re.compile(r"\s+".join(words))
