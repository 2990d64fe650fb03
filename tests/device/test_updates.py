"""Updates from arrays on the device: nothing crosses, and every promise is kept."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake

pytestmark = pytest.mark.usefixtures("fake_acl")
TO_DEVICE, ON_DEVICE = 1, 3


@pytest.fixture(params=["owned", "library"])
def bundle(request: pytest.FixtureRequest, mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path, variables=request.param) as loaded:
        loaded.init()
        yield loaded


@pytest.fixture
def owned(mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path, variables="owned") as loaded:
        loaded.init()
        yield loaded


def on_device(weights: dict[str, Any]) -> dict[str, ab.DeviceArray]:
    return {name: ab.to_device(value) for name, value in weights.items()}


def free(arrays: dict[str, ab.DeviceArray]) -> None:
    for one in arrays.values():
        one.free()


def crossed(run: Callable[[], object]) -> list[tuple[int, int]]:
    """The bytes and the kind of each copy that a call made."""
    fake.set("trace", "on")
    before = len(fake.trace())
    run()
    rows = [row for row in fake.trace()[before:] if row["function"] == "aclrtMemcpy"]
    fake.set("trace", "off")
    found = [re.search(r"count=(\d+), kind=(\d)", row["args"]) for row in rows]
    return [(int(one[1]), int(one[2])) for one in found if one]


def near(bundle: ab.Bundle, mlp: Any, weights: Any = None) -> None:
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(weights), rtol=1e-5, atol=1e-5)


def test_the_graph_reads_the_callers_memory(owned: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(1)
    arrays = on_device(new)
    report: list[Any] = []
    copies = crossed(lambda: report.append(owned.update(arrays, rollback="none", version=7)))
    assert copies == []
    assert (report[0].version, report[0].nbytes) == (7, 0)
    assert set(report[0].changed) == set(new)
    near(owned, mlp, new)
    live = len(fake.live())
    free(arrays)
    assert len(fake.live()) == live - 4
    near(owned, mlp, new)
    assert owned.update(mlp.random(2)).version == 8
    near(owned, mlp, mlp.random(2))


def test_nothing_goes_to_the_device_whatever_is_saved(bundle: ab.Bundle, mlp: Any) -> None:
    arrays = on_device(mlp.random(1))
    copies = crossed(lambda: bundle.update(arrays))
    assert TO_DEVICE not in [kind for _, kind in copies]
    near(bundle, mlp, mlp.random(1))
    free(arrays)


def test_host_and_device_in_one_update(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(3)
    with ab.to_device(new["w1"]) as w1, ab.to_device(new["b2"]) as b2:
        report = bundle.update({**new, "w1": w1, "b2": b2})
    assert report.nbytes == new["w2"].nbytes + new["b1"].nbytes
    near(bundle, mlp, new)


def test_what_starts_elsewhere_is_copied_on_the_device(owned: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(4)
    flat = np.concatenate([one.reshape(-1) for one in new.values()])
    with ab.empty(flat.size + 1, "f4") as block:
        ab.to_device(np.concatenate([[0], flat]).astype("f4"), out=block)
        arrays, at = {}, 4
        for name, one in new.items():
            arrays[name] = ab.DeviceArray.from_pointer(
                block.pointer + at, one.shape, "f4", owner=block
            )
            at += one.nbytes
        copies = crossed(lambda: owned.update(arrays, rollback="none"))
        assert copies == [(one.nbytes, ON_DEVICE) for one in new.values()]
        free(arrays)
    near(owned, mlp, new)


def test_an_array_may_be_freed_while_it_is_given(owned: ab.Bundle, mlp: Any) -> None:
    """T1 updates; T2, here a lazy mapping's next value, frees what was fetched before."""
    new, arrays = mlp.random(5), on_device(mlp.random(5))

    class Frees(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            for other in arrays:
                if other == name:
                    break
                arrays[other].free()
            return super().__getitem__(name)

    owned.update(Frees(arrays))
    free(arrays)
    near(owned, mlp, new)
    gc.collect()


def test_rollback_and_snapshots(bundle: ab.Bundle, mlp: Any) -> None:
    arrays = on_device(mlp.random(6))
    with bundle.snapshot() as before:
        bundle.update(arrays)
        near(bundle, mlp, mlp.random(6))
        bundle.restore(before)
    near(bundle, mlp)
    fake.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError, match="aclmdlExecute"):
        bundle.update(arrays)
    fake.fail("aclmdlExecute", 0, 0)
    near(bundle, mlp)
    assert bundle.version == 0
    bundle.update(arrays, version="x")
    free(arrays)
    fake.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError):
        bundle.update({"w1": mlp.random(9)["w1"]})
    fake.fail("aclmdlExecute", 0, 0)
    near(bundle, mlp, mlp.random(6))


