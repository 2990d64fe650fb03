"""A publication over IPC is refused before a place is written, and ends when the publisher does."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake, follow
from acl_bundle.errors import BusyError, ClosedError, WeightError

from .. import policy
from ..following import until
from ..ipc_processes import Consumer, Process

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def address() -> str:
    return f"@acl-bundle-test-{uuid.uuid4()}"


@pytest.fixture
def publisher(address: str) -> Iterator[follow.IpcPublisher]:
    with follow.publish_ipc(address, policy.weights(0)) as made:
        yield made


class Lazy(Mapping[str, Any]):
    """Weights that are made when they are asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


W = policy.weights(1)["w"]
WRONG = {
    "a name": (WeightError, "no place for 'bb'", {"bb": W}),
    "a shape": (WeightError, "weight 'b' .* shape", {"b": W}),
    "a dtype": (WeightError, "weight 'b' .* dtype float64", {"b": np.zeros(policy.COLUMNS)}),
    "a number": (TypeError, "weight 'b'", {"b": 1.0}),
    "a text": (TypeError, "weight 'b'", {"b": "text"}),
}


@pytest.mark.parametrize("how", [dict, Lazy, lambda given: iter(given.items())])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_refused_is_not_written(
    publisher: follow.IpcPublisher, wrong: str, how: Any
) -> None:
    kind, text, more = WRONG[wrong]
    copies = fake.calls()["aclrtMemcpy"]
    with pytest.raises(kind, match=text):
        publisher.publish(1, how({"w": W, **more}), consumers=0)
    assert fake.calls()["aclrtMemcpy"] == copies
    np.testing.assert_array_equal(publisher["w"].to_host(), policy.weights(0)["w"])
    assert publisher.publish(1, consumers=0).version == 1, "it was not published"


def test_a_device_array_that_does_not_fit(publisher: follow.IpcPublisher) -> None:
    with ab.to_device(policy.weights(1)["w"]) as small, ab.empty((2,), np.float32) as wrong:
        with pytest.raises(WeightError, match=r"weight 'b' .* shape"):
            publisher.publish(1, {"w": small, "b": wrong}, consumers=0)
        np.testing.assert_array_equal(publisher["w"].to_host(), policy.weights(0)["w"])
    with pytest.raises(ClosedError):
        publisher.publish(1, {"b": policy.weights(1)["b"], "w": small}, consumers=0)
    np.testing.assert_array_equal(publisher["b"].to_host(), policy.weights(0)["b"])


@pytest.mark.parametrize("wrong", [True, 1.5, "1", None, np.float32(1)])
def test_what_is_no_whole_number(publisher: follow.IpcPublisher, wrong: Any) -> None:
    with pytest.raises(TypeError, match="version is an int"):
        publisher.publish(wrong, consumers=0)
    with pytest.raises(TypeError, match="consumers is "):
        publisher.publish(1, consumers=wrong)
    with pytest.raises(TypeError, match="process is "):
        publisher.allow(wrong)
    assert publisher.manifest is None
    assert publisher.publish(np.int64(1), consumers=np.uint8(0)).version == 1


@pytest.mark.parametrize("wrong", [float("nan"), -1.0])
def test_what_is_no_time(publisher: follow.IpcPublisher, wrong: float) -> None:
    with pytest.raises(ValueError, match="timeout is"):
        publisher.publish(1, consumers=0, timeout=wrong)
    with pytest.raises(TypeError, match="timeout is"):
        publisher.publish(1, consumers=0, timeout="1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="consumers is -1"):
        publisher.publish(1, consumers=-1)
    assert publisher.manifest is None
    publisher.publish(1, consumers=0, timeout=float("inf"))


@pytest.mark.timed
@pytest.mark.parametrize("lent", [False, True])
def test_close_ends_a_publication_of_another_thread(address: str, lent: bool) -> None:
    consumer = Process(Consumer)
    publisher = follow.publish_ipc(address, policy.weights(0))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(publisher.publish, 1, consumers=5, timeout=1000)
        consumer.do("begin", address)
        if lent:
            consumer.do("take", 1)
        else:
            time.sleep(0.1)
        consumer.ask("end")
        publisher.close()
        with pytest.raises(ClosedError, match="this IpcPublisher"):
            running.result(20)
    consumer.answer()
    consumer.leave()
    publisher.close()


def test_publications_of_two_threads_take_turns(address: str) -> None:
    consumer = Process(Consumer)
    consumer.do("begin", address)
    with (
        follow.publish_ipc(address, policy.weights(0)) as publisher,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(publisher.publish, 1, policy.weights(1), timeout=30)
        until(lambda: publisher.manifest is not None)
        with pytest.raises(TimeoutError, match="another thread publishes"):
            publisher.publish(2, policy.weights(2), timeout=0.05)
        second = pool.submit(publisher.publish, 3, policy.weights(3), timeout=30)
        time.sleep(0.05)
        consumer.ask("take", 2)
        assert [len(one.result(30).taken) for one in (first, second)] == [1, 1]
        assert consumer.answer() == [(1, 1.0), (3, 3.0)]
        consumer.ask("end")
    consumer.answer()
    consumer.leave()


def test_a_publication_within_a_publication(publisher: follow.IpcPublisher) -> None:
    def pairs() -> Iterator[tuple[str, Any]]:
        yield "w", W
        publisher.publish(7, consumers=0)

    with pytest.raises(BusyError, match="within a publication"):
        publisher.publish(1, pairs(), consumers=0)
    assert publisher.publish(1, consumers=0).version == 1


def test_a_signals_handler_may_close(address: str) -> None:
    publisher = follow.publish_ipc(address, policy.weights(0))

    def handle(*_: Any) -> None:
        publisher.close()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        with pytest.raises(ClosedError, match="this IpcPublisher"):
            publisher.publish(1, timeout=30)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert fake.live() == []
