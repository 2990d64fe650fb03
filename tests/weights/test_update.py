"""Files straight into a running model: what an update takes from each kind of source."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import weights

from .samples import Array


def _npz(path: Path, values: dict[str, Array]) -> Path:
    with open(path, "wb") as file:
        np.savez(file, **values)
    return path


def _folder(path: Path, values: dict[str, Array]) -> Path:
    path.mkdir()
    for name, value in values.items():
        np.save(path / f"{name}.npy", np.asfortranarray(value))
    return path


def _onnx(path: Path, values: dict[str, Array]) -> Path:
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in values.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], tensors)), path)
    return path


def _safetensors(path: Path, values: dict[str, Array]) -> Path:
    weights.save(values, path)
    return path


@pytest.mark.parametrize("write", [_npz, _folder, _onnx, _safetensors])
def test_a_source_is_what_an_update_takes(
    fake_acl: Any, mlp: Any, tmp_path: Path, write: Callable[..., Path]
) -> None:
    new = mlp.random(3)
    with ab.Bundle.load(mlp.path) as bundle, weights.open(write(tmp_path / "w", new)) as source:
        bundle.init()
        report = bundle.update(source)
        assert set(report.changed) == set(new)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), 1e-4, 1e-4)


def test_a_view_that_raises_changes_nothing(fake_acl: Any, mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        broken = weights.enforce({"w1": mlp.weights["w1"] * np.nan}, weights.Masks({}))
        sparse = weights.sparsify_2_4(broken, {"w1": "kn"})
        with pytest.raises(ab.WeightError, match="NaN"):
            bundle.update(sparse)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), 1e-4, 1e-4)


QUIET = """
import sys
from acl_bundle import weights
loaded = set(sys.modules)
assert not {"onnx", "torch", "tensorflow", "safetensors", "xxhash"} & loaded
assert not [m for m in loaded if m.startswith("acl_bundle._") and m != "acl_bundle._codes"]
assert "acl_bundle.build" not in loaded
"""


def test_importing_loads_no_framework_and_none_of_the_runtime_half() -> None:
    subprocess.run([sys.executable, "-c", QUIET], check=True)
