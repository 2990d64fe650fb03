"""Dynamic AIPP in a model with gears (facts 13.9)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from acl_bundle.om._container.gears import INPUT_NAME

from .. import codes
from ..face import ND, Acl
from . import models, reference
from .models import NHWC, PARAMETERS, UINT8, fields
from .test_info import INVALID, described, dims, kind, refused
from .test_input import CASES, PLAIN, Session, images

BATCHES = (1, 2, 4)
LARGEST = 4 * 10 * 12 * 4
GRAPH = (-1, 3, 6, 8)
FEW, NO_GEAR, OTHER_GEAR, UNSET = "AB-MDL-0010", "AB-MDL-0014", "AB-MDL-0015", "AB-MDL-0020"
Array = NDArray[Any]


class GearSession(Session):
    """A loaded model with gears, its datasets, parameters of the largest gear."""

    def __init__(
        self, acl: Acl, graph: Sequence[int], kind: str, *values: Sequence[int], **options: Any
    ) -> None:
        shapes = [models.filled(graph, one) for one in values]
        self.acl, self.graph = acl, graph
        self.dims = max(shapes, key=lambda shape: int(np.prod(shape)))
        self.batch = self.dims[0]
        data = models.in_gears(graph, LARGEST, kind, *values, **options)
        self.model = acl.load_model(data)
        self.given = acl.dataset(LARGEST, 8 * len(values[0]), 64 + 96 * self.batch)
        self.made = acl.dataset(4 * int(np.prod(self.dims)))
        self.one = acl.aclmdlCreateAIPP(self.batch)

    def set(self, index: int = 2, dataset: Any = None) -> int:
        return super().set(index, dataset)

    def gear(self, *values: int) -> int:
        acl, calls = self.acl, ("aclmdlSetDynamicBatchSize", "aclmdlSetDynamicHWSize")
        call = getattr(acl, calls[len(values) - 1])
        return int(call(self.model, self.given.handle, 1, *values))

    def answer_of(self, *values: int) -> Array:
        shape = models.filled(self.graph, values)
        found = np.frombuffer(self.made.read(0), np.float32)
        return found[: int(np.prod(shape))].reshape(shape)


@pytest.fixture
def session(ready: Acl) -> Iterator[GearSession]:
    made = GearSession(ready, GRAPH, "batch", *((one,) for one in BATCHES))
    yield made
    made.close()


def size_of(one: dict[str, Any]) -> tuple[int, int]:
    return one["src_image_size_w"], one["src_image_size_h"]


def test_both_inputs_are_found_by_name_facts_13_9(session: GearSession) -> None:
    acl, model = session.acl, session.model
    desc, index = acl.describe(model), acl.new("size_t *")
    for name, at in (("x", 0), (INPUT_NAME, 1), (PARAMETERS, 2)):
        assert acl.aclmdlGetInputIndexByName(desc, name.encode(), index) == 0
        assert index[0] == at
    assert acl.aclmdlDestroyDesc(desc) == 0
    assert dims(acl, model, 0) == dims(acl, model, 0, second=True) == [-1, -1, -1, -1]
    assert described(acl, model, 0) == (UINT8, NHWC, LARGEST)
    assert described(acl, model, 2) == (UINT8, ND, 64 + 96 * max(BATCHES))
    assert [kind(acl, model, at) for at in range(3)] == [
        (0, 2, 2),
        (0, 0, INVALID),
        (0, 3, INVALID),
    ]
    info = acl.new("aclAippInfo *")
    assert acl.aclmdlGetFirstAippInfo(model, 0, info) == 0
    told = [tuple(info.outDims[at].srcDims.dims[0:4]) for at in range(info.shapeCount)]
    assert told == [(batch, *GRAPH[1:]) for batch in BATCHES]


@pytest.mark.parametrize("gear_first", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_each_gear_computes_with_what_was_set_facts_13_9(
    session: GearSession, case: str, gear_first: bool
) -> None:
    one = CASES[case]
    session.put(one)
    given = images(one, max(BATCHES))
    session.given.write(0, given.tobytes())
    for batch in (4, 1, 2, 4):
        calls: list[Callable[[], int]] = [lambda n=batch: session.gear(n), session.set]
        for call in calls if gear_first else reversed(calls):
            assert call() == 0
        assert session.run() == 0
        expected = reference.expected(given[:batch], one, 3, size_of(one))
        np.testing.assert_array_equal(session.answer_of(batch), expected)


def test_parameters_stay_when_the_gear_changes_facts_13_9(session: GearSession) -> None:
    """The first so many of them are the gear's."""
    session.put(PLAIN)
    parts = [{**PLAIN, "mean_chn_0": 50 * at, "var_reci_chn_1": 0.5 + at} for at in range(4)]
    for at, part in enumerate(parts):
        session.part(at, part)
    given = images(PLAIN, max(BATCHES))
    session.given.write(0, given.tobytes())
    assert session.set() == 0
    for batch in (2, 4, 1):
        assert session.gear(batch) == 0
        assert session.run() == 0
        expected = [reference.expected(given[at : at + 1], parts[at], 3, (8, 6))
                    for at in range(batch)]  # fmt: skip
        np.testing.assert_array_equal(session.answer_of(batch), np.concatenate(expected))


