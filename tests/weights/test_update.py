"""Files straight into a running model: what an update takes from each kind of source."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import weights

from .samples import BF16, Array


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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_half_precision_bundle_takes_a_cast_of_float32_weights(
    fake_acl: Any, single: Callable[..., Any], tmp_path: Path, dtype: Any
) -> None:
    kind = BF16 if dtype == "bfloat16" else np.dtype("f2")
    number = onnx.TensorProto.BFLOAT16 if dtype == "bfloat16" else onnx.TensorProto.FLOAT16
    zeros = np.zeros((300, 200), kind)
    single("Add", zeros, zeros, number).save(tmp_path / "half.om")
    new = np.random.default_rng(6).standard_normal(zeros.shape).astype("f4") * 100
    weights.save({"model.w": new}, tmp_path / "new")
    with ab.Bundle.load(tmp_path / "half.om") as bundle, weights.open(tmp_path / "new") as source:
        bundle.init()
        view = weights.rename(weights.cast(source, dtype), strip_prefix="model.")
        report = bundle.update(view)
        assert bundle.infer(zeros).tobytes() == new.astype(kind).tobytes()
        (row,) = weights.cast(source, dtype).report()
        counts = report.casts["w"]
        assert (counts.overflow, counts.underflow, counts.subnormal, counts.nan) == (
            row.overflow,
            row.underflow,
            row.subnormal,
            row.nan,
        )


@pytest.mark.parametrize("word", ["error", "saturate", "inf"])
@pytest.mark.parametrize("order", ["cast, then transposed", "transposed, then cast"])
def test_no_copy_of_a_cast_weight_is_made_on_the_host(
    fake_acl: Any, single: Callable[..., Any], tmp_path: Path, order: str, word: Any
) -> None:
    zeros = np.zeros((2048, 1024), np.float16)
    single("Add", zeros, zeros).save(tmp_path / "half.om")
    new = np.random.default_rng(7).standard_normal((1024, 2048)).astype("f4")
    if order.startswith("cast"):
        view: Any = weights.transpose(weights.cast({"w": new}, "float16", on_overflow=word), ["w"])
    else:
        view = weights.cast(weights.transpose({"w": new}, ["w"]), "float16", on_overflow=word)
    with ab.Bundle.load(tmp_path / "half.om") as bundle:
        bundle.init()
        bundle.update({"w": zeros})  # the stage is there
        tracemalloc.start()
        bundle.update(view)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < zeros.nbytes / 2
        assert bundle.infer(zeros).tobytes() == new.T.astype("f2").tobytes()


@pytest.mark.parametrize("shape", [(5, 3), (1500, 700)], ids=["small", "large"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("turned", [False, True])
def test_saturation_on_the_way_is_that_of_the_view(
    fake_acl: Any,
    single: Callable[..., Any],
    tmp_path: Path,
    shape: tuple[int, int],
    dtype: Any,
    turned: bool,
) -> None:
    kind = BF16 if dtype == "bfloat16" else np.dtype("f2")
    number = onnx.TensorProto.BFLOAT16 if dtype == "bfloat16" else onnx.TensorProto.FLOAT16
    zeros = np.zeros(shape, kind)
    single("Add", zeros, zeros, number).save(tmp_path / "half.om")
    new = np.random.default_rng(8).standard_normal(shape[::-1] if turned else shape).astype("f4")
    new.reshape(-1)[::7] = np.copysign(np.float32(3.4e38), new.reshape(-1)[::7])
    new.reshape(-1)[:3] = np.inf, -np.inf, -3.4e38
    new = new.T if turned else new
    view = weights.cast({"w": new}, dtype, on_overflow="saturate")
    (row,) = view.report()
    with ab.Bundle.load(tmp_path / "half.om") as bundle:
        bundle.init()
        report = bundle.update(view, on_overflow="error")
        assert (report.casts["w"].overflow, row.overflow > 0) == (row.overflow, True)
        assert bundle.infer(zeros).tobytes() == (view["w"] + zeros).tobytes()
        bundle.update(weights.cast({"w": np.clip(new, -9, 9)}, dtype), skip_unchanged=True)
        done = bundle.update(view, skip_unchanged=True)
        assert done.changed == ("w",)
        assert bundle.infer(zeros).tobytes() == (view["w"] + zeros).tobytes()


def test_what_was_infinite_saturates_though_the_source_is_the_same(
    fake_acl: Any, single: Callable[..., Any], tmp_path: Path
) -> None:
    zeros = np.zeros((3, 2), np.float16)
    single("Add", zeros, zeros).save(tmp_path / "half.om")
    new = {"w": np.full((3, 2), 1e6, np.float32)}
    with ab.Bundle.load(tmp_path / "half.om") as bundle:
        bundle.init()
        with pytest.warns(RuntimeWarning, match="'w'"):
            bundle.update(weights.cast(new, "float16", on_overflow="inf"), skip_unchanged=True)
        bundle.update(weights.cast(new, "float16", on_overflow="saturate"), skip_unchanged=True)
        assert (bundle.infer(zeros) == 65504).all()


def test_an_overflow_on_the_way_changes_nothing(
    fake_acl: Any, single: Callable[..., Any], tmp_path: Path
) -> None:
    ones = np.ones((3, 2), np.float16)
    single("Add", ones, ones).save(tmp_path / "half.om")
    new = {"w": np.full((3, 2), 1e6, np.float32)}
    with ab.Bundle.load(tmp_path / "half.om") as bundle:
        bundle.init()
        with pytest.raises(ab.WeightError, match="'w'"):
            bundle.update(weights.cast(new, "float16"))
        assert (bundle.infer(ones) == 2).all()
        bundle.update(weights.cast(new, "float16", on_overflow="saturate"))
        assert (bundle.infer(np.zeros_like(ones)) == 65504).all()
        with pytest.warns(RuntimeWarning, match="'w'"):
            bundle.update(weights.cast(new, "float16", on_overflow="inf"))
        assert np.isinf(bundle.infer(ones)).all()


QUIET = """
import sys
from acl_bundle import weights
loaded = set(sys.modules)
low = ("acl_bundle._acl", "acl_bundle._base", "acl_bundle._names")
assert not {"onnx", "torch", "tensorflow", "safetensors", "xxhash"} & loaded
assert not [m for m in loaded if m.startswith("acl_bundle._") and not m.startswith(low)]
assert "acl_bundle.build" not in loaded
"""


def test_importing_loads_no_framework_and_none_of_the_runtime_half() -> None:
    subprocess.run([sys.executable, "-c", QUIET], check=True)