def test_digests_and_tokens_know_no_place(bundle: ab.Bundle, mlp: Any) -> None:
    pytest.importorskip("xxhash")
    new, arrays = mlp.random(7), on_device(mlp.random(7))
    bundle.update(new, skip_unchanged=True)
    assert bundle.update(arrays, skip_unchanged=True).changed == ()
    ab.to_device(new["w1"] + 1, out=arrays["w1"])
    assert bundle.update(arrays, skip_unchanged=True).changed == ("w1",)
    assert bundle.update({**new, "w1": new["w1"] + 1}, skip_unchanged=True).changed == ()
    tokens = dict.fromkeys(new, 1)
    assert bundle.update(arrays, tokens=tokens).changed == tuple(new)
    assert bundle.update(arrays, tokens=tokens).changed == ()
    near(bundle, mlp, {**new, "w1": new["w1"] + 1})
    free(arrays)


def test_what_does_not_fit_is_refused_and_nothing_has_changed(owned: ab.Bundle, mlp: Any) -> None:
    fake.set("devices", "2")
    w2 = mlp.random(8)["w2"]
    freed = ab.to_device(w2)
    freed.free()
    wide, far = ab.to_device(w2.astype("f8")), ab.to_device(w2, device=1)
    flat = ab.to_device(w2.reshape(-1))
    for value, error, text in (
        (freed, ab.ClosedError, r"weight 'w2' is <DeviceArray float32\[16, 3\] freed>"),
        (wide, ab.WeightError, r"float64 on the device, .* float32: convert it there .*to_host"),
        (flat, ab.WeightError, r"weight 'w2' has shape \(48,\); it must be \(16, 3\)"),
        (far, ValueError, "weight 'w2' is on device 1, the bundle on 0"),
    ):
        with pytest.raises(error, match=text):
            owned.update({"w2": value}, cast="same_kind")
        assert owned.version == 0
    with pytest.raises(ab.WeightError, match=r"has shape \(48,\); it must be \(16, 3\)"):
        owned.update(iter([("w2", flat)]))
    near(owned, mlp)
    live = len(fake.live())
    free({"a": wide, "b": far, "c": flat})
    assert len(fake.live()) == live - 4  # with the second device


def test_a_refused_update_keeps_no_array(owned: ab.Bundle, mlp: Any) -> None:
    array = ab.to_device(mlp.random(1)["w2"])
    wrong = {"w2": array, "b1": np.full(16, np.inf, "f4")}
    for refuse in (owned.update, owned.update.plan):
        with pytest.raises(ab.WeightError, match="'b1' has 16"):
            refuse(wrong, finite=True)
    fake.fail("aclUpdateDataBuffer", 1, 100000)
    with pytest.raises(ab.AclError):
        owned.update({"w2": array})
    fake.fail("aclUpdateDataBuffer", 0, 0)
    gc.collect()
    live = len(fake.live())
    array.free()
    assert len(fake.live()) == live - 1
    near(owned, mlp)


