"""Marks of the program, and steps on streams (facts 12.5, 12.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..streams import new_stream, slow
from ..threads import elsewhere
from .config import MSPROFTX, TASK_TIME, begin, config, files

FAILED = -1


@pytest.fixture
def marked(ready: Acl, tmp_path: Path) -> Iterator[Acl]:
    """The library while marks are taken."""
    begin(ready, tmp_path)
    wanted = config(ready, [0], MSPROFTX | TASK_TIME)
    assert ready.aclprofStart(wanted) == 0
    yield ready
    assert ready.aclprofFinalize() == 0


def stamp(acl: Acl, message: str) -> Any:
    made = acl.aclprofCreateStamp()
    assert made != acl.NULL
    data = message.encode()
    assert acl.aclprofSetStampTraceMessage(made, data, len(data)) == 0
    return made


def marks(path: Path) -> list[dict[str, Any]]:
    return [row for row in files(path)["host/calls.jsonl"] if "mark" in row]


def test_marks_pushes_and_ranges_facts_12_5(marked: Acl, tmp_path: Path) -> None:
    outer, inner, beside = (stamp(marked, one) for one in ("outer", "inner", "beside"))
    ranged = marked.new("uint32_t *")
    assert marked.aclprofPush(outer) == 0
    assert marked.aclprofRangeStart(beside, ranged) == 0
    assert marked.aclprofPush(inner) == 0
    assert marked.aclprofMark(inner) == 0
    assert marked.aclprofPop() == 0
    assert marked.aclprofPop() == 0
    assert elsewhere(lambda: marked.aclprofRangeStop(ranged[0])) == 0, "of any thread"
    rows = marks(tmp_path)
    assert [(row["mark"], row["type"]) for row in rows] == [
        ("inner", "mark"), ("inner", "push"), ("outer", "push"), ("beside", "range"),
    ]  # fmt: skip
    assert rows[0]["ns"] == 0
    assert rows[2]["start_ns"] <= rows[1]["start_ns"]
    assert rows[2]["start_ns"] + rows[2]["ns"] >= rows[1]["start_ns"] + rows[1]["ns"]


def test_each_thread_has_a_stack_facts_8(marked: Acl) -> None:
    assert marked.aclprofPush(stamp(marked, "here")) == 0
    assert elsewhere(marked.aclprofPop) == FAILED
    assert marked.aclprofPop() == 0
    assert marked.aclprofPop() == FAILED
    assert marked.message() == ("aclprofPop: this thread has pushed no stamp that was not popped")


def test_what_a_dead_stamp_began_is_gone(marked: Acl) -> None:
    one, ranged = stamp(marked, "x"), marked.new("uint32_t *")
    marked.aclprofPush(one)
    marked.aclprofRangeStart(one, ranged)
    marked.aclprofDestroyStamp(one)
    assert marked.aclprofPop() == marked.aclprofRangeStop(ranged[0]) == FAILED
    marked.message()
    assert marked.aclprofMark(one) == 107000
    assert marked.violations() == ["AB-RT-0002"]
    marked.message()


def test_only_while_marks_are_taken_facts_12_5(ready: Acl) -> None:
    assert ready.aclprofCreateStamp() == ready.NULL
    told = "aclprofCreateStamp: no aclprofStart with ACL_PROF_MSPROFTX runs"
    assert ready.message() == told
    stream, ranged = new_stream(ready), ready.new("uint32_t *")
    for status in (
        ready.aclprofMark(ready.NULL), ready.aclprofPush(ready.NULL), ready.aclprofPop(),
        ready.aclprofRangeStart(ready.NULL, ranged), ready.aclprofRangeStop(1),
        ready.aclprofMarkEx(b"x", 1, stream),
    ):  # fmt: skip
        assert status == FAILED
    ready.message()
    ready.aclprofDestroyStamp(ready.NULL)


def test_arguments_that_are_none_facts_12_5(marked: Acl) -> None:
    one, stream = stamp(marked, "x"), new_stream(marked)
    for status in (
        marked.aclprofMark(marked.NULL), marked.aclprofPush(marked.NULL),
        marked.aclprofRangeStart(one, marked.NULL), marked.aclprofRangeStop(77),
        marked.aclprofSetStampTraceMessage(one, b"x" * 128, 128),
        marked.aclprofSetStampTraceMessage(one, marked.NULL, 0),
        marked.aclprofMarkEx(b"", 0, stream), marked.aclprofMarkEx(b"x" * 128, 128, stream),
        marked.aclprofMarkEx(b"x", 2, stream), marked.aclprofMarkEx(b"x", 1, marked.NULL),
    ):  # fmt: skip
        assert status == FAILED
    assert len(marked.message().splitlines()) == 10, "each says why"
    assert marked.aclprofSetStampTraceMessage(one, b"x" * 127, 127) == 0


def test_a_mark_in_a_stream_facts_12_5(marked: Acl, tmp_path: Path) -> None:
    stream = new_stream(marked)
    slow(marked, "aclprofMarkEx", 50)
    assert marked.aclprofMarkEx(b"here", 4, stream) == 0
    assert marked.aclrtSynchronizeStream(stream) == 0
    (mark,) = marks(tmp_path)
    (task,) = files(tmp_path)["device_0/tasks.jsonl"]
    assert (mark["mark"], mark["type"]) == ("here", "mark_ex")
    assert task["function"] == "aclprofMarkEx"
    assert task["start_ns"] + task["ns"] >= mark["start_ns"] + 50_000_000


def tensors(acl: Acl, *shapes: tuple[int, ...]) -> Any:
    """Tensors of float16: inputs, and the last an output."""
    made = acl.new("aclprofTensor[]", len(shapes))
    for one, shape in zip(made, shapes, strict=True):
        one.dataType, one.shapeDim = 1, len(shape)
        for axis, dim in enumerate(shape):
            one.shape[axis] = dim
    made[len(shapes) - 1].type = 1
    return made


def operator(acl: Acl, name: bytes, stream: Any, *shapes: tuple[int, ...]) -> Any:
    """What aclprofRangePushEx takes, as kernels of the program's own tell it."""
    info, attr = acl.new("aclprofTensorInfo *"), acl.new("aclprofEventAttributes *")
    info.opNameId, info.opTypeId = acl.aclprofStr2Id(name), acl.aclprofStr2Id(b"MatMul")
    info.blockNums, info.stream, info.tensorNum = 24, stream, len(shapes)
    if shapes:
        info.tensors = tensors(acl, *shapes)
    attr.version, attr.size, attr.message.tensorInfo = 1, 8, info
    return attr


