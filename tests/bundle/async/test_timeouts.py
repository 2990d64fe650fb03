"""Runs that are not over in time: what is busy then, and what goes on."""

from __future__ import annotations

import gc
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import build, fake, om
from acl_bundle._async.timed import open_timed
from acl_bundle._base.wait import Wait
from acl_bundle._binding.shim import NULL, lib
from acl_bundle._run.engine import dataset

pytestmark = pytest.mark.usefixtures("fake_acl")
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture
def bundle(mlp: Any) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        yield bundle


def hang(bundle: ab.Bundle, mlp: Any, seconds: float = 0.4) -> None:
    """Give a run up that stays on the device for a while."""
    fake.latency("aclmdlExecuteAsync", seconds)
    with pytest.raises(ab.AclTimeoutError):
        bundle.infer.run([mlp.x], timeout_ms=20)
    fake.latency("aclmdlExecuteAsync", 0)


def until_usable(bundle: ab.Bundle, mlp: Any) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            out = bundle.infer.run([mlp.x], timeout_ms=1000)
        except ab.BusyError:
            time.sleep(0.01)
        else:
            np.testing.assert_allclose(out["y"], mlp.answer(), **CLOSE)
            return
    raise AssertionError("still busy")


@pytest.mark.timed
def test_a_run_that_is_not_over_in_time(bundle: ab.Bundle, mlp: Any) -> None:
    """Facts 1.4: 507046 is the code of it."""
    bundle.infer.run([mlp.x], timeout_ms=5000)
    fake.latency("aclmdlExecuteAsync", 0.5)
    start = time.monotonic()
    with pytest.raises(ab.AclTimeoutError, match=r"in infer 0 \(.*given up after 50 ms") as caught:
        bundle.infer.run([mlp.x], timeout_ms=50)
    assert 0.05 <= time.monotonic() - start < 0.4
    error = caught.value
    assert isinstance(error, TimeoutError)
    assert isinstance(error, ab.AclInternalError)
    assert (error.function, error.code) == ("aclrtSynchronizeStreamWithTimeout", 507046)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), type(again)) == (str(error), type(error))
    fake.latency("aclmdlExecuteAsync", 0)
    until_usable(bundle, mlp)


@pytest.mark.timed
def test_a_longer_timeout_than_one_slice(bundle: ab.Bundle, mlp: Any) -> None:
    fake.latency("aclmdlExecuteAsync", 0.25)
    out = bundle.infer.run([mlp.x], timeout_ms=3000)
    np.testing.assert_allclose(out["y"], mlp.answer(), **CLOSE)
    fake.latency("aclmdlExecuteAsync", 1.0)
    start = time.monotonic()
    with pytest.raises(ab.AclTimeoutError):
        bundle.infer.run([mlp.x], timeout_ms=150)
    assert 0.15 <= time.monotonic() - start < 0.9
    fake.latency("aclmdlExecuteAsync", 0)
    until_usable(bundle, mlp)


@pytest.mark.timed
def test_what_is_busy_and_what_goes_on(bundle: ab.Bundle, mlp: Any) -> None:
    hang(bundle, mlp)
    for busy in (
        lambda: bundle.infer.run([mlp.x], timeout_ms=1000),
        lambda: bundle.infer.submit(mlp.x),
        lambda: next(bundle.infer.stream([mlp.x])),
        lambda: bundle.update(mlp.random(1)),
        bundle.init,
    ):
        with pytest.raises(ab.BusyError, match=r"bundle\.graphs\[0\]"):
            busy()
    assert bundle.version == 0
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)
    bound = bundle.infer.bind({"x": mlp.x}, {"y": np.empty((4, 3), np.float32)})
    assert bound() == 1
    with ab.Bundle.load(mlp.path) as other:
        other.init()
        other.infer.run([mlp.x], timeout_ms=5000)
    until_usable(bundle, mlp)
    bundle.update(mlp.random(1))
    out = bundle.infer.submit([mlp.x]).result(5)
    assert out.version == 1
    np.testing.assert_allclose(out["y"], mlp.answer(mlp.random(1)), **CLOSE)


@pytest.mark.timed
def test_an_update_alone_finds_out_that_the_device_is_done(bundle: ab.Bundle, mlp: Any) -> None:
    hang(bundle, mlp, 0.2)
    time.sleep(0.4)
    assert bundle.update(mlp.random(1)).version == 1


@pytest.mark.timed
def test_an_update_that_may_not_wait(bundle: ab.Bundle, mlp: Any) -> None:
    fake.latency("aclmdlExecuteAsync", 0.4)
    future = bundle.infer.submit(mlp.x)
    with pytest.raises(ab.BusyError):
        bundle.update(mlp.random(1), when_busy="fail")
    with pytest.raises(ab.BusyError):
        bundle.update(mlp.random(1), timeout_ms=30)
    bundle.update(mlp.random(1))
    np.testing.assert_allclose(future.result(1), mlp.answer(), **CLOSE)


