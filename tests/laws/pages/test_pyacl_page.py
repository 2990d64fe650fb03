"""The pages about pyACL: their programs run, and what they say of numbers is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from acl_bundle.pyacl import owners

from .page import Page


@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Page("docs/pyacl.md")
    assert len(page.programs) > 2
    page.run({})
    page.check_links()
    assert f"the last {owners.KEPT} objects" in page.text
    assert f"{owners.KEPT_BYTES >> 20} MiB" in page.text