def test_operators_with_their_tensors_facts_12_5(marked: Acl, tmp_path: Path) -> None:
    stream = new_stream(marked)
    outer = operator(marked, b"mm_1", stream, (2, 3), (3, 4), (2, 4))
    assert marked.aclprofRangePushEx(outer) == 0
    outer.message.tensorInfo.tensorNum = 77  # what is pushed is read by then
    assert marked.aclprofRangePushEx(operator(marked, b"mm_2", stream)) == 0
    assert marked.aclprofRangePop() == 0
    assert marked.aclprofRangePop() == 0
    rows = marks(tmp_path)
    assert [row["type"] for row in rows] == ["range_ex", "range_ex"]
    assert [row["mark"] for row in rows] == [
        "MatMul mm_2, 24 blocks", "MatMul mm_1, 24 blocks, in 1[2, 3], in 1[3, 4], out 1[2, 4]",
    ]  # fmt: skip
    assert rows[1]["start_ns"] <= rows[0]["start_ns"]
    assert rows[1]["ns"] >= rows[0]["ns"]


def test_a_long_name_is_cut_and_stays_a_text(marked: Acl, tmp_path: Path) -> None:
    name = "\N{GREEK SMALL LETTER ALPHA}" * 64
    assert marked.aclprofRangePushEx(operator(marked, name.encode(), new_stream(marked))) == 0
    assert marked.aclprofRangePop() == 0
    assert [row["mark"] for row in marks(tmp_path)] == [f"MatMul {name[:63]}?, 24 blocks"]


