"""What docs/architecture.md assumes, found out: on the fake, and on mutants that break each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from acl_bundle import build, conform, errors, fake
from acl_bundle.conform import kit
from acl_bundle.conform._assumptions import CHECKS
from acl_bundle.conform.assumed import Assumption
from tests.laws.test_layers import ROOT

from .mutations import SOURCE, compiled

ITEM = re.compile(r"^- \*\*(A\d+)\*\*", re.MULTILINE)
CHECKS_IN_ORDER = sorted(CHECKS, key=lambda number: int(number[1:]))
OF_A_FILE = {"A3", "A10"}
OF_TORCH_NPU = {"A18", "A19", "A20"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit, and a bundle whose graph has gears."""
    made = tmp_path_factory.mktemp("kit")
    kit.make(made, None)
    model, _ = kit._sources()["gears"]
    build.from_onnx(model, weights=["w"], dynamic_batch=[2, 4]).save(made / "geared.om")
    return made


def verdicts(
    path: Path, library: Path | None = None, only: str | None = None
) -> dict[str, Assumption]:
    _, rows = conform.assumptions(path, library or fake.library_path(), only=only and [only])
    return {row.number: row for row in rows}


def test_each_assumption_of_the_page_has_a_check() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert ITEM.findall(page) == [f"A{number + 1}" for number in range(len(CHECKS))]
    assert {*CHECKS} == {*ITEM.findall(page)}


def test_what_the_fake_does(folder: Path) -> None:
    """All that can be tried holds; of the rest it is said why not."""
    found = verdicts(folder / "bundle.om")
    untried = {number: row.evidence for number, row in found.items() if row.verdict != "holds"}
    assert {*untried} == {"A12", *OF_TORCH_NPU}
    assert untried["A12"] == "its graph has no gears"
    assert {untried[number] for number in OF_TORCH_NPU} == {"torch_npu is not installed"}
    assert all(row.evidence for row in found.values())


GEARS_HOLD = (
    "the library lists the same 2 gears and open dims; each ran, and wrote outputs of its dims"
)


def test_gears(folder: Path) -> None:
    found = verdicts(folder / "geared.om")
    assert (found["A12"].verdict, found["A12"].evidence) == ("holds", GEARS_HOLD)
    assert found["A16"].verdict == "not tried"
    assert {row.verdict for number, row in found.items() if number in ("A1", "A6", "A14")} == {
        "holds"
    }


def test_gears_of_outputs_whose_first_dim_is_no_batch(tmp_path: Path) -> None:
    """Of x, (batch, 3): all elements in a row, and turned."""
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["y"]),
        helper.make_node("Reshape", ["y", "row"], ["flat"]),
        helper.make_node("Transpose", ["y"], ["turned"]),
    ]
    shapes = {"x": ["n", 3], "flat": ["m"], "turned": [3, "n"]}
    x, *ends = (helper.make_tensor_value_info(name, 1, dims) for name, dims in shapes.items())
    held = {"w": np.ones(3, np.float32), "row": np.array([-1])}
    constants = [numpy_helper.from_array(value, name) for name, value in held.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], ends, constants))
    build.from_onnx(model, weights=["w"], dynamic_batch=[2, 4]).save(tmp_path / "geared.om")
    found = verdicts(tmp_path / "geared.om", only="A12")["A12"]
    assert (found.verdict, found.evidence) == ("holds", GEARS_HOLD)


MUTATIONS = sorted({*re.findall(r"\b(A\d+(?:_[A-Z]+)?)\b", SOURCE.read_text("utf-8"))})


def test_each_assumption_about_the_library_has_a_mutation() -> None:
    found = {number.partition("_")[0] for number in MUTATIONS}
    assert found == {*CHECKS} - OF_A_FILE - OF_TORCH_NPU


@pytest.mark.parametrize("number", MUTATIONS)
def test_a_library_that_does_otherwise_is_found(number: str, folder: Path, tmp_path: Path) -> None:
    path = folder / ("geared.om" if number.startswith("A12") else "bundle.om")
    known = number.partition("_")[0]
    found = verdicts(path, compiled(number, tmp_path), known)[known]
    assert found.verdict == "does not hold", found.evidence
    assert found.evidence


def test_a_library_that_exports_nothing_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    """The other process of the check ends with the one that asks it."""
    library = compiled("NO_EXPORT", tmp_path)
    found = verdicts(folder / "bundle.om", library, "A22")["A22"]
    assert found.verdict == "not tried"
    assert found.evidence.startswith("aclrtIpcMemGetExportKey returned 207000")


def test_the_process_of_the_checks_is_killed(folder: Path, tmp_path: Path) -> None:
    """A7 is the first that unloads, which ends whoever asks."""
    library = compiled("KILLS_AT_UNLOAD", tmp_path)
    found = verdicts(folder / "bundle.om", library)
    assert list(found) == list(CHECKS_IN_ORDER)
    lost = [number for number, row in found.items() if row.verdict == "lost"]
    assert lost == CHECKS_IN_ORDER[CHECKS_IN_ORDER.index("A7") :]
    assert found["A7"].evidence == "the process that makes the checks crashed by SIGKILL"


def test_what_is_no_bundle(folder: Path) -> None:
    with pytest.raises(errors.BundleFormatError):
        verdicts(folder / "noise.om")


def test_a_device_that_is_not_there(folder: Path) -> None:
    _, rows = conform.assumptions(folder / "bundle.om", fake.library_path(), 99, only=["A1", "A3"])
    assert [row.verdict for row in rows] == ["not tried", "holds"]
    assert rows[0].evidence.startswith("aclrtSetDevice returned 107001")
