"""aclmdlExecute on static models, and that it computes (facts 1.11, first table)."""

from __future__ import annotations

import numpy as np
import pytest

from .. import codes
from ..face import FLOAT16, INT32, Acl, Dataset
from ..programs import Linear, Tensor, model, null_model, onnx_program

X, Y = Tensor("x", (32,)), Tensor("y", (32,))  # 128 bytes each
DATA = null_model([X], [Y])


def execute(acl: Acl, model_id: int, inputs: Dataset, outputs: Dataset) -> int:
    return int(acl.aclmdlExecute(model_id, inputs.handle, outputs.handle))


@pytest.mark.parametrize(("inputs", "outputs"), [(False, True), (True, False), (False, False)])
def test_no_dataset_comes_before_the_id_facts_1_11(ready: Acl, inputs: bool, outputs: bool) -> None:
    given = [ready.dataset(128).handle if one else ready.NULL for one in (inputs, outputs)]
    for model_id in (ready.load_model(DATA), 77):
        assert ready.aclmdlExecute(model_id, *given) == codes.INVALID_PARAM


def test_unknown_model_facts_1_11(ready: Acl) -> None:
    assert execute(ready, 77, ready.dataset(), ready.dataset()) == codes.GE_MODEL_ID_INVALID


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [([], [128]), ([128, 128], [128]), ([128], []), ([128], [128, 128]), ([], [])],
)
def test_wrong_number_of_buffers_facts_1_11(
    ready: Acl, inputs: list[int], outputs: list[int]
) -> None:
    loaded = ready.load_model(DATA)
    status = execute(ready, loaded, ready.dataset(*inputs), ready.dataset(*outputs))
    assert status == codes.GE_FAILURE


def resized(acl: Acl, size: int) -> Dataset:
    """A buffer that claims a size, in front of 128 bytes of memory."""
    one = acl.dataset(128)
    acl.aclUpdateDataBuffer(one.buffers[0], one.address(0), size)
    return one


@pytest.mark.parametrize(
    ("size", "code"), [(128, 0), (127, 0), (65, 0), (64, 0), (63, codes.GE_FAILURE), (0, 500002)]
)
@pytest.mark.parametrize("side", ["input", "output"])
def test_buffers_may_miss_64_bytes_facts_1_11(ready: Acl, side: str, size: int, code: int) -> None:
    """The library only refuses where given + 64 < needed."""
    loaded, short, full = ready.load_model(DATA), resized(ready, size), ready.dataset(128)
    pair = (short, full) if side == "input" else (full, short)
    assert execute(ready, loaded, *pair) == code


@pytest.mark.parametrize("side", ["input", "output"])
def test_memory_that_really_ends_too_early_design_7(ready: Acl, side: str) -> None:
    """The library's tolerance does not make the missing bytes appear."""
    loaded, short, full = ready.load_model(DATA), ready.dataset(64), ready.dataset(128)
    pair = (short, full) if side == "input" else (full, short)
    assert execute(ready, loaded, *pair) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0010"]


@pytest.mark.parametrize("side", ["input", "output"])
def test_larger_buffers_are_fine_facts_1_11(ready: Acl, side: str) -> None:
    loaded, large, full = ready.load_model(DATA), ready.dataset(4096), ready.dataset(128)
    pair = (large, full) if side == "input" else (full, large)
    assert execute(ready, loaded, *pair) == codes.SUCCESS


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("what", ["host", "freed"])
def test_addresses_the_device_cannot_reach_design_7(ready: Acl, side: str, what: str) -> None:
    loaded, bad, full = ready.load_model(DATA), ready.dataset(128), ready.dataset(128)
    if what == "freed":
        assert ready.aclrtFree(bad.address(0)) == codes.SUCCESS
    else:
        ready.aclUpdateDataBuffer(bad.buffers[0], ready.hold(bytearray(128)), 128)
    pair = (bad, full) if side == "input" else (full, bad)
    assert execute(ready, loaded, *pair) == codes.GE_FAILURE
    assert ready.violations() == ["AB-RT-0015" if what == "host" else "AB-RT-0010"]


def test_no_memory_behind_an_input_facts_1_11(ready: Acl) -> None:
    loaded = ready.load_model(DATA)
    assert execute(ready, loaded, ready.dataset(None), ready.dataset(128)) != codes.SUCCESS
    ready.violations()


def test_null_programs_compute_nothing(ready: Acl) -> None:
    """docs/program_format.md: outputs are left alone."""
    loaded, outputs = ready.load_model(DATA), ready.dataset(128)
    assert execute(ready, loaded, ready.dataset(b"x" * 128), outputs) == codes.SUCCESS
    assert outputs.read(0) == b"\xa5" * 128


def test_it_computes_design_7(ready: Acl, linear: Linear) -> None:
    _, (infer, init, _) = ready.load_bundle(linear.to_bytes())
    assert execute(ready, init, ready.dataset(), ready.dataset()) == codes.SUCCESS
    x = np.float32([[1, 2, 3], [-1, 0.5, 4]])
    outputs = ready.dataset(16)
    assert execute(ready, infer, ready.dataset(x.tobytes()), outputs) == codes.SUCCESS
    expected = x @ linear.w + linear.b
    assert np.array_equal(np.frombuffer(outputs.read(0), np.float32).reshape(2, 2), expected)


