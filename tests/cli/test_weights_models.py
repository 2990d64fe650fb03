"""``acl-bundle weights`` sparsify, check and freeze: what a compiled model relies on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from acl_bundle import build, weights
from acl_bundle.weights import Masks

from .weights_files import VALUES, Run, mlp, read, rng


def test_sparsify_keeps_masks_and_enforces_them_later(
    run: Run, source: Path, tmp_path: Path
) -> None:
    record, out = tmp_path / "masks.safetensors", tmp_path / "sparse.npz"
    sparsify = ("weights", "sparsify", source, out, "--record", record)
    data = run(*sparsify, "--layout", "fc.weight=kn", "--json").json
    assert [row["name"] for row in data["rows"]] == ["fc.weight"]
    assert data["record"] == str(record)
    want = weights.sparsify_2_4(VALUES, {"fc.weight": "kn"})
    np.testing.assert_array_equal(read(out)["fc.weight"], want["fc.weight"])
    assert Masks.load(record) == want.masks

    newer = tmp_path / "newer.npz"
    np.savez(newer, **{**VALUES, "fc.weight": rng(1).standard_normal((8, 4)).astype(np.float32)})
    assert run("weights", "check", newer, "--record", record).status == 1
    again = tmp_path / "again.npz"
    assert run("weights", "sparsify", newer, again, "--record", record).status == 0
    assert run("weights", "check", again, "--record", record).status == 0
    assert run("weights", "check", again, "--layout", "fc.*t=kn").status == 0
    assert not read(again)["fc.weight"][~want.masks["fc.weight"]].any()


def test_a_record_is_never_replaced(run: Run, source: Path, tmp_path: Path) -> None:
    record = tmp_path / "masks.safetensors"
    arguments = ("weights", "sparsify", source, tmp_path / "o.npz", "--record", record)
    assert run(*arguments, "--layout", "fc.weight=kn").status == 0
    before = record.read_bytes()
    done = run(*arguments, "--layout", "fc.weight=nk")
    assert done.status == 2
    assert done.err == (
        f"acl-bundle: {record}: the record exists; leave out --layout to use its masks\n"
    )
    assert record.read_bytes() == before


def test_the_record_and_the_weights_are_two_files(run: Run, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.safetensors"
    for record in (out, source.parent / ".." / source.parent.name / out.name):
        done = run(
            "weights", "sparsify", source, out, "--record", record, "--layout", "fc.weight=kn"
        )
        assert done.status == 2
        assert "are one file" in done.err
        assert not out.exists()


def test_check_finds_violations_with_coordinates(run: Run, source: Path) -> None:
    done = run("weights", "check", source, "--layout", "fc.weight=kn", "--json")
    assert done.status == 1
    assert done.json["violations"] == 8
    assert done.json["rows"][0]["first"][:2] == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say what to check by: --record, or --layout"),
        (["--layout", "fc.weight=kk"], "layout 'kk' is unknown; kn, nk, oihw, hwio are right"),
        (["--layout", "fc.weight"], "--layout is 'fc.weight'; PATTERN=LAYOUT is right"),
        (["--record", "none"], "none: No such file or directory"),
    ],
)
def test_check_in_trouble_is_status_2(
    run: Run, source: Path, options: list[str], said: str
) -> None:
    done = run("weights", "check", source, *options)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_check_by_a_record_of_other_weights_is_trouble(
    run: Run, source: Path, tmp_path: Path
) -> None:
    record = tmp_path / "masks.safetensors"
    other = {"other": np.ones((4, 4), np.float32)}
    weights.sparsify_2_4(other, {"other": "kn"}).masks.save(record)
    done = run("weights", "check", source, "--record", record)
    assert done.status == 2
    assert "none of the masks is for one of these weights; they are for 'other'" in done.err
    out = tmp_path / "out.npz"
    done = run("weights", "sparsify", source, out, "--record", record)
    assert done.status == 2
    assert f"{record} has a mask for none of the weights of {source}" in done.err
    assert not out.exists()


@pytest.mark.parametrize("kind", ["bundle.om", "plain.om", "model.onnx"])
def test_freeze_writes_a_model_with_these_constants(
    run: Run, source: Path, tmp_path: Path, kind: str
) -> None:
    model, out = tmp_path / kind, tmp_path / f"frozen-{kind}"
    if kind == "model.onnx":
        onnx.save(mlp(), model)
    else:
        made = (
            build.from_onnx(mlp(), weights=["fc.weight"]) if kind[0] == "b" else build.model(mlp())
        )
        made.save(model)
    before = model.read_bytes()
    done = run("weights", "freeze", source, model, out, "--select", "fc.weight")
    assert (done.status, done.err) == (0, "")
    assert "1 of 1 constants are replaced" in done.out
    np.testing.assert_array_equal(read(out)["fc.weight"], VALUES["fc.weight"])
    assert model.read_bytes() == before


def test_freeze_renames_and_refuses_what_does_not_fit(
    run: Run, source: Path, tmp_path: Path
) -> None:
    model, out = tmp_path / "m.om", tmp_path / "o.om"
    build.from_onnx(mlp(), weights=["fc.weight"]).save(model)
    done = run("weights", "freeze", source, model, out)
    assert done.status == 2
    assert "has no constant 'fc.bias', 'count'" in done.err
    weights.save({"net.w": VALUES["fc.weight"]}, tmp_path / "w.safetensors")
    names = ("--strip-prefix", "net.", "--rename", "w=fc.weight")
    assert run("weights", "freeze", tmp_path / "w.safetensors", model, out, *names).status == 0
    done = run("weights", "freeze", tmp_path / "w.safetensors", model, model, *names)
    assert f"{model} is the input" in done.err
