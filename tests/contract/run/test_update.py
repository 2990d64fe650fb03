"""The weight-update graph: what assigns, what keeps, what is refused (facts 4.3, 6.10-6.15)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from .. import codes
from ..face import FLOAT, FLOAT16, INT32, Acl, Dataset
from ..programs import Linear, Tensor, bundle, places, update_model

NEW_W = np.float32([[1, -1], [2, -2], [3, -3]])
NEW_B = np.float32([100, 200])


@dataclass
class Loaded:
    """The linear bundle after its init graph, over variable memory that the test reads."""

    acl: Acl
    linear: Linear
    memory: object
    update: int
    inputs: Dataset

    def run(self) -> int:
        empty = self.acl.dataset()
        return int(self.acl.aclmdlExecute(self.update, self.inputs.handle, empty.handle))

    @property
    def w(self) -> bytes:
        return self.acl.download(self.memory, 24)

    @property
    def b(self) -> bytes:
        offset = places(self.linear.variables)[0][1]
        return self.acl.download(self.acl.ffi.cast("char *", self.memory) + offset, 8)


@pytest.fixture
def loaded(ready: Acl, linear: Linear) -> Loaded:
    memory = ready.malloc(linear.variable_size)
    made = ready.init_bundle(linear.to_bytes(), memory, linear.variable_size)
    init, update = (ready.load_model_of(made, index) for index in (1, 2))
    empty = ready.dataset()
    assert ready.aclmdlExecute(init, empty.handle, empty.handle) == codes.SUCCESS
    inputs = ready.dataset(NEW_W.tobytes(), NEW_B.tobytes())
    return Loaded(ready, linear, memory, update, inputs)


def test_both_weights_facts_4_3(loaded: Loaded) -> None:
    loaded.inputs.describe(0, (3, 2))
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.SUCCESS
    assert (loaded.w, loaded.b) == (NEW_W.tobytes(), NEW_B.tobytes())


@pytest.mark.parametrize("empty", [(0,), (4, 0), (0, 2), (3, 0), (0, 0), (2, 0, 3)])
def test_any_zero_dim_keeps_the_weight_facts_4_3(loaded: Loaded, empty: tuple[int, ...]) -> None:
    loaded.inputs.describe(0, empty)
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.SUCCESS
    assert (loaded.w, loaded.b) == (loaded.linear.w.tobytes(), NEW_B.tobytes())


def test_keeping_everything_facts_4_3(loaded: Loaded) -> None:
    for index in (0, 1):
        loaded.inputs.describe(index, (0,))
    assert loaded.run() == codes.SUCCESS
    assert (loaded.w, loaded.b) == (loaded.linear.w.tobytes(), loaded.linear.b.tobytes())


def test_kept_weights_need_only_a_byte_facts_4_3(loaded: Loaded) -> None:
    loaded.inputs = loaded.acl.dataset(1, NEW_B.tobytes())
    loaded.inputs.describe(0, (0,))
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.SUCCESS
    assert loaded.b == NEW_B.tobytes()


def test_kept_weights_need_that_byte_facts_4_3(loaded: Loaded) -> None:
    loaded.inputs = loaded.acl.dataset(None, NEW_B.tobytes())
    loaded.inputs.describe(0, (0,))
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0006"]


def test_a_stale_empty_description_is_refused_when_strict_facts_6_11(loaded: Loaded) -> None:
    """New bytes came after the description had kept the weight once."""
    loaded.inputs.describe(0, (0,))
    loaded.inputs.describe(1, (2,))
    assert [loaded.run(), loaded.run()] == [codes.SUCCESS] * 2
    loaded.inputs.write(0, (NEW_W + 1).tobytes())
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0013"]
    assert loaded.w == loaded.linear.w.tobytes()
    loaded.inputs.describe(0, (0,))
    assert loaded.run() == codes.SUCCESS
    assert loaded.w == loaded.linear.w.tobytes()


def test_a_kept_weight_may_lend_its_memory_to_another_facts_6_11(loaded: Loaded) -> None:
    """A staging area that weights share says nothing about any of them."""
    acl, inputs = loaded.acl, loaded.inputs
    area = acl.malloc(4096)
    acl.aclUpdateDataBuffer(inputs.buffers[0], area, 24)
    inputs.describe(0, (0,))
    inputs.describe(1, (2,))
    for value in (1, 2):
        acl.upload(area, bytes([value]) * 24)
        assert loaded.run() == codes.SUCCESS
    assert loaded.w == loaded.linear.w.tobytes()


def test_a_stale_empty_description_sticks_when_faithful_facts_6_11(loaded: Loaded) -> None:
    """The trap: new bytes, return code 0, and nothing happens."""
    loaded.acl.set("mode", "faithful")
    loaded.inputs.describe(0, (0,))
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.SUCCESS
    loaded.inputs.write(0, NEW_W.tobytes())
    assert loaded.run() == codes.SUCCESS
    assert loaded.w == loaded.linear.w.tobytes()
    loaded.inputs.describe(0, (3, 2))
    assert loaded.run() == codes.SUCCESS
    assert loaded.w == NEW_W.tobytes()


@pytest.mark.parametrize("missing", [0, 1])
def test_no_description_is_not_a_skip_facts_4_3_8(loaded: Loaded, missing: int) -> None:
    loaded.inputs.describe(1 - missing, (3, 2) if missing else (2,))
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0002"]
    assert loaded.acl.message()
    assert (loaded.w, loaded.b) == (loaded.linear.w.tobytes(), loaded.linear.b.tobytes())


def test_a_cleared_description_is_none_facts_4_3(loaded: Loaded) -> None:
    loaded.inputs.describe(0, (3, 2))
    loaded.inputs.describe(1, (2,))
    loaded.inputs.clear(0)
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0002"]


@pytest.mark.parametrize("dims", [(2, 3), (6,), (3, 3), (1,), (3, 2, 1), (-2,), (-1, 2)])
def test_a_wrong_shape_is_refused_when_strict_facts_8(
    loaded: Loaded, dims: tuple[int, ...]
) -> None:
    """All are validated before any is assigned: the right one stays out, too."""
    loaded.inputs = loaded.acl.dataset(bytes(256), NEW_B.tobytes())
    loaded.inputs.describe(0, dims)
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0003"]
    assert (loaded.w, loaded.b) == (loaded.linear.w.tobytes(), loaded.linear.b.tobytes())


def test_all_weights_are_validated_before_any_is_assigned_facts_8(loaded: Loaded) -> None:
    """Here the first is right and the second is wrong."""
    loaded.inputs.describe(0, (3, 2))
    loaded.inputs.describe(1, (3,))
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0003"]
    assert (loaded.w, loaded.b) == (loaded.linear.w.tobytes(), loaded.linear.b.tobytes())


@pytest.mark.parametrize("dims", [(2, 3), (6,), (3, 2, 1), (50,)])
def test_a_wrong_shape_is_taken_when_faithful_facts_4_3_8(
    loaded: Loaded, dims: tuple[int, ...]
) -> None:
    """As the real library does; the weight's own bytes move."""
    loaded.acl.set("mode", "faithful")
    loaded.inputs = loaded.acl.dataset(NEW_W.tobytes() + bytes(232), NEW_B.tobytes())
    loaded.inputs.describe(0, dims)
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.SUCCESS
    assert (loaded.w, loaded.b) == (NEW_W.tobytes(), NEW_B.tobytes())
    loaded.acl.violations()


