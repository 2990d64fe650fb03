"""Many messages asked at once answer as each of them does by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import numpy as np
import pytest

from acl_bundle import om
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import desc_rows, ge
from acl_bundle.om._modeldef.tensor import Attributes, TensorDesc
from acl_bundle.om._proto.rows import Rows
from acl_bundle.om._proto.wire import Message, chunk, float32, number, packed

FIELD = 5


def _attr(name: str, value: bytes) -> bytes:
    entry = chunk(ge.MAP_KEY, name) + chunk(ge.MAP_VALUE, value)
    return chunk(ge.DESC_ATTR, entry)


def _list(body: bytes) -> bytes:
    return chunk(ge.ATTR_LIST, body)


def _pairs(*pairs: list[int]) -> bytes:
    lists = (chunk(ge.LIST_LIST_INT, packed(ge.LIST_INT, one)) for one in pairs)
    return chunk(ge.ATTR_LIST_LIST_INT, b"".join(lists))


SHAPES = [
    b"",
    chunk(ge.DESC_SHAPE, b""),
    chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [1, -2, 300])),
    chunk(ge.DESC_SHAPE, number(ge.SHAPE_DIM, 7) + packed(ge.SHAPE_DIM, [2, 1 << 40])),
    chunk(ge.DESC_SHAPE, packed(9, [4])) + chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [5])),
]
TYPES = [
    b"",
    number(ge.DESC_DTYPE, 3),
    packed(ge.DESC_DTYPE, [1, 9]),
    number(ge.DESC_DTYPE, 1) + _attr(ge.DTYPE_OVERRIDE, number(ge.ATTR_I, 27)),
    _attr(ge.DTYPE_OVERRIDE, chunk(ge.ATTR_S, "text")) + number(ge.DESC_DTYPE, 77),
    _attr(ge.DTYPE_OVERRIDE, number(ge.ATTR_DT, 3) + number(ge.ATTR_I, 5)),
    _attr(ge.DTYPE_OVERRIDE, number(ge.ATTR_B, 1)),
]
LAYOUTS = [
    b"",
    chunk(ge.DESC_LAYOUT, "NCHW"),
    chunk(ge.DESC_LAYOUT, b"\xff"),
    _attr(ge.FORMAT_FOR_INT, number(ge.ATTR_I, -1)) + chunk(ge.DESC_LAYOUT, "ND"),
]
ATTRS = [
    b"",
    _attr(ge.ORIGIN_SHAPE, _list(packed(ge.LIST_I, [3, 4]))),
    _attr(ge.ORIGIN_SHAPE, _list(b"")),
    _attr(ge.ORIGIN_SHAPE, _list(number(ge.LIST_TYPE, 2))),
    _attr(ge.ORIGIN_SHAPE, _list(chunk(ge.LIST_S, "a"))),
    _attr(ge.ORIGIN_SHAPE, _list(float32(ge.LIST_F, 1.0))),
    _attr(ge.ORIGIN_SHAPE, _list(packed(ge.LIST_B, [1]))),
    _attr(ge.ORIGIN_SHAPE, _list(number(ge.LIST_I, 8) + number(ge.LIST_I, 9))),
    _attr(ge.ORIGIN_SHAPE, number(ge.ATTR_I, 4)),
    _attr(ge.ORIGIN_SHAPE, b"") + _attr(ge.SHAPE_RANGE, b""),
    _attr(ge.SHAPE_RANGE, _pairs([1, 8], [3], [4, -1], [])),
    _attr(ge.SHAPE_RANGE, _list(packed(ge.LIST_I, [1, 2]))),
    _attr(ge.SHAPE_RANGE, _pairs([1, 2])) + _attr(ge.SHAPE_RANGE, _pairs([5, 6], [7, 8])),
]


def _descriptions() -> Iterator[bytes]:
    for parts in product(SHAPES, TYPES, LAYOUTS, ATTRS):
        yield b"".join(parts)


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Two bytes are others; often small ones, which are tags and lengths."""
    out = bytearray(data)
    for at in rng.integers(0, len(out), 2):
        out[at] = int(rng.integers(0, 256 if rng.integers(2) else 16))
    return bytes(out)


def _message(bodies: list[bytes]) -> Message:
    data = b"".join(number(9, 1) + chunk(FIELD, body) for body in bodies)
    return Message(Span(memoryview(data), "file", 100))