def test_values_are_looked_at_where_that_is_asked(owned: ab.Bundle, mlp: Any) -> None:
    w2 = mlp.random(8)["w2"]
    w2[3, 1] = np.nan
    with ab.to_device(w2) as array:
        with pytest.raises(ab.WeightError, match=r"'w2' has 1, the first at \[3, 1\]: nan"):
            owned.update({"w2": array}, finite=True)
        with pytest.raises(ab.WeightError, match="'w2' has 1"):
            owned.update.plan({"w2": array}, finite=True)
        near(owned, mlp)
        report = owned.update({"w2": array})
        assert report.nonfinite == {}
    with ab.to_device(mlp.random(8)["w2"]) as array:
        owned.update({"w2": array}, finite=True)
    near(owned, mlp, {"w2": mlp.random(8)["w2"]})


def test_a_device_without_room_takes_it_in_parts(mlp: Any) -> None:
    new = mlp.random(10)
    with ab.Bundle.load(mlp.path, variables="owned") as loaded:
        loaded.init()
        with ab.empty(new["w1"].size + 1, "f4") as block:
            inside = ab.DeviceArray.from_pointer(block.pointer + 4, (8, 16), "f4", owner=block)
            ab.to_device(new["w1"], out=inside)
            with ab.to_device(new["w2"]) as w2:
                fake.set("memory_ends", "700")
                loaded.update({**new, "w1": inside, "w2": w2}, rollback="host")
                fake.set("memory_ends", "never")
            inside.free()
        near(loaded, mlp, new)


@pytest.mark.timed
def test_an_update_that_was_given_up_keeps_its_arrays(owned: ab.Bundle, mlp: Any) -> None:
    arrays = on_device(mlp.random(11))
    owned.update({"b2": mlp.weights["b2"]}, timeout_ms=10_000)
    fake.latency("aclmdlExecuteAsync", 0.5)
    with pytest.raises(ab.AclTimeoutError):
        owned.update(arrays, timeout_ms=50)
    fake.latency("aclmdlExecuteAsync", 0)
    live = len(fake.live())
    free(arrays)
    gc.collect()
    assert len(fake.live()) == live
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            near(owned, mlp)
            owned.update(mlp.random(12))
            break
        except (ab.BusyError, ab.PoisonedError):
            time.sleep(0.05)
    near(owned, mlp, mlp.random(12))
    gc.collect()
    assert len(fake.live()) <= live - 4
    assert fake.violations() == []


def test_what_a_program_computes_is_read_back() -> None:
    """y = x @ w.T: the graph's constant is computed of w on the host; b is its own."""
    weights = {"w": np.zeros((3, 8), "f4"), "b": np.zeros(3, "f4")}
    graph = helper.make_graph(
        [
            helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
            helper.make_node("MatMul", ["x", "t"], ["m"]),
            helper.make_node("Add", ["m", "b"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 3])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(one).astype("f4") for one in ((4, 8), (3, 8), 3))
    with ab.Bundle.load(build.from_onnx(model, weights=["w", "b"]).to_bytes()) as loaded:
        loaded.init()
        arrays = on_device({"w": w, "b": b})
        copies = crossed(lambda: loaded.update(arrays, rollback="none"))
        assert sorted(copies) == [(w.nbytes, 2), (128, TO_DEVICE)]  # padded
        free(arrays)
        np.testing.assert_allclose(loaded.infer(x), x @ w.T + b, rtol=1e-5, atol=1e-5)


def test_a_pair_takes_them(mlp: Any) -> None:
    with ab.Pair.load(mlp.path) as pair:
        pair.init()
        for seed in (14, 15, 16):
            arrays = on_device(mlp.random(seed))
            pair.update({"w1": arrays["w1"], "b2": arrays["b2"]})
            free(arrays)
        new = mlp.random(16)
        want = mlp.answer({"w1": new["w1"], "b2": new["b2"]})
        np.testing.assert_allclose(pair.infer(mlp.x), want, rtol=1e-5, atol=1e-5)
