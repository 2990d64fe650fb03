"""Runs on arrays of the device: nothing is copied, and what cannot be is refused by name."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from .graphs import KINDS, W, given, two_outputs

pytestmark = pytest.mark.usefixtures("fake_acl")


def near(one: Any, other: Any) -> None:
    one = one.to_host() if isinstance(one, ab.DeviceArray) else one
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def copies(run: Any) -> int:
    """How many copies a run makes."""
    fake.set("trace", "on")
    before = len(fake.trace())
    run()
    rows = fake.trace()[before:]
    fake.set("trace", "off")
    assert any("Execute" in row["function"] for row in rows)
    return sum("Memcpy" in row["function"] for row in rows)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def graph(kind: str) -> Iterator[ab.Graph]:
    with ab.Bundle.load(two_outputs(kind)) as bundle:
        yield bundle.infer


def test_inputs_are_read_and_outputs_left_where_they_are(graph: ab.Graph) -> None:
    x, first = given(), ab.to_device(given())
    y, z = ab.empty((4, 3), "f4"), ab.empty((4, 8), "f4")
    assert copies(lambda: graph.run({"x": first}, {"y": y, "z": z})) == 0
    near(y, x @ W)
    near(z, x + 1)
    assert copies(lambda: graph.run([x], {"z": z})) == 2
    assert copies(lambda: graph.run([first], {"z": z})) == 1
    assert copies(lambda: graph(first)) == 2
    for one in (first, y, z):
        one.free()
    near(graph(x)[0], x @ W)


def test_outputs_are_made_on_the_device(graph: ab.Graph) -> None:
    x = given()
    with ab.to_device(x) as first:
        outs: list[Any] = []
        assert copies(lambda: outs.append(graph.run([first], "device"))) == 0
        assert copies(lambda: outs.append(graph.run([x], out={"y": "device"}))) == 2
        assert copies(lambda: outs.append(graph(first, out="device"))) == 0
    both, one, plain = outs
    assert isinstance(both["y"], ab.DeviceArray)
    assert isinstance(one["z"], np.ndarray)
    for y, z in (both.values(), one.values(), plain):
        near(y, x @ W)
        near(z, x + 1)
    with pytest.raises(ValueError, match="output 'y' is 'host'; give an array, or \"device\""):
        graph.run([x], out="host")
    for array in (*both.values(), one["y"], *plain):
        array.free()


def test_arrays_outlive_the_bundle(kind: str) -> None:
    x = given()
    with ab.Bundle.load(two_outputs(kind)) as bundle:
        out = bundle.infer.run([x], "device")
    near(out["y"], x @ W)
    del out
    gc.collect()
    assert fake.live() == []


def test_host_and_device_take_turns(graph: ab.Graph) -> None:
    rng = np.random.default_rng(3)
    rows = (4, 1) if graph.inputs[0].dynamic else (4,)
    for turn in range(24):
        x = given(int(rng.choice(rows)), turn)
        with ab.to_device(x) as first, ab.empty((len(x), 3), "f4") as y:
            source = first if rng.random() < 0.5 else x
            target: Any = [None, {"y": y}, "device", {"z": "device"}][int(rng.integers(4))]
            out = graph.run([source], target)
            near(out["y"], x @ W)
            near(out["z"], x + 1)
    assert fake.violations() == []


@pytest.mark.parametrize("kind", ["static", "gears"])
def test_behind_the_caller(graph: ab.Graph, kind: str) -> None:
    x = given()
    with ab.to_device(x) as first, ab.empty((4, 3), "f4") as y, ab.empty((4, 8), "f4") as z:
        out = {"y": y, "z": z}
        graph.run([first], timeout_ms=10_000)
        assert copies(lambda: graph.run([first], out, timeout_ms=10_000)) == 0
        near(y, x @ W)
        ab.to_device(np.zeros((4, 3), "f4"), out=y)
        assert copies(lambda: graph.submit([first], out=out).result()) == 0
        near(y, x @ W)
        assert copies(lambda: list(graph.stream([[first]] * 3, out="device"))) == 0
        near(graph.submit(first, out="device").result()[1], x + 1)
        near(graph.submit(x).result()[1], x + 1)
        with pytest.raises(ValueError, match="a stream takes None"):
            graph.stream([x], out={"y": y})  # type: ignore[call-overload]
    gc.collect()


def test_bindings(graph: ab.Graph) -> None:
    x = given()
    first, y, z = ab.to_device(x), ab.empty((4, 3), "f4"), np.empty((4, 8), "f4")
    bound = graph.bind({"x": first}, {"y": y, "z": z})
    assert copies(bound) == 1
    near(y, x @ W)
    near(z, x + 1)
    ab.to_device(x + 1, out=first)
    bound()
    near(y, (x + 1) @ W)
    kept = ab.DeviceArray.from_pointer(y.pointer, (4, 3), "f4", owner=y)
    first.free()
    y.free()
    bound()
    near(kept, (x + 1) @ W)
    kept.free()
    live = len(fake.live())
    bound.close()
    assert len(fake.live()) == live - 2
    near(graph(x)[0], x @ W)


def test_what_cannot_be_is_refused_by_name(graph: ab.Graph) -> None:
    fake.set("devices", "2")
    x = given()
    freed = ab.to_device(x)
    freed.free()
    with (
        ab.to_device(x) as first, ab.to_device(x, device=1) as far, ab.empty((4, 3), "f4") as y,
        ab.empty(64, "f4") as room, ab.empty((4, 8), "f4") as z,
        ab.to_device(x.astype("f8")) as wide,
    ):  # fmt: skip
        inside = ab.DeviceArray.from_pointer(room.pointer + 4, (4, 8), "f4", owner=room)
        over = ab.DeviceArray.from_pointer(first.pointer, (4, 3), "f4", owner=first)
        beside = ab.DeviceArray.from_pointer(z.pointer, (4, 3), "f4", owner=z)
        flat = ab.empty(7, "f4")
        live = len(fake.live())
        fake.set("trace", "on")
        before = len(fake.trace())
        for inputs, out, error, text in (
            (freed, None, ab.ClosedError, r"input 'x' is <DeviceArray float32\[4, 8\] freed>"),
            (far, None, ValueError, "input 'x' is on device 1, the bundle on 0; copy it"),
            (inside, None, ValueError, r"input 'x' starts at 0x\w+, no multiple of 64"),
            (wide, None, TypeError, "input 'x' has dtype float64; it must be float32"),
            (flat, None, ValueError, r"\(7,\)"),
            (first, {"y": over}, ValueError, "output 'y' lies over input 'x' on the device"),
            (first, {"z": first}, ValueError, "output 'z' lies over input 'x' on the device"),
            (first, {"y": beside, "z": z}, ValueError, "outputs 'y' and 'z' share 48 bytes"),
            (first, {"z": freed}, ab.ClosedError, "output 'z' is <DeviceArray .* freed>"),
            (first, {"z": far}, ValueError, "output 'z' is on device 1"),
            (first, {"z": wide}, TypeError, "output 'z' has dtype float64"),
        ):  # fmt: skip
            with pytest.raises(error, match=text):
                graph.run([inputs], out)
        assert not any("Execute" in row["function"] for row in fake.trace()[before:])
        fake.set("trace", "off")
        assert len(fake.live()) == live
        if not graph.inputs[0].dynamic:
            with pytest.raises(ValueError, match=r"output 'y' has shape \(7,\)"):
                graph.run([first], {"y": flat})
        y.free()
        flat.free()
    del inside, over, beside
    gc.collect()
    assert fake.violations() == []


def test_a_dynamic_output_of_another_shape_is_told_after_the_run() -> None:
    with ab.Bundle.load(two_outputs("open")) as bundle, ab.empty((5, 3), "f4") as y:
        with pytest.raises(ValueError, match=r"output 'y' came as \(4, 3\); .* \(5, 3\)"):
            bundle.infer.run([given()], {"y": y, "z": "device"})
        gc.collect()
        with ab.empty((1, 3), "f4") as small, pytest.raises(ab.AclError, match="aclmdlExecute"):
            bundle.infer.run([given()], {"y": small})
        near(bundle.infer(given())[0], given() @ W)
    fake.reset()


@pytest.mark.timed
@pytest.mark.parametrize("kind", ["static"])
def test_a_run_that_was_given_up_keeps_its_arrays(graph: ab.Graph, kind: str) -> None:
    x = given()
    first, y, z = ab.to_device(x), ab.empty((4, 3), "f4"), ab.empty((4, 8), "f4")
    graph.run([x], timeout_ms=10_000)
    fake.latency("aclmdlExecuteAsync", 0.5)
    with pytest.raises(ab.AclTimeoutError):
        graph.run([first], {"y": y, "z": z}, timeout_ms=50)
    fake.latency("aclmdlExecuteAsync", 0)
    live = len(fake.live())
    for one in (first, y, z):
        one.free()
    gc.collect()
    assert len(fake.live()) == live
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            graph.run([x], timeout_ms=10_000)
            break
        except ab.BusyError:
            time.sleep(0.05)
    gc.collect()
    assert len(fake.live()) == live - 3
    assert fake.violations() == []