@pytest.mark.parametrize("gear", [None, 1, 2, 4])
def test_parameters_are_of_the_largest_gear_facts_13_9(
    session: GearSession, gear: int | None
) -> None:
    acl, mine = session.acl, session.one
    assert gear is None or session.gear(gear) == 0
    before = session.given.read(2)
    for batch in (1, 2, 3, 5):
        session.one, session.batch = acl.aclmdlCreateAIPP(batch), batch
        session.put(PLAIN)
        assert session.set() == codes.INVALID_PARAM
        assert f"AIPP makes {batch} images" in (said := acl.message() or "")
        assert "the model takes 4" in said
        assert acl.aclmdlDestroyAIPP(session.one) == 0
    assert session.given.read(2) == before
    session.one, session.batch = mine, 4
    session.put(PLAIN)
    assert session.set() == 0


def test_a_gears_own_bytes_are_enough_facts_13_9(session: GearSession) -> None:
    acl = session.acl
    session.put(PLAIN)
    given = images(PLAIN, max(BATCHES))
    each = given.shape[1]
    assert session.set() == 0
    assert session.gear(2) == 0
    buffer = session.given.buffers[0]
    whole = acl.aclGetDataBufferAddr(buffer)
    exact = acl.on_device(given[:2].tobytes())
    assert acl.aclUpdateDataBuffer(buffer, exact, 2 * each) == 0
    assert session.run() == 0
    expected = reference.expected(given[:2], PLAIN, 3, (8, 6))
    np.testing.assert_array_equal(session.answer_of(2), expected)
    for short in (0, 1, each, 2 * each - 1):
        assert acl.aclUpdateDataBuffer(buffer, exact, short) == 0
        assert session.run() == codes.GE_FAILURE
        assert acl.violations() == [FEW]
        assert f"{short} bytes" in (acl.message() or "")
    assert acl.aclUpdateDataBuffer(buffer, exact, 2 * each + 1) == 0
    assert session.run() == codes.GE_FAILURE, "the memory ends before"
    assert acl.violations() == [FEW]
    assert acl.aclUpdateDataBuffer(buffer, whole, LARGEST) == 0
    assert session.run() == 0


def test_what_was_forgotten_is_told_facts_13_9(session: GearSession) -> None:
    acl = session.acl
    session.put(PLAIN)
    assert session.set() == 0
    assert session.run() == codes.GE_FAILURE, "no gear was set"
    assert acl.violations() == [NO_GEAR]
    session.given.write(2, bytes(64 + 96 * 4))
    assert session.gear(2) == 0
    assert session.run() == codes.GE_FAILURE, "no parameters were set"
    assert acl.violations() == [UNSET]
    assert session.set() == 0
    assert session.gear(3) == 145013
    assert session.run() == codes.GE_FAILURE, "another was wished for, and refused"
    assert acl.violations() == [OTHER_GEAR]
    assert session.gear(2) == 0
    assert session.run() == 0


