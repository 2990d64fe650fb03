"""Bundles whose models are all loaded at once: aclmdlBundleLoad* (facts 1.7)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .. import codes, files
from ..face import Acl
from ..programs import Linear, Tensor, bundle, null_model

RT2_IDS = 0x80000000
STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
DYNAMIC = null_model([Tensor("x", (-1,))], [Tensor("y", (-1,))], dynamic=True)
BROKEN = files.put(STATIC, files.MAGIC, "I", 0)


def number(acl: Acl, bundle_id: int) -> int:
    """How many models the bundle's file has."""
    count = acl.new("size_t *", 99)
    assert acl.aclmdlBundleGetModelNum(bundle_id, count) == codes.SUCCESS
    return int(count[0])


def test_from_memory_facts_1_7(ready: Acl, linear: Linear) -> None:
    bundle_id, models = ready.load_bundle(linear.to_bytes())
    assert number(ready, bundle_id) == 3
    assert len(set(models)) == 3
    assert ready.aclmdlBundleUnload(bundle_id) == codes.SUCCESS


def test_from_a_file_facts_1_7(ready: Acl, linear: Linear, tmp_path: Path) -> None:
    path, bundle_id = tmp_path / "linear.om", ready.new("uint32_t *")
    path.write_bytes(linear.to_bytes())
    status = ready.aclmdlBundleLoadFromFile(os.fsencode(path), bundle_id)
    assert status == codes.SUCCESS
    path.unlink()
    assert len(ready.model_ids(bundle_id[0])) == 3, "the file is not needed any more"
    assert ready.aclmdlBundleUnload(bundle_id[0]) == codes.SUCCESS


@pytest.mark.parametrize("function", ["aclmdlBundleLoadFromMem", "aclmdlBundleInitFromMem"])
def test_no_place_for_the_id_comes_before_the_content_facts_1_7(ready: Acl, function: str) -> None:
    """Both are 100000; this one must not crash on a content that is no bundle."""
    extra = [ready.NULL, 0] if "Init" in function else []
    data = ready.hold(bytes(1000))
    assert getattr(ready, function)(data, 1000, *extra, ready.NULL) == codes.INVALID_PARAM


def test_no_place_for_the_id_facts_1_7(ready: Acl, linear: Linear, tmp_path: Path) -> None:
    path = tmp_path / "linear.om"
    path.write_bytes(linear.to_bytes())
    assert ready.aclmdlBundleLoadFromFile(os.fsencode(path), ready.NULL) == codes.INVALID_PARAM
    assert ready.live() == ["device"]


def test_models_keep_the_files_order_facts_1_7(ready: Acl) -> None:
    sizes = [3, 1, 2]
    data = bundle(*(null_model([Tensor("x", (size,))]) for size in sizes))
    _, models = ready.load_bundle(data)
    found = [ready.aclmdlGetInputSizeByIndex(ready.describe(model), 0) for model in models]
    assert found == [4 * size for size in sizes]


def test_ids_tell_the_executor_facts_0_3(ready: Acl) -> None:
    """Bundles and dynamic models count from 0x80000000, static ones from 1."""
    bundle_id, (static, dynamic) = ready.load_bundle(bundle(STATIC, DYNAMIC))
    assert static == 1
    assert RT2_IDS in (bundle_id, dynamic)
    assert bundle_id >= RT2_IDS
    assert dynamic >= RT2_IDS
    assert bundle_id != dynamic


def test_ids_are_never_given_twice_facts_0_3_8(ready: Acl) -> None:
    seen: list[int] = []
    for _ in range(4):
        bundle_id, models = ready.load_bundle(bundle(STATIC, DYNAMIC))
        seen += [bundle_id, *models]
        assert ready.aclmdlBundleUnload(bundle_id) == codes.SUCCESS
        seen.append(ready.load_model(STATIC))
        assert ready.aclmdlUnload(seen[-1]) == codes.SUCCESS
    assert len(set(seen)) == len(seen)
    assert 0 not in seen


def test_failed_and_dynamic_loads_consume_static_ids_facts_0_3(ready: Acl) -> None:
    assert ready.load_model(STATIC) == 1
    ready.load_model(DYNAMIC)
    assert ready.load_model(STATIC) == 3


@pytest.mark.parametrize(
    ("version", "dynamic", "rt2"),
    [
        (0x20000000, 1, True),
        (0x20000000, 0, False),
        (0x10000000, 1, False),
        (0x30000000, 1, True),
    ],
)
def test_which_executor_facts_0_3(ready: Acl, version: int, dynamic: int, rt2: bool) -> None:
    """The header's version and its is_unknow_model decide together."""
    data = files.put(STATIC, files.VERSION, "I", version)
    data = files.put(data, files.UNKNOWN_MODEL, "B", dynamic)
    assert (ready.load_model(data) >= RT2_IDS) == rt2


