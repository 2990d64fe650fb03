"""Every call behind a hold and what is read back can fail; nothing is lost or stays shut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import weights

from .test_every_call import Scenario, survive

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_of_reading_back(mlp: Any, flow: Any, tmp_path: Path) -> None:
    path, out = tmp_path / "now.safetensors", np.empty((8, 16), np.float32)
    want = {**mlp.weights, "w1": mlp.random(1)["w1"]}

    def read(bundle: ab.Bundle) -> None:
        for look in (lambda: bundle.read("w1", out), lambda: bundle.export(path)):
            path.unlink(missing_ok=True)
            try:
                look()
            except ab.AclError:
                assert list(tmp_path.iterdir()) == []
                bundle.read("w1", out)  # it was one call that failed
                np.testing.assert_array_equal(out, want["w1"])
                assert bundle.version == 1
                raise
        with weights.open(path) as found:
            assert weights.diff(found, want).same

    def run() -> None:
        with ab.Bundle.load(mlp.path, variables=flow) as bundle:
            bundle.init()
            bundle.update({"w1": mlp.random(1)["w1"]})
            read(bundle)

    survive(run)


class Held(Scenario):
    """The scenario, with each commit in a hold."""

    def commit(self, change: Any, version: Any, answer: Any = None) -> None:
        """Hold the bundle for one commit; it is released whatever fails."""

        def held() -> None:
            with self.bundle.hold(60_000) as hold:
                try:
                    change()
                finally:
                    assert hold.active

        super().commit(held, version, answer)


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_within_a_hold(mlp: Any, flow: Any) -> None:
    survive(lambda: Held(mlp, flow).run())
