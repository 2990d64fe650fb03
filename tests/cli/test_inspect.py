"""``acl-bundle inspect``: the tree, the partitions, and one graph as a file of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, om
from acl_bundle.testing import FakeAcl

from .conftest import Run
from .terminal import on_terminal
from .weights_files import mlp


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return build.from_onnx(mlp(), weights=["fc.weight"]).save(tmp_path / "m.om")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return build.model(mlp()).save(tmp_path / "plain.om")


def test_the_tree_has_each_thing_below_what_holds_it(run: Run, bundle: Path) -> None:
    lines = run("inspect", bundle, "--tree").out.splitlines()
    assert lines[0] == f"{bundle}: bundle, {bundle.stat().st_size:,} bytes"
    assert lines[1:6] == [
        "├ graph 0: var_infer_graph, infer",
        "│ ├ inputs: 1",
        "│ │ └ x: float32 1×8",
        "│ ├ outputs: 1",
        "│ │ └ y: float32 1×4",
    ]
    assert "│ │ └ fc.weight: float32 8×4" in lines, "the init graph's constant"
    at = lines.index("├ weights: 1")
    assert lines[at + 1] == "│ └ fc.weight: float32 8×4"
    assert lines[-1].startswith("  └ BUNDLE_MODEL_INFO: ")
    status, shown = on_terminal(["inspect", bundle, "--tree"])
    assert (status, shown.splitlines()) == (0, lines)


def test_the_tree_of_a_plain_model(run: Run, plain: Path) -> None:
    lines = run("inspect", plain, "--tree").out.splitlines()
    assert lines[1].startswith("└ ")
    assert "  ├ constants: 1" in lines


def test_partitions_say_what_they_hold(run: Run, bundle: Path) -> None:
    data = run("inspect", bundle, "--json").json
    read = om.open_bundle(bundle)
    own = {(row["type"], row["holds"]) for row in data["partitions"]}
    assert ("BUNDLE_MODEL_INFO", "graph 2: var_update_graph") in own
    size = f"memory for variables: {read.variable_size:,} bytes"
    assert ("BUNDLE_MODEL_VAR_INFO", size) in own
    infer, init, _ = data["graphs"]
    assert [row["holds"] for row in infer["partitions"]] == [
        "1 inputs, 1 outputs", "4 nodes", "program of the fake: onnx",
    ]  # fmt: skip
    held = {row["type"]: row["holds"] for row in init["partitions"]}
    assert (held["WEIGHTS_DATA"], held["TASK_INFO"]) == (
        "1 constants", "program of the fake: assign",
    )  # fmt: skip
    data_of = {row["type"]: row for row in init["partitions"]}["WEIGHTS_DATA"]
    whole = bundle.read_bytes()[data_of["offset"] :][: data_of["size"]]
    assert np.zeros((8, 4), "f4").tobytes() in whole
    shown = run("inspect", bundle, "--partitions").out
    assert "program of the fake: assign" in shown
    assert "format" not in shown


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_graph_as_a_file_of_its_own_loads(
    run: Run, bundle: Path, tmp_path: Path, fake_acl: FakeAcl, index: int
) -> None:
    out = tmp_path / "one.om"
    told = run("inspect", bundle, "--extract", str(index), out, "--json").json
    assert (told["kind"], told["out"], told["nbytes"]) == ("bundle", str(out), out.stat().st_size)
    assert bytes(om.open_bundle(out).models[0].data) == bytes(
        om.open_bundle(bundle).models[index].data
    )
    with ab.Bundle.load(out) as one:
        assert [graph.role for graph in one.graphs] == [("infer", "init", "update")[index]]


def test_a_graph_without_variables_becomes_a_plain_model(
    run: Run, plain: Path, tmp_path: Path, fake_acl: FakeAcl
) -> None:
    two = om.write_bundle([om.open_model(plain)] * 2, 0).save(tmp_path / "two.om")
    out = tmp_path / "one.om"
    done = run("inspect", two, "--extract", "1", out)
    assert done.out.startswith(f"wrote {out}: graph 1, ")
    assert out.read_bytes() == plain.read_bytes()
    with ab.Bundle.load(out) as one:
        np.testing.assert_array_equal(one.infer(np.ones((1, 8), "f4")), np.zeros((1, 4)))


def test_what_cannot_be_extracted_is_told(
    run: Run, bundle: Path, plain: Path, tmp_path: Path
) -> None:
    before = bundle.read_bytes()
    for words, said in (
        ((bundle, "--extract", "3", tmp_path / "o.om"), "has no graph 3; its graphs are 0 to 2"),
        ((bundle, "--extract", "-1", tmp_path / "o.om"), "has no graph -1"),
        ((bundle, "--extract", "0", bundle), str(bundle)),
        ((plain, "--extract", "0", tmp_path / "o.om"), str(plain)),
        ((bundle, "--extract", "0", tmp_path / "no" / "o.om"), "no"),
        ((bundle, "--extract", "x", tmp_path / "o.om"), "'--extract'"),
        ((bundle, "--tree", "--partitions"), "give one of them"),
    ):
        done = run("inspect", *words)
        assert (done.status, done.out) == (2, ""), words
        assert said in done.err
    assert bundle.read_bytes() == before
    assert not (tmp_path / "o.om").exists()
