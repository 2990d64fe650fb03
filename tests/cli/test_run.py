"""``acl-bundle run``: what it shows, writes and compares, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from acl_bundle import build, weights

from .conftest import Run
from .terminal import on_terminal

pytestmark = pytest.mark.usefixtures("fake_acl")
GIVEN = ["--inputs", "in.npz"]
NAME = "a_name_that_is_long_enough_to_need_more_than_its_share_of_a_terminal"


def model() -> onnx.ModelProto:
    """y = x @ w + b, and where its largest element is."""
    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[N,2] x) => (float[N,3] y, int64[N,1] best)
        <float[2,3] w = {1,2,3,4,5,6}, float[3] b = {0,0,1}>
        { product = MatMul(x, w)  y = Add(product, b)  best = ArgMax<axis=1>(y) }
    """)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    onnx.save(model(), "net.onnx")
    build.from_onnx(model(), ["w", "b"], dynamic_shape=True).save("net.om")
    np.savez("in.npz", x=np.array([[1, 2]], np.float32))
    np.save("x.npy", np.array([[1, 2], [0, 0]], np.float32))
    np.savez("ref.npz", y=np.array([[9, 12, 16]], np.float32), best=np.array([[2]]))
    weights.save({"model.b": np.array([10, 0, 0], np.float32)}, "new.safetensors")
    return tmp_path


def test_it_shows_inputs_outputs_times_and_what_computed(run: Run, folder: Path) -> None:
    done = run("run", "net.om", "--inputs", "in.npz")
    assert (done.status, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0].startswith("net.om: not device numbers: the fake computes on")
    assert "inputs: in.npz" in lines
    assert "x float32 1×2 1 2 1.5 0" in lines
    assert "y float32 1×3 9 16 12.33 0" in lines
    assert "best int64 1×1 2 2 2 0" in lines
    assert re.fullmatch(r"load [\d.]+ ms, init [\d.]+ ms, run [\d.]+ ms", lines[-1])


def test_as_json(run: Run, folder: Path) -> None:
    data = run("run", "net.om", "--inputs", "x=x.npy", "--json").json
    assert (data["schema"], data["file"], data["fake"], data["version"]) == (1, "net.om", True, 0)
    assert data["inputs"][0]["shape"] == [2, 2]
    assert data["outputs"][0] == {
        "name": "y", "dtype": "float32", "shape": [2, 3], "min": 0.0, "max": 16.0,
        "mean": pytest.approx(38 / 6), "nan": 0,
    }  # fmt: skip
    assert list(data["times_ms"]) == ["load", "init", "run"]
    assert "comparison" not in data


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_outputs_are_written_whole(run: Run, folder: Path, suffix: str) -> None:
    out = Path(f"out{suffix}")
    done = run("run", "net.om", "--inputs", "in.npz", "-o", out)
    assert done.status == 0
    assert f"wrote {out}, {out.stat().st_size:,} bytes" in done.out
    with weights.open(out) as found:
        assert found["y"].tolist() == [[9, 12, 16]]
        assert (found["best"].tolist(), found["best"].dtype) == ([[2]], np.int64)
    assert run("run", "net.om", "--inputs", "in.npz", "--compare", out).status == 0


def test_random_inputs_have_a_seed_and_a_shape(run: Run, folder: Path) -> None:
    for options in (["--batch", "5"], ["--shape", "x=5x2"]):
        data = run("run", "net.om", "--inputs", "random:3", "--json", *options).json
        assert data["inputs"][0]["shape"] == [5, 2]
        assert data["inputs_from"] == "random:3"
    again = run("run", "net.om", "--inputs", "random:3", "--batch", "5", "--json").json
    assert again["inputs"] == data["inputs"]
    assert run("run", "net.om", "--batch", "5", "--json").json["inputs"] != data["inputs"]


def test_a_batch_that_no_input_takes_is_refused(run: Run, folder: Path) -> None:
    for options in (["--shape", "x=5x2"], ["--inputs", "random", "--inputs", "in.npz"]):
        np.savez("in.npz", x=np.zeros((1, 2), np.float32))
        done = run("run", "net.om", "--batch", "5", *options)
        assert done.status == 2
        assert "--batch is for inputs that are made up and whose first dim is open" in done.err


def test_weights_go_in_before_it_runs(run: Run, folder: Path) -> None:
    given = ["--inputs", "in.npz", "--weights", "new.safetensors", "--strip-prefix", "model."]
    data = run("run", "net.om", *given, "--json").json
    assert data["outputs"][0]["max"] == 19
    assert data["file"] == "net.om with new.safetensors"
    assert "update" in data["times_ms"]
    other = run("run", "net.om", *given, "--compare", "ref.npz", "--json")
    assert other.status == 1
    (y, best) = other.json["comparison"]["outputs"]
    assert (y["differing"], y["beyond"], y["max_abs"], y["max_abs_at"]) == (2, 2, 10.0, [0, 0])
    assert y["worst"][0] == {
        "at": [0, 0], "a": 19.0, "b": 9.0, "absolute": 10.0, "relative": pytest.approx(10 / 9),
    }  # fmt: skip
    assert best["result"] == "beyond"


@pytest.mark.parametrize("other", ["ref.npz", "onnx:net.onnx", "net.onnx", "net.om"])
def test_it_compares_with_all_that_answers(run: Run, folder: Path, other: str) -> None:
    done = run("run", "net.om", "--inputs", "in.npz", "--compare", other)
    assert (done.status, done.err) == (0, "")
    assert "2 of 2 outputs are equal" in done.out
    assert f"beside {other.removeprefix('onnx:')}: " in done.out


