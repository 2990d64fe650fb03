"""Models with gears: batch, resolution, dims (facts 1.9, 1.10, 5.4, 6.24)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from acl_bundle import om
from acl_bundle.om import Gears, Header, PartitionType
from acl_bundle.om._container import inout
from acl_bundle.om._container.gears import write as gear_bytes

from .. import codes
from ..face import Acl
from ..programs import DEFINITION, NULL, Tensor, null_model, onnx_program, program

ANY = 2**64 - 1  # the index -1
NAME = "ascend_mbatch_shape_data"
GEAR_LENGTH, GEAR_INVALID = 145012, 145013


def shape_data(width: int) -> Tensor:
    return Tensor(NAME, (width,), 9)


def geared(
    gears: Gears, inputs: list[Tensor], outputs: list[Tensor], tasks: bytes | None = None
) -> bytes:
    """A static model with gears, from facts 5.4; nothing is computed without tasks."""
    extra = shape_data(len(gears.values[0]))
    listed = inout.write([one.info for one in (*inputs, extra)], [o.info for o in outputs], gears)
    parts = [
        (PartitionType.MODEL_INOUT_INFO, [listed]),
        (PartitionType.MODEL_DEF, [DEFINITION]),
        (PartitionType.TASK_INFO, [tasks or program(NULL, work=512)]),
    ]
    return om.write_model(parts, header=Header(name="geared")).to_bytes()


@dataclass(frozen=True)
class Case:
    """One model y = -x, its gears as ACL is told them, and the shapes they mean."""

    gears: Gears
    x: Tensor
    y: Tensor
    full: tuple[tuple[int, ...], ...]

    @property
    def data(self) -> bytes:
        tasks = onnx_program([("Neg", "x", "y")], [self.x], [Tensor("y", self.x.dims)])
        return geared(self.gears, [self.x], [self.y], tasks)


def rows(*shapes: tuple[int, ...]) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    return tuple((gear, 0, dims) for gear, dims in enumerate(shapes))


BATCH_SHAPES = ((1, 3), (4, 3), (8, 3))
HW_SHAPES = ((1, 2, 2, 2), (1, 2, 4, 6))
DIMS_SHAPES = ((2, 5, 1), (3, 5, 7))
CASES = {
    "batch": Case(
        Gears("batch", ((1,), (4,), (8,)), rows(*BATCH_SHAPES)),
        Tensor("x", (-1, 3)), Tensor("y", (8, 3)), BATCH_SHAPES,
    ),
    "hw": Case(
        Gears("hw", ((2, 2), (4, 6)), rows(*HW_SHAPES)),
        Tensor("x", (1, 2, -1, -1)), Tensor("y", (1, 2, 4, 6)), HW_SHAPES,
    ),
    "dims": Case(
        Gears("dims", ((2, 1), (3, 7)), rows(*DIMS_SHAPES), ("x",)),
        Tensor("x", (-1, 5, -1)), Tensor("y", (3, 5, 7)), DIMS_SHAPES,
    ),
}  # fmt: skip


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def io_dims(acl: Acl, dims: tuple[int, ...]) -> Any:
    made = acl.new("aclmdlIODims *")
    made.dimCount = len(dims)
    for axis, dim in enumerate(dims):
        made.dims[axis] = dim
    return made


def set_gear(acl: Acl, kind: str, model: int, dataset: Any, at: int, case: Case, gear: int) -> int:
    """Name a gear in the way of its kind."""
    values = case.gears.values[gear]
    if kind == "batch":
        return int(acl.aclmdlSetDynamicBatchSize(model, dataset, at, *values))
    if kind == "hw":
        return int(acl.aclmdlSetDynamicHWSize(model, dataset, at, *values))
    return int(acl.aclmdlSetInputDynamicDims(model, dataset, at, io_dims(acl, case.full[gear])))


def numbers(case: Case, gear: int) -> np.ndarray:
    count = int(np.prod(case.full[gear]))
    return np.arange(1, count + 1, dtype=np.float32)


def cur_dims(acl: Acl, desc: Any, index: int = 0) -> tuple[int, tuple[int, ...]]:
    dims = acl.new("aclmdlIODims *")
    status = acl.aclmdlGetCurOutputDims(desc, index, dims)
    return status, tuple(dims.dims[0 : dims.dimCount])


def largest(case: Case) -> int:
    return 4 * max(int(np.prod(one)) for one in case.full)


def test_every_gear_computes_facts_1_10(ready: Acl, case: Case) -> None:
    model, outputs = ready.load_model(case.data), ready.dataset(largest(case))
    for gear in (*range(len(case.full)), 0):
        x = numbers(case, gear)
        inputs = ready.dataset(x.tobytes(), 8 * len(case.gears.values[0]))
        status = set_gear(ready, case.gears.kind, model, inputs.handle, 1, case, gear)
        assert status == codes.SUCCESS
        assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS
        assert outputs.read(0)[: x.nbytes] == (-x).tobytes()


def test_one_dataset_serves_all_gears_facts_3(ready: Acl, case: Case) -> None:
    """The same buffers, larger than most gears need (facts 1.11)."""
    model, outputs = ready.load_model(case.data), ready.dataset(largest(case))
    inputs = ready.dataset(largest(case), 8 * len(case.gears.values[0]))
    for gear in range(len(case.full)):
        x = numbers(case, gear)
        inputs.write(0, x.tobytes())
        assert set_gear(ready, case.gears.kind, model, inputs.handle, 1, case, gear) == 0
        assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS
        assert outputs.read(0)[: x.nbytes] == (-x).tobytes()


@pytest.mark.parametrize("size", [4, 8])
def test_what_is_copied_facts_1_10(ready: Acl, case: Case, size: int) -> None:
    """8 bytes a value where they fit, else 4."""
    model, width = ready.load_model(case.data), len(case.gears.values[0])
    inputs = ready.dataset(largest(case), size * width)
    assert set_gear(ready, case.gears.kind, model, inputs.handle, 1, case, 1) == codes.SUCCESS
    letter = "I" if size == 4 else "Q"
    assert struct.unpack(f"<{width}{letter}", inputs.read(1)) == case.gears.values[1]
    assert ready.aclmdlExecute(model, inputs.handle, ready.dataset(largest(case)).handle) == 0


def test_buffer_too_short_facts_1_10(ready: Acl, case: Case) -> None:
    model, width = ready.load_model(case.data), len(case.gears.values[0])
    inputs = ready.dataset(largest(case), 4 * width - 1)
    status = set_gear(ready, case.gears.kind, model, inputs.handle, 1, case, 0)
    assert status == GEAR_LENGTH


def test_length_comes_before_the_model_facts_1_10(ready: Acl) -> None:
    """For batch and resolution; dims need the model to be counted."""
    inputs = ready.dataset(3)
    assert ready.aclmdlSetDynamicBatchSize(77, inputs.handle, 0, 1) == GEAR_LENGTH
    assert ready.aclmdlSetDynamicHWSize(77, inputs.handle, 0, 1, 1) == GEAR_LENGTH
    dims = io_dims(ready, (1,))
    status = ready.aclmdlSetInputDynamicDims(77, inputs.handle, 0, dims)
    assert status == codes.GE_MODEL_ID_INVALID


def test_unknown_model_facts_1_10(ready: Acl, case: Case) -> None:
    inputs = ready.dataset(64)
    for model in (77, 0x80000000):
        status = set_gear(ready, case.gears.kind, model, inputs.handle, 0, case, 0)
        assert status == codes.GE_MODEL_ID_INVALID


def test_bad_arguments_facts_1_10(ready: Acl, case: Case) -> None:
    model, kind = ready.load_model(case.data), case.gears.kind
    inputs, none = ready.dataset(64), ready.dataset(None)
    assert set_gear(ready, kind, model, ready.NULL, 0, case, 0) == codes.INVALID_PARAM
    assert set_gear(ready, kind, model, inputs.handle, 1, case, 0) == codes.INVALID_PARAM
    assert set_gear(ready, kind, model, none.handle, 0, case, 0) == codes.INVALID_PARAM


def test_zero_is_no_gear_facts_1_10(ready: Acl) -> None:
    model, inputs = ready.load_model(CASES["batch"].data), ready.dataset(64)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 0, 0) == codes.INVALID_PARAM
    for pair in ((0, 4), (4, 0)):
        status = ready.aclmdlSetDynamicHWSize(model, inputs.handle, 0, *pair)
        assert status == codes.INVALID_PARAM
    dims = ready.new("aclmdlIODims *")
    for given in (dims, ready.NULL):
        status = ready.aclmdlSetInputDynamicDims(model, inputs.handle, 0, given)
        assert status == codes.INVALID_PARAM


def test_not_a_gear_facts_1_10(ready: Acl) -> None:
    batch, hw = (ready.load_model(CASES[kind].data) for kind in ("batch", "hw"))
    inputs = ready.dataset(64)
    assert ready.aclmdlSetDynamicBatchSize(batch, inputs.handle, 0, 3) == GEAR_INVALID
    assert ready.aclmdlSetDynamicHWSize(hw, inputs.handle, 0, 6, 4) == GEAR_INVALID
    ready.message()
    assert ready.aclmdlSetDynamicHWSize(batch, inputs.handle, 0, 4, 4) == GEAR_INVALID
    assert "gears are of batch sizes (aclmdlSetDynamicBatchSize)" in (ready.message() or "")
    assert ready.aclmdlSetDynamicBatchSize(hw, inputs.handle, 0, 2) == GEAR_INVALID


@pytest.mark.parametrize(
    ("dims", "status"),
    [((2, 5), GEAR_LENGTH), ((2, 5, 1, 1), GEAR_LENGTH), ((2, 4, 1), GEAR_LENGTH),
     ((2, 5, 7), GEAR_INVALID), ((3, 5, 1), GEAR_INVALID)],
)  # fmt: skip
def test_dims_that_do_not_fit_facts_1_10(ready: Acl, dims: tuple[int, ...], status: int) -> None:
    """All dims of all inputs are given, the fixed ones as they are."""
    model, inputs = ready.load_model(CASES["dims"].data), ready.dataset(64)
    given = io_dims(ready, dims)
    assert ready.aclmdlSetInputDynamicDims(model, inputs.handle, 0, given) == status


def test_a_model_without_gears_facts_1_10(ready: Acl) -> None:
    x, y = Tensor("x", (2,)), Tensor("y", (2,))
    model, inputs = ready.load_model(null_model([x], [y])), ready.dataset(64)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 0, 2) == GEAR_INVALID


def test_a_refused_gear_sticks_to_the_dataset_facts_1_10(ready: Acl) -> None:
    """What the device holds is another gear than the dataset says: strict mode sees it."""
    model = ready.load_model(CASES["batch"].data)
    inputs, outputs = ready.dataset(96, 8), ready.dataset(96)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 4) == codes.SUCCESS
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 5) == GEAR_INVALID
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0015"]
    ready.set("mode", "faithful")
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS


def test_no_gear_at_all_design_7(ready: Acl) -> None:
    """The device memory holds whatever it held; a device would run its last gear."""
    model = ready.load_model(CASES["batch"].data)
    inputs, outputs = ready.dataset(np.ones(24, np.float32).tobytes(), 8), ready.dataset(96)
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0014"]
    ready.set("mode", "faithful")
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS
    assert outputs.read(0) == (-np.ones(24, np.float32)).tobytes()


def test_the_gear_can_be_written_by_hand_facts_1_10(ready: Acl) -> None:
    """The input is ordinary device memory: what it holds is what counts."""
    model, outputs = ready.load_model(CASES["batch"].data), ready.dataset(96)
    x = np.arange(12, dtype=np.float32)
    inputs = ready.dataset(x.tobytes(), struct.pack("<Q", 4))
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS
    assert outputs.read(0)[:48] == (-x).tobytes()


def test_the_gear_input_is_counted_facts_1_11(ready: Acl) -> None:
    model = ready.load_model(CASES["batch"].data)
    inputs, outputs = ready.dataset(96), ready.dataset(96)
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.GE_FAILURE


@pytest.mark.parametrize(("missing", "status"), [(0, 0), (64, 0), (65, codes.GE_FAILURE)])
def test_buffers_need_the_bytes_of_the_gear_facts_1_11(
    ready: Acl, missing: int, status: int
) -> None:
    ready.set("mode", "faithful")
    model, outputs = ready.load_model(CASES["batch"].data), ready.dataset(96)
    inputs = ready.dataset(96, 8)
    ready.aclUpdateDataBuffer(inputs.buffers[0], inputs.address(0), 96 - missing)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 8) == codes.SUCCESS
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == status


def test_an_output_left_to_the_library_facts_1_11(ready: Acl) -> None:
    model, outputs = ready.load_model(CASES["batch"].data), ready.dataset(None)
    inputs = ready.dataset(np.float32([1, 2, 3]).tobytes(), 8)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 1) == codes.SUCCESS
    assert ready.aclmdlExecute(model, inputs.handle, outputs.handle) == codes.SUCCESS
    assert outputs.read(0)[:12] == np.float32([-1, -2, -3]).tobytes()
    assert ready.aclGetDataBufferSizeV2(outputs.buffers[0]) >= 96


def test_current_output_dims_facts_1_9(ready: Acl, case: Case) -> None:
    """Static until a gear is accepted, then that gear's; a refused one changes nothing."""
    model = ready.load_model(case.data)
    desc, inputs = ready.describe(model), ready.dataset(largest(case), 64)
    assert cur_dims(ready, desc) == (codes.SUCCESS, case.y.dims)
    for gear, dims in enumerate(case.full):
        assert set_gear(ready, case.gears.kind, model, inputs.handle, 1, case, gear) == 0
        assert cur_dims(ready, desc) == (codes.SUCCESS, dims)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 99) != codes.SUCCESS
    assert cur_dims(ready, desc) == (codes.SUCCESS, case.full[-1])


