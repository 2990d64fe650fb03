"""``acl-bundle bench``: its table, its JSON, its picture, and how it ends."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, om
from acl_bundle.om._modeldef.define import Desc, GraphValue, Op, model_def

Run = Callable[..., Any]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}


def linear() -> onnx.ModelProto:
    """y = x @ w, of an open batch."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 32])],
        [numpy_helper.from_array(np.eye(32, dtype=np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(linear(), tmp_path / "linear.onnx")
    return tmp_path / "linear.onnx"


@pytest.fixture
def bench(run: Run, path: Path, fake_acl: object) -> Run:
    return lambda *options: run("bench", path, "--rounds", "3", "--warmup", "1", *options)


@pytest.mark.parametrize("option", ["--csv", "--plot"])
def test_it_never_writes_over_what_it_reads(
    run: Run, path: Path, fake_acl: object, option: str
) -> None:
    model = path.rename(path.with_suffix(".png"))
    before = model.read_bytes()
    done = run("bench", model, "--rounds", "1", option, model)
    assert (done.status, done.out) == (2, "")
    assert "write to another file" in done.err
    assert model.read_bytes() == before


def test_the_table_has_a_row_per_cell_and_precision(bench: Run, path: Path) -> None:
    done = bench("--sweep", "batch=1,16", "--dtypes", "float32,float16")
    assert (done.status, done.err) == (0, "")
    assert f"{path}: latency in ms, from arrays to arrays" in done.out
    assert "not device numbers" in done.out
    assert "3 rounds per row after 1 to warm up, concurrency 1, replicas 1" in done.out
    rows = [line.split() for line in done.out.splitlines()]
    times = ["p50", "p90", "p99", "max", "mean", "per", "second", "speed-up", "rounds"]
    parts = ["copy", "in", "execute", "copy", "out"]
    assert ["batch", "dtype", *times] in rows
    assert ["batch", "dtype", *parts] in rows
    cells = [(row[0], row[1]) for row in rows if len(row) == 10 and row[-1] == "3"]
    assert cells == [(n, dtype) for n in ("1", "16") for dtype in ("float32", "float16")]
    assert "size on disk: float32 " in done.out
    assert "note: p99 of fewer than 100 samples is the largest of them; here are 3" in done.out


def test_updates_beside_inferences(bench: Run) -> None:
    done = bench("--updates", "--dtypes", "float32", "--concurrency", "2", "--replicas", "2")
    assert (done.status, done.err) == (0, "")
    assert "concurrency 2, replicas 2" in done.out
    shown = [line.split()[1:3] for line in done.out.splitlines() if line.startswith(" float32")]
    assert ["in", "place"] in shown
    assert [row[0] for row in shown].count("pair") == 1
    data = bench("--updates", "--dtypes", "float32", "--json").json
    (cell,) = data["cells"]
    assert [one["how"] for one in cell["updates"]] == ["in place", "pair"]
    for one in cell["updates"]:
        for what in ("alone", "inferences", "updates"):
            assert 0 < one[what]["p50_ms"] <= one[what]["p99_ms"] <= one[what]["max_ms"]


def test_a_duration_and_given_inputs(bench: Run, run: Run, path: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.ones((5, 32), np.float32))
    np.save(tmp_path / "x.npy", np.ones((6, 32), np.float32))
    for given, rows in (("in.npz", 5), ("x=x.npy", 6)):
        name, sign, file = given.rpartition("=")
        text = f"{name}{sign}{tmp_path / file}"
        options = ["--inputs", text, "--duration", "0.02", "--json"]
        data = run("bench", path, *options).json
        assert [cell["shapes"] for cell in data["cells"]] == [{"x": [rows, 32]}] * 2
    refused = run("bench", path, "--rounds", "3", "--duration", "1")
    assert refused.status == 2
    assert "--rounds and --duration do not go together" in refused.err


def test_a_csv_file(bench: Run, tmp_path: Path) -> None:
    done = bench("--sweep", "batch=1,2", "--csv", tmp_path / "o.csv")
    assert done.status == 0
    with (tmp_path / "o.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(one["size_batch"], one["dtype"], one["fake"]) for one in lines] == [
        (n, dtype, "true") for n in ("1", "2") for dtype in ("float32", "float16")
    ]


def test_files_are_written_also_where_nobody_reads_the_table(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "acl_bundle.cli", "bench", str(path), "--rounds", "2"]
    with subprocess.Popen(
        [*command, "--csv", str(tmp_path / "o.csv")],
        env=CLEAN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 141
    assert (tmp_path / "o.csv").read_text().startswith("model,fake,soc,profile,")


def test_a_terminal_of_80_columns_loses_nothing(path: Path) -> None:
    """Each number of the table stands on the screen, whole, with the name of its column."""
    command = [sys.executable, "-m", "acl_bundle.cli", "bench", str(path), "--rounds", "2"]
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, env=CLEAN, stdout=other, stderr=subprocess.PIPE) as process:
        os.close(other)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(main, 4096):
                shown += piece
        assert process.wait() == 0
    os.close(main)
    text = shown.decode()
    assert "…" not in text
    for name in ("p50", "p99", "max", "per second", "copy in", "execute", "copy out"):
        assert name in text
    tables = [line for line in text.splitlines() if "float16" in line and "bytes" not in line]
    assert max(map(len, tables)) <= 80


def test_as_json(bench: Run, path: Path) -> None:
    data = bench("--sweep", "N=2,4", "--json").json
    assert (data["file"], data["fake"], data["interrupted"]) == (str(path), True, False)
    assert data["note"].startswith("not device numbers")
    found = [(cell["sizes"], cell["shapes"], cell["dtype"]) for cell in data["cells"]]
    assert found == [
        ({"N": n}, {"x": [n, 32]}, dtype) for n in (2, 4) for dtype in ("float32", "float16")
    ]
    for cell in data["cells"]:
        assert cell["rounds"] == 3
        assert 0 < cell["min_ms"] <= cell["p50_ms"] <= cell["p99_ms"] <= cell["max_ms"]
        assert cell["parts"]["execute"]["rounds"] == 3
        assert cell["nbytes"] > 0
    assert [cell["speedup"] == 1 for cell in data["cells"]] == [True, False] * 2


def test_axes_may_follow_the_option_without_its_name(bench: Run) -> None:
    one = bench("--sweep", "N=2", "--dtypes", "float32", "--json").json
    two = bench("--sweep", "batch=2", "N=2", "--dtypes", "float32", "--json")
    assert len(one["cells"]) == 1
    assert two.status != 0, "batch and N are the same dim here"
    assert "N" in two.err


def test_an_om_file(run: Run, tmp_path: Path, fake_acl: object) -> None:
    file = build.model(linear(), dynamic_batch=[1, 4]).save(tmp_path / "gears.om")
    done = run("bench", file, "--sweep", "batch=1,4", "--rounds", "2")
    assert done.status == 0
    assert f"size on disk: as it is {file.stat().st_size:,} bytes" in done.out


def test_a_cell_that_fails_ends_it_and_the_others_are_shown(
    run: Run, tmp_path: Path, fake_acl: object
) -> None:
    file = build.model(linear(), dynamic_batch=[1, 4]).save(tmp_path / "gears.om")
    done = run("bench", file, "--sweep", "batch=1,3,4", "--rounds", "2")
    assert done.status == 2
    assert "ended early: 1 of 3 cells were measured" in done.out
    assert done.err.startswith("acl-bundle: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture(bench: Run, tmp_path: Path, suffix: str) -> None:
    magic = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    out = tmp_path / f"out{suffix}"
    assert bench("--sweep", "batch=1,2", "--plot", out).status == 0
    assert out.read_bytes().startswith(magic[suffix])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plot", "out.gif"], "--plot is out.gif; .png, .svg, .pdf are right"),
        (["--plot", "none/out.png"], "none: there is no such folder"),
        (["--dtypes", "float32,int8"], "dtype 'int8'; the model has float32, float16, bfloat16"),
        (["--sweep", "length=3"], "axis 'length' is no open dim; open are x[0] (N)"),
        (["--csv", "none/o.csv"], "none: there is no such folder"),
        (["--inputs", "none.npz"], "none.npz: No such file or directory"),
        (["--inputs", "random:x"], "random:7 with a seed is right"),
        (["--sweep", "batch"], "axis 'batch'; a name and positive sizes are right"),
    ],
)
def test_a_wrong_option_is_one_line(bench: Run, options: list[str], said: str) -> None:
    done = bench(*options)
    assert (done.status, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_a_device_that_is_not_there(bench: Run) -> None:
    done = bench("--device", "99")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("acl-bundle: aclrtSetDevice: ACL_ERROR_RT_INVALID_DEVICEID")


def test_a_picture_without_matplotlib_is_refused_before_any_work(path: Path) -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        f"sys.argv = ['acl-bundle', 'bench', {str(path)!r}, '--plot', 'out.png']\n"
        "from acl_bundle.cli import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "acl-bundle: this needs matplotlib, of the extra 'plot': from a checkout,"
        " pip install '.[plot]'\n"
    )


def test_ctrl_c_shows_what_was_measured_so_far(path: Path, tmp_path: Path) -> None:
    trace = tmp_path / "calls.jsonl"
    options = ["--sweep", "batch=1", "--rounds", "10000000", "--warmup", "0", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "acl_bundle.cli", "bench", str(path), *options],
        env={**CLEAN, "ACL_FAKE_TRACE": str(trace)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for(trace, "aclmdlExecute", 10)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "acl-bundle: interrupted\n")
    data = json.loads(out)
    assert data["interrupted"]
    assert all(cell["rounds"] >= 1 for cell in data["cells"])
    assert len(data["cells"]) == 2


def wait_for(trace: Path, call: str, times: int) -> None:
    """Wait until a call stands in a trace so many times."""
    for _ in range(600):
        if trace.exists() and trace.read_text().count(f'"{call}"') >= times:
            return
        time.sleep(0.05)
    pytest.fail(f"{call} was not called {times} times within 30 s")


def test_help_shows_an_example(run: Run) -> None:
    text = run("bench", "--help").out
    assert "Example: acl-bundle bench model.onnx --sweep batch=1,8,16" in text


def test_a_file_for_a_chip_needs_a_device(tmp_path: Path) -> None:
    x = Op("x", "Data", output_descs=(Desc(0, (2, 3)),))
    definition = model_def("net", [GraphValue("net", [x])], {})
    image = om.write_model([(om.PartitionType.MODEL_DEF, [definition])], name="net")
    file = image.save(tmp_path / "chip.om")
    done = subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "bench", str(file)],
        env=CLEAN,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("acl-bundle: no AscendCL library could be opened")