def test_a_short_buffer_is_refused_when_strict_facts_8(loaded: Loaded) -> None:
    loaded.inputs = loaded.acl.dataset(NEW_W.tobytes()[:8], NEW_B.tobytes())
    loaded.inputs.describe(0, (3, 2))
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.GE_FAILURE
    assert loaded.acl.violations() == ["AB-MDL-0004"]
    assert (loaded.w, loaded.b) == (loaded.linear.w.tobytes(), loaded.linear.b.tobytes())


def test_a_short_buffer_is_clipped_when_faithful_facts_8(loaded: Loaded) -> None:
    loaded.acl.set("mode", "faithful")
    loaded.inputs = loaded.acl.dataset(NEW_W.tobytes()[:8], NEW_B.tobytes())
    loaded.inputs.describe(0, (3, 2))
    loaded.inputs.describe(1, (2,))
    assert loaded.run() == codes.SUCCESS
    assert loaded.w == NEW_W.tobytes()[:8] + loaded.linear.w.tobytes()[8:]
    loaded.acl.violations()


@pytest.mark.parametrize("what", ["host", "freed"])
def test_memory_the_device_cannot_read_design_7(loaded: Loaded, what: str) -> None:
    acl, buffer = loaded.acl, loaded.inputs.buffers[1]
    loaded.inputs.describe(0, (3, 2))
    loaded.inputs.describe(1, (2,))
    if what == "freed":
        assert acl.aclrtFree(loaded.inputs.address(1)) == codes.SUCCESS
    else:
        acl.aclUpdateDataBuffer(buffer, acl.hold(bytearray(8)), 8)
    assert loaded.run() == codes.GE_FAILURE
    assert acl.violations() == ["AB-RT-0015" if what == "host" else "AB-RT-0010"]
    assert loaded.w == loaded.linear.w.tobytes(), "the first weight was not assigned either"