@pytest.mark.timed
def test_futures_and_streams_time_out_one_by_one(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.3)
    futures = [bundle.infer.submit(mlp.x, timeout_ms=40) for _ in range(3)]
    waiting = [bundle.infer.submit(mlp.x, timeout_ms=40) for _ in range(2)]
    for future in futures:
        assert isinstance(future.exception(5), ab.AclTimeoutError)
    for future in waiting:
        assert isinstance(future.exception(5), ab.BusyError)
    fake.latency("aclmdlExecuteAsync", 0)
    until_usable(bundle, mlp)
    assert len(list(bundle.infer.stream([mlp.x] * 5, timeout_ms=1000))) == 5


@pytest.mark.timed
def test_a_timeout_counts_from_when_it_is_its_turn(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.1)
    futures = [bundle.infer.submit(mlp.x, timeout_ms=400) for _ in range(6)]
    for future in futures:
        np.testing.assert_allclose(future.result(5), mlp.answer(), **CLOSE)


@pytest.mark.timed
def test_a_run_without_timeout_behind_one_that_hangs(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.3)
    first = bundle.infer.submit(mlp.x, timeout_ms=20)
    second = bundle.infer.submit(mlp.x)
    assert isinstance(first.exception(5), ab.AclTimeoutError)
    np.testing.assert_allclose(second.result(5), mlp.answer(), **CLOSE)


@pytest.mark.timed
def test_a_run_that_could_not_be_begun(bundle: ab.Bundle, mlp: Any) -> None:
    """All slots are in use: nothing was started, and nothing hangs."""
    bundle.infer.submit(mlp.x).result(5)
    fake.latency("aclmdlExecuteAsync", 0.2)
    futures = [bundle.infer.submit(mlp.x) for _ in range(3)]
    with pytest.raises(ab.BusyError, match="not begun in 30 ms"):
        bundle.infer.run([mlp.x], timeout_ms=30)
    fake.latency("aclmdlExecuteAsync", 0)
    for future in futures:
        np.testing.assert_allclose(future.result(5), mlp.answer(), **CLOSE)
    bundle.infer.run([mlp.x], timeout_ms=1000)


