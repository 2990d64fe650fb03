"""Every call of the library that sharing makes can fail; each failure is survived, and told."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from acl_bundle import fake, follow
from acl_bundle.errors import AclError

from .. import policy
from ..following import until
from ..ipc_processes import Process, Trainer

pytestmark = pytest.mark.usefixtures("fake_acl")

CODES = (100000, 207001, 507899)
GIVES_BACK = ("aclrtFree", "aclrtIpcMemClose", "aclrtReset", "aclFinalize")
"""Functions that give something back: where one fails, what it was given stays."""


@pytest.fixture
def address() -> str:
    return f"@acl-bundle-test-{uuid.uuid4()}"


@pytest.fixture
def trainer(address: str) -> Iterator[Process]:
    process = Process(Trainer)
    process.do("begin", address)
    yield process
    process.leave()


def failed(run: Callable[[], None], nth: int, code: int) -> str | None:
    """Run with a fault in the nth call; which one failed, None where none was left to fail."""
    found: tuple[str | None, int | None] = None, None
    fake.fail("*", nth, code)
    try:
        run()
    except AclError as error:
        found = error.function, error.code
    fake.fail("*", 1, 0)
    assert found in ((None, None), (found[0], code))
    return found[0]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.acl(leaks="ignore")
def test_each_call_of_a_publisher(address: str, code: int) -> None:
    def life() -> None:
        with follow.publish_ipc(address, policy.weights(0)) as publisher:
            publisher.allow(os.getpid())
            publisher.publish(1, policy.weights(1), consumers=0)

    survived = set()
    for nth in range(1, 200):
        fake.reset()
        error = failed(life, nth, code)
        if error is None:
            break
        survived.add(error)
        if not error.startswith(GIVES_BACK):
            assert fake.live() == [], error
        assert [one for one in fake.violations() if one["severity"] != "leak"] == [], error
    assert {"aclrtMalloc", "aclrtIpcMemGetExportKey", "aclrtIpcMemSetImportPid", "aclrtMemcpy",
            "aclrtIpcMemClose", "aclrtFree", "aclrtPointerGetAttributes"} <= survived  # fmt: skip
    fake.reset()
    life()
    assert fake.live() == []


@pytest.mark.parametrize("code", CODES)
@pytest.mark.acl(leaks="ignore")
def test_each_call_of_a_consumer(trainer: Process, address: str, code: int) -> None:
    """The trainer hears of each failure, and the next version is read as ever."""
    survived = set()
    for nth in range(1, 200):
        fake.reset()
        source = follow.Ipc(address)
        trainer.ask("publish", nth)
        until(partial(there, source))
        error = failed(partial(read, source, nth), nth, code)
        answers = trainer.answer()
        if error is None:
            assert answers.taken == (os.getpid(),)
            break
        survived.add(error)
        assert answers.taken or error in str(answers.refused)
        source.close()
        if not error.startswith(GIVES_BACK):
            assert fake.live() == [], error
        assert [one for one in fake.violations() if one["severity"] != "leak"] == [], error
    assert {"aclrtIpcMemImportByKey", "aclrtIpcMemClose", "aclrtMemcpy",
            "aclrtPointerGetAttributes", "aclrtGetDeviceInfo"} <= survived  # fmt: skip


def read(source: follow.Ipc, version: int) -> None:
    """What a consumer does with a version."""
    [one] = source.versions()
    assert isinstance(one, follow.Checkpoint)
    with one.open() as weights:
        np.testing.assert_array_equal(weights["w"].to_host(), policy.weights(version)["w"])
    source.close()


def there(source: follow.Ipc) -> bool:
    """Whether a version is lent."""
    try:
        return bool(source.versions())
    except ConnectionError:
        return False
