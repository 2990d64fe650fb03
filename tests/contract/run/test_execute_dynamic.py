"""aclmdlExecute on dynamic models, shapes and outputs that the library allocates (facts 1.11)."""

from __future__ import annotations

import numpy as np
import pytest

from .. import codes
from ..face import FLOAT16, Acl, Dataset
from ..programs import Tensor, bundle, model, null_model, onnx_program

X = Tensor("x", (-1, 4), ranges=((1, 8), (4, 4)))
Y = Tensor("y", (-1, 4), ranges=((1, 8), (4, 4)))
FREE = Tensor("x", (-1, 4)), Tensor("y", (-1, 4))


def negate(x: Tensor = X, y: Tensor = Y) -> bytes:
    return model(onnx_program([("Neg", "x", "y")], [x], [y]), [x], [y], dynamic=True)


def execute(acl: Acl, model_id: int, inputs: Dataset, outputs: Dataset) -> int:
    return int(acl.aclmdlExecute(model_id, inputs.handle, outputs.handle))


def batch(rows: int) -> bytes:
    return np.arange(rows * 4, dtype=np.float32).tobytes()


def described(acl: Acl, rows: int) -> Dataset:
    inputs = acl.dataset(batch(rows))
    inputs.describe(0, (rows, 4))
    return inputs


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_the_description_says_the_shape_facts_1_11(ready: Acl, rows: int) -> None:
    loaded, outputs = ready.load_model(negate()), ready.dataset(8 * 16)
    assert execute(ready, loaded, described(ready, rows), outputs) == codes.SUCCESS
    assert outputs.read(0)[: rows * 16] == (-np.frombuffer(batch(rows), np.float32)).tobytes()
    assert outputs.dims(0) == [rows, 4]


def test_the_shape_may_change_with_every_run_facts_1_11(ready: Acl) -> None:
    loaded, outputs = ready.load_model(negate()), ready.dataset(8 * 16)
    for rows in (2, 7, 1):
        assert execute(ready, loaded, described(ready, rows), outputs) == codes.SUCCESS
        assert outputs.dims(0) == [rows, 4]


def test_outputs_are_described_anew_facts_1_11(ready: Acl) -> None:
    """With real shape, type and format; the description from before is dead (facts 1.10)."""
    loaded, outputs = ready.load_model(negate()), ready.dataset(8 * 16)
    outputs.describe(0, (99,), FLOAT16)
    before = ready.aclmdlGetDatasetTensorDesc(outputs.handle, 0)
    assert execute(ready, loaded, described(ready, 2), outputs) == codes.SUCCESS
    after = ready.aclmdlGetDatasetTensorDesc(outputs.handle, 0)
    assert ready.aclGetTensorDescType(after) == 0
    assert ready.aclGetTensorDescFormat(after) == 2
    assert ready.aclGetTensorDescSize(after) == 32
    ready.aclGetTensorDescSize(before)
    assert ready.violations() == ["AB-RT-0002"]


def test_only_dims_of_a_description_count_facts_1_11(ready: Acl) -> None:
    loaded, inputs = ready.load_model(negate()), ready.dataset(batch(2))
    inputs.describe(0, (2, 4), dtype=FLOAT16)
    outputs = ready.dataset(32)
    assert execute(ready, loaded, inputs, outputs) == codes.SUCCESS
    assert outputs.read(0) == (-np.frombuffer(batch(2), np.float32)).tobytes()


@pytest.mark.parametrize("dims", [(0, 4), (9, 4), (-2, 4), (2, 5), (8,), (1, 2, 4), (1,) * 26])
def test_shapes_out_of_the_declared_range_facts_1_11(ready: Acl, dims: tuple[int, ...]) -> None:
    loaded, inputs = ready.load_model(negate()), ready.dataset(1024)
    inputs.describe(0, dims)
    assert execute(ready, loaded, inputs, ready.dataset(1024)) == codes.INVALID_PARAM


UNBOUNDED = tuple(Tensor(name, (-1, 4), ranges=((1, -1), (4, 4))) for name in "xy")


@pytest.mark.parametrize("pair", [UNBOUNDED, FREE], ids=["1..", "no ranges"])
@pytest.mark.parametrize("dims", [(0, 4), (3, 4)])
def test_an_empty_batch_runs_facts_1_11(
    ready: Acl, pair: tuple[Tensor, Tensor], dims: tuple[int, ...]
) -> None:
    """A range without an end is not compared at all: rt2 tensor_utils.cc:81-84."""
    loaded, inputs = ready.load_model(negate(*pair)), ready.dataset(64)
    inputs.describe(0, dims)
    outputs = ready.dataset(64)
    assert execute(ready, loaded, inputs, outputs) == codes.SUCCESS
    assert outputs.dims(0) == list(dims)