def test_current_output_dims_of_bad_arguments_facts_1_9(ready: Acl) -> None:
    model = ready.load_model(CASES["batch"].data)
    desc, dims = ready.describe(model), ready.new("aclmdlIODims *")
    assert ready.aclmdlGetCurOutputDims(ready.NULL, 0, dims) == codes.INVALID_PARAM
    assert ready.aclmdlGetCurOutputDims(desc, 0, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlGetCurOutputDims(desc, 1, dims) == codes.INVALID_PARAM
    assert ready.aclmdlUnload(model) == codes.SUCCESS
    assert cur_dims(ready, desc)[0] == codes.GE_MODEL_ID_INVALID


def test_a_gear_whose_shapes_are_not_listed_facts_1_9(ready: Acl) -> None:
    data = geared(Gears("batch", ((1,), (2,))), [Tensor("x", (-1,))], [Tensor("y", (2,))])
    model = ready.load_model(data)
    desc, inputs = ready.describe(model), ready.dataset(8, 8)
    assert cur_dims(ready, desc) == (codes.SUCCESS, (2,))
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 1) == codes.SUCCESS
    assert cur_dims(ready, desc)[0] == codes.FAILURE


def test_an_output_of_one_shape_facts_5_4(ready: Acl) -> None:
    """Gear -1 stands for all."""
    gears = Gears("batch", ((1,), (2,)), ((-1, 0, (3, 4)),))
    model = ready.load_model(geared(gears, [Tensor("x", (-1,))], [Tensor("y", (3, 4))]))
    desc, inputs = ready.describe(model), ready.dataset(8, 8)
    assert ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 2) == codes.SUCCESS
    assert cur_dims(ready, desc) == (codes.SUCCESS, (3, 4))