def test_a_difference_is_told_and_is_the_status(run: Run, folder: Path) -> None:
    np.savez("ref.npz", y=np.array([[9, 12.5, 16]], np.float32), best=np.array([[2]]), z=1.0)
    done = run("run", "net.om", "--inputs", "in.npz", "--compare", "ref.npz")
    assert (done.status, done.err) == (1, "")
    assert "2 of 3 outputs differ beyond rtol 0.001, atol 1e-05" in done.out
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert any(line.startswith("y beyond float32[1, 3] 1 1 0.5 [0, 1] 0.04") for line in lines)
    assert "y [0, 1] 12 12.5 0.5 0.04" in lines
    assert any(line.startswith("z only in b float64[]") for line in lines)
    wide = ["--rtol", "0", "--atol", "0.5"]
    np.savez("ref.npz", y=np.array([[9, 12.5, 16]], np.float32), best=np.array([[2]]))
    assert run("run", "net.om", "--inputs", "in.npz", "--compare", "ref.npz", *wide).status == 0


def test_other_names_are_matched(run: Run, folder: Path) -> None:
    np.savez("ref.npz", best=np.array([[2]]), answer=np.array([[9, 12, 16]], np.float32))
    given = ["--inputs", "in.npz", "--compare", "ref.npz"]
    assert run("run", "net.om", *given).status == 1
    assert run("run", "net.om", *given, "--match", "y=answer").status == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.om"], "none.om: No such file or directory"),
        (["net.onnx"], "net.onnx is no .om file; acl-bundle build makes one of a model"),
        (["net.om", "--inputs", "ref.npz"], "there is no input 'y'; the inputs are 'x'"),
        (["net.om", "--inputs", "wrong.npz"], "input 'x' has dtype float64; it must be float32"),
        (["net.om", "--inputs", "none.npz"], "none.npz"),
        (["net.om", "--inputs", "random:x"], "random, or random:7 with a seed is right"),
        (["net.om", "--shape", "x=2,2"], "--shape is 'x=2,2'; NAME=2x3 is right"),
        (["net.om", "--graph", "9"], "there is no graph '9'; there are 0 'var_infer_graph'"),
        (["net.om", "--graph", "2"], "gives weights their values; one that"),
        (["net.om", "--weights", "in.npz"], "'x'"),
        (["net.om", "--strip-prefix", "m."], "--strip-prefix says what becomes of weights on"),
        (["net.om", "-o", "out.bin"], "out.bin: its suffix says which format to write"),
        (["net.om", "-o", "none/out.npz"], "none: there is no such folder"),
        (["net.om", "--inputs", "in.npz", "-o", "in.npz"], "in.npz is the input in.npz"),
        (
            ["net.om", *GIVEN, "--compare", "ref.npz", "-o", "ref.npz"],
            "ref.npz is the input ref.npz",
        ),
        (
            ["net.om", "--compare", "ref.npz"],
            "ref.npz holds outputs, and nothing says of which inpu",
        ),
        (
            ["net.om", "--compare", "ref.npz", "--batch", "1"],
            "give --inputs, with which they were m",
        ),
        (["net.om", "--rtol", "0"], "--rtol is about two sets of outputs; give --compare"),
        (
            ["net.om", *GIVEN, "--atol", "0.5"],
            "--atol is about two sets of outputs; give --compare",
        ),
        (["net.om", "--match", "a=b"], "--match is about two sets of outputs; give --compare"),
        (["net.om", "--compare", "ref.npz", "--match", "a"], "--match is 'a'; A=B is right"),
        (
            ["net.om", *GIVEN, "--compare", "ref.npz", "--match", "a=y"],
            "match names 'a', but a has 'y'",
        ),
        (["net.om", "--compare", "ref.npz", "--rtol", "-1"], "rtol is -1.0; a number from 0 is"),
        (["net.om", "--compare", "text.txt"], "text.txt: this is of no known format"),
    ],
)
def test_what_it_refuses_is_one_line(run: Run, folder: Path, options: list[str], said: str) -> None:
    np.savez("wrong.npz", x=np.ones((1, 2)))
    Path("text.txt").write_text("nothing")
    before = Path("in.npz").read_bytes(), Path("ref.npz").read_bytes()
    done = run("run", *options)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("acl-bundle: ")
    assert said in done.err
    assert (Path("in.npz").read_bytes(), Path("ref.npz").read_bytes()) == before
    as_json = run("run", *options, "--json")
    assert as_json.status == 2
    assert said in as_json.json["error"]["message"]


def test_on_a_terminal_nothing_is_cut(folder: Path) -> None:
    made = model()
    made.graph.output[0].name = NAME
    made.graph.node[1].output[0] = made.graph.node[2].input[0] = NAME
    build.from_onnx(made, ["w", "b"], dynamic_shape=True).save("long.om")
    np.savez("ref.npz", **{NAME: np.array([[9, 12.5, 16]], np.float32), "best": np.array([[2]])})
    status, shown = on_terminal(["run", "long.om", "--inputs", "in.npz", "--compare", "ref.npz"])
    assert status == 1
    assert "…" not in shown
    assert NAME in re.sub(r"\s", "", shown)
    assert re.search(r"max abs\s+0\.5\b", shown)
