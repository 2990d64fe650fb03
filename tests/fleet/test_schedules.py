"""Any order of updates, faults, kills, restarts, joins and deaths of the coordinator.

Whatever happened: each answer has the numbers of its version, and all replicas that answer have
the decided version. Only between the death of a coordinator and the end of the leases may some
have the version before still; of a strict update, not beside the new one.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle.fleet import Fleet, MemoryRecord, ReplicaClosedError, ReplicaLostError

from .scene import CLOSE, MODELS, Direct, lapse, participant
from .test_coordinator_dies import Died, Life, coordinator

MOST = 4
FUNCTIONS = ("aclmdlExecute", "aclmdlExecute", "aclrtMemcpy", "aclrtMalloc")
STEPS = (("commit", "catch_up"), ("commit",), ("prepare",), ("catch_up",))
PLACES = st.integers(0, MOST - 1)


class Mortal(Direct):
    """A handle whose process may be gone, and whose calls may fail.

    Attributes:
        dead: Whether it is.
        faults: By step, a function and which call of it fails.
        silent: Whether the answer to the next `prepare` is lost.
    """

    def __init__(self, made: Any) -> None:
        super().__init__(made)
        self.dead = False
        self.faults: dict[str, tuple[str, int]] = {}
        self.silent = False

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        if self.dead:
            return _lost(self.name)
        function, nth = self.faults.get(step, ("aclmdlExecute", 0))
        fake.fail(function, nth, 507899 if nth else 0)
        answer = super().start(step, *arguments)
        fake.fail(function, 0, 0)
        if self.silent and step == "prepare":
            self.silent = False
            return _lost(self.name)
        return answer

    def infer(self, inputs: Any, timeout_ms: int | None = None) -> Any:
        if self.dead:
            raise ReplicaLostError(self.name, "it was killed")
        return super().infer(inputs, timeout_ms)


def _lost(name: str) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(ReplicaLostError(name, "nothing is heard of it"))
    return future


def machine(mlp: Any) -> type[RuleBasedStateMachine]:
    class Schedules(RuleBasedStateMachine):
        @initialize(model=st.sampled_from(MODELS), count=st.integers(1, 3))
        def begin(self, model: str, count: int) -> None:
            self.model, self.record = model, MemoryRecord()
            self.ones: list[Mortal] = []
            self.names = 0
            self.last = 0
            self.held: dict[Any, dict[str, Any]] = {0: dict(mlp.weights)}
            self.allowed: set[Any] | None = None
            for _ in range(count):
                self.ones.append(Mortal(self.made()))
            self.fleet: Fleet | None = self.coordinator()

        def made(self, name: str = "") -> Any:
            self.names += not name
            return participant(name or f"r{self.names}", mlp, self.model, self.record.resolve)

        def coordinator(self, life: Life | None = None) -> Fleet:
            ones: Any = self.ones
            self.life = Life(None, False) if life is None else life
            return coordinator(ones, self.record, self.life)

        @property
        def decided(self) -> Any:
            return self.record.read().version or 0

        def change(self, whole: bool) -> tuple[int, dict[str, Any]]:
            """The next version, and what is given for it."""
            self.last += 1
            given = mlp.random(self.last)
            given = given if whole else {"w1": given["w1"]}
            self.held[self.last] = {**self.held[self.decided], **given}
            return self.last, given

        @precondition(lambda self: self.fleet is not None)
        @rule(whole=st.booleans(), strict=st.booleans(), drop=st.booleans())
        def update(self, whole: bool, strict: bool, drop: bool) -> None:
            assert self.fleet is not None
            before = self.decided
            version, given = self.change(whole)
            try:
                report = self.fleet.update(
                    given, version=version, consistency="strict" if strict else "rolling",
                    on_lost="drop" if drop else "fail",
                )  # fmt: skip
            except ab.UpdateError:
                assert self.decided == self.fleet.version == before
            else:
                assert self.decided == self.fleet.version == report.version == version

        @precondition(lambda self: self.fleet is not None)
        @rule(
            whole=st.booleans(), strict=st.booleans(), end=st.integers(0, 25), after=st.booleans()
        )
        def update_and_die(self, whole: bool, strict: bool, end: int, after: bool) -> None:
            assert self.fleet is not None
            before = self.decided
            version, given = self.change(whole)
            self.life.actions, self.life.end, self.life._after = [], end, after
            with suppress(Died, ab.UpdateError):
                self.fleet.update(
                    given, version=version, consistency="strict" if strict else "rolling"
                )
            if not self.life.over:
                self.life.end = None
                return
            self.fleet = None
            self.allowed = {before, self.decided}
            assert not strict or len(self.answers()) <= 1

        @precondition(lambda self: self.fleet is None)
        @rule(end=st.one_of(st.none(), st.integers(0, 25)), after=st.booleans())
        def take_over(self, end: int | None, after: bool) -> None:
            """Another coordinator goes on, which may die over that."""
            if all(one.dead for one in self.ones):
                with pytest.raises(ReplicaLostError):
                    self.coordinator()
                return
            with suppress(Died):
                self.fleet = self.coordinator(Life(end, after))
                self.allowed, self.life.end = None, None

        @rule()
        def leases_run_out(self) -> None:
            lapse([one for one in self.ones if not one.dead])
            if self.fleet is None:
                self.allowed = None

        @rule(at=PLACES, steps=st.sampled_from(STEPS), function=st.sampled_from(FUNCTIONS),
              nth=st.integers(1, 2))  # fmt: skip
        def break_(self, at: int, steps: tuple[str, ...], function: str, nth: int) -> None:
            faults = dict.fromkeys(steps, (function, nth))
            self.ones[at % len(self.ones)].faults |= faults

        @precondition(lambda self: self.fleet is not None and len(self.ones) > 1)
        @rule(at=PLACES)
        def one_is_silent(self, at: int) -> None:
            """An update goes on without it."""
            one = self.ones[at % len(self.ones)]
            one.silent = True
            self.update(True, False, True)
            one.silent = False

        @rule(at=PLACES)
        def mend(self, at: int) -> None:
            self.ones[at % len(self.ones)].faults.clear()

        @rule(at=PLACES)
        def kill(self, at: int) -> None:
            one = self.ones[at % len(self.ones)]
            one.dead = True
            one.participant.close()

        @rule(at=PLACES)
        def restart(self, at: int) -> None:
            one = self.ones[at % len(self.ones)]
            if one.dead:
                one.participant, one.dead = self.made(one.name), False
                self.catch_up()

        def catch_up(self) -> None:
            if self.fleet is not None:
                self.fleet.catch_up()

        @precondition(lambda self: self.fleet is not None and len(self.ones) < MOST)
        @rule()
        def join(self) -> None:
            assert self.fleet is not None
            one = Mortal(self.made())
            with pytest.raises(ReplicaClosedError):
                one.infer({"x": mlp.x})
            self.ones.append(one)
            handle: Any = one
            self.fleet.add(handle)

        @precondition(lambda self: self.fleet is not None)
        @rule()
        def infer(self) -> None:
            assert self.fleet is not None
            try:
                outputs = self.fleet.infer({"x": mlp.x}, retry=True)
            except (ReplicaClosedError, ReplicaLostError):
                return
            assert outputs.version == self.decided
            self.check(outputs)

        def check(self, outputs: Any) -> None:
            right = mlp.answer(self.held[outputs.version])
            np.testing.assert_allclose(outputs["y"], right, **CLOSE)

        def answers(self) -> set[Any]:
            """The versions that are answered with; whoever waits at a shut gate gets no answer."""
            found = set()
            for one in self.ones:
                door = one.participant._door
                if one.dead or (door.is_shut and door.reason is None):
                    continue
                with suppress(ReplicaClosedError):
                    outputs = one.infer({"x": mlp.x})
                    self.check(outputs)
                    found.add(outputs.version)
            return found

        @invariant()
        def all_that_answer_agree(self) -> None:
            if hasattr(self, "ones"):
                allowed = {self.decided} if self.allowed is None else self.allowed
                assert self.answers() <= allowed

        def teardown(self) -> None:
            for one in getattr(self, "ones", ()):
                if not one.dead:
                    one.participant.close()

    return Schedules


@pytest.mark.usefixtures("fake_acl")
def test_any_order(mlp: Any) -> None:
    run_state_machine_as_test(
        machine(mlp),
        settings=settings(
            max_examples=25,
            phases=[Phase.generate],  # and no search for a shorter one, which takes minutes
            stateful_step_count=15,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