def test_a_dynamic_model_has_no_current_dims_facts_1_9(ready: Acl) -> None:
    x = Tensor("x", (-1,))
    model = ready.load_model(null_model([x], [x], dynamic=True))
    assert cur_dims(ready, ready.describe(model))[0] == codes.API_NOT_SUPPORT


def test_batches_are_told_facts_1_9(ready: Acl) -> None:
    desc = ready.describe(ready.load_model(CASES["batch"].data))
    batch, hw, count = ready.new("aclmdlBatch *"), ready.new("aclmdlHW *"), ready.new("size_t *")
    assert ready.aclmdlGetDynamicBatch(desc, batch) == codes.SUCCESS
    assert list(batch.batch[0 : batch.batchCount]) == [1, 4, 8]
    hw.hwCount = count[0] = 9
    assert ready.aclmdlGetDynamicHW(desc, ANY, hw) == codes.SUCCESS
    assert ready.aclmdlGetInputDynamicGearCount(desc, ANY, count) == codes.SUCCESS
    assert (hw.hwCount, count[0]) == (0, 0)


@pytest.mark.parametrize("index", [0, 1, ANY])
def test_resolutions_are_told_facts_1_9(ready: Acl, index: int) -> None:
    """Whatever the index is."""
    desc = ready.describe(ready.load_model(CASES["hw"].data))
    hw, batch = ready.new("aclmdlHW *"), ready.new("aclmdlBatch *")
    assert ready.aclmdlGetDynamicHW(desc, index, hw) == codes.SUCCESS
    assert [list(pair) for pair in hw.hw[0 : hw.hwCount]] == [[2, 2], [4, 6]]
    assert ready.aclmdlGetDynamicBatch(desc, batch) == codes.SUCCESS
    assert batch.batchCount == 0


