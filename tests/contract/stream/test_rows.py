"""Rows of 2-D copies on streams: which of them meet, and what a claim of many rows takes."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..memory.test_growth import bytes_in_use
from ..streams import new_stream

WITHIN, DEFAULT = 3, 4
Side = tuple[int, int]  # first byte and pitch


def queue(acl: Acl, stream: Any, *arguments: Any) -> int:
    """dst, dpitch, src, spitch, width, height."""
    return int(acl.aclrtMemcpy2dAsync(*arguments, WITHIN, stream))


def addresses(start: int, pitch: int, width: int, height: int) -> set[int]:
    return {start + row * pitch + at for row in range(height) for at in range(width)}


@pytest.fixture
def streams(ready: Acl) -> list[Any]:
    return [new_stream(ready) for _ in range(2)]


@pytest.mark.parametrize("heights", [(64, 64), (64, 7), (1, 64)])
def test_columns_of_one_matrix_on_two_streams(
    ready: Acl, streams: list[Any], heights: tuple[int, int]
) -> None:
    """Their rows take turns in memory; nobody orders the two, and nobody needs to."""
    matrix, others = ready.malloc(64 * 64), [ready.malloc(64 * 64) for _ in streams]
    for column, (stream, other, height) in enumerate(zip(streams, others, heights, strict=True)):
        status = queue(ready, stream, matrix + 32 * column, 64, other, 32, 32, height)
        assert status == codes.SUCCESS
    assert queue(ready, streams[1], matrix + 31, 64, others[1], 32, 2, 1) != codes.SUCCESS
    assert ready.violations() == ["AB-STR-0004"]
    for stream in streams:
        assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert queue(ready, streams[1], matrix + 31, 64, others[1], 32, 2, 1) == codes.SUCCESS


def test_rows_with_another_pitch_between_the_rows(ready: Acl, streams: list[Any]) -> None:
    """Rows 0, 48, 96, ... and 16, 40, 64, ...: the second's third begins where none is."""
    memory, others = ready.malloc(4096), [ready.malloc(4096) for _ in streams]
    assert queue(ready, streams[0], memory, 48, others[0], 48, 8, 40) == codes.SUCCESS
    assert queue(ready, streams[1], memory + 16, 24, others[1], 24, 8, 75) == codes.SUCCESS
    assert queue(ready, streams[1], memory + 16, 23, others[1], 24, 8, 75) != codes.SUCCESS
    assert ready.violations() == ["AB-STR-0004"]


def test_any_two_copies_meet_where_they_have_a_byte_in_common(
    ready: Acl, streams: list[Any]
) -> None:
    memory, other = ready.malloc(4096), ready.malloc(8192)
    rng, met = random.Random(1), 0
    for turn in range(600):
        sides = []
        for _ in streams:
            width = rng.randint(1, 12)
            pitch = width + rng.randint(0, 30) if turn % 3 else 40
            sides.append((rng.randint(0, 300), pitch, width, rng.choice([1, 2, 3, 9, 20])))
        first, second = (
            queue(ready, stream, memory + start, pitch, other + 4096 * at, 64, width, height)
            for at, (stream, (start, pitch, width, height)) in enumerate(
                zip(streams, sides, strict=True)
            )
        )
        meet = bool(addresses(*sides[0]) & addresses(*sides[1]))
        assert first == codes.SUCCESS
        assert (second != codes.SUCCESS) == meet, sides
        assert ready.violations() == ["AB-STR-0004"] * meet
        met += meet
        for stream in streams:
            assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert 100 < met < 500


def test_the_host_meets_rows_by_the_byte(ready: Acl, streams: list[Any]) -> None:
    memory, other = ready.malloc(4096), ready.malloc(4096)
    arguments = (memory, 16, other, 16, 8, 20)
    assert queue(ready, streams[0], *arguments) == codes.SUCCESS
    host = ready.hold(bytearray(4096))
    between = (memory + 8, 16, host, 16, 8, 20, DEFAULT)
    assert ready.aclrtMemcpy2d(*between) == codes.SUCCESS
    assert ready.aclrtMemcpy2d(memory + 7, *between[1:]) != codes.SUCCESS
    assert ready.violations() == ["AB-STR-0004"]


def kept(acl: Acl, height: int) -> int:
    """What the C library has handed out for copies of so many rows that nobody waits for."""
    stream, copies = new_stream(acl), 1000
    dst, src = acl.malloc(height * 16), acl.malloc(height * 16)
    before = bytes_in_use()
    for _ in range(copies):
        assert queue(acl, stream, dst, 16, src, 16, 8, height) == codes.SUCCESS
    taken = bytes_in_use() - before
    assert acl.aclrtDestroyStream(stream) == codes.SUCCESS
    return taken // copies


def test_a_claim_is_as_small_for_many_rows_as_for_two(ready: Acl) -> None:
    """What is compared between two copies is what they keep: so that does not grow either."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("the sanitizer's malloc keeps no books")
    kept(ready, 2)
    few, many = kept(ready, 2), kept(ready, 4096)
    assert 0 < many < few + 64
