"""The memory of variables: where it is, how long it lives, who shares it (facts 4.4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import Acl
from ..programs import (
    Linear,
    Tensor,
    bundle,
    init_model,
    model,
    onnx_program,
    places,
    update_model,
)

W = Tensor("w_var", (4,))
VALUE = np.float32([1, 2, 3, 4])


def peek_bundle(*more: bytes) -> bytes:
    """A graph that hands its variable out, one that writes it, one that takes a new value."""
    y = Tensor("y", (4,))
    peek = model(onnx_program([("Identity", "w_var", "y")], [], [y], [W]), [], [y])
    models = [peek, init_model([W], [VALUE.tobytes()]), update_model([W]), *more]
    return bundle(*models, variables=places([W])[1])


def peek(acl: Acl, model_id: int) -> bytes:
    """What the variable holds."""
    outputs = acl.dataset(16)
    assert acl.aclmdlExecute(model_id, acl.dataset().handle, outputs.handle) == codes.SUCCESS
    return outputs.read(0)


def run(acl: Acl, model_id: int) -> None:
    """Run an init graph."""
    empty = acl.dataset()
    assert acl.aclmdlExecute(model_id, empty.handle, empty.handle) == codes.SUCCESS


def update(acl: Acl, model_id: int, value: Any) -> None:
    inputs = acl.dataset(np.float32(value).tobytes())
    inputs.describe(0, (4,))
    empty = acl.dataset()
    assert acl.aclmdlExecute(model_id, inputs.handle, empty.handle) == codes.SUCCESS


@pytest.mark.parametrize(
    ("dims", "size"),
    [((4,), 1536), ((128,), 1536), ((129,), 2048), ((), 1536), ((1, 256), 2048)],
)
def test_room_of_one_variable_facts_4_4(dims: tuple[int, ...], size: int) -> None:
    """16 bytes take 1536: the example of the facts, and its neighbours."""
    assert places([Tensor("w", dims)])[1] == size


def test_fresh_variables_are_undefined_facts_4_4_8(ready: Acl) -> None:
    """Inferring before init is no error; it computes with what is there (facts 6.14)."""
    _, (reader, *_) = ready.load_bundle(peek_bundle())
    assert peek(ready, reader) == b"\xa5" * 16
    assert ready.violations() == ["AB-MDL-0018"]


def test_all_models_share_them_facts_4_4(ready: Acl) -> None:
    _, (reader, init, writer) = ready.load_bundle(peek_bundle())
    run(ready, init)
    assert peek(ready, reader) == VALUE.tobytes()
    update(ready, writer, [5, 6, 7, 8])
    assert peek(ready, reader) == np.float32([5, 6, 7, 8]).tobytes()
    run(ready, init)
    assert peek(ready, reader) == VALUE.tobytes()


def test_models_loaded_again_share_them_too_facts_4_4(ready: Acl) -> None:
    made, (reader, init, _) = ready.load_bundle(peek_bundle())
    run(ready, init)
    again = ready.load_model_of(made, 0)
    assert peek(ready, again) == VALUE.tobytes()
    update(ready, ready.load_model_of(made, 2), [9, 9, 9, 9])
    assert peek(ready, again) == peek(ready, reader) == np.float32([9] * 4).tobytes()


def test_bundles_do_not_share_them_facts_4_4(ready: Acl) -> None:
    _, (one, init, _) = ready.load_bundle(peek_bundle())
    _, (other, _, _) = ready.load_bundle(peek_bundle())
    run(ready, init)
    assert peek(ready, one) == VALUE.tobytes()
    assert peek(ready, other) == b"\xa5" * 16
    assert ready.violations() == ["AB-MDL-0018"]


def test_they_survive_the_unload_of_models_facts_4_4(ready: Acl) -> None:
    """Of all models, even, as long as the bundle lives."""
    made, models = ready.load_bundle(peek_bundle())
    run(ready, models[1])
    for one in models:
        assert ready.aclmdlBundleUnloadModel(made, one) == codes.SUCCESS
    assert peek(ready, ready.load_model_of(made, 0)) == VALUE.tobytes()


def test_they_end_with_the_bundle_facts_4_4(ready: Acl) -> None:
    left, total = ready.new("size_t *"), ready.new("size_t *")
    assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
    before = left[0]
    made, models = ready.load_bundle(peek_bundle())
    run(ready, models[1])
    assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
    assert before - left[0] >= 1536
    assert ready.aclmdlBundleUnload(made) == codes.SUCCESS
    assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
    assert left[0] == before
    _, (reader, *_) = ready.load_bundle(peek_bundle())
    assert peek(ready, reader) == b"\xa5" * 16, "a reload must be initialised again"
    assert ready.violations() == ["AB-MDL-0018"]


def test_they_appear_with_the_first_model_facts_4_4(ready: Acl) -> None:
    left, total = ready.new("size_t *"), ready.new("size_t *")
    assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
    before = left[0]
    made = ready.init_bundle(peek_bundle())
    assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
    assert left[0] == before
    ready.load_model_of(made, 0)
    assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
    assert left[0] < before


def test_a_device_without_room_for_them_facts_1_8(acl: Acl) -> None:
    acl.set("memory", 1024)
    acl.start()
    made, loaded = acl.init_bundle(peek_bundle()), acl.new("uint32_t *")
    assert acl.aclmdlBundleLoadModel(made, 0, loaded) == codes.GE_MEMORY_ALLOCATION
    assert "w_var" in (acl.message() or "")
    assert acl.aclmdlBundleUnload(made) == codes.SUCCESS


def test_an_address_of_the_users_that_no_tensor_may_have_facts_6_30(ready: Acl) -> None:
    memory, made = ready.malloc(2048), ready.new("uint32_t *")
    data = peek_bundle()
    odd = ready.ffi.cast("char *", memory) + 1
    status = ready.aclmdlBundleInitFromMem(ready.hold(data), len(data), odd, 1536, made)
    assert status != codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0011"]


def test_they_lie_in_the_users_memory_facts_4_4(ready: Acl, linear: Linear) -> None:
    """At varWeightPtr plus the offset of each; what is between stays as it was."""
    size = linear.variable_size
    memory = ready.malloc(size)
    made = ready.init_bundle(linear.to_bytes(), memory, size)
    run(ready, ready.load_model_of(made, 1))
    expected = bytearray(b"\xa5" * size)
    for offset, value in zip(places(linear.variables)[0], (linear.w, linear.b), strict=True):
        expected[offset : offset + value.nbytes] = value.tobytes()
    assert ready.download(memory, size) == bytes(expected)


def test_the_users_memory_is_not_touched_by_loading_facts_4_4(ready: Acl) -> None:
    """Which makes a warm start possible."""
    memory = ready.on_device(b"\xa5" * 1536)
    for turn in range(3):
        made = ready.init_bundle(peek_bundle(), memory, 1536)
        reader = ready.load_model_of(made, 0)
        before = ready.download(memory, 1536)
        assert peek(ready, reader) == before[:16]
        update(ready, ready.load_model_of(made, 2), np.arange(4) + turn)
        kept = ready.download(memory, 1536)
        assert kept != before
        assert ready.aclmdlBundleUnload(made) == codes.SUCCESS
        assert ready.download(memory, 1536) == kept, "nor by unloading"
    assert ready.aclrtFree(memory) == codes.SUCCESS


def test_two_bundles_over_the_same_memory_facts_4_4(ready: Acl) -> None:
    memory = ready.malloc(1536)
    one, other = (ready.init_bundle(peek_bundle(), memory, 1536) for _ in range(2))
    run(ready, ready.load_model_of(one, 1))
    assert peek(ready, ready.load_model_of(other, 0)) == VALUE.tobytes()


def test_the_program_may_write_them_itself_facts_4_4(ready: Acl) -> None:
    memory = ready.malloc(1536)
    made = ready.init_bundle(peek_bundle(), memory, 1536)
    reader = ready.load_model_of(made, 0)
    ready.upload(memory, VALUE.tobytes())
    assert peek(ready, reader) == VALUE.tobytes()


def test_freeing_them_under_a_bundle_is_seen_facts_3(ready: Acl) -> None:
    memory = ready.malloc(1536)
    made = ready.init_bundle(peek_bundle(), memory, 1536)
    reader = ready.load_model_of(made, 0)
    ready.aclrtFree(memory)
    status = ready.aclmdlExecute(reader, ready.dataset().handle, ready.dataset(16).handle)
    assert status == codes.GE_FAILURE
    assert ready.violations()


def test_variable_memory_that_is_none_design_7(ready: Acl) -> None:
    """Host memory, or less device memory than was promised."""
    data, made = peek_bundle(), ready.new("uint32_t *")
    for memory in (ready.hold(bytearray(4096)), ready.malloc(64)):
        status = ready.aclmdlBundleInitFromMem(ready.hold(data), len(data), memory, 4096, made)
        if status == codes.SUCCESS:
            status = ready.aclmdlBundleLoadModel(made[0], 0, ready.new("uint32_t *"))
        assert status != codes.SUCCESS
        assert ready.violations()


@pytest.mark.parametrize("order", [("infer", "update", "init"), ("update", "init", "infer")])
def test_any_order_of_graphs_facts_4_2(ready: Acl, order: tuple[str, ...]) -> None:
    linear = Linear(order)
    _, models = ready.load_bundle(linear.to_bytes())
    by_role = dict(zip(order, models, strict=True))
    run(ready, by_role["init"])
    x, outputs = np.eye(2, 3, dtype=np.float32), ready.dataset(16)
    inputs = ready.dataset(x.tobytes())
    status = ready.aclmdlExecute(by_role["infer"], inputs.handle, outputs.handle)
    assert status == codes.SUCCESS
    assert outputs.read(0) == (x @ linear.w + linear.b).tobytes()