def test_dims_are_told_facts_1_9(ready: Acl) -> None:
    desc, count = ready.describe(ready.load_model(CASES["dims"].data)), ready.new("size_t *")
    assert ready.aclmdlGetInputDynamicGearCount(desc, ANY, count) == codes.SUCCESS
    assert count[0] == 2
    dims = ready.new("aclmdlIODims[]", 2)
    assert ready.aclmdlGetInputDynamicDims(desc, ANY, dims, 2) == codes.SUCCESS
    assert [tuple(one.dims[0 : one.dimCount]) for one in dims] == list(DIMS_SHAPES)


@pytest.mark.parametrize("index", [0, 1, 2**32 - 1])
def test_the_index_must_be_minus_one_facts_1_9(ready: Acl, index: int) -> None:
    desc = ready.describe(ready.load_model(CASES["dims"].data))
    dims, count = ready.new("aclmdlIODims[]", 2), ready.new("size_t *")
    status = ready.aclmdlGetInputDynamicGearCount(desc, index, count)
    assert status == codes.INVALID_PARAM
    status = ready.aclmdlGetInputDynamicDims(desc, index, dims, 2)
    assert status == codes.INVALID_PARAM


def test_room_for_too_few_gears_facts_1_9(ready: Acl) -> None:
    desc, dims = ready.describe(ready.load_model(CASES["dims"].data)), ready.new("aclmdlIODims *")
    assert ready.aclmdlGetInputDynamicDims(desc, ANY, dims, 1) == codes.INVALID_PARAM


