"""Every call that an update makes can fail while a follower runs it.

Two versions are followed over a bundle that works, a full one and a part; then
again for each of their calls, which fails. Whatever fails, each version is in
place once, in order, and whole; what the library misses in the end, it misses
for a call that was to give something back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import fake, follow

from .. import policy
from ..memory import Memory

pytestmark = pytest.mark.usefixtures("fake_acl")

CODES = (100000, 207001, 507011)
NOW = follow.Backoff(0.001, 0.002)
FULL = 5


class Run:
    """Versions 5 and 6 over version 4, a call of which fails; 6 brings ``b`` alone."""

    def __init__(self, load: Any, file: Path, nth: int, code: int, **options: Any) -> None:
        self.applied: list[Any] = []
        self.source = Memory()
        self.source.put(FULL - 1, policy.weights(FULL - 1))
        with load(file) as bundle:
            bundle.init()
            with ab.follow(
                bundle, self.source, backoff=NOW, on_applied=self._note, **options
            ) as follower:
                follower.wait_for(FULL - 1, 10)
                begin = len(fake.trace())
                if nth:
                    fake.fail("*", nth, code)
                self.source.put(FULL, policy.weights(FULL))
                self.source.put(FULL + 1, {"b": policy.weights(FULL + 1)["b"]})
                follower.wait_for(FULL + 1, 10)
                self.metrics = follower.metrics
                self.calls = [row["function"] for row in fake.trace()[begin:]]
                fake.fail("*", 0, 0)
            self.version = bundle.version
            self.answer = bundle.infer(policy.X)

    def _note(self, report: Any) -> None:
        self.applied.append(report.version)


def with_each_call_failing(load: Any, file: Path, **options: Any) -> Iterator[tuple[str, Run]]:
    fake.set("trace", "on")
    calls = Run(load, file, 0, 0, **options).calls
    assert len(calls) > 5
    for nth, name in enumerate(calls, 1):
        for code in CODES:
            fake.reset()
            yield name, Run(load, file, nth, code, **options)
    fake.reset()


@pytest.mark.parametrize("rollback", ["device", "host"])
@pytest.mark.parametrize("load", [ab.Bundle.load, ab.Pair.load], ids=["bundle", "pair"])
def test_each_version_is_in_place_once_and_whole(
    load: Any, policy_file: Path, rollback: str
) -> None:
    failures = 0
    for name, run in with_each_call_failing(load, policy_file, rollback=rollback):
        metrics = run.metrics
        assert (run.answer == policy.ROWS * FULL + FULL + 1).all(), name
        assert run.version == metrics.version == FULL + 1
        assert (metrics.seen, metrics.applied, metrics.healed) == (3, 3, 0), name
        assert (metrics.refused, metrics.passed, metrics.callback_errors) == (0, 0, 0), name
        assert run.applied == sorted(set(run.applied)), name
        failures += metrics.errors
        if name != "aclrtFree":
            assert fake.violations() == [], name
            assert fake.live() == [], name
    assert failures > len(CODES)


def test_without_rollback_a_full_set_heals(policy_file: Path) -> None:
    for name, run in with_each_call_failing(ab.Bundle.load, policy_file, rollback="none"):
        assert (run.answer == policy.ROWS * FULL + FULL + 1).all(), name
        assert run.metrics.applied == 3, name
        assert run.applied[-1] == FULL + 1, name
