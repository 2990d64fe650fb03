"""Every call behind what is read back can fail; nothing is lost, and nothing changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import weights

from .test_every_call import survive

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
