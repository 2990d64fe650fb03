"""replicas=n: n threads infer at once over one copy of the weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake, om

from ..readers import reading

pytestmark = pytest.mark.usefixtures("fake_acl")
CLOSE = {"rtol": 1e-4, "atol": 1e-4}
W = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def net() -> onnx.ModelProto:
    """y = relu(x @ w), for any number of rows."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", columns])
        for name, columns in (("x", 4), ("y", 3))
    ]
    constants = [numpy_helper.from_array(W, "w")]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def at_once(call: Callable[[], object], threads: int) -> float:
    """Seconds that so many threads take to call once each."""
    begin = threading.Barrier(threads + 1)

    def one(_: int) -> None:
        begin.wait()
        call()

    with ThreadPoolExecutor(threads) as pool:
        done = [pool.submit(one, k) for k in range(threads)]
        begin.wait()
        start = time.monotonic()
        for future in done:
            future.result()
        return time.monotonic() - start


@pytest.mark.timed
@pytest.mark.parametrize("variables", ["owned", "library"])
def test_as_many_run_at_once_as_there_are_replicas(mlp: Any, variables: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=3, variables=variables) as bundle:
        bundle.init()
        y = np.empty((4, 3), np.float32)
        bound = [bundle.infer.bind({"x": mlp.x}, {"y": y.copy()}) for _ in range(3)]
        fake.latency("aclmdlExecute", 0.3)
        for call in (lambda: bundle.infer(mlp.x), lambda: bundle.infer.run({"x": mlp.x})):
            assert at_once(call, 3) < 0.6
            assert at_once(call, 4) >= 0.6
        with ThreadPoolExecutor(3) as pool:
            start = time.monotonic()
            assert list(pool.map(lambda one: one(), bound)) == [1, 1, 1]
            assert time.monotonic() - start < 0.6


@pytest.mark.timed
@pytest.mark.parametrize("options", [{"dynamic_batch": [1, 2]}, {"dynamic_shape": True}])
def test_replicas_of_graphs_with_more_than_one_shape(tmp_path: Path, options: Any) -> None:
    path = tmp_path / "net.om"
    om.write_bundle([build.model(net(), **options).to_bytes()], 0).save(path)
    with ab.Bundle.load(path, replicas=2) as bundle:
        fake.latency("aclmdlExecute", 0.3)
        sizes = [1, 2]

        def call() -> None:
            x = np.ones((sizes.pop(), 4), np.float32)
            np.testing.assert_allclose(bundle.infer(x), np.maximum(x @ W, 0), **CLOSE)

        assert at_once(call, 2) < 0.6


def test_one_update_serves_all(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=4) as bundle:
        bundle.init()
        with reading(bundle.infer, mlp, range(1, 21), 8):
            for version in range(1, 21):
                bundle.update(mlp.random(version))
        for _ in range(8):
            np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(mlp.random(20)), **CLOSE)


@pytest.mark.timed
def test_a_binding_is_not_run_twice_at_once(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=2) as bundle:
        bundle.init()
        y = np.empty((4, 3), np.float32)
        bound = bundle.infer.bind({"x": mlp.x}, {"y": y})
        fake.latency("aclmdlExecute", 0.1)
        assert at_once(bound, 2) >= 0.2
        closing = threading.Timer(0.03, bound.close)
        closing.start()
        assert bound() == 1
        closing.join()
        np.testing.assert_allclose(y, mlp.answer(), **CLOSE)
        with pytest.raises(ab.ClosedError):
            bound()


def test_a_failed_run_gives_its_replica_back(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=2) as bundle:
        bundle.init()
        fake.fail("aclmdlExecute", 0, 507011)
        for _ in range(5):
            with pytest.raises(ab.AclError):
                bundle.infer(mlp.x)
        fake.fail("aclmdlExecute", 0, 0)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)


@pytest.mark.timed
def test_closing_waits_for_all(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path, replicas=3)
    bundle.init()
    fake.latency("aclmdlExecute", 0.2)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(bundle.infer, mlp.x) for _ in range(3)]
        time.sleep(0.1)
        bundle.close()
        for future in running:
            np.testing.assert_allclose(future.result(0.1), mlp.answer(), **CLOSE)


def test_each_replica_is_loaded_and_unloaded(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=5):
        assert fake.calls()["aclmdlBundleLoadModel"] == 3 + 4
    assert fake.live() == []


def test_a_replica_that_cannot_be_loaded(mlp: Any) -> None:
    fake.fail("aclmdlBundleLoadModel", 5, 245000)
    with pytest.raises(ab.AclResourceError):
        ab.Bundle.load(mlp.path, replicas=3)
    assert fake.live() == []


@pytest.mark.parametrize(
    ("replicas", "error", "message"),
    [
        (0, ValueError, "replicas is 0; give 1 to 1024"),
        (-2, ValueError, "replicas is -2"),
        (1.0, TypeError, "an int, not 1.0"),
        (True, TypeError, "an int, not True"),
        ("2", TypeError, "an int, not '2'"),
    ],
)
def test_a_number_that_cannot_be(
    mlp: Any, replicas: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ab.Bundle.load(mlp.path, replicas=replicas)


def test_submit_and_timeouts_beside_replicas(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, replicas=2) as bundle:
        bundle.init()
        futures = [bundle.infer.submit(mlp.x) for _ in range(10)]
        for _ in range(10):
            np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), **CLOSE)
            out = bundle.infer.run([mlp.x], timeout_ms=5000)
            np.testing.assert_allclose(out["y"], mlp.answer(), **CLOSE)
        for future in futures:
            np.testing.assert_allclose(future.result(5), mlp.answer(), **CLOSE)