@pytest.mark.timed
def test_closing_while_the_device_is_busy(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    fake.latency("aclmdlExecuteAsync", 1.5)
    futures = [bundle.infer.submit(mlp.x, timeout_ms=30), bundle.infer.submit(mlp.x)]
    assert isinstance(futures[0].exception(5), ab.AclTimeoutError)
    freed = fake.calls().get("aclrtFree", 0)
    start = time.monotonic()
    with pytest.warns(ResourceWarning, match="given back when that is over"):
        bundle.close()
    assert time.monotonic() - start < 1
    assert isinstance(futures[1].exception(0), ab.ClosedError)
    assert fake.calls().get("aclrtFree", 0) == freed
    assert any(row["kind"] == "bundle" for row in fake.live())
    with pytest.raises(ab.ClosedError):
        bundle.infer(mlp.x)
    bundle.close()
    left = [one for one in threading.enumerate() if one.name.startswith("acl_bundle")]
    assert [one.name for one in left] == ["acl_bundle left over"]
    left[0].join(10)
    assert fake.live() == []


@pytest.mark.timed
def test_arrays_of_a_run_that_was_given_up_are_freed_when_it_is_over(mlp: Any) -> None:
    """Freed by their owner, and with their bundle closed, they live as long as the run."""
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    x = ab.to_device(mlp.x)
    fake.latency("aclmdlExecuteAsync", 3.0)
    with pytest.raises(ab.AclTimeoutError):
        bundle.infer.run([x], timeout_ms=30, out="device")
    x.free()
    with pytest.warns(ResourceWarning, match="given back when that is over"):
        bundle.close()
    del bundle
    gc.collect()
    assert "device memory" in [one["kind"] for one in fake.live()]
    deadline = time.monotonic() + 10
    while fake.live() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert fake.live() == []


@pytest.mark.timed
def test_closing_after_the_device_is_done(bundle: ab.Bundle, mlp: Any) -> None:
    hang(bundle, mlp, 0.1)
    time.sleep(0.3)
    bundle.close()
    assert fake.live() == []


@pytest.mark.timed
def test_ctrl_c_while_a_run_is_waited_for(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.infer.run([mlp.x], timeout_ms=5000)
    fake.latency("aclmdlExecuteAsync", 1.5)
    threading.Timer(0.1, lambda: signal.raise_signal(signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        bundle.infer.run([mlp.x], timeout_ms=20000)
    assert time.monotonic() - start < 1.2
    fake.latency("aclmdlExecuteAsync", 0)
    out = bundle.infer.run([mlp.x], timeout_ms=5000)
    np.testing.assert_allclose(out["y"], mlp.answer(), **CLOSE)
    bundle.update(mlp.random(1))


@pytest.mark.timed
def test_a_stream_that_fails_to_be_waited_for(bundle: ab.Bundle, mlp: Any) -> None:
    """It does not say that it is done either, so the slot stays out of use."""
    bundle.infer.run([mlp.x], timeout_ms=5000)
    fake.latency("aclmdlExecuteAsync", 0.3)
    fake.fail("aclrtSynchronizeStreamWithTimeout", 1, 507899)
    with pytest.raises(ab.AclInternalError) as caught:
        bundle.infer.run([mlp.x], timeout_ms=5000)
    assert caught.value.code == 507899
    with pytest.raises(ab.BusyError):
        bundle.infer.submit(mlp.x)
    fake.latency("aclmdlExecuteAsync", 0)
    until_usable(bundle, mlp)


def rows(count: int) -> Any:
    return np.arange(count * 3, dtype=np.float32).reshape(count, 3)


def twice(path: Path, **options: Any) -> Path:
    """y = x + x, for any number of rows."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])], "twice", ends[:1], ends[1:]
    )
    opset = [helper.make_opsetid("", 17)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    om.write_bundle([build.model(model, **options).to_bytes()], 0).save(path)
    return path


@pytest.mark.timed
@pytest.mark.parametrize(
    "options",
    [{"dynamic_batch": [1, 2, 4]}, {"dynamic_dims": {"x": [(1, 3), (2, 3), (4, 3)]}}],
    ids=["batch", "dims"],
)
def test_gears(tmp_path: Path, options: Any) -> None:
    with ab.Bundle.load(twice(tmp_path / "gears.om", **options)) as bundle:
        for count in (4, 1, 2, 2, 4):
            y = bundle.infer.run([rows(count)], timeout_ms=5000)["y"]
            assert y.tolist() == (rows(count) * 2).tolist()
        counts = [1, 4, 2, 4, 1, 1, 2] * 6
        stream = bundle.infer.stream([rows(count) for count in counts])
        for count, y in zip(counts, stream, strict=True):
            assert y.tolist() == (rows(count) * 2).tolist()
        with pytest.raises(ValueError, match="has no gear for"):
            bundle.infer.submit(rows(3))
        with pytest.raises(ValueError, match="in this gear it is"):
            bundle.infer.run([rows(2)], {"y": rows(4)}, timeout_ms=50)


@pytest.mark.timed
def test_dynamic_graphs_say_that_they_cannot(tmp_path: Path) -> None:
    with ab.Bundle.load(twice(tmp_path / "dynamic.om", dynamic_shape=True)) as bundle:
        for use in (
            lambda: bundle.infer.run([rows(2)], timeout_ms=50),
            lambda: bundle.infer.submit(rows(2)),
            lambda: bundle.infer.stream([rows(2)]),
        ):
            with pytest.raises(ab.UnsupportedError, match="is dynamic"):
                use()
        assert bundle.infer(rows(2)).tolist() == (rows(2) * 2).tolist()


@pytest.mark.timed
@pytest.mark.parametrize("variables", ["owned", "library"])
def test_an_engine_that_writes_and_is_given_up(mlp: Any, variables: Any) -> None:
    """What a commit with a timeout is made of."""
    with ab.Bundle.load(mlp.path, variables=variables) as bundle:
        bundle.update(mlp.random(1))
        inner, init = bundle._variables, bundle.init
        with inner.alone("init", Wait()), bundle.device.activated():
            given = dataset(bundle._second_ids.stack, [])
            timed = open_timed(bundle._second_ids, init.index, init.label, given)
        assert timed.drained
        fake.latency("aclmdlExecuteAsync", 0.3)
        assert lib.ab_gate_shut(inner.gate, 100) == 0
        answer = lib.ab_write(timed.within(30), NULL)
        number = -answer
        assert number & 0xFFFFFFFF == 507046
        assert number >> 32 & 0xFF == lib.AB_STEP_SYNCHRONIZE
        assert bundle._variables.poisoned
        assert not timed.drained
        deadline = time.monotonic() + 5
        while not timed.drained and time.monotonic() < deadline:
            time.sleep(0.01)
        assert timed.drained
        assert lib.ab_write(timed.within(5000), NULL) == 0
        lib.ab_gate_publish(inner.gate, True)
        lib.ab_gate_retract(inner.gate)
        inner.versions[inner.epoch] = 2
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)


@pytest.mark.timed
def test_timeouts_from_many_threads(bundle: ab.Bundle, mlp: Any) -> None:
    """Some are over in time, some are not; whoever gets an answer gets the right one."""
    bundle.infer.run([mlp.x], timeout_ms=5000)
    fake.latency("aclmdlExecuteAsync", 0.004)

    def one(seed: int) -> int:
        late = 0
        for k in range(25):
            x = mlp.x * (seed + k)
            try:
                out = bundle.infer.run([x], timeout_ms=1 + (seed * 7 + k) % 15)
            except (ab.AclTimeoutError, ab.BusyError):
                late += 1
            else:
                np.testing.assert_allclose(out["y"], mlp.answer(x=x), rtol=1e-3, atol=1e-3)
        return late

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(one, range(6))) > 0
    fake.latency("aclmdlExecuteAsync", 0)
    until_usable(bundle, mlp)
    assert bundle.update(mlp.random(1)).version == 1