def test_null_arguments_facts_1_9(ready: Acl) -> None:
    desc = ready.describe(ready.load_model(CASES["batch"].data))
    for function, rest, to in (
        ("aclmdlGetDynamicBatch", (), "aclmdlBatch *"),
        ("aclmdlGetDynamicHW", (ANY,), "aclmdlHW *"),
        ("aclmdlGetInputDynamicGearCount", (ANY,), "size_t *"),
    ):
        call = getattr(ready, function)
        assert call(desc, *rest, ready.NULL) == codes.INVALID_PARAM
        assert call(ready.NULL, *rest, ready.new(to)) == codes.INVALID_PARAM
    status = ready.aclmdlGetInputDynamicDims(desc, ANY, ready.NULL, 9)
    assert status == codes.INVALID_PARAM


@pytest.mark.parametrize(("count", "status"), [(128, 0), (129, 300000)])
@pytest.mark.parametrize("kind", ["batch", "hw", "dims"])
def test_more_gears_than_a_struct_holds_facts_1_9(
    ready: Acl, kind: Any, count: int, status: int
) -> None:
    width = 2 if kind == "hw" else 1
    dims = (-1, -1) if kind == "hw" else (-1,)
    gears = Gears(kind, tuple((one,) * width for one in range(1, count + 1)), (), ("x",))
    desc = ready.describe(ready.load_model(geared(gears, [Tensor("x", dims)], [])))
    call, to, rest = {
        "batch": ("aclmdlGetDynamicBatch", "aclmdlBatch *", ()),
        "hw": ("aclmdlGetDynamicHW", "aclmdlHW *", (ANY,)),
        "dims": ("aclmdlGetInputDynamicGearCount", "size_t *", (ANY,)),
    }[kind]
    assert getattr(ready, call)(desc, *rest, ready.new(to)) == status


