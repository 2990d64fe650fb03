"""Any order of load, init, update, fail, snapshot, restore and close, against a numpy model.

One thread infers all the time; each of its answers must belong to one version
that was in place while it ran.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
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


def machine(mlp: Any) -> type[RuleBasedStateMachine]:
    names = list(mlp.weights)

    class Bundles(RuleBasedStateMachine):
        """What a bundle should hold, kept beside one that does."""

        @initialize(flow=st.sampled_from(["owned", "library"]))
        def load(self, flow: Any) -> None:
            fake.reset()
            self.flow = flow
            self.bundle = ab.Bundle.load(mlp.path, variables=flow)
            self.values: dict[str, Any] = {}
            self.version: int | str | None = None
            self.poisoned = False
            self.saved: list[tuple[ab.Snapshot, dict[str, Any], int | str | None]] = []
            self.allowed: list[Any] = []
            self.wrong: list[str] = []
            self.done = threading.Event()
            self.reader = threading.Thread(target=self.read)
            self.reader.start()

        def read(self) -> None:
            """Infer until the end; `allowed` grows before an answer can be new."""
            while not self.done.is_set():
                if set(self.values) != set(names):
                    self.done.wait(1e-3)
                    continue
                try:
                    y = self.bundle.infer(mlp.x)
                except ab.PoisonedError:
                    continue
                except ab.AclError:
                    continue  # a fault meant for an update has met this inference
                allowed = list(self.allowed)
                if allowed and not any(np.allclose(y, a, rtol=1e-4, atol=1e-4) for a in allowed):
                    self.wrong.append(f"an answer of none of {len(allowed)} versions: {y}")

        def take_over(self, weights: dict[str, Any], version: int | str | None) -> None:
            self.values |= weights
            self.version = version
            self.poisoned = False

        def expect(self, weights: dict[str, Any]) -> None:
            """Say which values a commit is about to bring."""
            if set(self.values) | set(weights) == set(names):
                self.allowed.append(mlp.answer({**self.values, **weights}))

        @rule()
        def init(self) -> None:
            self.expect(mlp.weights)
            self.bundle.init()
            self.take_over(mlp.weights, 0)

        @rule(
            chosen=st.sets(st.sampled_from(names)),
            seed=st.integers(0, 5),
            version=st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=3)),
        )
        def update(self, chosen: set[str], seed: int, version: int | str | None) -> None:
            weights = {name: mlp.random(seed)[name] for name in chosen}
            if self.poisoned and chosen != set(names):
                with pytest.raises(ab.PoisonedError):
                    self.bundle.update(weights, version=version)
                return
            self.expect(weights)
            previous = self.version if isinstance(self.version, int) else 0
            report = self.bundle.update(weights, version=version)
            assert set(report.changed) == chosen
            assert report.version == (previous + 1 if version is None else version)
            self.take_over(weights, report.version)

        @rule(chosen=st.sampled_from(names), seed=st.integers(0, 5))
        def a_refused_update(self, chosen: str, seed: int) -> None:
            good = mlp.random(seed)
            with pytest.raises(ab.WeightError):
                self.bundle.update({**good, chosen: good[chosen].astype(np.float64)})

        @rule(
            seed=st.integers(0, 5),
            function=st.sampled_from(["aclrtMemcpy", "aclmdlExecute"]),
            rollback=st.sampled_from(["auto", "none"]),
        )
        @precondition(lambda self: not self.poisoned and self.version is not None)
        def a_failing_update(self, seed: int, function: str, rollback: Any) -> None:
            self.expect(mlp.random(seed))
            with self.quiet():
                fake.fail(function, 1, 507011)
                with pytest.raises(ab.AclError):
                    self.bundle.update(mlp.random(seed), rollback=rollback)
            known = bool(self.values) if self.flow == "owned" else set(self.values) == set(names)
            back = rollback == "auto" and known  # a first commit has nothing to go back to
            self.poisoned = function == "aclmdlExecute" and not back

        @contextlib.contextmanager
        def quiet(self) -> Iterator[None]:
            """Keep the reader out, so that a fault meets what it is meant for."""
            self.done.set()
            self.reader.join()
            yield
            self.done.clear()
            self.reader = threading.Thread(target=self.read)
            self.reader.start()

        @rule(where=st.sampled_from(["auto", "device", "host"]))
        @precondition(lambda self: not self.poisoned)
        def snapshot(self, where: Any) -> None:
            try:
                saved = self.bundle.snapshot(where)
            except ab.UpdateError:
                assert self.flow == "library"  # updated once with rollback="none"
                return
            self.saved.append((saved, dict(self.values), self.version))

        @rule(data=st.data())
        @precondition(lambda self: self.saved)
        def restore(self, data: st.DataObject) -> None:
            saved, values, version = data.draw(st.sampled_from(self.saved))
            if set(values) == set(names):
                self.allowed.append(mlp.answer(values))
                self.bundle.restore(saved)
                self.values, self.version, self.poisoned = dict(values), version, False
                return
            if self.poisoned and self.flow == "library":
                with pytest.raises(ab.UpdateError):  # the mixture would stay in the others
                    self.bundle.restore(saved)
                return
            with self.quiet():  # nothing can be said of answers from undefined weights
                self.bundle.restore(saved)
                self.values, self.version, self.poisoned = dict(values), version, False

        @rule(seed=st.integers(0, 5))
        @precondition(lambda self: set(self.values) == set(names))
        def infer(self, seed: int) -> None:
            x = np.random.default_rng(seed).standard_normal((4, 8)).astype(np.float32)
            if self.poisoned:
                with pytest.raises(ab.PoisonedError):
                    self.bundle.infer(x)
                return
            out = self.bundle.infer.run({"x": x})
            assert out.version == self.version
            np.testing.assert_allclose(out["y"], mlp.answer(self.values, x), rtol=1e-4, atol=1e-4)

        @invariant()
        def the_version_is_what_was_published(self) -> None:
            if hasattr(self, "bundle"):
                assert self.bundle.version == self.version

        @invariant()
        def no_answer_was_a_mixture(self) -> None:
            assert getattr(self, "wrong", []) == []

        def teardown(self) -> None:
            if hasattr(self, "bundle"):
                self.done.set()
                self.reader.join()
                self.bundle.close()
                assert all(saved.closed for saved, _, _ in self.saved)
                assert fake.live() == []
                assert fake.violations() == []

    return Bundles


@pytest.mark.usefixtures("fake_acl")
def test_any_order_of_calls(mlp: Any) -> None:
    run_state_machine_as_test(
        machine(mlp),
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
