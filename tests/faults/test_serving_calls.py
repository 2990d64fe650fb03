"""Every call that runs behind their callers make can fail, one after the other.

As in test_every_call: whatever fails, it is told by an exception that names the
function, nothing stays alive, nothing is misused, every other run has the right
answer, and the model goes on.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")

CODES = (207001, 507011)
# A call that gives something back and fails has kept it.
GIVES_BACK = ("aclDestroy", "aclmdlDestroy", "aclrtFree", "aclrtDestroy", "aclmdlBundleUnload",
              "aclrtReset", "aclFinalize")  # fmt: skip
VALUE = ("aclGetRecentErrMsg", "aclDestroyTensorDesc")


def right(y: Any, mlp: Any, x: Any) -> None:
    np.testing.assert_allclose(y, mlp.answer(x=x), rtol=1e-4, atol=1e-4)


def use(bundle: ab.Bundle, mlp: Any, errors: list[BaseException]) -> None:
    """Run in every way; note each error, check each answer."""
    for k in range(2):
        try:
            right(bundle.infer.run([mlp.x * k], timeout_ms=2000)["y"], mlp, mlp.x * k)
        except (ab.AclError, ab.BusyError) as error:
            errors.append(error)
    try:
        futures = [bundle.infer.submit(mlp.x * k) for k in range(5)]
        stream = bundle.infer.stream([mlp.x * k for k in range(5)], 3)
    except (ab.AclError, ab.BusyError) as error:
        errors.append(error)
        return
    for k, future in enumerate(futures):
        found = future.exception(10)
        if found is None:
            right(future.result(), mlp, mlp.x * k)
        else:
            errors.append(found)
    for k in range(5):
        try:
            right(next(stream), mlp, mlp.x * k)
        except (ab.AclError, ab.BusyError) as error:
            errors.append(error)


def usable(bundle: ab.Bundle, mlp: Any) -> None:
    """Everything goes again, after a moment if the device was still at work."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        errors: list[BaseException] = []
        use(bundle, mlp, errors)
        if not errors:
            break
        assert all(isinstance(error, ab.BusyError) for error in errors), errors
    assert errors == []
    bundle.update({"w1": mlp.weights["w1"]})
    right(bundle.infer(mlp.x), mlp, mlp.x)


def scenario(mlp: Any, variables: Any, nth: int, code: int) -> list[BaseException]:
    """Use a bundle while the nth call fails; it recovers, and closes."""
    errors: list[BaseException] = []
    with ab.Bundle.load(mlp.path, variables=variables) as bundle:
        bundle.init()
        fake.fail("*", nth, code)
        use(bundle, mlp, errors)
        fake.fail("*", 0, 0)
        usable(bundle, mlp)
    return errors


@pytest.mark.parametrize("variables", ["owned", "library"])
def test_every_call(mlp: Any, variables: Any) -> None:
    fake.set("trace", "on")
    with ab.Bundle.load(mlp.path, variables=variables) as bundle:
        bundle.init()
        before = len(fake.trace())
        use(bundle, mlp, [])
        names = [row["function"] for row in fake.trace()[before:]]
    names = [name for name in names if name not in VALUE]
    assert {"aclmdlExecuteAsync", "aclrtSynchronizeStreamWithTimeout", "aclrtRecordEvent",
            "aclmdlBundleLoadModel", "aclrtMallocHost"} <= set(names)  # fmt: skip
    told: set[str] = set()
    for nth in range(1, len(names) + 1):
        for code in CODES:
            fake.reset()
            for error in scenario(mlp, variables, nth, code):
                told.add(error.function if isinstance(error, ab.AclError) else "busy")
            assert fake.violations() == [], (nth, code, names[nth - 1])
            assert fake.live() == [], (nth, code, names[nth - 1])
    expected = {name for name in names if not name.startswith(GIVES_BACK)}
    contexts = {"aclrtGetCurrentContext", "aclrtSetCurrentContext"}  # who asks first differs
    assert told >= expected - contexts, expected - told
    assert not [one for one in threading.enumerate() if one.name.startswith("acl_bundle")]


def test_out_of_memory_at_any_point_of_the_opening(mlp: Any) -> None:
    """Each allocation fails in turn, and the next use opens the runner anew."""
    for function in ("aclrtMalloc", "aclrtMallocHost", "aclrtCreateStream", "aclrtCreateEvent",
                     "aclmdlCreateDataset", "aclCreateDataBuffer"):  # fmt: skip
        for nth in (1, 2, 3):
            with ab.Bundle.load(mlp.path) as bundle:
                bundle.init()
                fake.fail(function, nth, 207001)
                with pytest.raises(ab.AclResourceError) as caught:
                    bundle.infer.submit(mlp.x)
                assert caught.value.function == function
                right(bundle.infer.submit(mlp.x).result(5), mlp, mlp.x)


def test_a_deeper_stream_that_finds_no_memory(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.infer.submit(mlp.x).result(5)
        fake.fail("aclrtMallocHost", 5, 207001)
        with pytest.raises(ab.AclResourceError):
            bundle.infer.stream([mlp.x], 9)
        for y in bundle.infer.stream([mlp.x] * 20, 9):
            right(y, mlp, mlp.x)