def test_an_operator_outside_of_a_start_is_told_to_nobody_facts_12_5(
    ready: Acl, tmp_path: Path
) -> None:
    """Kernels tell theirs always; 10,000 blocks of text are cut, not written past."""
    attr = operator(ready, b"x" * 500, new_stream(ready), *[(2**32 - 1,) * 8] * 100)
    assert ready.aclprofRangePushEx(attr) == 0
    assert elsewhere(ready.aclprofRangePop) == codes.INVALID_PARAM, "each thread has its own"
    assert ready.aclprofRangePop() == 0
    assert ready.aclprofRangePop() == codes.INVALID_PARAM
    assert ready.message().endswith("this thread has pushed no range that was not popped")
    assert files(tmp_path) == {}


def test_an_operator_that_is_none_facts_12_5(marked: Acl) -> None:
    stream, null = new_stream(marked), marked.NULL
    push = marked.aclprofRangePushEx
    assert push(null) == codes.INVALID_PARAM
    attr = operator(marked, b"x", stream, (2,))
    info = attr.message.tensorInfo
    info.tensors[0].shapeDim = 9
    assert push(attr) == FAILED
    info.tensors = null
    assert push(attr) == FAILED
    attr.message.tensorInfo = null
    assert push(attr) == FAILED
    attr.messageType = 3
    assert push(attr) == FAILED
    assert len(marked.message().splitlines()) == 5, "each says why"
    assert marked.aclprofRangePop() == codes.INVALID_PARAM
    marked.message()


def test_equal_texts_have_equal_numbers_facts_12_5(acl: Acl) -> None:
    numbers = [acl.aclprofStr2Id(text) for text in (b"MatMul", b"MatMul", b"matmul", b"")]
    assert numbers[0] == numbers[1]
    assert len({*numbers}) == 3
    assert acl.aclprofStr2Id(acl.NULL) == 0


def test_steps_facts_12_6(marked: Acl, tmp_path: Path) -> None:
    step, stream = marked.aclprofCreateStepInfo(), new_stream(marked)
    stamped = marked.aclprofGetStepTimestamp
    assert stamped(step, 0, stream) == 0
    assert stamped(step, 1, stream) == 0
    for tag in (0, 1):
        assert stamped(step, tag, stream) == codes.INVALID_PARAM
    assert stamped(marked.NULL, 0, stream) == codes.INVALID_PARAM
    marked.message()
    assert marked.aclrtSynchronizeStream(stream) == 0
    first, last = marks(tmp_path)
    assert (first["type"], last["type"]) == ("step_start", "step_end")
    assert first["mark"] == last["mark"]
    assert first["start_ns"] <= last["start_ns"]
    marked.aclprofDestroyStepInfo(step)
    marked.aclprofDestroyStepInfo(marked.NULL)
    assert marked.message() == "aclprofDestroyStepInfo: stepinfo is NULL"


def test_a_stamp_counts_before_its_stream_is_looked_at_facts_12_6(ready: Acl) -> None:
    step, stream = ready.aclprofCreateStepInfo(), new_stream(ready)
    ready.aclrtDestroyStream(stream)
    assert ready.aclprofGetStepTimestamp(step, 0, stream) == codes.GE_FAILURE
    assert ready.violations() == ["AB-RT-0002"]
    assert ready.aclprofGetStepTimestamp(step, 0, new_stream(ready)) == codes.INVALID_PARAM
    ready.message()


def test_every_call_can_fail_and_nothing_is_left(ready: Acl, tmp_path: Path) -> None:
    """The library's own faults, at each call in turn."""
    for nth in range(1, 10):
        begin(ready, tmp_path)
        ready.fail("*", nth, 500005)
        wanted = config(ready, [0], MSPROFTX)
        started = wanted != ready.NULL and ready.aclprofStart(wanted) == 0
        one = ready.aclprofCreateStamp() if started else ready.NULL
        if one != ready.NULL:
            ready.aclprofMark(one)
            ready.aclprofPush(one)
            ready.aclprofPop()
            ready.aclprofDestroyStamp(one)
        ready.fail("*", 1, 0)
        ready.aclprofFinalize()
        if wanted != ready.NULL:
            ready.aclprofDestroyConfig(wanted)
        ready.message()
    left = [kind for kind in ready.live() if kind in ("stamp", "profiler's configuration")]
    assert left == []
