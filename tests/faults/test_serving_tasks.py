"""Every task that runs behind its caller may fail: it is told, and nobody waits for ever.

The runs here have no ``timeout_ms``: an error comes without one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")

CODE = 507015
RUNS = 4


def right(y: Any, mlp: Any, k: int) -> None:
    np.testing.assert_allclose(y, mlp.answer(x=mlp.x * k), rtol=1e-4, atol=1e-4)


def submits(bundle: ab.Bundle, mlp: Any) -> Iterator[ab.AclError | None]:
    """Submit some runs; yield the error of each, and check the answers of the others."""
    futures = [bundle.infer.submit(mlp.x * k) for k in range(RUNS)]
    for k, future in enumerate(futures):
        error = future.exception(60)
        if error is None:
            right(future.result(), mlp, k)
        assert error is None or isinstance(error, ab.AclError)
        yield error


def streams(bundle: ab.Bundle, mlp: Any) -> Iterator[ab.AclError | None]:
    """The same for a stream of inputs."""
    results = bundle.infer.stream([mlp.x * k for k in range(RUNS)], 3)
    for k in range(RUNS):
        try:
            right(next(results), mlp, k)
        except ab.AclError as error:
            yield error
        else:
            yield None


def limited(bundle: ab.Bundle, mlp: Any) -> Iterator[ab.AclError | None]:
    """Runs and an update with a limit that nothing comes near."""
    for call in (
        lambda: right(bundle.infer.run([mlp.x], timeout_ms=60_000)["y"], mlp, 1),
        lambda: bundle.update({"w1": mlp.weights["w1"]}, timeout_ms=60_000),
        lambda: right(bundle.infer.run([mlp.x], timeout_ms=60_000)["y"], mlp, 1),
    ):
        try:
            call()
        except ab.AclError as error:
            yield error
        else:
            yield None


Way = Callable[[ab.Bundle, Any], Iterator[ab.AclError | None]]


def tell(way: Way, mlp: Any, nth: int) -> list[ab.AclError]:
    """The errors while the nth task fails; then all is well again."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        assert list(way(bundle, mlp)) == [None] * len(list(way(bundle, mlp)))
        fake.fail("task", nth, CODE)
        errors = [error for error in way(bundle, mlp) if error is not None]
        fake.fail("task", 1, 0)
        assert [error for error in way(bundle, mlp) if error is not None] == []
    return errors


@pytest.mark.parametrize("way", [submits, streams, limited])
def test_every_task(mlp: Any, way: Way) -> None:
    nth = 1
    while errors := tell(way, mlp, nth):
        assert all(error.code == CODE for error in errors), errors
        assert fake.violations() == []
        assert fake.live() == []
        nth += 1
    assert nth > {submits: RUNS * 4, streams: RUNS * 4, limited: 8}[way]


def test_every_task_of_all(mlp: Any) -> None:
    """Each run is told on its own."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        assert list(submits(bundle, mlp)) == [None] * RUNS
        fake.fail("task", 0, CODE)
        assert None not in list(submits(bundle, mlp))
        assert None not in list(streams(bundle, mlp))
        fake.fail("task", 0, 0)
        assert list(streams(bundle, mlp)) == [None] * RUNS


def is_well(way: Way, bundle: ab.Bundle, mlp: Any) -> None:
    """Once what was given up is over, the next errors are none of its own."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            errors = [error for error in way(bundle, mlp) if error is not None]
        except (ab.BusyError, ab.PoisonedError):
            time.sleep(0.01)
            continue
        assert errors == []
        return
    pytest.fail("the device did not come to an end")


def infer_in_time(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.infer.run([mlp.x], timeout_ms=50)


def update_in_time(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.update({"w1": mlp.weights["w1"]}, timeout_ms=50)


@pytest.mark.timed
@pytest.mark.parametrize(("way", "in_time"), [(submits, infer_in_time), (limited, update_in_time)])
def test_a_failure_after_giving_up_is_not_told_to_the_next(
    mlp: Any, way: Way, in_time: Callable[[ab.Bundle, Any], None]
) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        list(way(bundle, mlp))
        fake.latency("aclmdlExecuteAsync", 0.3)
        fake.fail("task", 0, CODE)
        with pytest.raises(ab.AclError) as caught:
            in_time(bundle, mlp)
        assert caught.value.code == 507046
        time.sleep(0.4)
        fake.latency("aclmdlExecuteAsync", 0)
        fake.fail("task", 0, 0)
        if way is limited:
            bundle.init()
        is_well(way, bundle, mlp)
