"""Which model functions want aclInit first, and which do not (facts 1.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .. import codes
from ..face import Acl
from ..programs import Linear, Tensor, bundle, null_model

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])


@pytest.fixture
def finalized(acl: Acl) -> Acl:
    """A library that was initialised once and is no more; the device is still set."""
    acl.start()
    assert acl.aclFinalize() == codes.SUCCESS
    acl.violations()
    return acl


def _execute(acl: Acl) -> int:
    empty = acl.aclmdlCreateDataset()
    return int(acl.aclmdlExecute(77, empty, empty))


def _load(acl: Acl) -> int:
    return int(acl.aclmdlLoadFromMem(acl.hold(STATIC), len(STATIC), acl.new("uint32_t *")))


def _load_bundle(acl: Acl) -> int:
    data = bundle(STATIC)
    return int(acl.aclmdlBundleLoadFromMem(acl.hold(data), len(data), acl.new("uint32_t *")))


def _describe(acl: Acl) -> int:
    return int(acl.aclmdlGetDesc(acl.aclmdlCreateDesc(), 77))


def _query(acl: Acl) -> int:
    data, info = bundle(STATIC), acl.aclmdlBundleCreateQueryInfo()
    return int(acl.aclmdlBundleQueryInfoFromMem(acl.hold(data), len(data), info))


WANT: dict[str, Callable[[Acl], int]] = {
    "aclmdlLoadFromMem": _load,
    "aclmdlBundleLoadFromMem": _load_bundle,
    "aclmdlGetDesc": _describe,
    "aclmdlExecute": _execute,
    "aclmdlBundleQueryInfoFromMem": _query,
}


@pytest.mark.parametrize("name", WANT)
def test_before_the_first_init_facts_1_1(acl: Acl, name: str) -> None:
    """145001 of the graph engine, not 100001."""
    assert acl.aclrtSetDevice(0) == codes.SUCCESS
    assert WANT[name](acl) == codes.GE_EXEC_NOT_INIT


@pytest.mark.parametrize("name", WANT)
def test_after_finalize_facts_1_1(finalized: Acl, name: str) -> None:
    assert WANT[name](finalized) == codes.GE_EXEC_NOT_INIT


@pytest.mark.parametrize("name", WANT)
def test_after_the_next_init_facts_1_1(finalized: Acl, name: str) -> None:
    assert finalized.aclInit(finalized.NULL) == codes.SUCCESS
    assert WANT[name](finalized) != codes.GE_EXEC_NOT_INIT


def test_current_dims_want_init_facts_1_1(ready: Acl) -> None:
    desc = ready.describe(ready.load_model(STATIC))
    assert ready.aclFinalize() == codes.SUCCESS
    ready.violations()
    status = ready.aclmdlGetCurOutputDims(desc, 0, ready.new("aclmdlIODims *"))
    assert status == codes.GE_EXEC_NOT_INIT


def test_unload_does_not_want_init_facts_1_1(ready: Acl) -> None:
    loaded = ready.load_model(STATIC)
    made, _ = ready.load_bundle(bundle(STATIC))
    assert ready.aclFinalize() == codes.SUCCESS
    assert "AB-RT-0019" in ready.violations(), "models were alive at aclFinalize"
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS
    assert ready.aclmdlUnload(loaded) == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlBundleUnload(made) == codes.SUCCESS


def test_registering_a_bundle_does_not_want_init_facts_1_7(acl: Acl) -> None:
    """It only parses."""
    assert acl.init_bundle(Linear().to_bytes()) != 0