def test_number_of_models_refused_facts_1_7(ready: Acl, linear: Linear) -> None:
    """NULL is refused before an unknown bundle is."""
    bundle_id, models = ready.load_bundle(linear.to_bytes())
    count = ready.new("size_t *")
    assert ready.aclmdlBundleGetModelNum(bundle_id, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlBundleGetModelNum(77, ready.NULL) == codes.INVALID_PARAM
    for unknown in (0, 77, *models):
        status = ready.aclmdlBundleGetModelNum(unknown, count)
        assert status == codes.INVALID_BUNDLE_MODEL_ID


@pytest.mark.parametrize("index", [3, 4, 2**64 - 1])
def test_model_id_out_of_range_facts_1_7(ready: Acl, linear: Linear, index: int) -> None:
    bundle_id, _ = ready.load_bundle(linear.to_bytes())
    model = ready.new("uint32_t *")
    assert ready.aclmdlBundleGetModelId(bundle_id, index, model) == codes.INVALID_PARAM


def test_model_id_order_of_checks_facts_1_7(ready: Acl) -> None:
    """NULL, then the bundle, then how it was made, then the index."""
    data = bundle(STATIC)
    made, model = ready.init_bundle(data), ready.new("uint32_t *")
    assert ready.aclmdlBundleGetModelId(77, 99, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlBundleGetModelId(77, 99, model) == codes.INVALID_BUNDLE_MODEL_ID
    assert ready.aclmdlBundleGetModelId(made, 99, model) == codes.API_NOT_SUPPORT
    loaded, _ = ready.load_bundle(data)
    assert ready.aclmdlBundleGetModelId(loaded, 99, model) == codes.INVALID_PARAM


@pytest.mark.parametrize("models", [(BROKEN,), (STATIC, BROKEN), (STATIC, DYNAMIC, BROKEN, STATIC)])
@pytest.mark.parametrize("function", files.LOADS)
def test_a_failed_load_leaves_a_live_bundle_facts_1_7(
    ready: Acl, tmp_path: Path, function: str, models: tuple[bytes, ...]
) -> None:
    """The trap: an error, and yet an id that is written and must be given back."""
    data, bundle_id = bundle(*models), ready.new("uint32_t *", 0)
    if function.endswith("Mem"):
        status = ready.aclmdlBundleLoadFromMem(ready.hold(data), len(data), bundle_id)
    else:
        (tmp_path / "broken.om").write_bytes(data)
        status = ready.aclmdlBundleLoadFromFile(os.fsencode(tmp_path / "broken.om"), bundle_id)
    assert status == codes.GE_PARAM_INVALID
    assert bundle_id[0] != 0
    assert number(ready, bundle_id[0]) == len(models)
    model = ready.new("uint32_t *")
    assert ready.aclmdlBundleGetModelId(bundle_id[0], 0, model) == codes.API_NOT_SUPPORT
    assert ready.aclmdlGetDesc(ready.aclmdlCreateDesc(), 1) == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlBundleUnload(bundle_id[0]) == codes.SUCCESS
    assert ready.aclmdlBundleUnload(bundle_id[0]) == codes.INVALID_BUNDLE_MODEL_ID


def test_the_leftover_bundle_can_load_its_good_models_facts_1_7(ready: Acl) -> None:
    data, bundle_id = bundle(STATIC, BROKEN), ready.new("uint32_t *")
    assert ready.aclmdlBundleLoadFromMem(ready.hold(data), len(data), bundle_id) != 0
    model = ready.load_model_of(bundle_id[0], 0)
    assert ready.aclmdlGetNumInputs(ready.describe(model)) == 1
    assert ready.aclmdlBundleUnload(bundle_id[0]) == codes.SUCCESS


def test_a_refused_file_leaves_nothing_facts_1_7(ready: Acl) -> None:
    """What does not even parse never becomes a bundle."""
    bundle_id, data = ready.new("uint32_t *", 0), ready.hold(bytes(1000))
    assert ready.aclmdlBundleLoadFromMem(data, 1000, bundle_id) == codes.INVALID_PARAM
    assert bundle_id[0] == 0
    assert ready.live() == ["device"]


def test_many_bundles_live_side_by_side(ready: Acl, linear: Linear) -> None:
    loaded = [ready.load_bundle(linear.to_bytes()) for _ in range(5)]
    assert len({one for _, models in loaded for one in models}) == 15
    for bundle_id, _ in loaded[::-1]:
        assert ready.aclmdlBundleUnload(bundle_id) == codes.SUCCESS
    assert ready.live() == ["device"]
