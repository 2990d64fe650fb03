"""Pages of docs: their examples run, and the names in them exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from acl_bundle import follow

from .page import Page, small_policy

PAGES = (
    "docs/updates.md", "docs/serving.md", "docs/follow.md", "docs/weight_programs.md",
    "docs/device_arrays.md", "docs/ipc.md", "docs/aipp.md", "docs/fleet.md",
)  # fmt: skip


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.parametrize("path", PAGES)
def test_the_page_runs(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_policy(tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    page = Page(path)
    assert len(page.programs) >= 2
    page.run({})


ON_RAY = "docs/fleet_ray.md", "docs/ray_serve.md"
LINKED = (*PAGES, "README.md", "docs/weights.md", "docs/shell.md", *ON_RAY)


@pytest.mark.parametrize("path", LINKED)
def test_every_file_that_is_named_exists(path: str) -> None:
    Page(path).check_links()


def test_every_metric_and_name_of_following_is_there() -> None:
    text = Page("docs/follow.md").text
    for one in fields(follow.Metrics):
        assert f"`{one.name}`" in text
    for name in set(re.findall(r"follow\.([A-Za-z_]+)", text)) - {"md", "om"}:
        assert hasattr(follow, name), name
