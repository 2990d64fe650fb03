"""Every call of the library can fail, with several codes; each is survived.

The scenario runs once to count its calls; then it runs again for each call,
which fails. Whatever fails, the exception names the function and the code,
nothing stays alive, nothing was misused, the model answers as before or says
that it is poisoned, and the next load works.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")

CODES = (100000, 207001, 507011)
# A call that gives something back and fails has kept it; all others must leave nothing.
GIVES_BACK = ("aclmdlDestroy", "aclDestroy", "aclrtFree", "aclmdlBundleDestroy",
              "aclmdlBundleUnload", "aclrtReset", "aclFinalize")  # fmt: skip
# These return a number or a text and have no status that could fail.
VALUE = re.compile(r"GetNum|ByIndex$|DataType$|Format$|GetRecentErrMsg|aclDestroyTensorDesc")


def scenario(mlp: Any, flow: Any, stage: list[str]) -> None:
    """Load, init, infer, update a part, infer; `stage` says how far it came."""
    new = {"w2": mlp.random(1)["w2"]}
    stage[:] = ["load"]
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        stage[:] = ["init"]
        bundle.init()
        stage[:] = ["infer"]
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        stage[:] = ["update"]
        try:
            bundle.update(new)
        except ab.AclError:
            check_after_a_failed_update(bundle, mlp)
            raise
        stage[:] = ["infer again"]
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)
        stage[:] = ["close"]


def check_after_a_failed_update(bundle: ab.Bundle, mlp: Any) -> None:
    """As before, or poisoned until init or a full update."""
    assert bundle.version == 0
    try:
        y = bundle.infer(mlp.x)
    except ab.PoisonedError:
        with pytest.raises(ab.PoisonedError):
            bundle.update({"w2": mlp.weights["w2"]})
        bundle.init()
        y = bundle.infer(mlp.x)
    np.testing.assert_allclose(y, mlp.answer(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_of_the_scenario(mlp: Any, flow: Any) -> None:
    fake.set("trace", "on")
    scenario(mlp, flow, [])
    names = [row["function"] for row in fake.trace() if not VALUE.search(row["function"])]
    caught: list[ab.AclError] = []
    for nth in range(1, len(names) + 1):
        for code in CODES:
            fake.reset()
            fake.fail("*", nth, code)
            stage: list[str] = []
            try:
                scenario(mlp, flow, stage)
            except ab.AclError as error:
                caught.append(error)
            fake.fail("*", 0, 0)
            if not names[nth - 1].startswith(GIVES_BACK):
                assert fake.violations() == [], (nth, stage)
                assert fake.live() == [], (nth, stage, names[nth - 1])
    assert {error.function for error in caught} >= set(names)
    assert {error.code for error in caught} <= {*CODES, 200000}
    fake.reset()


def test_a_failed_execute_of_an_update_poisons_until_all_is_written(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclInternalError, match="may hold a mixture") as caught:
            bundle.update({"w1": mlp.random(1)["w1"]})
        assert caught.value.function == "aclmdlExecute"
        with pytest.raises(ab.PoisonedError, match=r"bundle\.init\(\), or update every weight"):
            bundle.infer(mlp.x)
        with pytest.raises(ab.PoisonedError, match="leaves out b1, w2, b2"):
            bundle.update({"w1": mlp.random(1)["w1"]})
        bundle.update(mlp.random(2))
        np.testing.assert_allclose(
            bundle.infer(mlp.x), mlp.answer(mlp.random(2)), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("function", ["aclrtMemcpy", "aclrtMalloc", "aclrtMallocHost"])
def test_a_failure_while_staging_changes_nothing(mlp: Any, function: str) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.fail(function, 1, 207001)
        with pytest.raises(ab.AclResourceError) as caught:
            bundle.update(mlp.random(1))
        assert caught.value.function == function
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        assert bundle.update(mlp.random(1)).version == 1
