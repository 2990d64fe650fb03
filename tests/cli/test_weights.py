"""``acl-bundle weights``: what it reads, shows and writes, and what it never overwrites."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, weights
from acl_bundle.weights import Masks

Array = NDArray[Any]
Run = Callable[..., Any]
RNG = np.random.default_rng(0)
VALUES = {
    "fc.weight": RNG.standard_normal((8, 4)).astype(np.float32),
    "fc.bias": np.array([1e6, 1.0, 1e-9, 0.0], np.float32),
    "count": np.arange(3),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.npz"
    np.savez(path, **VALUES)
    return path


def read(path: Path) -> dict[str, Array]:
    with weights.open(path) as found:
        return {name: np.array(found[name]) for name in found}


def left_over(folder: Path) -> list[str]:
    """Temporary files that somebody forgot."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_list_shows_names_dtypes_shapes_and_bytes(run: Run, source: Path) -> None:
    done = run("weights", "list", source)
    assert (done.status, done.err) == (0, "")
    assert "npz, 3 of 3 weights, 168 bytes" in done.out
    for row in (("fc.weight", "float32", "8×4", "128"), ("count", "int64", "3", "24")):
        assert any(line.split() == list(row) for line in done.out.splitlines())


def test_list_as_json(run: Run, source: Path) -> None:
    data = run("weights", "list", source, "--select", "fc.*", "--drop", "*bias", "--json").json
    assert (data["kind"], data["nbytes"], data["skipped"]) == ("npz", 128, {})
    assert data["weights"] == [
        {"name": "fc.weight", "dtype": "float32", "shape": [8, 4], "nbytes": 128}
    ]


def test_a_table_loses_nothing_in_a_pipe(run: Run, tmp_path: Path) -> None:
    name = "encoder." * 40 + "weight"
    weights.save({name: np.zeros(2, np.float32)}, tmp_path / "long.safetensors")
    assert name in run("weights", "list", tmp_path / "long.safetensors").out


