"""Any order of load, init, update, infer, fail and close, against a numpy model."""

from __future__ import annotations

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
            self.bundle = ab.Bundle.load(mlp.path, variables=flow)
            self.values: dict[str, Any] = {}
            self.version: int | str | None = None
            self.poisoned = False

        def take_over(self, weights: dict[str, Any], version: int | str) -> None:
            self.values |= weights
            self.version = version
            self.poisoned = False

        @rule()
        def init(self) -> None:
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

        @rule(seed=st.integers(0, 5), function=st.sampled_from(["aclrtMemcpy", "aclmdlExecute"]))
        @precondition(lambda self: not self.poisoned)
        def a_failing_update(self, seed: int, function: str) -> None:
            fake.fail(function, 1, 507011)
            with pytest.raises(ab.AclError):
                self.bundle.update(mlp.random(seed))
            self.poisoned = function == "aclmdlExecute"

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

        def teardown(self) -> None:
            if hasattr(self, "bundle"):
                self.bundle.close()
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
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