def test_exchanged_inputs_are_refused_facts_13_9(session: GearSession) -> None:
    acl, given = session.acl, session.given
    session.put(PLAIN)
    assert session.set() == 0
    assert session.gear(4) == 0
    before = given.read(1), given.read(2)
    for index in (0, 1):
        assert session.set(index) == codes.INVALID_PARAM
    for index in (1, 2):
        by_input = acl.aclmdlSetAIPPByInputIndex
        assert by_input(session.model, given.handle, index, session.one) == codes.FAILURE
    assert (given.read(1), given.read(2)) == before
    assert session.run() == 0
    wrong = acl.aclmdlSetDynamicBatchSize(session.model, given.handle, 2, 1)
    assert wrong == 0, "ACL writes where it is told to"
    assert session.run() == codes.GE_FAILURE
    assert acl.violations() == [OTHER_GEAR]


@pytest.mark.parametrize("function", ["aclmdlSetDynamicBatchSize", "aclmdlSetInputAIPP"])
def test_a_call_that_fails_changes_nothing(session: GearSession, function: str) -> None:
    acl, given = session.acl, images(PLAIN, 4)
    session.given.write(0, given.tobytes())
    session.put(PLAIN)
    assert session.set() == session.gear(2) == 0
    session.put({**PLAIN, "mean_chn_0": 9})
    before = session.given.read(1), session.given.read(2)
    calls = {
        "aclmdlSetDynamicBatchSize": lambda: session.gear(4),
        "aclmdlSetInputAIPP": session.set,
    }
    for code in (100000, 207001, 507011):
        acl.fail(function, 1, code)
        assert calls[function]() == code
        assert (session.given.read(1), session.given.read(2)) == before
    assert session.run() == 0
    expected = reference.expected(given[:2], PLAIN, 3, (8, 6))
    np.testing.assert_array_equal(session.answer_of(2), expected)
    assert calls[function]() == 0
    assert session.run() == 0


def test_a_queued_run_keeps_its_gear_and_its_parameters(session: GearSession) -> None:
    acl, given = session.acl, images(PLAIN, 4)
    session.given.write(0, given.tobytes())
    session.put(PLAIN)
    assert session.set() == session.gear(2) == 0
    stream = acl.new("aclrtStream *")
    assert acl.aclrtCreateStream(stream) == 0
    sets = session.given.handle, session.made.handle
    assert acl.aclmdlExecuteAsync(session.model, *sets, stream[0]) == 0
    assert acl.aclrtSynchronizeStream(stream[0]) == 0
    assert acl.aclrtDestroyStream(stream[0]) == 0
    expected = reference.expected(given[:2], PLAIN, 3, (8, 6))
    np.testing.assert_array_equal(session.answer_of(2), expected)


SIZES = ((6, 8), (4, 4), (8, 6))  # the first of the two largest is what ACL compares with
OPEN = {False: (2, 3, -1, -1), True: (2, -1, -1, 3)}


def with_size(height: int, width: int, **given: Any) -> dict[str, Any]:
    return fields(src_image_size_w=width, src_image_size_h=height, **given)


@pytest.mark.parametrize("nhwc", [False, True])
def test_heights_and_widths_facts_13_9(ready: Acl, nhwc: bool) -> None:
    session = GearSession(ready, OPEN[nhwc], "hw", *SIZES, nhwc=nhwc)
    for size in SIZES[1:]:
        session.put(with_size(*size))
        assert session.set() == codes.INVALID_PARAM
        assert "the model takes 2 of 8 x 6" in (ready.message() or "")
    session.put(PLAIN)
    assert session.set() == 0
    given = images(PLAIN)
    session.given.write(0, given.tobytes())
    assert session.gear(6, 8) == 0
    assert session.run() == 0
    expected = reference.expected(given, PLAIN, 3, (8, 6))
    found = session.answer_of(6, 8)
    np.testing.assert_array_equal(np.moveaxis(found, 3, 1) if nhwc else found, expected)
    assert session.gear(4, 4) == 0
    assert session.run() == codes.GE_FAILURE
    assert ready.violations() == [UNSET]
    assert "AIPP makes 2 images of 8 x 6" in (ready.message() or "")
    head = bytearray(session.given.read(2))
    struct.pack_into("<2i", head, 8, 4, 4)
    session.given.write(2, bytes(head))
    small = with_size(4, 4)
    given = images(small)
    session.given.write(0, given.tobytes())
    assert session.run() == 0, "what lies in memory counts"
    expected = reference.expected(given, small, 3, (4, 4))
    found = session.answer_of(4, 4)
    np.testing.assert_array_equal(np.moveaxis(found, 3, 1) if nhwc else found, expected)
    session.close()


