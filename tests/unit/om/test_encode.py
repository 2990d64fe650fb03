"""Messages from tuples, beside what google.protobuf writes."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2, wrappers_pb2
from onnx import AttributeProto, NodeProto

from acl_bundle.om._proto.encode import encode, varint, varints


@pytest.mark.parametrize("value", [0, 1, 127, 128, 1 << 31, (1 << 63) - 1, -1, -(1 << 63)])
def test_numbers(value: int) -> None:
    made = wrappers_pb2.Int64Value(value=value)
    assert encode((1, value)) == (made.SerializeToString() or b"\x08\x00")
    assert varint(value) == encode((1, value))[1:]
    assert varints([value, 3]) == encode((1, value))[1:] + b"\x03"


@pytest.mark.parametrize("count", [0, 1, 127, 128, 20_000, 3_000_000])
def test_a_message_has_its_size_before_it(count: int) -> None:
    node = NodeProto(input=["x"], attribute=[AttributeProto(name="ä" * count, type=3, i=-5)])
    fields = (1, "x", 5, (1, "ä" * count, 3, -5, 20, 3))
    assert encode(fields) == node.SerializeToString()


def test_lists_are_fields_that_are_there_again() -> None:
    node = NodeProto(input=["a", "", "b"])
    for name, floats in (("p", [1.5, -2.0]), ("q", [])):
        node.attribute.add(name=name, floats=floats, s=b"\xff\0")
    each: list[Any] = [(1, "p", 4, b"\xff\0", 7, [1.5, -2.0]), (1, "q", 4, b"\xff\0", 7, [])]
    assert encode((1, ["a", "", "b"], 5, each)) == node.SerializeToString()


def test_nesting() -> None:
    value, fields = struct_pb2.Value(string_value="end"), (3, "end")
    for _ in range(30):
        value = struct_pb2.Value(list_value=struct_pb2.ListValue(values=[value]))
        fields = (6, (1, [fields]))
    assert encode(fields) == value.SerializeToString()


def test_nothing_is_no_bytes() -> None:
    assert encode(()) == b""
    assert encode((1, ())) == b"\x0a\x00"
    assert encode((200, True)) == b"\xc0\x0c\x01"


@pytest.mark.parametrize(
    ("message", "error", "said"),
    [
        ((1, None), TypeError, "field 1 is None; a number, a text, bytes or a tuple is right"),
        ((1, [2, [3]]), TypeError, r"field 1 is \[3\]"),
        ((1, bytearray(2)), TypeError, "field 1 is bytearray"),
        ((1, 2, 3), TypeError, "a message has 3 parts; pairs are right"),
        ((0, 1), TypeError, "part 0 of a message is 0; the number of a field"),
        ((1, 1 << 63), OverflowError, "too (big|large)"),
        ((1, "\udc80"), UnicodeEncodeError, "surrogates"),
        ([1, 2], TypeError, r"a message is \[1, 2\]; a tuple is right"),
    ],
)
def test_what_is_no_message_is_refused(message: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        encode(message)


def test_a_message_that_never_ends_is_refused() -> None:
    fields: Any = (1, 1)
    for _ in range(100_000):
        fields = (1, fields)
    with pytest.raises(RecursionError):
        encode(fields)
