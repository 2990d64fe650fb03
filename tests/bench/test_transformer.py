"""A whole sweep of a transformer: batch by length, three precisions, the same answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import bench, build, om
from acl_bundle.build.half._model import halved
from acl_bundle.om import PartitionType

from .transformer import WORDS, export

CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("transformer") / "encoder.onnx")


def test_batch_by_length_from_the_shell(path: Path, tmp_path: Path) -> None:
    """The command as it is written in the help, with two axes after one --sweep."""
    command = [sys.executable, "-m", "acl_bundle.cli", "bench", path]
    sweep = ["--sweep", "batch=1,3", "length=4,9", "--dtypes", "float32,float16"]
    more = ["--rounds", "3", "--warmup", "1", "--plot", tmp_path / "out.png"]
    done = subprocess.run(
        [*command, *sweep, *more], env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines()]
    cells = [(*row[:3], row[-1]) for row in rows if len(row) == 11 and row[0].isdigit()]
    assert cells == [
        (batch, length, dtype, "3")
        for batch in ("1", "3")
        for length in ("4", "9")
        for dtype in ("float32", "float16")
    ]
    assert "not device numbers" in done.stdout
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def weights(model: Any, shapes: Any, dtype: str) -> int:
    """Bytes of the constants in the file that is measured."""
    source, _ = model.made(shapes, dtype)
    part = om.open_loadable(source).models[0].partition(PartitionType.WEIGHTS_DATA)
    return len(part.data)


def test_every_cell_ran_with_its_shapes(path: Path, fake_acl: Any) -> None:
    model = bench.open(path)
    given = onnx.load(path)
    half_numbers = sum(
        int(np.prod(one.dims))
        for one in halved(given, "float16").graph.initializer
        if one.data_type == onnx.TensorProto.FLOAT16
    )
    padding = 64 * len(given.graph.initializer)
    axes = [bench.parse("batch=1,3"), bench.parse("length=4,9")]
    table = bench.cells(model, axes, bench.DTYPES)
    for cell in table:
        for _ in bench.measure(model, cell, bench.Effort(rounds=2, warmup=0)):
            pass
        shape = (cell.sizes["batch"], cell.sizes["length"])
        shapes = {"ids": shape, "mask": shape}
        assert cell.shapes == shapes
        full, half, brain = (one.nbytes for one in cell.timings)
        less = weights(model, shapes, "float32") - weights(model, shapes, "float16")
        assert abs(less - 2 * half_numbers) <= padding, "two bytes less a number"
        assert half <= brain < full, "bfloat16 has more casts, as fewer operators take it"
    assert [cell.measured for cell in table] == [True] * 4


@pytest.mark.parametrize(("dtype", "most"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_half_precision_answers_as_float32_does(
    path: Path, fake_acl: Any, dtype: str, most: float
) -> None:
    rng = np.random.default_rng(0)
    given = {"ids": rng.integers(0, WORDS, (3, 9)), "mask": np.ones((3, 9), np.int64)}
    given["mask"][1, 5:] = 0
    shapes = {name: value.shape for name, value in given.items()}
    answers = []
    for proto in (onnx.load(path), halved(onnx.load(path), dtype)):
        onnx.checker.check_model(proto, full_check=True)
        with ab.Bundle.load(build.model(proto, input_shapes=shapes).to_bytes()) as bundle:
            answers.append(bundle.infer.run(given)["y"])
    full, half = answers
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < most


def test_json_of_two_axes(path: Path) -> None:
    command = [sys.executable, "-m", "acl_bundle.cli", "bench", path, "--json", "--rounds", "1"]
    options = ["--sweep", "batch=2", "--sweep", "length=6", "--dtypes", "float16, float32,float16"]
    done = subprocess.run(
        [*command, *options], env=CLEAN, capture_output=True, text=True, check=True
    )
    found = [(one["dtype"], one["sizes"]) for one in json.loads(done.stdout)["cells"]]
    sizes = {"batch": 2, "length": 6}
    assert found == [("float16", sizes), ("float32", sizes)], "each precision once"