@pytest.mark.parametrize(
    "one",
    [
        with_size(8, 9, crop=1, crop_size_w=8, crop_size_h=6),
        with_size(6, 7, padding=1, left_padding_size=1),
    ],
)
def test_no_crop_or_padding_with_them_facts_13_9(ready: Acl, one: dict[str, Any]) -> None:
    session = GearSession(ready, OPEN[False], "hw", *SIZES)
    session.put(one)
    assert session.set() == session.gear(6, 8) == 0, "ACL does not look at it"
    assert session.run() == codes.GE_FAILURE
    assert ready.violations() == [UNSET]
    assert "no crop or padding" in (ready.message() or "")
    session.close()


WRONG: dict[str, tuple[Sequence[int], str, tuple[Sequence[int], ...], dict[str, Any], str]] = {
    "dims": ((-1, 3, 6, 8), "dims", ((1,), (2,)), {}, "gears do not say"),
    "dims of another input": ((2, 3, 6, 8), "dims", ((1,), (2,)), {}, "gears of dims"),
    "size by batch": ((2, 3, -1, 8), "batch", ((1,), (2,)), {}, "gears do not say"),
    "batch by size": ((-1, 3, 6, -1), "hw", ((1, 8), (2, 8)), {}, "gears do not say"),
    "channels": ((1, -1, -1, 8), "hw", ((3, 6), (3, 7)), {}, "gears do not say"),
    "height alone": ((1, 3, -1, 8), "hw", ((6, 8), (7, 8)), {}, "gears do not say"),
    "no width": ((1, 3, -1, -1), "hw", ((6, 8), (6, 0)), {}, "dim 3 of the graph's tensor is 0"),
    "no images": ((-1, 3, 6, 8), "batch", ((0,), (2,)), {}, "dim 0 of the graph's tensor is 0"),
    "too many": ((-1, 3, 6, 8), "batch", ((2**31,),), {}, "dim 0"),
    "huge": ((1, 3, -1, -1), "hw", ((6, 8), (2**63, 8)), {}, "dim 2"),
    "gear's input": ((-1, 3, 6, 8), "batch", ((1,), (2,)), {"parameters": 1}, "no room"),
    "none": ((-1, 3, 6, 8), "batch", ((1,), (2,)), {"parameters": 3}, "is none"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_records_that_do_not_fit_the_gears_are_refused(ready: Acl, case: str) -> None:
    graph, gears, values, options, said = WRONG[case]
    refused(ready, packed(graph, gears, values, options), said)


def packed(
    graph: Sequence[int], gears: str, values: Sequence[Sequence[int]], options: dict[str, Any]
) -> bytes:
    """As `models.in_gears`, of numbers that are none of images."""
    small = [[min(one, 64) for one in row] for row in values]
    data = models.in_gears(graph, 1000, gears, *small, **options)
    for row, given in zip(small, values, strict=True):
        if row != list(given):
            old, new = (struct.pack(f"<{len(row)}Q", *one) for one in (row, given))
            assert data.count(old) > 0
            data = data.replace(old, new)
    return data


def test_the_room_for_parameters_is_the_largest_gears_facts_13_9(ready: Acl) -> None:
    data = models.in_gears(GRAPH, 1000, "batch", (1,), (4,))
    size = struct.pack("<q", 64 + 96 * 4)
    assert data.count(size) > 0
    refused(ready, data.replace(size, struct.pack("<q", 64 + 96 * 4 - 1)), "no room")