@pytest.mark.parametrize("pair", [(X, Y), UNBOUNDED, FREE], ids=["1..8", "1..", "no ranges"])
@pytest.mark.parametrize("dims", [(-1, 4), (), None])
def test_open_dims_at_a_run_are_a_violation_facts_1_11(
    ready: Acl, pair: tuple[Tensor, Tensor], dims: tuple[int, ...] | None
) -> None:
    """ACL passes -1 (tensor_utils.cc:75-78) and no dims (:53-56); a device computes garbage."""
    loaded, inputs = ready.load_model(negate(*pair)), ready.dataset(64)
    if dims is not None:
        inputs.describe(0, dims)
    assert execute(ready, loaded, inputs, ready.dataset(64)) == codes.GE_FAILURE
    assert ready.violations() == ["AB-RT-0021"]


@pytest.mark.parametrize("pair", [UNBOUNDED, FREE], ids=["1..", "no ranges"])
def test_a_dim_of_minus_2_facts_1_11(ready: Acl, pair: tuple[Tensor, Tensor]) -> None:
    loaded, inputs = ready.load_model(negate(*pair)), ready.dataset(64)
    inputs.describe(0, (-2, 4))
    assert execute(ready, loaded, inputs, ready.dataset(64)) == codes.GE_FAILURE
    assert ready.violations() == ["AB-RT-0021"]


@pytest.mark.parametrize(("rank", "seen"), [(25, []), (26, ["AB-RT-0021"]), (200, ["AB-RT-0021"])])
def test_dims_behind_the_25th_are_lost_facts_1_11(ready: Acl, rank: int, seen: list[str]) -> None:
    """gert::Shape holds 25 (md shape.h:25,189), and only ranges would count them before."""
    loaded, inputs = ready.load_model(negate(*FREE)), ready.dataset(64)
    inputs.describe(0, (1,) * rank)
    assert execute(ready, loaded, inputs, ready.dataset(64)) != codes.SUCCESS
    assert ready.violations() == seen


def test_what_an_undescribed_input_is_told(ready: Acl) -> None:
    loaded = ready.load_model(negate(*UNBOUNDED))
    execute(ready, loaded, ready.dataset(batch(2)), ready.dataset(128))
    text = ready.message() or ""
    assert 'input 0 ("x") has open dims and no tensor description' in text
    assert "aclmdlSetDatasetTensorDesc" in text
    ready.violations()


@pytest.mark.parametrize(("slots", "seen"), [((128, 128), []), ((128, None), ["AB-RT-0022"])])
def test_an_output_beyond_the_models_facts_1_11(
    ready: Acl, slots: tuple[int | None, ...], seen: list[str]
) -> None:
    """GetOutputDesc has no bound: ACL sizes the memory of that output from what lies behind."""
    outputs = ready.dataset(*slots)
    status = execute(ready, ready.load_model(negate()), described(ready, 2), outputs)
    assert status == codes.GE_FAILURE
    assert ready.violations() == seen


def test_without_ranges_any_dim_will_do_facts_1_11(ready: Acl) -> None:
    loaded, outputs = ready.load_model(negate(*FREE)), ready.dataset(1000 * 16)
    assert execute(ready, loaded, described(ready, 1000), outputs) == codes.SUCCESS
    assert outputs.dims(0) == [1000, 4]


def test_without_a_description_the_models_own_dims_count_facts_1_11(ready: Acl) -> None:
    """Which serves a model whose dims are all known."""
    x, y = Tensor("x", (2, 4)), Tensor("y", (2, 4))
    loaded, outputs = ready.load_model(negate(x, y)), ready.dataset(32)
    assert execute(ready, loaded, ready.dataset(batch(2)), outputs) == codes.SUCCESS
    assert outputs.read(0) == (-np.frombuffer(batch(2), np.float32)).tobytes()


@pytest.mark.parametrize(("inputs", "outputs"), [(False, True), (True, False)])
def test_no_dataset_facts_1_11(ready: Acl, inputs: bool, outputs: bool) -> None:
    loaded = ready.load_model(negate())
    given = [ready.dataset(128).handle if one else ready.NULL for one in (inputs, outputs)]
    assert ready.aclmdlExecute(loaded, *given) == codes.INVALID_PARAM


def test_unloaded_model_facts_1_11(ready: Acl) -> None:
    loaded = ready.load_model(negate())
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS
    status = execute(ready, loaded, described(ready, 1), ready.dataset(128))
    assert status == codes.GE_MODEL_ID_INVALID


def test_too_few_inputs_facts_1_11(ready: Acl) -> None:
    loaded = ready.load_model(negate())
    assert execute(ready, loaded, ready.dataset(), ready.dataset(128)) == codes.INVALID_PARAM


def test_too_many_inputs_are_ignored_facts_1_11(ready: Acl) -> None:
    loaded, inputs = ready.load_model(negate()), described(ready, 2)
    inputs.add(64)
    assert execute(ready, loaded, inputs, ready.dataset(128)) == codes.SUCCESS


