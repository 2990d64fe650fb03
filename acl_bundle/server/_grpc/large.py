"""Large requests, taken apart before protobuf sees them.

protobuf reads a message from its begin to its end without letting go of the interpreter, whichever
thread calls it, and copies what it reads. So the tensors' bytes are left where they lie, and
protobuf gets the message without them, which is small.

A field that has numbers may come several times, and in both ways: all of them in one value with a
length, or each number by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2 as pb

from acl_bundle.server._bounds.pieces import joined
from acl_bundle.server._grpc.wire import (
    EIGHT,
    FOUR,
    LENGTH,
    VARINT,
    WireField,
    fields_of,
    tag_of,
    varint_of,
    varints,
    with_length,
    wrong,
)
from acl_bundle.server._protocol.refusal import Refusal, Why

LARGE: Final = 1 << 16
"""Bytes of a message that protobuf may read on the loop."""
REST_MAX: Final = 1 << 20
"""Bytes of what is left of a large one."""
FIELD: Final = 64
"""Bytes that the place of a field takes, at least."""
INPUTS, CONTENTS, RAW = (
    pb.ModelInferRequest.INPUTS_FIELD_NUMBER,
    pb.ModelInferRequest.InferInputTensor.CONTENTS_FIELD_NUMBER,
    pb.ModelInferRequest.RAW_INPUT_CONTENTS_FIELD_NUMBER,
)
RAW_OUTPUT: Final = pb.ModelInferResponse.RAW_OUTPUT_CONTENTS_FIELD_NUMBER
NUMBERS: Final = {
    1: ("bool_contents", np.dtype("?")),
    2: ("int_contents", np.dtype("<i4")),
    3: ("int64_contents", np.dtype("<i8")),
    4: ("uint_contents", np.dtype("<u4")),
    5: ("uint64_contents", np.dtype("<u8")),
    6: ("fp32_contents", np.dtype("<f4")),
    7: ("fp64_contents", np.dtype("<f8")),
}
ALONE: Final = {6: FOUR, 7: EIGHT}
"""How one of these numbers is encoded by itself; the others as VARINT."""
Parts = Mapping[str, list[memoryview]]
"""The encoded numbers of a tensor, by the name of their field."""


@dataclass(frozen=True)
class LargeRequest:
    """A request without its tensors' bytes, and these.

    Attributes:
        message: What is left of the request.
        raw: Its ``raw_input_contents``.
        numbers: For each of its inputs the numbers in it.
    """

    message: Any
    raw: list[memoryview]
    numbers: list[Parts]

    @property
    def model_name(self) -> str:
        """Which model is asked."""
        name: str = self.message.model_name
        return name


class Left:
    """How much of a request is left for protobuf: bounded, in bytes and in fields."""

    def __init__(self) -> None:
        self._nbytes = 0

    def add(self, one: WireField, end: int) -> None:
        """Count a field up to a byte; the rest of it stays where it lies."""
        self._nbytes += max(end - one.begin, FIELD)
        if self._nbytes > REST_MAX:
            raise Refusal(
                Why.INVALID,
                f"the request has more than {REST_MAX} bytes beside the contents of its tensors,"
                f" a field counted as {FIELD} at least",
            )


def cut(data: bytes) -> LargeRequest:
    """Take a request apart; nothing is copied. Other threads run meanwhile.

    Raises:
        Refusal: It is no message, or large beside its tensors.
    """
    view, left = memoryview(data), Left()
    kept: list[bytes | memoryview] = []
    raw: list[memoryview] = []
    numbers: list[Parts] = []
    for one in fields_of(view, 0, len(view)):
        if one.number == RAW and one.kind == LENGTH:
            left.add(one, one.value)
            raw.append(view[one.value : one.end])
        elif one.number == INPUTS and one.kind == LENGTH:
            left.add(one, one.value)
            tensor, parts = _tensor(view, one, left)
            kept.append(with_length(INPUTS, tensor))
            numbers.append(parts)
        else:
            left.add(one, one.end)
            kept.append(view[one.begin : one.end])
    try:
        return LargeRequest(pb.ModelInferRequest.FromString(b"".join(kept)), raw, numbers)
    except DecodeError as error:
        raise Refusal(Why.INVALID, f"the request is no message: {error}") from error


def _tensor(view: memoryview, tensor: WireField, left: Left) -> tuple[bytes, Parts]:
    """Return an input without its numbers, and these."""
    kept: list[bytes | memoryview] = []
    parts: dict[str, list[memoryview]] = {}
    for one in fields_of(view, tensor.value, tensor.end):
        if one.number == CONTENTS and one.kind == LENGTH:
            left.add(one, one.value)
            kept.append(with_length(CONTENTS, _contents(view, one, left, parts)))
        else:
            left.add(one, one.end)
            kept.append(view[one.begin : one.end])
    return b"".join(kept), parts


def _contents(
    view: memoryview, contents: WireField, left: Left, parts: dict[str, list[memoryview]]
) -> bytes:
    """Note where a tensor's numbers lie; returns what is beside them."""
    kept: list[memoryview] = []
    for one in fields_of(view, contents.value, contents.end):
        if one.number in NUMBERS and one.kind in (LENGTH, ALONE.get(one.number, VARINT)):
            left.add(one, one.value)
            parts.setdefault(NUMBERS[one.number][0], []).append(view[one.value : one.end])
        else:
            left.add(one, one.end)
            kept.append(view[one.begin : one.end])
    return b"".join(kept)


def values(field: str, parts: list[memoryview]) -> NDArray[Any]:
    """Return the numbers of a field as an array; between two pieces other threads run.

    Raises:
        Refusal: They are cut short.
    """
    dtype = next(dtype for name, dtype in NUMBERS.values() if name == field)
    found: list[NDArray[Any]] = []
    for part in parts:
        if dtype.kind != "f":
            found += varints(part, dtype)
        elif len(part) % dtype.itemsize:
            raise wrong(f"{field} has {len(part)} bytes; {dtype.itemsize} for each are right")
        else:
            found.append(np.frombuffer(part, dtype))
    return found[0] if len(found) == 1 else joined(found).astype(dtype)


def raw_outputs(arrays: Iterable[NDArray[np.uint8]]) -> Iterator[bytes | memoryview]:
    """Yield the encoded ``raw_output_contents`` of an answer, in pieces."""
    for array in arrays:
        yield tag_of(RAW_OUTPUT, LENGTH) + varint_of(array.nbytes)
        yield array.data
