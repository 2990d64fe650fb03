"""What may be done with an id in each state of its life: the table of facts 3, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .. import codes
from ..face import Acl
from ..programs import Tensor, bundle, null_model

MODEL = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
DYNAMIC = null_model([Tensor("x", (-1,))], [Tensor("y", (-1,))], dynamic=True)
KINDS = {"static": MODEL, "dynamic": DYNAMIC}


@dataclass
class Ids:
    """One of everything that has an id."""

    plain: int
    bundle: int
    sub: int
    registered: int
    own: int  # a model of the registered bundle


@pytest.fixture(params=KINDS)
def ids(request: pytest.FixtureRequest, ready: Acl) -> Ids:
    data = KINDS[request.param]
    made, models = ready.load_bundle(bundle(data, data))
    registered = ready.init_bundle(bundle(data))
    own = ready.load_model_of(registered, 0)
    return Ids(ready.load_model(data), made, models[0], registered, own)


def execute(acl: Acl, model: int) -> int:
    inputs, outputs = acl.dataset(16), acl.dataset(16)
    inputs.describe(0, [4])
    return int(acl.aclmdlExecute(model, inputs.handle, outputs.handle))


def describe(acl: Acl, model: int) -> int:
    return int(acl.aclmdlGetDesc(acl.aclmdlCreateDesc(), model))


def unload(acl: Acl, model: int) -> int:
    return int(acl.aclmdlUnload(model))


USES = {"execute": execute, "get desc": describe, "unload": unload}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("model", [0, 77, 0x80001234, 2**32 - 1])
def test_an_id_that_never_was_facts_3(ready: Acl, use: str, model: int) -> None:
    assert USES[use](ready, model) == codes.GE_MODEL_ID_INVALID


@pytest.mark.parametrize("use", USES)
def test_an_unloaded_model_facts_3(ready: Acl, ids: Ids, use: str) -> None:
    assert ready.aclmdlUnload(ids.plain) == codes.SUCCESS
    assert USES[use](ready, ids.plain) == codes.GE_MODEL_ID_INVALID


@pytest.mark.parametrize("which", ["sub", "own"])
def test_a_bundles_model_is_not_unloaded_by_itself_facts_3(
    ready: Acl, ids: Ids, which: str
) -> None:
    """100000 while the bundle lives, 145003 once it does not."""
    model = getattr(ids, which)
    assert ready.aclmdlUnload(model) == codes.INVALID_PARAM
    assert execute(ready, model) == codes.SUCCESS, "nothing happened to it"
    for one in (ids.bundle, ids.registered):
        assert ready.aclmdlBundleUnload(one) == codes.SUCCESS
    assert ready.aclmdlUnload(model) == codes.GE_MODEL_ID_INVALID


@pytest.mark.parametrize("use", USES)
def test_a_bundles_id_is_no_models_facts_3(ready: Acl, ids: Ids, use: str) -> None:
    for one in (ids.bundle, ids.registered):
        assert USES[use](ready, one) == codes.GE_MODEL_ID_INVALID


@pytest.mark.parametrize("which", ["plain", "sub", "own"])
def test_a_models_id_is_no_bundles_facts_3(ready: Acl, ids: Ids, which: str) -> None:
    status = ready.aclmdlBundleUnload(getattr(ids, which))
    assert status == codes.INVALID_BUNDLE_MODEL_ID


@pytest.mark.parametrize("which", ["bundle", "registered"])
def test_a_bundle_is_unloaded_once_facts_3(ready: Acl, ids: Ids, which: str) -> None:
    one = getattr(ids, which)
    assert ready.aclmdlBundleUnload(one) == codes.SUCCESS
    assert ready.aclmdlBundleUnload(one) == codes.INVALID_BUNDLE_MODEL_ID


@pytest.mark.parametrize("which", ["bundle", "registered"])
def test_nothing_can_be_asked_of_an_unloaded_bundle_facts_3(
    ready: Acl, ids: Ids, which: str
) -> None:
    one, model, count = getattr(ids, which), ready.new("uint32_t *"), ready.new("size_t *")
    assert ready.aclmdlBundleUnload(one) == codes.SUCCESS
    answers = [
        ready.aclmdlBundleGetModelNum(one, count),
        ready.aclmdlBundleGetModelId(one, 0, model),
        ready.aclmdlBundleLoadModel(one, 0, model),
        ready.aclmdlBundleUnloadModel(one, ids.sub),
    ]
    assert answers == [codes.INVALID_BUNDLE_MODEL_ID] * 4


def test_a_model_of_another_bundle_facts_3(ready: Acl, ids: Ids) -> None:
    assert ready.aclmdlBundleUnloadModel(ids.bundle, ids.own) == codes.INVALID_PARAM
    assert ready.aclmdlBundleUnloadModel(ids.registered, ids.sub) == codes.INVALID_PARAM


def test_a_bundles_model_is_unloaded_once_facts_3(ready: Acl, ids: Ids) -> None:
    for made, model in ((ids.bundle, ids.sub), (ids.registered, ids.own)):
        assert ready.aclmdlBundleUnloadModel(made, model) == codes.SUCCESS
        assert ready.aclmdlBundleUnloadModel(made, model) == codes.INVALID_PARAM
        assert execute(ready, model) == codes.GE_MODEL_ID_INVALID


def test_the_bundles_list_keeps_dead_ids_facts_3(ready: Acl, ids: Ids) -> None:
    assert ready.aclmdlBundleUnloadModel(ids.bundle, ids.sub) == codes.SUCCESS
    assert ready.model_ids(ids.bundle)[0] == ids.sub


def test_registered_bundles_name_no_ids_facts_3(ready: Acl, ids: Ids) -> None:
    model = ready.new("uint32_t *")
    status = ready.aclmdlBundleGetModelId(ids.registered, 0, model)
    assert status == codes.API_NOT_SUPPORT


def test_models_outlive_each_other_facts_3(ready: Acl, ids: Ids) -> None:
    assert ready.aclmdlUnload(ids.plain) == codes.SUCCESS
    assert ready.aclmdlBundleUnload(ids.registered) == codes.SUCCESS
    assert execute(ready, ids.sub) == codes.SUCCESS


def test_the_order_of_giving_back_that_always_works_facts_3(ready: Acl, ids: Ids) -> None:
    pinned = ready.new("void **")
    ready.aclrtMallocHost(pinned, 64)
    inputs = ready.dataset(16)
    desc = ready.describe(ids.plain)
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
    assert ready.aclmdlUnload(ids.plain) == codes.SUCCESS
    assert ready.aclmdlBundleUnload(ids.bundle) == codes.SUCCESS
    assert ready.aclmdlBundleUnload(ids.registered) == codes.SUCCESS
    assert ready.aclmdlDestroyDesc(desc) == codes.SUCCESS
    memory = inputs.address(0)
    assert ready.aclDestroyDataBuffer(inputs.buffers[0]) == codes.SUCCESS
    assert ready.aclmdlDestroyDataset(inputs.handle) == codes.SUCCESS
    assert ready.aclrtFree(memory) == codes.SUCCESS
    assert ready.aclrtFreeHost(pinned[0]) == codes.SUCCESS
    assert ready.aclrtResetDevice(0) == codes.SUCCESS
    assert ready.aclFinalize() == codes.SUCCESS
    assert ready.live() == []
