"""The page about images runs, and names functions and violations that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..test_violations import violations
from .page import Page

ROOT = Path(__file__).parents[3]


@pytest.mark.acl(violations="ignore")
@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Page("docs/media.md")
    assert len(page.programs) == 4
    page.run({})
    page.check_links()


def test_the_names_on_the_page_exist() -> None:
    text = Page("docs/media.md").text
    ids = {one.id for one in violations()}
    assert {*re.findall(r"AB-\w+-\d+", text)} <= ids
    unsimulated = (ROOT / "fakes/call/unsimulated.h").read_text(encoding="utf-8")
    answering = re.search(r"answers 200001 \| (.*) \|", text)
    assert answering is not None
    for name in re.findall(r"acldvppVpc\w+", answering[1]):
        assert f"FUNCTION({name}, ERROR)" in unsimulated
