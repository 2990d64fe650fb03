"""Registered bundles and models loaded one by one: aclmdlBundleInit*, LoadModel* (facts 1.7)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .. import codes, files
from ..face import Acl
from ..programs import Linear, Tensor, bundle, null_model

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))], work=4096, weights=bytes(1024))
DYNAMIC = null_model([Tensor("x", (-1,))], [Tensor("y", (-1,))], dynamic=True)
BOTH = bundle(STATIC, DYNAMIC)


def test_registering_loads_nothing_facts_1_7(ready: Acl) -> None:
    made = ready.init_bundle(BOTH)
    count = ready.new("size_t *")
    assert ready.aclmdlBundleGetModelNum(made, count) == codes.SUCCESS
    assert count[0] == 2
    assert ready.aclmdlGetDesc(ready.aclmdlCreateDesc(), 1) == codes.GE_MODEL_ID_INVALID


def test_registered_file_is_kept_in_memory_facts_1_7(ready: Acl, tmp_path: Path) -> None:
    path, made = tmp_path / "both.om", ready.new("uint32_t *")
    path.write_bytes(BOTH)
    status = ready.aclmdlBundleInitFromFile(os.fsencode(path), ready.NULL, 0, made)
    assert status == codes.SUCCESS
    path.unlink()
    assert ready.load_model_of(made[0], 0) != ready.load_model_of(made[0], 1)


def test_registered_buffer_is_borrowed_facts_1_7(ready: Acl) -> None:
    """What happens to it before LoadModel is seen by LoadModel."""
    data = bytearray(BOTH)
    made = ready.init_bundle(data)
    at = data.index(STATIC)
    data[at : at + 4] = b"\0\0\0\0"
    model = ready.new("uint32_t *")
    assert ready.aclmdlBundleLoadModel(made, 0, model) == codes.GE_PARAM_INVALID
    assert ready.aclmdlBundleLoadModel(made, 1, model) == codes.SUCCESS


def test_loaded_bundles_buffer_is_read_again_facts_3(ready: Acl) -> None:
    data = bytearray(BOTH)
    bundle_id, _ = ready.load_bundle(data)
    model = ready.new("uint32_t *")
    assert ready.aclmdlBundleLoadModel(bundle_id, 0, model) == codes.SUCCESS
    at = data.index(STATIC)
    data[at : at + 4] = b"\0\0\0\0"
    assert ready.aclmdlBundleLoadModel(bundle_id, 0, model) == codes.GE_PARAM_INVALID


@pytest.mark.parametrize("index", [0, 99])
def test_loaded_bundles_file_is_read_again_facts_0_1(
    ready: Acl, tmp_path: Path, index: int
) -> None:
    """Its failure comes before the index's, and unmapped: not 500002."""
    path, made = tmp_path / "both.om", ready.new("uint32_t *")
    path.write_bytes(BOTH)
    assert ready.aclmdlBundleLoadFromFile(os.fsencode(path), made) == codes.SUCCESS
    model = ready.new("uint32_t *")
    assert ready.aclmdlBundleLoadModel(made[0], 0, model) == codes.SUCCESS
    path.unlink()
    status = ready.aclmdlBundleLoadModel(made[0], index, model)
    assert status not in (codes.SUCCESS, codes.INVALID_PARAM, codes.GE_FAILURE)


@pytest.mark.parametrize("function", files.INITS)
@pytest.mark.parametrize(
    ("given", "size", "code"),
    [
        (True, 3072, 0),
        (True, 4096, 0),
        (True, 3071, codes.INVALID_PARAM),
        (True, 0, codes.INVALID_PARAM),
        (False, 0, 0),
        (False, 100, 0),
    ],
)
def test_room_for_variables_facts_1_7(
    ready: Acl, linear: Linear, tmp_path: Path,
    function: str, given: bool, size: int, code: int,
) -> None:  # fmt: skip
    assert linear.variable_size == 3072
    pointer = ready.malloc(4096) if given else ready.NULL
    data, made = linear.to_bytes(), ready.new("uint32_t *")
    if function.endswith("Mem"):
        status = ready.aclmdlBundleInitFromMem(ready.hold(data), len(data), pointer, size, made)
    else:
        path = tmp_path / "linear.om"
        path.write_bytes(data)
        status = ready.aclmdlBundleInitFromFile(os.fsencode(path), pointer, size, made)
    assert status == code


def test_the_same_model_many_times_facts_1_7(ready: Acl) -> None:
    """Each time a new id, in registered and in loaded bundles."""
    for made in (ready.init_bundle(BOTH), ready.load_bundle(BOTH)[0]):
        ids = [ready.load_model_of(made, index) for index in (0, 0, 1, 1)]
        assert len(set(ids)) == 4
        assert ready.aclmdlBundleUnload(made) == codes.SUCCESS


def test_own_ids_never_appear_in_the_bundles_list_facts_1_7(ready: Acl) -> None:
    bundle_id, before = ready.load_bundle(BOTH)
    ready.load_model_of(bundle_id, 0)
    assert ready.model_ids(bundle_id) == before


