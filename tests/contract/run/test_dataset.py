"""aclmdlDataset: a list of borrowed buffers and owned descriptions (facts 1.10, 3)."""

from __future__ import annotations

import pytest

from .. import codes
from ..face import Acl
from ..programs import Tensor, null_model


def test_buffers_keep_their_order_facts_1_10(acl: Acl) -> None:
    dataset = acl.aclmdlCreateDataset()
    buffers = [acl.aclCreateDataBuffer(acl.NULL, size) for size in range(100)]
    assert acl.aclmdlGetDatasetNumBuffers(dataset) == 0
    for buffer in buffers:
        assert acl.aclmdlAddDatasetBuffer(dataset, buffer) == codes.SUCCESS
    assert acl.aclmdlGetDatasetNumBuffers(dataset) == 100
    assert [acl.aclmdlGetDatasetBuffer(dataset, one) for one in range(100)] == buffers


def test_null_facts_1_10(acl: Acl) -> None:
    dataset, buffer = acl.aclmdlCreateDataset(), acl.aclCreateDataBuffer(acl.NULL, 0)
    assert acl.aclmdlDestroyDataset(acl.NULL) == codes.INVALID_PARAM
    assert acl.aclmdlAddDatasetBuffer(acl.NULL, buffer) == codes.INVALID_PARAM
    assert acl.aclmdlAddDatasetBuffer(dataset, acl.NULL) == codes.INVALID_PARAM
    assert acl.aclmdlGetDatasetNumBuffers(acl.NULL) == 0
    assert acl.aclmdlGetDatasetBuffer(acl.NULL, 0) == acl.NULL
    assert acl.aclmdlGetDatasetTensorDesc(acl.NULL, 0) == acl.NULL
    assert acl.aclmdlGetDatasetNumBuffers(dataset) == 0


@pytest.mark.parametrize("index", [1, 2, 2**64 - 1])
def test_out_of_range_facts_1_10(ready: Acl, index: int) -> None:
    one, desc = ready.dataset(16), ready.tensor_desc((4,))
    assert ready.aclmdlGetDatasetBuffer(one.handle, index) == ready.NULL
    assert ready.aclmdlGetDatasetTensorDesc(one.handle, index) == ready.NULL
    assert ready.aclmdlSetDatasetTensorDesc(one.handle, desc, index) == codes.INVALID_PARAM
    status = ready.aclmdlSetDatasetTensorDesc(one.handle, ready.NULL, index)
    assert status == codes.INVALID_PARAM


def test_set_desc_without_a_dataset_facts_1_10(acl: Acl) -> None:
    for desc in (acl.tensor_desc((4,)), acl.NULL):
        assert acl.aclmdlSetDatasetTensorDesc(acl.NULL, desc, 0) == codes.INVALID_PARAM


def test_descriptions_are_copied_facts_1_10(ready: Acl) -> None:
    """The caller's own is still its own, to change and to destroy."""
    one, desc = ready.dataset(16), ready.tensor_desc((4,))
    assert one.dims(0) is None
    assert ready.aclmdlSetDatasetTensorDesc(one.handle, desc, 0) == codes.SUCCESS
    ready.aclSetTensorOriginShape(desc, 1, ready.new("int64_t[]", [9]))
    assert ready.aclmdlGetDatasetTensorDesc(one.handle, 0) != desc
    assert one.dims(0) == [4]
    ready.aclDestroyTensorDesc(desc)
    assert one.dims(0) == [4]


def test_a_description_can_be_replaced_and_cleared_facts_1_10(ready: Acl) -> None:
    one = ready.dataset(16)
    one.describe(0, (4,))
    one.describe(0, (2, 2))
    assert one.dims(0) == [2, 2]
    one.clear(0)
    assert one.dims(0) is None
    one.clear(0)


def test_descriptions_die_with_the_dataset_facts_3(ready: Acl) -> None:
    one = ready.dataset(16)
    one.describe(0, (4,))
    kept = ready.aclmdlGetDatasetTensorDesc(one.handle, 0)
    assert ready.aclmdlDestroyDataset(one.handle) == codes.SUCCESS
    ready.aclGetTensorDescNumDims(kept)
    assert ready.violations() == ["AB-RT-0002"]


def test_destroying_a_description_of_the_datasets_design_7(ready: Acl) -> None:
    one = ready.dataset(16)
    one.describe(0, (4,))
    ready.aclDestroyTensorDesc(ready.aclmdlGetDatasetTensorDesc(one.handle, 0))
    assert ready.violations() == ["AB-RT-0005"]
    assert one.dims(0) == [4]


def test_buffers_and_memory_outlive_the_dataset_facts_3(ready: Acl) -> None:
    one = ready.dataset(b"abcd")
    assert ready.aclmdlDestroyDataset(one.handle) == codes.SUCCESS
    assert one.read(0) == b"abcd"
    assert ready.aclrtFree(one.address(0)) == codes.SUCCESS
    assert ready.aclDestroyDataBuffer(one.buffers[0]) == codes.SUCCESS


def test_one_buffer_in_many_datasets_facts_3(ready: Acl) -> None:
    one, other = ready.dataset(b"abcd"), ready.dataset()
    assert ready.aclmdlAddDatasetBuffer(other.handle, one.buffers[0]) == codes.SUCCESS
    assert ready.aclmdlDestroyDataset(other.handle) == codes.SUCCESS
    assert ready.aclmdlGetDatasetBuffer(one.handle, 0) == one.buffers[0]


def test_a_destroyed_buffer_in_a_dataset_is_seen_facts_3(ready: Acl) -> None:
    """A dangling pointer on the device's side of ACL."""
    model = ready.load_model(null_model([Tensor("x", (4,))], [Tensor("y", (4,))]))
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    assert ready.aclDestroyDataBuffer(inputs.buffers[0]) == codes.SUCCESS
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) != codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0001"]


def test_a_dataset_serves_many_runs_and_models_facts_3(ready: Acl) -> None:
    data = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    for model in (ready.load_model(data), ready.load_model(data)):
        for _ in range(3):
            assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS


def test_use_after_destroy_is_seen_design_7(acl: Acl) -> None:
    dataset = acl.aclmdlCreateDataset()
    assert acl.aclmdlDestroyDataset(dataset) == codes.SUCCESS
    assert acl.aclmdlGetDatasetNumBuffers(dataset) == 0
    assert acl.aclmdlDestroyDataset(dataset) != codes.SUCCESS
    assert acl.violations() == ["AB-RT-0002", "AB-RT-0004"]
