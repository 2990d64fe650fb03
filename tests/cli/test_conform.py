"""``acl-bundle conform`` on the fake and on mutants of it; docs/conform.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from acl_bundle import fake
from acl_bundle.conform import kit, library, table
from tests.conform.mutations import compiled
from tests.laws.test_layers import ROOT

from .conftest import Run

POLICY = """
import acl_bundle as ab
with ab.Bundle.load("models/policy.om") as bundle:
    bundle.init()
"""
CHOSEN = [row for row in table.rows() if "aclrtFree" in row.functions and not row.files]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all rows those about one function: tests/conform runs them all."""
    monkeypatch.setattr(library, "rows", lambda: tuple(CHOSEN))
    monkeypatch.setenv("ACL_BUNDLE_LIBRARY", str(fake.library_path()))


def test_the_fake_conforms(run: Run) -> None:
    status, out, err = run("conform")
    assert (status, err) == (0, "")
    assert "the fake, device 0" in out
    assert f"{len(CHOSEN)} rows: {len(CHOSEN)} same" in out


def test_a_difference_is_shown_and_reported(run: Run, tmp_path: Path) -> None:
    mutant, report = compiled("FREES_NULL", tmp_path), tmp_path / "report.json"
    status, out, _ = run("conform", "--library", mutant, "-o", report)
    assert status == 1
    (line,) = (line for line in out.splitlines() if "memory: aclrtFree of nothing" in line)
    assert re.search(r"1\.5.*differs.*aclrtFree\(NULL\) = 100000", line)
    assert out.endswith(f"wrote {report}\n")

    status, out, _ = run("conform", "--compare", report)
    assert status == 1
    assert "memory: aclrtFree of nothing" in out
    found = run("conform", "--compare", report, "--json").json
    assert {row["row"]: (row["report"], row["fake"]) for row in found["rows"]} == {
        "memory: aclrtFree of nothing": ("0", "as the facts say"),
        "process: the error text is read once": ("0", "as the facts say"),
    }


def test_rows_without_an_answer_are_trouble(run: Run, tmp_path: Path) -> None:
    """The report is shown and written all the same; it says which rows these are."""
    mutant, report = compiled("KILLS_ITS_PARENT", tmp_path), tmp_path / "report.json"
    status, out, err = run("conform", "--library", mutant, "-o", report)
    assert status == 2
    assert re.search(r"^acl-bundle: \d+ of \d+ rows have no answer: the process that runs the rows"
                     r" crashed by SIGKILL; run it again$", err, re.MULTILINE)  # fmt: skip
    lost = json.loads(report.read_text())["counts"]["lost"]
    assert f"{lost} lost: the process that runs the rows crashed by SIGKILL" in out
    done = run("conform", "--library", mutant, "--json")
    assert (done.status, done.json["error"]["exit_status"]) == (2, 2)
    assert done.json["counts"]["lost"] == lost


def test_json_is_the_report(run: Run, tmp_path: Path) -> None:
    done = run("conform", "--json", "-o", tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert {name: done.json[name] for name in written} == written
    assert done.json["counts"]["same"] == len(CHOSEN)


def test_two_libraries_that_agree(run: Run, tmp_path: Path) -> None:
    run("conform", "-o", tmp_path / "report.json")
    status, out, _ = run("conform", "--compare", tmp_path / "report.json")
    assert (status, "0 rows that the fake answers otherwise" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--library", "/no/such.so"], "no AscendCL library could be opened"),
        (["--compare", "/no/such.json"], "/no/such.json: No such file"),
        (["--device", "-1"], "--device"),
        (["assumptions", "/no/such.om"], "/no/such.om: No such file"),
        (["assumptions"], "FILE"),
    ],
)
def test_trouble(run: Run, arguments: list[str], text: str) -> None:
    status, out, err = run("conform", *arguments)
    assert (status, out) == (2, "")
    assert text in err


def test_what_is_no_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    done = run("conform", "--compare", tmp_path / "other.json")
    assert (done.status, done.out) == (2, "")
    assert "other.json: no report of acl-bundle conform" in done.err


def test_assumptions(run: Run, tmp_path: Path) -> None:
    kit.make(tmp_path, None)
    status, out, _ = run("conform", "assumptions", tmp_path / "bundle.om")
    assert status == 0
    assert re.search(r"A5 .*keeps a weight.*holds +2 empty tensors", out)
    assert re.search(r"A18 .*not tried +torch_npu is not installed", out)


def test_an_assumption_that_does_not_hold(run: Run, tmp_path: Path) -> None:
    kit.make(tmp_path, None)
    mutant = compiled("A17", tmp_path)
    done = run("conform", "assumptions", tmp_path / "bundle.om", "--library", mutant, "--json")
    assert done.status == 1
    wrong = [row for row in done.json["rows"] if row["verdict"] == "does not hold"]
    assert [row["number"] for row in wrong] == ["A17"]


def test_the_page(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands run as they stand, and its row is one of the rows."""
    page = (ROOT / "docs" / "conform.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    kit.make(tmp_path, None)
    (tmp_path / "models").mkdir()
    shutil.copy(tmp_path / "bundle.om", tmp_path / "models" / "policy.om")
    (tmp_path / "bundle.om").rename(tmp_path / "policy.om")
    (tmp_path / "policy.py").write_text(POLICY)
    monkeypatch.setenv("ACL_FAKE_ONNXRUNTIME", str(fake.onnxruntime_path()))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    for line in re.findall(r"^\$ acl-bundle (.*)$", page, re.MULTILINE):
        assert run(*line.split()).status == 0, line
    (block,) = re.findall(r"```\n(\[.*?)```", page, re.DOTALL)
    (shown,) = table.read(block, "memory")
    assert shown in table.rows()