def test_load_model_order_of_checks_facts_1_7(ready: Acl) -> None:
    made, model = ready.init_bundle(BOTH), ready.new("uint32_t *")
    assert ready.aclmdlBundleLoadModel(77, 99, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlBundleLoadModel(77, 99, model) == codes.INVALID_BUNDLE_MODEL_ID
    assert ready.aclmdlBundleLoadModel(made, 2, model) == codes.INVALID_PARAM
    assert ready.aclmdlBundleLoadModel(made, 2**64 - 1, model) == codes.INVALID_PARAM


def with_memory(acl: Acl, made: int, index: int, work: Any, weight: Any) -> int:
    arguments = (*work, *weight)
    return int(acl.aclmdlBundleLoadModelWithMem(made, index, *arguments, acl.new("uint32_t *")))


def test_memory_of_the_users_facts_1_7(ready: Acl) -> None:
    made = ready.init_bundle(BOTH)
    work, weight = (ready.malloc(4096), 4096), (ready.malloc(1024), 1024)
    nothing = (ready.NULL, 0)
    assert with_memory(ready, made, 0, work, weight) == codes.SUCCESS
    assert with_memory(ready, made, 0, work, nothing) == codes.SUCCESS
    assert with_memory(ready, made, 0, nothing, weight) == codes.SUCCESS


def test_too_little_memory_of_the_users_facts_1_8(ready: Acl) -> None:
    made = ready.init_bundle(BOTH)
    nothing, short = (ready.NULL, 0), (ready.malloc(4096), 512)
    assert with_memory(ready, made, 0, short, nothing) == codes.GE_PARAM_INVALID
    assert with_memory(ready, made, 0, nothing, short) == codes.GE_PARAM_INVALID


def test_dynamic_models_ignore_the_users_work_memory_facts_1_7(ready: Acl) -> None:
    made = ready.init_bundle(BOTH)
    short, nothing = (ready.malloc(16), 1), (ready.NULL, 0)
    assert with_memory(ready, made, 1, short, nothing) == codes.SUCCESS


def test_with_memory_order_of_checks_facts_1_7(ready: Acl) -> None:
    made, model = ready.init_bundle(BOTH), ready.new("uint32_t *")
    call, nothing = ready.aclmdlBundleLoadModelWithMem, (ready.NULL, 0, ready.NULL, 0)
    assert call(77, 99, *nothing, ready.NULL) == codes.INVALID_PARAM
    assert call(77, 99, *nothing, model) == codes.INVALID_BUNDLE_MODEL_ID
    assert call(made, 99, *nothing, model) == codes.INVALID_PARAM


def test_with_config_order_of_checks_facts_1_7(ready: Acl) -> None:
    made, model = ready.init_bundle(BOTH), ready.new("uint32_t *")
    call, config = ready.aclmdlBundleLoadModelWithConfig, ready.aclmdlCreateConfigHandle()
    assert call(77, 99, ready.NULL, model) == codes.INVALID_PARAM
    assert call(77, 99, config, ready.NULL) == codes.INVALID_PARAM
    assert call(77, 99, config, model) == codes.INVALID_BUNDLE_MODEL_ID
    assert call(made, 99, config, model) == codes.INVALID_PARAM


def test_with_an_empty_config_facts_1_7(ready: Acl) -> None:
    """Load type and path belong to plain models; a bundle's need neither."""
    made, model = ready.init_bundle(BOTH), ready.new("uint32_t *")
    config = ready.aclmdlCreateConfigHandle()
    assert ready.aclmdlBundleLoadModelWithConfig(made, 0, config, model) == codes.SUCCESS


@pytest.mark.parametrize(("size", "code"), [(4096, 0), (512, codes.GE_PARAM_INVALID)])
def test_config_carries_work_memory_facts_1_7(ready: Acl, size: int, code: int) -> None:
    made, model = ready.init_bundle(BOTH), ready.new("uint32_t *")
    config = ready.aclmdlCreateConfigHandle()
    pointer = ready.new("void **", ready.malloc(4096))
    assert ready.aclmdlSetConfigOpt(config, 7, pointer, 8) == codes.SUCCESS
    assert ready.aclmdlSetConfigOpt(config, 8, ready.new("size_t *", size), 8) == codes.SUCCESS
    assert ready.aclmdlBundleLoadModelWithConfig(made, 0, config, model) == code


def test_unload_model_refused_facts_1_7(ready: Acl) -> None:
    one, other = ready.init_bundle(BOTH), ready.init_bundle(BOTH)
    mine, plain = ready.load_model_of(one, 0), ready.load_model(STATIC)
    assert ready.aclmdlBundleUnloadModel(77, mine) == codes.INVALID_BUNDLE_MODEL_ID
    for model in (0, 77, plain, one):
        assert ready.aclmdlBundleUnloadModel(one, model) == codes.INVALID_PARAM
    assert ready.aclmdlBundleUnloadModel(other, mine) == codes.INVALID_PARAM
    assert ready.aclmdlBundleUnloadModel(one, mine) == codes.SUCCESS
    assert ready.aclmdlBundleUnloadModel(one, mine) == codes.INVALID_PARAM


def test_unloading_a_bundle_unloads_its_models_facts_1_7(ready: Acl) -> None:
    made = ready.init_bundle(BOTH)
    models = [ready.load_model_of(made, index) for index in (0, 1, 0)]
    assert ready.aclmdlBundleUnload(made) == codes.SUCCESS
    assert ready.live() == ["device"]
    desc = ready.aclmdlCreateDesc()
    for model in models:
        assert ready.aclmdlGetDesc(desc, model) == codes.GE_MODEL_ID_INVALID