@pytest.mark.parametrize("outputs", [[], [128, 128]])
def test_wrong_number_of_outputs_facts_1_11(ready: Acl, outputs: list[int]) -> None:
    loaded = ready.load_model(negate())
    status = execute(ready, loaded, described(ready, 2), ready.dataset(*outputs))
    assert status == codes.GE_FAILURE


@pytest.mark.parametrize("size", [0, 1, 31])
def test_output_buffer_too_small_facts_1_11(ready: Acl, size: int) -> None:
    """No 64 bytes of tolerance here; how much is needed is in the text (facts 6.19)."""
    loaded, outputs = ready.load_model(negate()), ready.dataset(32)
    ready.aclUpdateDataBuffer(outputs.buffers[0], outputs.address(0), size)
    assert execute(ready, loaded, described(ready, 2), outputs) == codes.GE_FAILURE
    assert "32" in (ready.message() or "")


@pytest.mark.parametrize(("mode", "code"), [("faithful", 0), ("strict", codes.GE_FAILURE)])
def test_size_of_an_input_buffer_facts_1_11(ready: Acl, mode: str, code: int) -> None:
    """Not checked by ACL, whatever the shape needs; the strict fake does not forgive it."""
    ready.set("mode", mode)
    loaded, inputs = ready.load_model(negate()), described(ready, 2)
    ready.aclUpdateDataBuffer(inputs.buffers[0], inputs.address(0), 1)
    assert execute(ready, loaded, inputs, ready.dataset(128)) == code
    assert ready.violations() == ([] if code == 0 else ["AB-MDL-0010"])


def test_input_memory_that_really_ends_too_early_design_7(ready: Acl) -> None:
    loaded, inputs = ready.load_model(negate()), ready.dataset(16)
    inputs.describe(0, (8, 4))
    assert execute(ready, loaded, inputs, ready.dataset(128)) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0010"]


@pytest.mark.parametrize("kind", ["dynamic with ranges", "dynamic", "static"])
def test_outputs_can_be_left_to_the_library_facts_1_11(ready: Acl, kind: str) -> None:
    """The memory is the user's afterwards."""
    pairs = {"dynamic with ranges": (X, Y), "dynamic": FREE}
    x, y = pairs.get(kind, (Tensor("x", (2, 4)), Tensor("y", (2, 4))))
    tasks = onnx_program([("Neg", "x", "y")], [x], [y])
    loaded = ready.load_model(model(tasks, [x], [y], dynamic=kind != "static"))
    outputs = ready.dataset(None)
    assert execute(ready, loaded, described(ready, 2), outputs) == codes.SUCCESS
    size = ready.aclGetDataBufferSizeV2(outputs.buffers[0])
    assert size >= 32
    assert outputs.read(0)[:32] == (-np.frombuffer(batch(2), np.float32)).tobytes()
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS
    assert ready.aclrtFree(outputs.address(0)) == codes.SUCCESS


def test_no_memory_for_an_output_left_to_the_library_facts_1_5(ready: Acl) -> None:
    """The library asks aclrtMalloc for it, and hands its status on."""
    loaded, outputs, inputs = ready.load_model(negate()), ready.dataset(None), described(ready, 2)
    ready.set("memory_ends", 0)
    status = execute(ready, loaded, inputs, outputs)
    assert status == codes.RT_MEMORY_ALLOCATION
    assert outputs.address(0) == ready.NULL


def test_too_many_outputs_and_one_left_to_the_library_facts_1_11(ready: Acl) -> None:
    x, y = Tensor("x", (4,)), Tensor("y", (4,))
    loaded = ready.load_model(null_model([x], [y]))
    outputs = ready.dataset(None, 16)
    assert execute(ready, loaded, ready.dataset(16), outputs) == codes.INVALID_PARAM


def test_the_libraries_allocation_is_reused_by_the_next_run_facts_1_11(ready: Acl) -> None:
    """Who does not reset the buffer gets no new memory, and needs none."""
    loaded, outputs = ready.load_model(negate()), ready.dataset(None)
    assert execute(ready, loaded, described(ready, 2), outputs) == codes.SUCCESS
    first = outputs.address(0)
    assert execute(ready, loaded, described(ready, 2), outputs) == codes.SUCCESS
    assert outputs.address(0) == first


def test_a_dynamic_model_in_a_bundle_facts_0_3(ready: Acl) -> None:
    _, (loaded,) = ready.load_bundle(bundle(negate()))
    outputs = ready.dataset(128)
    assert execute(ready, loaded, described(ready, 3), outputs) == codes.SUCCESS
    assert outputs.dims(0) == [3, 4]


def test_a_dynamic_null_program_facts_1_11(ready: Acl) -> None:
    loaded = ready.load_model(null_model([X], [Y], dynamic=True))
    assert execute(ready, loaded, described(ready, 3), ready.dataset(128)) == codes.SUCCESS