def test_list_tells_what_was_skipped(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", w=np.zeros(2), text=np.array(["a", "b"]))
    done = run("weights", "list", tmp_path / "s.npz")
    assert "skipped text: " in done.out


def test_diff_says_by_its_status_whether_they_differ(
    run: Run, source: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b.safetensors"
    weights.save(VALUES, other)
    same = run("weights", "diff", source, other)
    assert (same.status, same.out) == (0, "no difference\n")
    weights.save({**VALUES, "fc.weight": VALUES["fc.weight"] + 1}, other)
    done = run("weights", "diff", source, other, "--json")
    assert done.status == 1
    (row,) = done.json["rows"]
    assert (row["name"], row["result"], row["differing"]) == ("fc.weight", "values", 32)
    assert row["a"] == {"dtype": "float32", "shape": [8, 4], "nbytes": 128}
    assert len(run("weights", "diff", source, other, "--all", "--json").json["rows"]) == 3
    assert run("weights", "diff", source, other, "--drop", "fc.weight").status == 0
    trouble = run("weights", "diff", source, tmp_path / "none.npz")
    assert trouble.status == 2
    assert trouble.err == f"acl-bundle: {tmp_path / 'none.npz'}: No such file or directory\n"


def test_json_stays_json_when_a_difference_is_endless(run: Run, tmp_path: Path) -> None:
    for name, value in (("a", np.inf), ("b", 1.0)):
        np.savez(tmp_path / f"{name}.npz", w=np.array([value]))
    (row,) = run("weights", "diff", tmp_path / "a.npz", tmp_path / "b.npz", "--json").json["rows"]
    assert row["max_abs"] == "inf"


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_convert_writes_either_format(run: Run, source: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    done = run("weights", "convert", source, out)
    assert (done.status, done.err) == (0, "")
    assert f"wrote {out}, {out.stat().st_size:,} bytes" in done.out
    found = read(out)
    assert found.keys() == VALUES.keys()
    for name, value in VALUES.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)
    assert left_over(tmp_path) == []


def test_what_convert_writes_numpy_and_safetensors_read(
    run: Run, source: Path, tmp_path: Path
) -> None:
    run(
        "weights",
        "convert",
        source,
        tmp_path / "out.npz",
        "--dtype",
        "float16",
        "--keep-float32",
        "*bias",
    )
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["fc.weight"], VALUES["fc.weight"].astype(np.float16))
        np.testing.assert_array_equal(found["fc.bias"], VALUES["fc.bias"])


def test_an_overflow_is_told_and_nothing_is_written(run: Run, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "half.safetensors"
    out.write_bytes(b"before")
    done = run("weights", "convert", source, out, "--dtype", "float16")
    assert done.status == 1
    assert "1 of 2 weights overflow float16: 'fc.bias'" in done.out
    assert done.err == (
        f"acl-bundle: {out} was not written, because values overflow in 1 of its weights;"
        " keep them: --keep-float32 'fc.bias', or say --on-overflow saturate or inf\n"
    )
    assert out.read_bytes() == b"before"


@pytest.mark.parametrize(("word", "value"), [("saturate", 65504), ("inf", np.inf)])
def test_an_overflow_may_be_allowed(
    run: Run, source: Path, tmp_path: Path, word: str, value: float
) -> None:
    out = tmp_path / "half.safetensors"
    options = ("--dtype", "float16", "--on-overflow", word, "--json")
    data = run("weights", "convert", source, out, *options).json
    assert data["out"] == str(out)
    bias = {row["name"]: row for row in data["rows"]}["fc.bias"]
    assert (bias["overflow"], bias["underflow"], bias["target"]) == (1, 1, "float16")
    assert read(out)["fc.bias"][0] == value


def test_other_names(run: Run, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    names = ("--strip-prefix", "fc.", "--rename", "bias=b", "--add-prefix", "m/")
    regex = ("--regex", "^w(?=eight)=W", "--drop", "count")
    assert run("weights", "convert", source, out, *names, *regex).status == 0
    assert sorted(read(out)) == ["m/Weight", "m/b"]


def test_npz_has_no_bfloat16(run: Run, source: Path, tmp_path: Path) -> None:
    options = ("--dtype", "bfloat16")
    done = run("weights", "convert", source, tmp_path / "out.npz", *options)
    assert done.status == 1
    assert done.err == (
        "acl-bundle: weight 'fc.weight' is bfloat16, a dtype that .npz lacks; write .safetensors\n"
    )
    assert run("weights", "convert", source, tmp_path / "o.safetensors", *options).status == 0
    assert read(tmp_path / "o.safetensors")["fc.bias"].dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dtype", "int8"], "dtype is 'int8'; one of 'float16', 'bfloat16' is right"),
        (["--dtype", "float16", "--on-overflow", "wrap"], "on_overflow is 'wrap'"),
        (
            ["--on-overflow", "inf"],
            "--keep-float32 and --on-overflow say how to cast: give --dtype",
        ),
        (["--rename", "fc.bias"], "--rename is 'fc.bias'; OLD=NEW is right"),
        (["--rename", "fc.bios=b"], "'fc.bios' matches no weight"),
        (["--regex", "([=x"], "'([' is no regular expression"),
        (["--select", "conv*"], "'conv*' matches no weight"),
        (["--key", "model"], "key is 'model', but only a torch file has one"),
    ],
)
def test_a_wrong_option_is_one_line(
    run: Run, source: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    done = run("weights", "convert", source, tmp_path / "out.npz", *options)
    assert done.status == 1
    assert done.err.startswith("acl-bundle: ")
    assert done.err.count("\n") == 1
    assert said in done.err
    assert not (tmp_path / "out.npz").exists()


def test_the_suffix_says_the_format(run: Run, source: Path, tmp_path: Path) -> None:
    done = run("weights", "convert", source, tmp_path / "out.bin")
    assert done.status == 1
    assert "its suffix says which format to write; .safetensors or .npz is right" in done.err


def test_a_missing_folder_is_told_before_any_work(run: Run, source: Path, tmp_path: Path) -> None:
    done = run("weights", "convert", source, tmp_path / "none" / "out.npz")
    assert done.err == f"acl-bundle: {tmp_path / 'none'}: No such file or directory\n"


def aliases(path: Path) -> list[Path]:
    """A file under all its names: its own, a link, a link to a link, a hard link, a long way."""
    folder = path.parent
    link, twice, hard = (folder / f"{kind}{path.suffix}" for kind in ("link", "twice", "hard"))
    link.symlink_to(path.name)
    twice.symlink_to(link)
    os.link(path, hard)
    return [path, link, twice, hard, folder / ".." / folder.name / path.name]


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("command", ["convert", "sparsify", "freeze"])
def test_the_input_is_never_overwritten(run: Run, source: Path, command: str, at: int) -> None:
    before = source.read_bytes()
    out = aliases(source)[at]
    record = source.parent / "masks.safetensors"
    model = source.parent / "m.om"
    build.from_onnx(mlp(), weights=["fc.weight"]).save(model)
    arguments: dict[str, list[str | Path]] = {
        "convert": [source, out],
        "sparsify": [source, out, "--layout", "fc.weight=kn", "--record", record],
        "freeze": [source, model, out, "--select", "fc.weight"],
    }
    done = run("weights", command, *arguments[command])
    assert done.status == 1
    assert f"{out} is the input" in done.err
    assert source.read_bytes() == before
    assert not record.exists()
    assert left_over(source.parent) == []


def test_no_part_of_a_folder_is_overwritten(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "arrays"
    folder.mkdir()
    np.save(folder / "w.npy", np.zeros(2, np.float32))
    shutil.copy(folder / "w.npy", folder / "x.npz")
    done = run("weights", "convert", folder, folder / "x.npz")
    assert done.status == 1
    assert "is the input" in done.err


def test_no_shard_is_overwritten(run: Run, tmp_path: Path) -> None:
    shard = tmp_path / "model-00001-of-00001.safetensors"
    weights.save({"w": np.zeros(2, np.float32)}, shard)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"w": "model-00001-of-00001.safetensors"}}')
    before = shard.read_bytes()
    for source in (index, tmp_path):
        done = run("weights", "convert", source, shard)
        assert done.status == 1
        assert "is the input" in done.err
    assert shard.read_bytes() == before


def test_no_external_data_is_overwritten(run: Run, tmp_path: Path) -> None:
    path, beside = tmp_path / "m.onnx", tmp_path / "data.npz"
    onnx.save(mlp(), path, save_as_external_data=True, location="data.npz", size_threshold=0)
    assert beside.exists()
    done = run("weights", "convert", path, beside)
    assert done.status == 1
    assert "is the input" in done.err


def test_a_source_that_breaks_half_way_leaves_the_output_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    path, out = tmp_path / "z.npz", tmp_path / "out.safetensors"
    np.savez_compressed(path, a=np.arange(1000.0), z=RNG.standard_normal(5000))
    image = bytearray(path.read_bytes())
    image[-5000] ^= 0xFF
    path.write_bytes(image)
    out.write_bytes(b"before")
    done = run("weights", "convert", path, out)
    assert done.status == 1
    assert str(path) in done.err
    assert out.read_bytes() == b"before"
    assert left_over(tmp_path) == []


def mlp() -> onnx.ModelProto:
    """y = x @ fc.weight."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "fc.weight"], ["y"])],
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.zeros((8, 4), np.float32), "fc.weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


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
    np.savez(newer, **{**VALUES, "fc.weight": RNG.standard_normal((8, 4)).astype(np.float32)})
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
    assert done.status == 1
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
        assert done.status == 1
        assert "the record and the weights are both" in done.err
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
    assert "has a mask for none of the weights" in done.err


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
    assert done.status == 1
    assert "has no constant 'fc.bias', 'count'" in done.err
    weights.save({"net.w": VALUES["fc.weight"]}, tmp_path / "w.safetensors")
    names = ("--strip-prefix", "net.", "--rename", "w=fc.weight")
    assert run("weights", "freeze", tmp_path / "w.safetensors", model, out, *names).status == 0
    done = run("weights", "freeze", tmp_path / "w.safetensors", model, model, *names)
    assert f"{model} is the input" in done.err


def test_a_damaged_source_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(b"\xff" * 64)
    for arguments in (["list", path], ["convert", path, tmp_path / "o.npz"]):
        done = run("weights", *arguments)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith(f"acl-bundle: {path}: ")


COMMANDS = ("list", "diff", "convert", "sparsify", "check", "freeze")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run: Run, command: str) -> None:
    done = run("weights", command, "--help")
    assert done.status == 0
    assert f"Example: acl-bundle weights {command} " in done.out


def test_help_of_weights_lists_the_commands(run: Run) -> None:
    text = run("weights", "--help").out
    assert all(command in text for command in COMMANDS)


def test_wrong_arguments_are_status_2(run: Run, source: Path) -> None:
    done = run("weights", "convert", source)
    assert done.status == 2
    assert "Missing argument 'OUT'" in done.err


def test_matrices_of_another_layout_are_transposed(run: Run, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    options = ("--transpose", "*.weight", "--dtype", "float16", "--on-overflow", "inf")
    assert run("weights", "convert", source, out, *options).status == 0
    np.testing.assert_array_equal(read(out)["fc.weight"], VALUES["fc.weight"].T.astype(np.float16))
    done = run("weights", "convert", source, out, "--transpose", "conv*")
    assert "'conv*' matches no weight" in done.err


def test_a_reader_that_has_enough_is_no_error(source: Path) -> None:
    """The pipe's reader is gone before the first byte."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "acl_bundle.cli", "weights", "list", source]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_bar_moves_on_a_terminal_and_goes_away(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    command = [sys.executable, "-m", "acl_bundle.cli", "weights", "convert", source, out]
    controller, terminal = pty.openpty()
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
        check=False,
    )
    os.close(terminal)
    shown = os.read(controller, 65536).decode()
    os.close(controller)
    assert done.returncode == 0
    assert "writing" in shown
    assert "168/168 bytes" in shown
    assert shown.endswith("\x1b[2K"), "the line is erased"
    assert b"\x1b" not in done.stdout