def _alone(desc: TensorDesc) -> tuple[object, ...]:
    return desc.dtype, desc.shape, desc.format, desc.origin_shape, desc.ranges, desc.nbytes


def _at_once(rows: Rows) -> list[tuple[object, ...]]:
    return list(
        zip(
            desc_rows.dtypes_of(rows),
            desc_rows.shapes_of(rows),
            desc_rows.formats_of(rows),
            desc_rows.origins_of(rows),
            desc_rows.ranges_of(rows),
            rows.values(ge.DESC_SIZE),
            strict=True,
        )
    )


def test_descriptions_answer_as_each_by_itself() -> None:
    message = _message(list(_descriptions()))
    rows = Rows.of(message, FIELD)
    descs = list(map(TensorDesc, message.messages(FIELD)))
    assert _at_once(rows) == list(map(_alone, descs))
    assert len(descs) == len(rows) == len(SHAPES) * len(TYPES) * len(LAYOUTS) * len(ATTRS)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_descriptions_are_refused_or_answer_alike(seed: int) -> None:
    rng, answers = np.random.default_rng(seed), 0
    bodies = [one for one in _descriptions() if len(one) > 40]
    for _ in range(200):
        some = [_damaged(bodies[int(rng.integers(len(bodies)))], rng) for _ in range(2)]
        message = _message(some)
        with suppress(BundleFormatError):  # one of the two may look at less of it
            found = _at_once(Rows.of(message, FIELD))
            alone = list(map(_alone, map(TensorDesc, message.messages(FIELD))))
            answers += 1
            assert found == alone
    assert 0 < answers < 200


def test_attributes_of_owners_answer_as_each_by_itself() -> None:
    values = [b"", number(ge.ATTR_I, 5), number(ge.ATTR_B, 1), chunk(ge.ATTR_S, "a")]
    message = _message([b"", *(_attr("key", value) for value in values)])
    rows, attrs = (
        Rows.of(message, FIELD),
        (Attributes(one, ge.DESC_ATTR) for one in message.messages(FIELD)),
    )
    assert desc_rows.integers(rows, ge.DESC_ATTR, "key") == [None, None, 5, True, None]
    assert [one.get("key") for one in attrs] == [None, None, 5, True, "a"]


def test_what_is_no_message_is_told_with_its_place() -> None:
    message = Message(Span(memoryview(number(FIELD, 1)), "file", 100))
    with pytest.raises(BundleFormatError, match="at byte 100: field 5 holds a number, where bytes"):
        Rows.of(message, FIELD).last(1)
    message = _message([b"\x08\x01", b"\x0a\x7f"])
    with pytest.raises(BundleFormatError, match="at byte 110: field 1 claims 127 bytes, but 0"):
        Rows.of(message, FIELD).last(1)


@pytest.mark.parametrize(
    ("desc", "said"),
    [
        (chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [1] * 4000)), "more than 1525 numbers"),
        (_attr(ge.SHAPE_RANGE, _pairs(*[[1, 2]] * 3000)), "more than 1[0-9]{3} pairs of numbers"),
    ],
)
def test_more_numbers_than_the_bytes_pay_for_are_refused(desc: bytes, said: str) -> None:
    rows = Rows.of(_message([desc]), FIELD)
    with pytest.raises(BundleFormatError, match=said):
        _at_once(rows)


def test_inputs_without_a_list_come_in_the_order_of_their_index() -> None:
    """And those without a description are none."""
    desc = chunk(ge.OP_INPUT_DESC, number(ge.DESC_DTYPE, 1))
    nodes = b"".join(
        chunk(ge.GRAPH_OP, chunk(ge.OP_NAME, name) + chunk(ge.OP_TYPE, "Data") + more + at)
        for name, more, at in (
            ("third", desc, _index(2)),
            ("first", desc, b""),
            ("none", b"", b""),
            ("second", desc, _index(1)),
        )
    )
    definition = chunk(ge.MODEL_GRAPH, nodes)
    model = om.write_model([(om.PartitionType.MODEL_DEF, [definition])]).to_bytes()
    assert [one.name for one in om.open_model(model).inputs] == ["first", "second", "third"]


def _index(at: int) -> bytes:
    entry = chunk(ge.MAP_KEY, ge.INDEX) + chunk(ge.MAP_VALUE, number(ge.ATTR_I, at))
    return chunk(ge.OP_ATTR, entry)
