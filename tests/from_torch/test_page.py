"""docs/build.md: its programs run in their order, and print what the page shows."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

_PAGE = Path(__file__).parents[1] / "laws" / "pages" / "page.py"
PAGE = runpy.run_path(str(_PAGE))["Page"]("docs/build.md")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.usefixtures("fake_acl")
def test_every_program_runs_and_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LD_LIBRARY_PATH", "")  # the page sets it
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    torch.manual_seed(0)
    assert len(PAGE.programs) == 7
    PAGE.run({})


def test_every_file_that_is_named_exists() -> None:
    PAGE.check_links()
