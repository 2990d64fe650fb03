"""What a bundle's file says about itself before it is loaded (facts 1.7)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .. import codes, files
from ..face import Acl
from ..programs import Linear, Tensor, bundle, null_model

STATIC = null_model([Tensor("x", (4,))], work=4096, weights=bytes(1024))
DYNAMIC = null_model([Tensor("x", (-1,))], dynamic=True, work=4096, weights=bytes(1024))


def query(acl: Acl, data: bytes, info: Any = None) -> Any:
    """Ask about a file and return the answers."""
    info = info or acl.aclmdlBundleCreateQueryInfo()
    status = acl.aclmdlBundleQueryInfoFromMem(acl.hold(data), len(data), info)
    assert status == codes.SUCCESS
    return info


def count(acl: Acl, info: Any) -> int:
    number = acl.new("size_t *", 99)
    assert acl.aclmdlBundleGetQueryModelNum(info, number) == codes.SUCCESS
    return int(number[0])


def variables(acl: Acl, info: Any) -> int:
    size = acl.new("size_t *", 99)
    assert acl.aclmdlBundleGetVarWeightSize(info, size) == codes.SUCCESS
    return int(size[0])


def sizes(acl: Acl, info: Any, index: int) -> tuple[int, int]:
    work, weight = acl.new("size_t *", 99), acl.new("size_t *", 99)
    assert acl.aclmdlBundleGetSize(info, index, work, weight) == codes.SUCCESS
    return int(work[0]), int(weight[0])


def test_a_whole_bundle_facts_1_7(ready: Acl, linear: Linear) -> None:
    info = query(ready, linear.to_bytes())
    assert count(ready, info) == 3
    assert variables(ready, info) == linear.variable_size
    assert ready.aclmdlBundleDestroyQueryInfo(info) == codes.SUCCESS


def test_from_a_file_facts_1_7(ready: Acl, linear: Linear, tmp_path: Path) -> None:
    path, info = tmp_path / "linear.om", ready.aclmdlBundleCreateQueryInfo()
    path.write_bytes(linear.to_bytes())
    status = ready.aclmdlBundleQueryInfoFromFile(os.fsencode(path), info)
    assert status == codes.SUCCESS
    assert count(ready, info) == 3


def test_sizes_of_a_static_model_facts_1_7(ready: Acl) -> None:
    """The program says how much work memory, the weights' partition how many weights."""
    assert sizes(ready, query(ready, bundle(STATIC)), 0) == (4096, 1024)


def test_sizes_of_a_dynamic_model_are_0_facts_1_7(ready: Acl) -> None:
    """Which does not mean that it needs nothing (facts 6.7)."""
    assert sizes(ready, query(ready, bundle(STATIC, DYNAMIC)), 1) == (0, 0)


def test_sizes_of_the_update_graph_are_0_facts_1_7(ready: Acl, linear: Linear) -> None:
    assert sizes(ready, query(ready, linear.to_bytes()), 2) == (0, 0)


def test_a_second_query_appends_facts_1_7(ready: Acl) -> None:
    info = query(ready, bundle(STATIC))
    query(ready, bundle(DYNAMIC, STATIC), info)
    assert count(ready, info) == 3
    assert [sizes(ready, info, index)[0] for index in range(3)] == [4096, 0, 4096]


def test_nothing_was_asked_yet_facts_1_7(acl: Acl) -> None:
    info = acl.aclmdlBundleCreateQueryInfo()
    assert count(acl, info) == 0
    assert variables(acl, info) == 0


@pytest.mark.parametrize("index", [1, 2, 2**64 - 1])
def test_index_out_of_range_facts_1_7(ready: Acl, index: int) -> None:
    info, size = query(ready, bundle(STATIC)), ready.new("size_t *")
    assert ready.aclmdlBundleGetSize(info, index, size, size) == codes.INVALID_PARAM


def test_null_facts_1_7(ready: Acl) -> None:
    data, size = bundle(STATIC), ready.new("size_t *")
    info = query(ready, data)
    assert ready.aclmdlBundleDestroyQueryInfo(ready.NULL) == codes.INVALID_PARAM
    status = ready.aclmdlBundleQueryInfoFromMem(ready.hold(data), len(data), ready.NULL)
    assert status == codes.INVALID_PARAM
    for function in ("aclmdlBundleGetQueryModelNum", "aclmdlBundleGetVarWeightSize"):
        assert getattr(ready, function)(ready.NULL, size) == codes.INVALID_PARAM
        assert getattr(ready, function)(info, ready.NULL) == codes.INVALID_PARAM
    call = ready.aclmdlBundleGetSize
    assert call(ready.NULL, 0, size, size) == codes.INVALID_PARAM
    assert call(info, 0, ready.NULL, size) == codes.INVALID_PARAM
    assert call(info, 0, size, ready.NULL) == codes.INVALID_PARAM


def test_static_models_need_init_facts_1_7(acl: Acl) -> None:
    """No device and no context, but aclInit: 145001, from the one place that maps nothing."""
    data, info = bundle(STATIC), acl.aclmdlBundleCreateQueryInfo()
    call = acl.aclmdlBundleQueryInfoFromMem
    assert call(acl.hold(data), len(data), info) == codes.GE_EXEC_NOT_INIT
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert call(acl.hold(data), len(data), info) == codes.SUCCESS


def test_dynamic_models_need_no_init_facts_1_7(acl: Acl) -> None:
    assert count(acl, query(acl, bundle(DYNAMIC))) == 1


def test_a_broken_static_model_facts_5_6(ready: Acl) -> None:
    data = bundle(files.put(STATIC, files.MAGIC, "I", 1))
    info = ready.aclmdlBundleCreateQueryInfo()
    status = ready.aclmdlBundleQueryInfoFromMem(ready.hold(data), len(data), info)
    assert status == codes.GE_PARAM_INVALID


def test_a_static_model_of_few_partitions_facts_1_8(ready: Acl) -> None:
    """The same query as aclmdlQuerySize: what is not there needs nothing."""
    part = files.resized(files.container([(1, b"weights")], STATIC[:256]))
    assert sizes(ready, query(ready, bundle(part)), 0) == (0, 7)


def test_use_after_destroy_is_seen_design_7(ready: Acl) -> None:
    info, number = query(ready, bundle(STATIC)), ready.new("size_t *")
    assert ready.aclmdlBundleDestroyQueryInfo(info) == codes.SUCCESS
    assert ready.aclmdlBundleGetQueryModelNum(info, number) != codes.SUCCESS
    assert ready.aclmdlBundleDestroyQueryInfo(info) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0002", "AB-RT-0004"]