@pytest.mark.parametrize("values", [((1,), (2,)), ((1, 2, 3), (4, 5, 6))])
def test_gears_that_do_not_fit_the_inputs_facts_1_9(ready: Acl, values: Any) -> None:
    gears = Gears("dims", values, (), ("x",))
    desc = ready.describe(ready.load_model(geared(gears, [Tensor("x", (-1, -1))], [])))
    dims = ready.new("aclmdlIODims[]", 2)
    assert ready.aclmdlGetInputDynamicDims(desc, ANY, dims, 2) == codes.FAILURE


def test_dims_of_several_inputs_in_the_users_order_facts_1_10(ready: Acl) -> None:
    gears = Gears("dims", ((2, 3), (4, 5)), (), ("b", "a"))
    data = geared(gears, [Tensor("a", (7, -1)), Tensor("b", (-1,))], [])
    model = ready.load_model(data)
    desc, dims = ready.describe(model), ready.new("aclmdlIODims[]", 2)
    assert ready.aclmdlGetInputDynamicDims(desc, ANY, dims, 2) == codes.SUCCESS
    assert [tuple(one.dims[0 : one.dimCount]) for one in dims] == [(2, 7, 3), (4, 7, 5)]
    inputs = ready.dataset(8, 8, 16)
    status = ready.aclmdlSetInputDynamicDims(model, inputs.handle, 2, dims + 1)
    assert status == codes.SUCCESS
    assert struct.unpack("<2Q", inputs.read(2)) == (4, 5)


def test_what_a_description_says_of_a_geared_model_facts_1_9(ready: Acl, case: Case) -> None:
    """Open dims stay open, there are no ranges, outputs are the largest."""
    desc = ready.describe(ready.load_model(case.data))
    index, dims = ready.new("size_t *"), ready.new("aclmdlIODims *")
    ranges = ready.new("aclmdlIODimsRange *")
    assert ready.aclmdlGetInputIndexByName(desc, NAME.encode(), index) == codes.SUCCESS
    assert index[0] == 1
    assert ready.aclmdlGetInputDims(desc, 0, dims) == codes.SUCCESS
    assert tuple(dims.dims[0 : dims.dimCount]) == case.x.dims
    ranges.rangeCount = 9
    assert ready.aclmdlGetInputDimsRange(desc, 0, ranges) == codes.SUCCESS
    assert ranges.rangeCount == 0
    ranges.rangeCount = 9
    assert ready.aclmdlGetInputDimsRange(desc, 99, ranges) == codes.SUCCESS, "facts 1.9"
    assert ranges.rangeCount == 0, "the gears are asked before the index (model_om2.cpp:474-480)"
    assert ready.aclmdlGetOutputDims(desc, 0, dims) == codes.SUCCESS
    assert tuple(dims.dims[0 : dims.dimCount]) == case.y.dims
    assert ready.aclmdlGetOutputSizeByIndex(desc, 0) == largest(case)


