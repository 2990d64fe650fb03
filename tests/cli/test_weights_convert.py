"""``acl-bundle weights convert``: formats, half precision, names and layouts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import weights

from .weights_files import VALUES, Run, left_over, read


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
    assert done.status == 2
    assert done.err == (
        "acl-bundle: 'fc.weight' is bfloat16, a dtype that .npz lacks; write .safetensors\n"
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
    assert done.status == 2
    assert done.err.startswith("acl-bundle: ")
    assert done.err.count("\n") == 1
    assert said in done.err
    assert not (tmp_path / "out.npz").exists()


def test_the_suffix_says_the_format(run: Run, source: Path, tmp_path: Path) -> None:
    done = run("weights", "convert", source, tmp_path / "out.bin")
    assert done.status == 2
    assert "its suffix says which format to write; .safetensors or .npz is right" in done.err


def test_a_missing_folder_is_told_before_any_work(run: Run, source: Path, tmp_path: Path) -> None:
    done = run("weights", "convert", source, tmp_path / "none" / "out.npz")
    assert done.err == f"acl-bundle: {tmp_path / 'none'}: there is no such folder\n"


def test_matrices_of_another_layout_are_transposed(run: Run, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    options = ("--transpose", "*.weight", "--dtype", "float16", "--on-overflow", "inf")
    assert run("weights", "convert", source, out, *options).status == 0
    np.testing.assert_array_equal(read(out)["fc.weight"], VALUES["fc.weight"].T.astype(np.float16))
    done = run("weights", "convert", source, out, "--transpose", "conv*")
    assert "'conv*' matches no weight" in done.err


def test_a_replacement_that_is_none_is_one_line(run: Run, source: Path, tmp_path: Path) -> None:
    done = run("weights", "convert", source, tmp_path / "o.npz", "--regex", r"fc=\7")
    assert (done.status, done.out) == (2, "")
    assert "is no replacement: invalid group reference 7" in done.err


def test_a_folder_that_takes_no_files_is_told_by_the_outputs_name(run: Run, source: Path) -> None:
    done = run("weights", "convert", source, "/proc/out.npz")
    assert (done.status, done.err) == (2, "acl-bundle: /proc/out.npz: No such file or directory\n")


@pytest.mark.parametrize("at", range(3))
def test_ctrl_c_leaves_the_output_as_it_was(tmp_path: Path, at: int) -> None:
    """Interrupted while the temporary file is there: in the middle of the work."""
    big = {f"w{i}": np.full((1500, 1500), i, np.float32) for i in range(8)}
    source, out = tmp_path / "big.safetensors", tmp_path / "out.safetensors"
    weights.save(big, source)
    out.write_bytes(b"before")
    command = [sys.executable, "-m", "acl_bundle.cli", "weights", "convert", source, out]
    process = subprocess.Popen([*command, "--dtype", "float16"], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not left_over(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.005 * at)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode == 0:  # it was done already
        assert len(read(out)) == len(big)
    else:
        assert (process.returncode, err, out.read_bytes()) == (
            130,
            b"acl-bundle: interrupted\n",
            b"before",
        )
    assert left_over(tmp_path) == []