def test_dtype_and_format_of_the_description_do_not_count_facts_6_21(loaded: Loaded) -> None:
    loaded.inputs.describe(0, (3, 2), dtype=INT32)
    loaded.inputs.describe(1, (2,), dtype=FLOAT16)
    assert loaded.run() == codes.SUCCESS
    assert (loaded.w, loaded.b) == (NEW_W.tobytes(), NEW_B.tobytes())


def test_every_weight_needs_its_buffer_facts_1_11(loaded: Loaded) -> None:
    loaded.inputs = loaded.acl.dataset(NEW_W.tobytes())
    loaded.inputs.describe(0, (3, 2))
    assert loaded.run() == codes.INVALID_PARAM


def test_outputs_must_be_an_empty_dataset_facts_4_1(loaded: Loaded) -> None:
    acl, given = loaded.acl, loaded.inputs
    given.describe(0, (3, 2))
    given.describe(1, (2,))
    assert acl.aclmdlExecute(loaded.update, given.handle, acl.NULL) == codes.INVALID_PARAM
    full = acl.dataset(16)
    assert acl.aclmdlExecute(loaded.update, given.handle, full.handle) == codes.GE_FAILURE
    assert loaded.w == loaded.linear.w.tobytes()


def scalar(acl: Acl, dtype: int, before: bytes, after: bytes) -> tuple[int, bytes]:
    """Update a weight of rank 0 and return the status and what it is then."""
    weight = Tensor("s_var", (), dtype)
    size = places([weight])[1]
    memory = acl.malloc(size)
    acl.upload(memory, before)
    made = acl.init_bundle(bundle(update_model([weight]), variables=size), memory, size)
    update, inputs = acl.load_model_of(made, 0), acl.dataset(after)
    inputs.describe(0, ())
    status = acl.aclmdlExecute(update, inputs.handle, acl.dataset().handle)
    return int(status), acl.download(memory, len(before))


@pytest.mark.parametrize(
    ("dtype", "kind", "value"),
    [(FLOAT, np.float32, 2.5), (FLOAT, np.float32, -1), (INT32, np.int32, 7), (9, np.int64, -7),
     (11, np.float64, 0.5), (12, np.bool_, True), (2, np.int8, -1)],
)  # fmt: skip
def test_a_scalar_that_is_not_zero_is_assigned_facts_4_3(
    ready: Acl, dtype: int, kind: type[np.generic], value: float
) -> None:
    before, after = kind(1).tobytes(), kind(value).tobytes()
    assert scalar(ready, dtype, before, after) == (codes.SUCCESS, after)


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [(FLOAT, np.float32), (INT32, np.int32), (9, np.int64), (11, np.float64), (12, np.bool_)],
)
def test_a_scalar_that_is_zero_keeps_the_weight_facts_4_3(
    ready: Acl, dtype: int, kind: type[np.generic]
) -> None:
    before = kind(1).tobytes()
    assert scalar(ready, dtype, before, kind(0).tobytes()) == (codes.SUCCESS, before)


@pytest.mark.parametrize("value", [1e-12, -1e-12, -0.0])
def test_a_float_below_epsilon_counts_as_zero_facts_4_3(ready: Acl, value: float) -> None:
    before = np.float32(1).tobytes()
    after = np.float32(value).tobytes()
    assert scalar(ready, FLOAT, before, after) == (codes.SUCCESS, before)


@pytest.mark.parametrize("dtype", [FLOAT16, 27])
def test_a_scalar_in_half_precision_cannot_be_updated_facts_4_3(ready: Acl, dtype: int) -> None:
    """A crash or an exception on the device; refused here."""
    before = b"\x00\x3c"
    status, after = scalar(ready, dtype, before, b"\x00\x40")
    assert status != codes.SUCCESS
    assert after == before
    assert ready.violations() == ["AB-MDL-0005"]
