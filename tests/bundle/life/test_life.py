"""A bundle from load to close, through every door there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")

DOORS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "owned": lambda path: {"source": path, "variables": "owned"},
    "library": lambda path: {"source": str(path), "variables": "library"},
    "auto": lambda path: {"source": path},
    "bytes": lambda path: {"source": path.read_bytes()},
    "bytes-library": lambda path: {"source": path.read_bytes(), "variables": "library"},
}


@pytest.fixture(params=DOORS)
def loaded(request: pytest.FixtureRequest, mlp: Any) -> Any:
    arguments = DOORS[request.param](mlp.path)
    with ab.Bundle.load(arguments.pop("source"), **arguments) as bundle:
        yield bundle


def test_init_then_infer_gives_the_models_answer(loaded: ab.Bundle, mlp: Any) -> None:
    assert loaded.version is None
    loaded.init()
    assert loaded.version == 0
    np.testing.assert_allclose(loaded.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


def test_a_partial_update_changes_what_it_names_and_keeps_the_rest(
    loaded: ab.Bundle, mlp: Any
) -> None:
    loaded.init()
    new = {"w2": mlp.random(7)["w2"]}
    report = loaded.update(new, version="step-7")
    assert (report.version, report.changed, report.kept) == ("step-7", ("w2",), ("w1", "b1", "b2"))
    assert report.nbytes == new["w2"].nbytes
    assert list(report.seconds) == ["plan", "stage", "snapshot", "commit", "publish"]
    out = loaded.infer.run({"x": mlp.x})
    assert out.version == "step-7"
    np.testing.assert_allclose(out["y"], mlp.answer(new), rtol=1e-5, atol=1e-5)


def test_a_weight_updated_before_is_kept_by_the_next_update(loaded: ab.Bundle, mlp: Any) -> None:
    loaded.init()
    first, second = {"w1": mlp.random(1)["w1"]}, {"b2": mlp.random(2)["b2"]}
    loaded.update(first)
    loaded.update(second)
    np.testing.assert_allclose(
        loaded.infer(mlp.x), mlp.answer({**first, **second}), rtol=1e-5, atol=1e-5
    )
    assert loaded.weights["w1"].version == 1
    assert loaded.weights["b2"].version == 2
    assert loaded.weights["w2"].version == 0


def test_init_again_brings_the_first_weights_back(loaded: ab.Bundle, mlp: Any) -> None:
    loaded.init()
    loaded.update(mlp.random(3))
    loaded.init()
    assert loaded.version == 0
    np.testing.assert_allclose(loaded.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


def test_a_full_update_stands_in_for_init(loaded: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(4)
    loaded.update(new)
    assert loaded.version == 1
    np.testing.assert_allclose(loaded.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("last", "then"), [(None, 2), (7, 8), ("a", 1), (-3, -2), ("", 1)])
def test_versions_count_on_from_the_last_int(mlp: Any, last: Any, then: int) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(1), version=last)
        assert bundle.update({}).version == then
        assert bundle.version == then


def test_out_is_written_and_returned(loaded: ab.Bundle, mlp: Any) -> None:
    loaded.init()
    y = np.full((4, 3), np.nan, np.float32)
    out = loaded.infer.run({"x": mlp.x}, out={"y": y})
    assert out["y"] is y
    np.testing.assert_allclose(y, mlp.answer(), rtol=1e-5, atol=1e-5)


def test_a_binding_follows_its_arrays_in_place(loaded: ab.Bundle, mlp: Any) -> None:
    loaded.init()
    x, y = mlp.x.copy(), np.empty((4, 3), np.float32)
    bound = loaded.infer.bind({"x": x}, {"y": y})
    assert bound() == 1
    np.testing.assert_allclose(y, mlp.answer(), rtol=1e-5, atol=1e-5)
    x *= 2
    loaded.update({})
    assert bound() == 2
    np.testing.assert_allclose(y, mlp.answer(x=x), rtol=1e-5, atol=1e-5)
    bound.close()
    bound.close()
    with pytest.raises(ab.ClosedError):
        bound()


def test_close_twice_is_harmless_and_use_after_close_is_refused(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    infer, update, init = bundle.infer, bundle.update, bundle.init
    bound = infer.bind({"x": mlp.x}, {"y": np.empty((4, 3), np.float32)})
    bundle.close()
    bundle.close()
    assert bundle.closed
    for use in (
        lambda: infer(mlp.x),
        lambda: infer.run({"x": mlp.x}),
        lambda: update({}),
        lambda: update(mlp.random(1)),
        init,
        bound,
        lambda: bundle.version,
        lambda: bundle.weights,
        bundle.__enter__,
    ):
        with pytest.raises(ab.ClosedError):
            use()


def test_collection_without_close_warns_and_gives_everything_back(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    with pytest.warns(ResourceWarning, match="unclosed Bundle"):
        del bundle
    assert fake.live() == []


def test_a_handle_outlives_its_bundle_without_a_crash(mlp: Any) -> None:
    with pytest.warns(ResourceWarning, match="unclosed Bundle"):
        infer = ab.Bundle.load(mlp.path).infer
    with pytest.raises(ab.ClosedError):
        infer(mlp.x)


def test_steady_state_makes_no_object_and_one_copy_per_array(mlp: Any) -> None:
    """Facts 1.11; design 5: no allocation, dataset or description call per inference."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.infer.run({"x": mlp.x})
        fake.set("trace", "on")
        bundle.infer.run({"x": mlp.x})
        fake.set("trace", "off")
        names = [row["function"] for row in fake.trace()]
        assert names == ["aclrtGetCurrentContext", "aclrtMemcpy", "aclmdlExecute", "aclrtMemcpy"]