def test_a_description_from_memory_tells_gears_facts_1_9(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    data, desc, batch = CASES["batch"].data, acl.aclmdlCreateDesc(), acl.new("aclmdlBatch *")
    assert acl.aclmdlGetDescFromMem(desc, acl.hold(data), len(data)) == codes.SUCCESS
    assert acl.aclmdlGetDynamicBatch(desc, batch) == codes.SUCCESS
    assert batch.batchCount == 3


def test_set_gear_needs_a_context_facts_8(ready: Acl) -> None:
    """It ends in a copy to the device."""
    model, inputs = ready.load_model(CASES["batch"].data), ready.dataset(96, 8)
    assert ready.aclrtResetDevice(0) == codes.SUCCESS
    status = ready.aclmdlSetDynamicBatchSize(model, inputs.handle, 1, 4)
    assert status == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("kind", sorted(CASES))
@pytest.mark.parametrize("cut", [1, 4, 8])
def test_damaged_gear_blocks_facts_5_4(ready: Acl, kind: str, cut: int) -> None:
    """A block that promises more than it has is refused, and nothing is read past its end."""
    case = CASES[kind]
    number = {"batch": 2, "hw": 3, "dims": 4}[kind]
    block = dict(gear_bytes(case.gears))[number][:-cut]
    listed = inout.write([case.x.info], [case.y.info]) + struct.pack("<II", number, len(block))
    parts = [
        (PartitionType.MODEL_INOUT_INFO, [listed + block]),
        (PartitionType.MODEL_DEF, [DEFINITION]),
        (PartitionType.TASK_INFO, [program(NULL)]),
    ]
    data = om.write_model(parts, header=Header()).to_bytes()
    model = ready.new("uint32_t *")
    status = ready.aclmdlLoadFromMem(ready.hold(data), len(data), model)
    assert status == codes.GE_FAILURE


def test_two_models_do_not_share_a_gear_facts_1_10(ready: Acl) -> None:
    one, two = (ready.load_model(CASES["batch"].data) for _ in range(2))
    inputs = ready.dataset(96, 8)
    assert ready.aclmdlSetDynamicBatchSize(one, inputs.handle, 1, 1) == codes.SUCCESS
    assert cur_dims(ready, ready.describe(one)) == (codes.SUCCESS, (1, 3))
    assert cur_dims(ready, ready.describe(two)) == (codes.SUCCESS, (8, 3))


@pytest.mark.parametrize(
    ("at", "gear", "told"),
    [
        (12, 0, []),  # one row of 12 bytes
        (12, 1, ["AB-MDL-0016"]),  # four rows
        (96, 2, []),
        (256 - 92, 2, ["AB-MDL-0016"]),  # the end of eight rows over the gear's number
    ],
)
def test_what_a_gear_needs_may_not_overlap(ready: Acl, at: int, gear: int, told: list[str]) -> None:
    """The bytes of the gear's tensors count, whatever larger buffers are given."""
    case = CASES["batch"]
    model = ready.load_model(case.data)
    base = ready.ffi.cast("char *", ready.on_device(np.ones(128, np.float32).tobytes()))
    inputs, outputs = ready.aclmdlCreateDataset(), ready.aclmdlCreateDataset()
    for dataset, address, size in ((inputs, base, 96), (inputs, base + 256, 8), (outputs, at, 96)):
        place = base + address if isinstance(address, int) else address
        assert ready.aclmdlAddDatasetBuffer(dataset, ready.aclCreateDataBuffer(place, size)) == 0
    assert set_gear(ready, "batch", model, inputs, 1, case, gear) == codes.SUCCESS
    status = ready.aclmdlExecute(model, inputs, outputs)
    assert ready.violations() == told
    assert (status == codes.SUCCESS) == (not told)
