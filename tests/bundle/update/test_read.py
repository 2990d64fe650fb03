"""What the weights hold now, read back: one by one, as a file, and compared."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, weights

from ..lazy import Lazy
from .test_derived import NAMES, X, network, values

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOWS = ("owned", "library")


@pytest.fixture(params=FLOWS)
def bundle(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path, variables=request.param) as loaded:
        yield loaded


def same(bundle: ab.Bundle, want: dict[str, Any]) -> None:
    for name, value in want.items():
        found = bundle.read(name)
        assert found.dtype == value.dtype
        np.testing.assert_array_equal(found, value)


def test_what_init_updates_and_restores_wrote_is_read(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.init()
    same(bundle, mlp.weights)
    bundle.update({"w1": mlp.random(1)["w1"]})
    saved = bundle.snapshot()
    same(bundle, {**mlp.weights, "w1": mlp.random(1)["w1"]})
    bundle.update(mlp.random(2))
    same(bundle, mlp.random(2))
    bundle.restore(saved)
    saved.close()
    same(bundle, {**mlp.weights, "w1": mlp.random(1)["w1"]})
    bundle.init()
    same(bundle, mlp.weights)


def test_what_is_read_is_the_callers(bundle: ab.Bundle, mlp: Any) -> None:
    for change in (bundle.init, lambda: bundle.update(mlp.random(1))):
        change()
        before = {name: bundle.read(name) for name in mlp.weights}
        for name in mlp.weights:
            bundle.read(name)[...] = np.nan
        same(bundle, before)
        with bundle.snapshot() as saved:
            bundle.restore(saved)
        same(bundle, before)


def test_an_array_of_the_callers_takes_it(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.init()
    wide = np.zeros((16, 16), np.float32)
    assert bundle.read("w1", out=wide[::2]) is not None
    np.testing.assert_array_equal(wide[::2], mlp.weights["w1"])
    assert not wide[1::2].any()
    out = np.empty((8, 16), np.float32)
    assert bundle.read("w1", out=out) is out
    read_only = out.copy()
    read_only.flags.writeable = False
    for wrong, kind, text in (
        (out.T, ab.WeightError, r"out, for weight 'w1', has shape \(16, 8\); it must be \(8, 16\)"),
        (out.astype(np.float64), ab.WeightError, "has dtype float64; it must be float32"),
        ([1.0], TypeError, "is a list; give a numpy array w1: float32"),
        (read_only, ValueError, "is read-only; give an array that can be written"),
    ):
        with pytest.raises(kind, match=text):
            bundle.read("w1", out=wrong)  # type: ignore[arg-type]


def test_nothing_can_be_read_before_it_has_a_value(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.raises(ab.UpdateError, match=r"'w1' has no value yet: call init\(\)"):
        bundle.read("w1")
    bundle.update({"w1": mlp.random(1)["w1"]})
    same(bundle, {"w1": mlp.random(1)["w1"]})
    with pytest.raises(ab.UpdateError, match="'b1' has no value yet"):
        bundle.read("b1")


def test_an_unknown_name_is_refused_with_those_there_are(bundle: ab.Bundle) -> None:
    bundle.init()
    with pytest.raises(ab.WeightError, match="no weight 'w3' to read; there are w1, b1, w2, b2"):
        bundle.read("w3")


def test_a_model_without_weights_says_so(mlp: Any) -> None:
    with ab.Bundle.load(build.model(mlp.onnx).to_bytes()) as bundle:
        for read in (lambda: bundle.read("w1"), lambda: bundle.export("never.safetensors")):
            with pytest.raises(ab.RoleError, match="has no weights"):
                read()


def test_without_a_place_the_device_may_store_another_form(mlp: Any, tmp_path: Path) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        area = bundle._writer.area
        assert area is not None
        area.places = None  # as of a file for a chip
        for read in (lambda: bundle.read("w1"), lambda: bundle.export(tmp_path / "x.safetensors")):
            with pytest.raises(ab.UnsupportedError, match=r"dtype or format .*variables='library'"):
                read()
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_only_inits_is_read(mlp: Any, reorder: Any) -> None:
    with ab.Bundle.load(reorder(mlp.path, 0, 1)) as bundle:
        bundle.init()
        same(bundle, mlp.weights)


def test_without_kept_values_the_librarys_variables_cannot_be_read(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        bundle.init()
        bundle.update({"w1": mlp.random(1)["w1"]}, rollback="none")
        with pytest.raises(ab.UpdateError, match="nobody kept the value of 'w1'"):
            bundle.read("w1")
        same(bundle, {"b1": mlp.weights["b1"]})
        bundle.update({"w1": mlp.random(2)["w1"]})
        same(bundle, {"w1": mlp.random(2)["w1"]})


def test_nothing_is_read_of_a_poisoned_bundle(bundle: ab.Bundle, mlp: Any, tmp_path: Path) -> None:
    fake.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError, match="mixture"):
        bundle.update(mlp.random(1))
    for read in (lambda: bundle.read("w1"), lambda: bundle.export(tmp_path / "x.safetensors")):
        with pytest.raises(ab.PoisonedError, match=r"Run bundle\.init"):
            read()
    assert list(tmp_path.iterdir()) == []
    bundle.init()
    same(bundle, mlp.weights)


@pytest.mark.filterwarnings("ignore:.*finite values became infinite")
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_dtype_is_the_one_that_is_held(single: Any, flow: Any, dtype: str) -> None:
    narrow = np.dtype(getattr(ml_dtypes, dtype, dtype))
    built = single("Mul", np.ones((2, 2), narrow), np.ones((2, 2), narrow))
    given = np.array([[1 / 3, 1e-9], [70000, -2]], np.float32)
    with ab.Bundle.load(built.to_bytes(), variables=flow) as bundle:
        bundle.init()
        bundle.update({"w": given}, cast="same_kind")
        found = bundle.read("w")
        assert found.dtype == narrow
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(found, given.astype(narrow))


@pytest.mark.parametrize("flow", FLOWS)
def test_what_was_saturated_is_held_and_brought_back_saturated(single: Any, flow: Any) -> None:
    half = np.dtype(np.float16)
    built = single("Mul", np.ones((2,), half), np.ones((2,), half))
    given = {"w": np.array([70000, -1e9], np.float32)}
    want = np.array([65504, -65504], half)
    with ab.Bundle.load(built.to_bytes(), variables=flow) as bundle:
        bundle.init()
        bundle.update(weights.cast(given, "float16", on_overflow="saturate"))
        np.testing.assert_array_equal(bundle.read("w"), want)
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="in place as before"):
            bundle.update({"w": np.zeros(2, half)})
        np.testing.assert_array_equal(bundle.infer(np.ones((2,), half)), want)


@pytest.fixture(params=FLOWS)
def derived(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ab.Bundle]:
    """A network whose constants a weight program makes."""
    aliases = {"head.weight": "fc.weight"}
    path = build.from_onnx(network(values(0)), list(NAMES), aliases=aliases).save(tmp_path / "n.om")
    with ab.Bundle.load(path, variables=request.param) as loaded:
        yield loaded


def test_of_a_weight_program_the_trainers_weights_are_read(derived: ab.Bundle) -> None:
    derived.init()
    same(derived, values(0))
    given = {name: values(1)[name] for name in ("fc.weight", "bn.bias")}
    derived.update(given)
    same(derived, values(0) | given)
    np.testing.assert_array_equal(derived.read("head.weight"), given["fc.weight"])
    constant = next(one for one in derived.update.derived if len(one.sources) > 1).constant.name
    if constant not in NAMES:
        with pytest.raises(ab.WeightError, match=r"computed of 'conv.weight'.*, which can be read"):
            derived.read(constant)


def test_what_is_only_computed_of_is_said(derived: ab.Bundle, tmp_path: Path) -> None:
    derived.update(values(1), keep="none")
    same(derived, {"fc.weight": values(1)["fc.weight"]})
    path = tmp_path / "now.safetensors"
    for read in (lambda: derived.read("conv.weight"), lambda: derived.export(path)):
        with pytest.raises(ab.UnsupportedError, match="only what is computed of it"):
            read()
    assert not path.exists()


def test_an_export_is_taken_back(bundle: ab.Bundle, mlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "now.safetensors"
    bundle.init()
    bundle.update({"w2": mlp.random(1)["w2"]}, version="best")
    assert bundle.export(path) == "best"
    want = {**mlp.weights, "w2": mlp.random(1)["w2"]}
    with weights.open(path) as found:
        assert set(found) == set(want)
        assert weights.diff(found, bundle).same
        assert weights.diff(bundle, bundle).same
        bundle.update(mlp.random(2))
        assert set(weights.diff(bundle, found).changed) == set(want)
        bundle.update(found)
        same(bundle, want)


def test_a_trainers_export_is_taken_back(derived: ab.Bundle, tmp_path: Path) -> None:
    path = tmp_path / "now.safetensors"
    derived.init()
    derived.update({"conv.bias": values(3)["conv.bias"]})
    derived.export(path)
    before = derived.infer(X)
    derived.update(values(2))
    with weights.open(path) as found:
        derived.update(found)
    np.testing.assert_array_equal(derived.infer(X), before)


def test_an_export_that_fails_leaves_what_was_there(
    bundle: ab.Bundle, mlp: Any, tmp_path: Path
) -> None:
    path = tmp_path / "now.safetensors"
    bundle.init()
    bundle.export(path)
    before = path.read_bytes()
    bundle.update({"w1": mlp.random(1)["w1"]}, rollback="none")
    if bundle._writer.area is None:
        kind, text = ab.UpdateError, "nobody kept"
    else:
        kind, text = ab.AclError, "aclrtMemcpy"
        fake.fail("aclrtMemcpy", 3, 507011)
    with pytest.raises(kind, match=text):
        bundle.export(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.timed
def test_a_large_weight_is_read_in_pieces_and_can_be_left(single: Any) -> None:
    w = np.arange(5 << 20, dtype=np.float32)  # 20 MiB
    built = single("Mul", np.ones((1,), np.float32), w)
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        np.testing.assert_array_equal(bundle.read("w"), w)
        fake.latency("aclrtMemcpy", 0.2)
        threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            bundle.read("w")
        fake.latency("aclrtMemcpy", 0)
        np.testing.assert_array_equal(bundle.read("w"), w)


def test_a_read_waits_for_an_update_and_an_update_for_an_export(
    bundle: ab.Bundle, mlp: Any, tmp_path: Path
) -> None:
    bundle.init()
    done = threading.Event()

    def updates() -> None:
        for version in range(1, 400):
            bundle.update(mlp.random(version % 5 + 1), version=version % 5 + 1)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(updates)
        seen = set()
        while not done.is_set():
            version = bundle.export(tmp_path / "now.safetensors")
            want = mlp.random(version) if version else mlp.weights
            with weights.open(tmp_path / "now.safetensors") as found:
                assert weights.diff(found, want).same
            seen.add(version)
        running.result()
    assert len(seen) > 1


def test_a_read_within_an_update_is_refused(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.init()

    class Reads(Lazy):
        def __getitem__(self, name: str) -> Any:
            return bundle.read(name)

    with pytest.raises(ab.BusyError, match="from within an update"):
        bundle.update(Reads(mlp.weights))
    same(bundle, mlp.weights)


def test_two_comparisons_of_two_bundles_do_not_wait_for_each_other(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as one, ab.Bundle.load(mlp.path) as two:
        one.init()
        two.init()
        with ThreadPoolExecutor(2) as pool:
            pairs = [(one, two), (two, one)] * 40
            assert all(found.same for found in pool.map(lambda pair: weights.diff(*pair), pairs))


def test_a_pair_reads_the_side_that_infers(mlp: Any, tmp_path: Path) -> None:
    with ab.Pair.load(mlp.path) as pair:
        pair.init()
        pair.update({"w1": mlp.random(1)["w1"]})
        np.testing.assert_array_equal(pair.read("w1"), mlp.random(1)["w1"])
        assert pair.export(tmp_path / "now.safetensors") == 1
        with weights.open(tmp_path / "now.safetensors") as found:
            assert weights.diff(pair, found).same
        pair.revert()
        np.testing.assert_array_equal(pair.read("w1"), mlp.weights["w1"])
    with pytest.raises(ab.ClosedError):
        pair.read("w1")


def test_a_closed_bundle_is_not_read(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        pass
    for read in (lambda: bundle.read("w1"), lambda: bundle.export("never.safetensors")):
        with pytest.raises(ab.ClosedError, match="this Bundle is closed"):
            read()
