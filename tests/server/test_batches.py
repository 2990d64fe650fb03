"""Requests go to a model with a dynamic batch together, and each gets its own rows back."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.server import Server, ServerLimits
from acl_bundle.server._batch.queue import Queued, RequestQueue
from acl_bundle.server._batch.rows import Rows
from acl_bundle.testing import FakeAcl

from .conftest import Start, array_of, ask, binary, numbers, taken, until, waiting
from .models import GEARED, answer, rows

INFER = "/v2/models/net/infer"


def infer(server: Server, x: Any) -> Any:
    body, headers = binary(x, parameters={"binary_data_output": True})
    return array_of(ask(server.port, "POST", INFER, body, headers))


@pytest.mark.parametrize("load", [ab.Bundle.load, ab.Pair.load])
def test_what_waits_goes_as_one_run(
    start: Start, geared: Path, fake_acl: FakeAcl, load: Any
) -> None:
    with load(geared) as model:
        model.init()
        server = start({"net": model})
        given = [rows(1 + at % 2, at) for at in range(5)]  # 7 rows
        with ThreadPoolExecutor(7) as pool:
            with model.hold(60_000):  # the worker's run waits, and so does what comes after it
                first = pool.submit(infer, server, rows(8, 99))
                taken(server.port, 1, "net")
                others = [pool.submit(infer, server, x) for x in given]
                waiting(server.port, 5, "net")
            np.testing.assert_allclose(first.result(), answer(rows(8, 99)), rtol=1e-5, atol=1e-6)
            for x, found in zip(given, others, strict=True):
                np.testing.assert_allclose(found.result(), answer(x), rtol=1e-5, atol=1e-6)
        assert 'acl_bundle_batch_rows_count{model="net"} 2.0' in server.metrics()
        assert 'acl_bundle_batch_rows_sum{model="net"} 15.0' in server.metrics()


def test_a_request_waits_for_others_as_long_as_was_said(
    start: Start, geared: Path, fake_acl: FakeAcl
) -> None:
    with ab.Bundle.load(geared) as model:
        model.init()
        server = start({"net": model}, limits=ServerLimits(batch_delay=20.0))
        gate = threading.Barrier(8)

        def one(at: int) -> Any:
            gate.wait()
            return infer(server, rows(1, at))

        with ThreadPoolExecutor(8) as pool:  # they fill the largest gear, so nobody waits 20 s
            for at, found in enumerate(pool.map(one, range(8))):
                np.testing.assert_allclose(found, answer(rows(1, at)), rtol=1e-5, atol=1e-6)
        assert 'acl_bundle_batch_rows_count{model="net"} 1.0' in server.metrics()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8])
def test_any_number_of_rows_up_to_the_largest_gear(start: Start, geared: Path, count: int) -> None:
    with ab.Bundle.load(geared) as model:
        model.init()
        server = start({"net": model})
        np.testing.assert_allclose(
            infer(server, rows(count)), answer(rows(count)), rtol=1e-5, atol=1e-6
        )


@pytest.mark.timed
def test_what_does_not_fit_fails_alone(start: Start, geared: Path, fake_acl: FakeAcl) -> None:
    with ab.Bundle.load(geared) as model:
        model.init()
        server = start({"net": model})
        fake_acl.latency("aclmdlExecute", 0.2)
        wrong = [np.zeros((9, 4), np.float32), np.zeros((2, 5), np.float32)]
        with ThreadPoolExecutor(8) as pool:
            good = [pool.submit(infer, server, rows(1, at)) for at in range(3)]
            bad = [pool.submit(ask, server.port, "POST", INFER, numbers(x)) for x in wrong]
            more = [pool.submit(infer, server, rows(1, at)) for at in range(3)]
            for at, found in enumerate(good + more):
                np.testing.assert_allclose(found.result(), answer(rows(1, at % 3)), rtol=1e-5)
            for found in bad:
                assert (found.result().status, "x" in found.result().error) == (400, True)


def test_lengths_are_not_joined(start: Start, tmp_path: Path, fake_acl: FakeAcl) -> None:
    """Gears of any dims may be lengths, of which rows look at each other: each goes alone."""
    path = tmp_path / "dims.om"
    build.model(GEARED, dynamic_dims={"x": [(1, 4), (4, 4)]}).save(path)
    with ab.Bundle.load(path) as model:
        server = start({"net": model})
        np.testing.assert_allclose(infer(server, rows(4)), answer(rows(4)), rtol=1e-5, atol=1e-6)
        reply = ask(server.port, "POST", INFER, numbers(rows(3)))
        assert (reply.status, "its gears are" in reply.error) == (400, True), reply
        assert 'acl_bundle_batch_rows_count{model="net"} 0.0' in server.metrics()


def test_workers_run_at_once(start: Start, mlp: Any, fake_acl: FakeAcl) -> None:
    with ab.Bundle.load(mlp.path, replicas=2) as model:
        model.init()
        server = start({"mlp": model}, limits=ServerLimits(workers=2))
        with ThreadPoolExecutor(3) as pool:
            with model.hold(60_000):
                path = "/v2/models/mlp/infer"
                replies = [
                    pool.submit(ask, server.port, "POST", path, numbers(mlp.x)) for _ in range(3)
                ]
                waiting(server.port, 1)  # two are with the workers
            assert [reply.result().status for reply in replies] == [200] * 3


def test_batches_are_public(geared: Path, mlp: Any, fake_acl: FakeAcl) -> None:
    with ab.Bundle.load(geared) as model, ab.Pair.load(geared) as pair:
        assert model.infer.batches == pair.infer.batches == (1, 4, 8)
    with ab.Bundle.load(mlp.path) as model:
        assert model.infer.batches == ()


def test_an_input_without_rows_is_not_joined(start: Start, tmp_path: Path) -> None:
    """Whoever sends 0 rows of one input and 1 of the other moves nobody else's rows."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 2]) for n in "aby"]
    nodes = [helper.make_node("Mul", ["b", "w"], ["c"]), helper.make_node("Add", ["a", "c"], ["y"])]
    weights = [numpy_helper.from_array(np.ones(2, np.float32), "w")]
    graph = helper.make_graph(nodes, "two", ends[:2], ends[2:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "two.om"
    build.from_onnx(model, weights=["w"], dynamic_batch=[1, 4]).save(path)
    one, none = np.ones((1, 2), np.float32), np.zeros((0, 2), np.float32)
    with ab.Bundle.load(path) as bundle:
        found = Rows(bundle.infer)
        for inputs, count in (({"a": none, "b": one}, 0), ({"b": one, "a": none}, 0)):
            assert found.count(inputs) == count
        assert found.count({"a": one, "b": one}) == 1


def test_a_worker_with_nothing_to_do_takes_what_cannot_join() -> None:
    """T1 waits for others to join; T2 comes; what cannot join wakes T1, which goes without it."""
    loop = asyncio.new_event_loop()
    queue = RequestQueue(9, 60.0)

    def request(count: int) -> Queued:
        return Queued("", {}, (), "", count, loop.create_future(), loop)

    def waiters() -> int:
        return len(queue._changed._waiters)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(2) as pool:
        try:
            queue.put(request(1))
            first = pool.submit(queue.take, 8)
            until(lambda: waiters() == 1)
            second = pool.submit(queue.take, 8)
            until(lambda: waiters() == 2)
            queue.put(request(0))
            assert [one.rows for one in first.result(30)] == [1]
            assert [one.rows for one in second.result(30)] == [0]
        finally:
            queue.close("the end")
            loop.close()
