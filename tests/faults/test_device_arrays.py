"""Every call of runs on device arrays can fail: nothing leaks, and the next run is right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake
from tests.device.graphs import W, given, two_outputs

from .test_every_call import Scenario, survive

pytestmark = pytest.mark.usefixtures("fake_acl")


def alone(run: Callable[[], None]) -> None:
    """Run, and raise what fails without the frames, which hold arrays that nobody freed."""
    try:
        run()
    except ab.AclError as error:
        raise error.with_traceback(None) from None


def check(array: Any, right: Any, stack: ExitStack) -> None:
    """Compare an array, wherever it is; the stack frees it there."""
    if isinstance(array, ab.DeviceArray):
        stack.callback(array.free)
        array = array.to_host()
    np.testing.assert_allclose(array, right, rtol=1e-5, atol=1e-6)


def chained(data: bytes, x: Any) -> None:
    """Copy to the device, run there, leave there, run on the host, and copy back."""
    with (
        ab.Bundle.load(data) as bundle,
        ab.to_device(x) as first,
        ab.empty((4, 3), "f4") as y,
        ExitStack() as made_here,
    ):
        for inputs, out in (([first], {"y": y, "z": "device"}), ([x], None), ([first], "device")):
            try:
                made = bundle.infer.run(inputs, out)
            except ab.AclError:
                fake.fail("*", 0, 0)
                np.testing.assert_allclose(bundle.infer(x)[0], x @ W, rtol=1e-5, atol=1e-6)
                raise
            for name, right in (("y", x @ W), ("z", x + 1)):
                check(made[name], right, made_here)


@pytest.mark.parametrize("kind", ["static", "gears", "open"])
def test_every_call_of_runs_on_the_device(kind: str) -> None:
    data, x = two_outputs(kind), given()
    survive(lambda: alone(lambda: chained(data, x)))


class Updates(Scenario):
    """Load, init, and update from arrays on the device, one of which has to be copied there."""

    def run(self) -> None:
        """Run all of it, or raise what the library's failure became."""
        mlp, new = self.mlp, self.mlp.random(1)
        with (
            ab.Bundle.load(mlp.path, variables=self.flow) as self.bundle,
            ab.to_device(new["w1"]) as w1,
            ab.empty(49, "f4") as block,
        ):
            bundle = self.bundle
            self.commit(bundle.init, 0, mlp.answer())
            with ab.DeviceArray.from_pointer(
                block.pointer + 4, (16, 3), "f4", owner=block
            ) as inside:
                ab.to_device(new["w2"], out=inside)
                self.commit(lambda: bundle.update({**new, "w1": w1, "w2": inside}), 1)
                self.commit(lambda: bundle.update({"w1": w1}, rollback="auto"), 2)
            np.testing.assert_allclose(self.infer(), mlp.answer(new), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_of_updates_from_the_device(mlp: Any, flow: Any) -> None:
    survive(lambda: alone(lambda: Updates(mlp, flow).run()))
