"""docs/site/drawings.py: each picture is drawn from a run, with units and what it ran on."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "docs" / "site" / "drawings.py"


@pytest.fixture
def drawings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    spec = importlib.util.spec_from_file_location("drawings", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PICTURES", tmp_path)
    return module


@pytest.mark.usefixtures("fake_acl")
def test_the_transaction_shows_each_kind_of_call(drawings: ModuleType, tmp_path: Path) -> None:
    drawings.transaction()
    text = (tmp_path / "transaction.svg").read_text(encoding="utf-8")
    assert "milliseconds since the update began" in text
    assert "not a device's times" in text
    for name in ("aclmdlExecute", *(f"aclrtMemcpy, {one}" for one in drawings.DIRECTIONS.values())):
        assert f">{name}<" in text


@pytest.mark.usefixtures("fake_acl")
def test_the_latency_counts_what_it_shows(drawings: ModuleType, tmp_path: Path) -> None:
    drawings.latency()
    text = (tmp_path / "latency.svg").read_text(encoding="utf-8")
    assert "milliseconds for one inference" in text
    assert "beside 10 updates of 4 MiB" in text


def test_the_picture_of_half_precision_has_each_row_of_the_table(
    drawings: ModuleType, tmp_path: Path
) -> None:
    drawings.half_precision()
    text = (tmp_path / "half_precision.svg").read_text(encoding="utf-8")
    for one in ("batch 1", "batch 8", "16", "64", "128"):
        assert f">{one}<" in text
    assert text.count("<use ") > 6


@pytest.mark.parametrize("name", ["transaction", "latency", "demo", "half_precision"])
def test_the_pictures_that_are_shown_are_there(name: str) -> None:
    text = (SCRIPT.parents[1] / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert text.rstrip().endswith("</svg>")
    assert not re.search(r"(href|src)=.https?:|url\(.?https?:", text)  # it is whole by itself
