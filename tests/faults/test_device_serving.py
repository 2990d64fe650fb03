"""Every call of runs behind their callers on device arrays can fail; their memory is given back."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from .test_serving_calls import CODES, GIVES_BACK, VALUE

pytestmark = pytest.mark.usefixtures("fake_acl")


def use(bundle: ab.Bundle, mlp: Any, errors: list[BaseException]) -> None:
    """Run with a timeout and submit, on arrays of the device; note each error."""

    def told(error: BaseException) -> None:
        errors.append(error.with_traceback(None))  # whose frames hold arrays

    with ExitStack() as stack:
        try:
            x = stack.enter_context(ab.to_device(mlp.x))
            y = stack.enter_context(ab.empty((4, 3), "f4"))
            bundle.infer.run([x], {"y": y}, timeout_ms=2000)
            np.testing.assert_allclose(y.to_host(), mlp.answer(), rtol=1e-4, atol=1e-4)
        except (ab.AclError, ab.BusyError) as error:
            told(error)
        try:
            future: Any = bundle.infer.submit(mlp.x, out="device")
            if (failed := future.exception(10)) is not None:
                told(failed)
                return
            made = stack.enter_context(future.result())
            np.testing.assert_allclose(made.to_host(), mlp.answer(), rtol=1e-4, atol=1e-4)
        except (ab.AclError, ab.BusyError) as error:
            told(error)


def usable(bundle: ab.Bundle, mlp: Any) -> None:
    """Everything goes again, after a moment if the device was still at work."""
    end = time.monotonic() + 10
    errors: list[BaseException] = [ab.BusyError()]
    while errors and time.monotonic() < end:
        errors = []
        use(bundle, mlp, errors)
        assert all(isinstance(error, ab.BusyError) for error in errors), errors
    assert errors == []


def test_every_call(mlp: Any) -> None:
    fake.set("trace", "on")
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        before = len(fake.trace())
        use(bundle, mlp, [])
        names = [row["function"] for row in fake.trace()[before:]]
    names = [name for name in names if name not in VALUE]
    assert {"aclUpdateDataBuffer", "aclmdlExecuteAsync", "aclrtMalloc"} <= set(names)
    for nth in range(1, len(names) + 1):
        for code in CODES:
            fake.reset()
            errors: list[BaseException] = []
            with ab.Bundle.load(mlp.path) as bundle:
                bundle.init()
                fake.fail("*", nth, code)
                try:
                    use(bundle, mlp, errors)
                except ab.AclError as error:  # of a free at the end
                    errors.append(error.with_traceback(None))
                fake.fail("*", 0, 0)
                usable(bundle, mlp)
            gc.collect()
            assert errors, (nth, code, names[nth - 1])
            if not names[nth - 1].startswith(GIVES_BACK):
                assert fake.violations() == [], (nth, code, names[nth - 1])
                assert fake.live() == [], (nth, code, names[nth - 1])
    fake.reset()