def test_a_second_update_of_the_same_weights_touches_no_description(mlp: Any) -> None:
    """Facts 3: a description sticks to its dataset, so only a change needs a call."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(1))
        fake.set("trace", "on")
        bundle.update(mlp.random(2), rollback="none")
        fake.set("trace", "off")
        names = [row["function"] for row in fake.trace()]
        assert names.count("aclmdlExecute") == 1
        assert names.count("aclrtMemcpy") == 1, "small weights are packed into one copy"
        assert "aclmdlSetDatasetTensorDesc" not in names
        assert not [n for n in names if "Malloc" in n or "Create" in n]


def test_two_bundles_live_beside_each_other(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as one, ab.Bundle.load(mlp.path) as two:
        one.init()
        two.update(mlp.random(5))
        np.testing.assert_allclose(one.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            two.infer(mlp.x), mlp.answer(mlp.random(5)), rtol=1e-5, atol=1e-5
        )


def test_a_device_given_stays_the_callers(mlp: Any) -> None:
    with ab.Device(0) as device:
        bundle = ab.Bundle.load(mlp.path, device=device)
        bundle.close()
        assert not device.closed
        assert device.on_host
        with ab.Bundle.load(mlp.path, device=device) as bundle:
            device.close()
            bundle.init()
            bundle.infer(mlp.x)


def test_a_program_that_runs_on_the_device_itself(mlp: Any) -> None:
    """aclrtGetRunMode says DEVICE: files are loaded by path, copies stay on the device."""
    fake.set("run_mode", "device")
    with ab.Bundle.load(mlp.path) as bundle:
        assert not bundle.device.on_host
        bundle.init()
        bundle.update(mlp.random(1))
        want = mlp.answer(mlp.random(1))
        np.testing.assert_allclose(bundle.infer(mlp.x), want, rtol=1e-5, atol=1e-5)
    assert fake.calls()["aclmdlBundleInitFromFile"] == 1


def test_repr_says_what_it_is(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        assert repr(bundle) == "<Bundle on device 0, version None>"
        assert "x: float32[4, 8]" in repr(bundle.infer)
    assert repr(bundle) == "<Bundle closed>"