def test_it_computes_again_and_again(ready: Acl) -> None:
    x, y = Tensor("x", (8,)), Tensor("y", (8,))
    loaded = ready.load_model(model(onnx_program([("Neg", "x", "y")], [x], [y]), [x], [y]))
    inputs, outputs = ready.dataset(32), ready.dataset(32)
    for turn in range(20):
        value = np.arange(8, dtype=np.float32) * turn
        inputs.write(0, value.tobytes())
        assert execute(ready, loaded, inputs, outputs) == codes.SUCCESS
        assert np.array_equal(np.frombuffer(outputs.read(0), np.float32), -value)


@pytest.mark.parametrize(
    ("dtype", "kind"), [(0, np.float32), (FLOAT16, np.float16), (INT32, np.int32)]
)
def test_types_go_through_unchanged(ready: Acl, dtype: int, kind: type[np.generic]) -> None:
    x, y = Tensor("x", (3, 5), dtype), Tensor("y", (5, 3), dtype)
    tasks = onnx_program([("Transpose", "x", "y")], [x], [y])
    loaded = ready.load_model(model(tasks, [x], [y]))
    value = np.arange(15).reshape(3, 5).astype(kind)
    outputs = ready.dataset(value.nbytes)
    assert execute(ready, loaded, ready.dataset(value.tobytes()), outputs) == codes.SUCCESS
    assert outputs.read(0) == value.T.tobytes()


def test_inputs_and_outputs_by_position(ready: Acl) -> None:
    a, b = Tensor("a", (2,)), Tensor("b", (2,))
    s, d = Tensor("sum", (2,)), Tensor("difference", (2,))
    tasks = onnx_program([("Add", "a b", "sum"), ("Sub", "a b", "difference")], [a, b], [s, d])
    loaded = ready.load_model(model(tasks, [a, b], [s, d]))
    values = [np.float32([10, 20]).tobytes(), np.float32([1, 2]).tobytes()]
    outputs = ready.dataset(8, 8)
    assert execute(ready, loaded, ready.dataset(*values), outputs) == codes.SUCCESS
    found = [np.frombuffer(outputs.read(one), np.float32).tolist() for one in (0, 1)]
    assert found == [[11, 22], [9, 18]]


def test_an_output_may_be_an_input_of_the_next_run(ready: Acl) -> None:
    x, y = Tensor("x", (4,)), Tensor("y", (4,))
    loaded = ready.load_model(model(onnx_program([("Exp", "x", "y")], [x], [y]), [x], [y]))
    one, other = ready.dataset(np.zeros(4, np.float32).tobytes()), ready.dataset(16)
    assert execute(ready, loaded, one, other) == codes.SUCCESS
    assert execute(ready, loaded, other, one) == codes.SUCCESS
    assert np.allclose(np.frombuffer(one.read(0), np.float32), np.e)


def test_only_its_bytes_are_written(ready: Acl) -> None:
    x, y = Tensor("x", (4,)), Tensor("y", (4,))
    loaded = ready.load_model(model(onnx_program([("Neg", "x", "y")], [x], [y]), [x], [y]))
    outputs = ready.dataset(64)
    assert execute(ready, loaded, ready.dataset(bytes(16)), outputs) == codes.SUCCESS
    assert outputs.read(0)[16:] == b"\xa5" * 48


def test_the_zero_batch(ready: Acl) -> None:
    x, y = Tensor("x", (0, 4)), Tensor("y", (0, 4))
    loaded = ready.load_model(model(onnx_program([("Neg", "x", "y")], [x], [y]), [x], [y]))
    inputs, outputs = ready.dataset(1), ready.dataset(1)
    assert execute(ready, loaded, inputs, outputs) == codes.SUCCESS


def test_static_outputs_are_described_only_if_an_input_was_facts_1_11(ready: Acl) -> None:
    loaded, inputs, outputs = ready.load_model(DATA), ready.dataset(128), ready.dataset(128)
    assert execute(ready, loaded, inputs, outputs) == codes.SUCCESS
    assert outputs.dims(0) is None
    inputs.describe(0, (32,))
    assert execute(ready, loaded, inputs, outputs) == codes.SUCCESS
    assert outputs.dims(0) == [32]


def test_models_without_inputs_and_outputs_want_empty_datasets_facts_4_1(ready: Acl) -> None:
    """Not NULL (facts 6.15)."""
    loaded, empty = ready.load_model(null_model()), ready.dataset()
    assert execute(ready, loaded, empty, ready.dataset()) == codes.SUCCESS
    assert ready.aclmdlExecute(loaded, empty.handle, ready.NULL) == codes.INVALID_PARAM
    assert execute(ready, loaded, empty, ready.dataset(4)) == codes.GE_FAILURE


def test_a_failure_while_computing_is_an_error(ready: Acl) -> None:
    """What ONNX Runtime refuses at run time is not a silent success."""
    x, y = Tensor("x", (4,)), Tensor("y", (4,))
    i = Tensor("i", (1,), INT32)
    tasks = onnx_program([("Gather", "x i", "y")], [x, i], [y])
    loaded = ready.load_model(model(tasks, [x, i], [y]))
    outside = np.int32([99]).tobytes()
    status = execute(ready, loaded, ready.dataset(bytes(16), outside), ready.dataset(16))
    assert status != codes.SUCCESS
    assert ready.message()


def test_execute_in_another_context_than_it_was_loaded_in_facts_3(ready: Acl) -> None:
    """The documents forbid it; ACL does not look, the fake does (facts 8: any non-zero)."""
    loaded, inputs, outputs = ready.load_model(DATA), ready.dataset(128), ready.dataset(128)
    assert ready.aclrtCreateContext(ready.new("aclrtContext *"), 0) == codes.SUCCESS
    assert execute(ready, loaded, inputs, outputs) != codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0009"]
