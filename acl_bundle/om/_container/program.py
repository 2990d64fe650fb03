"""The program of the fake in TASK_INFO: its layout (docs/program_format.md), and its reader.

A program is a head and a list of records. Records of one kind are numbered in file order, and
others refer to them by that number.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from acl_bundle.om._bytes.span import Span

__all__ = ["From", "Kind", "ProgramFeed", "ProgramTensor", "Tag", "TaskProgram", "read"]

MAGIC: Final = b"ACLPROG1"
HEAD: Final = struct.Struct("<8sIIQQ")
RECORD: Final = struct.Struct("<IIQ")
TENSOR: Final = struct.Struct("<QQiiII")
FOUR: Final = struct.Struct("<IIII")
TWO: Final = struct.Struct("<II")
_ALIGN: Final = 8
_RANK_MAX: Final = 128  # ACL_MAX_DIM_CNT


class Kind(IntEnum):
    """What a program does."""

    ONNX = 1
    ASSIGN = 2
    NULL = 3
    CALLBACK = 4


class From(IntEnum):
    """Where a value comes from."""

    INPUT = 0
    VARIABLE = 1
    CONSTANT = 2


class Tag(IntEnum):
    """What a record is."""

    VARIABLE = 1
    CONSTANT = 2
    ONNX = 3
    FEED = 4
    FETCH = 5
    ASSIGN = 6
    CALLBACK = 7
    EXTERNAL = 8
    AIPP = 9


class ProgramTensor(NamedTuple):
    """A variable, or a constant.

    Attributes:
        name: Its own; a variable's is ``<weight>_var``.
        offset: Where it starts among the variables, or in WEIGHTS_DATA.
        nbytes: Its size.
        dtype: ``aclDataType``.
        dims: Its shape.
    """

    name: str
    offset: int
    nbytes: int
    dtype: int
    dims: tuple[int, ...]


class ProgramFeed(NamedTuple):
    """What an input, or an initializer outside the model, of the ONNX model is."""

    source: From
    number: int
    name: str


class TaskProgram(NamedTuple):
    """A program as the file has it, each number checked to point to something.

    Attributes:
        kind: What it does.
        variables: Of the bundle, in file order.
        constants: In WEIGHTS_DATA, or in a file beside.
        onnx: A ModelProto; None without.
        feeds: What goes into the ONNX model.
        fetches: The model output, and the ONNX output that it is.
        assigns: The variable, and where its value comes from.
        beside: The file beside the model in which a constant lies, by the constant's number.
        has_aipp: Whether images are changed before the model sees them.
    """

    kind: Kind
    variables: tuple[ProgramTensor, ...]
    constants: tuple[ProgramTensor, ...]
    onnx: Span | None
    feeds: tuple[ProgramFeed, ...]
    fetches: tuple[tuple[int, str], ...]
    assigns: tuple[tuple[int, From, int], ...]
    beside: dict[int, str]
    has_aipp: bool


def kind_of(span: Span) -> int:
    """Return what the program in a TASK_INFO says it does, which may be no `Kind`.

    Raises:
        BundleFormatError: It is cut short.
    """
    return int(span.unpack(HEAD, 0, "the head of the fake's program")[1])


def read(span: Span, inputs: int, outputs: int) -> TaskProgram:
    """Read the program that fills a TASK_INFO.

    Args:
        span: The partition.
        inputs: How many the model has.
        outputs: How many the model has.

    Raises:
        BundleFormatError: It is cut short, or something in it is not possible.
    """
    _, kind, count, _, _ = span.unpack(HEAD, 0, "the head of the fake's program")
    if kind not in {*Kind}:
        raise span.error(8, f"the program is of kind {kind}; 1 to {len(Kind)} exist")
    found = _records(span, count)
    onnx = found[Tag.ONNX]
    feeds = tuple(map(_feed, found[Tag.FEED]))
    program = TaskProgram(
        Kind(kind),
        tuple(map(_tensor, found[Tag.VARIABLE])),
        tuple(map(_tensor, found[Tag.CONSTANT])),
        onnx[-1] if onnx else None,
        feeds,
        tuple(map(_fetch, found[Tag.FETCH])),
        tuple(map(_assign, found[Tag.ASSIGN])),
        dict(map(_external, found[Tag.EXTERNAL])),
        bool(found[Tag.AIPP]),
    )
    _check(span, program, inputs, outputs)
    return program


def _records(span: Span, count: int) -> dict[Tag, list[Span]]:
    """The payloads of each kind of record, in file order."""
    found: dict[Tag, list[Span]] = {tag: [] for tag in Tag}
    at = HEAD.size
    for number in range(count):
        tag, _, size = span.unpack(RECORD, at, f"record {number} of the program")
        if tag not in {*Tag}:
            raise span.error(at, f"record {number} of the program has tag {tag}; 1 to 9 exist")
        at += RECORD.size
        found[Tag(tag)].append(span.cut(at, size, f"record {number} of the program"))
        at += size + -size % _ALIGN
    return found


def _tensor(span: Span) -> ProgramTensor:
    offset, nbytes, dtype, _, rank, length = span.unpack(TENSOR, 0, "a tensor of the program")
    if rank > _RANK_MAX:
        raise span.error(24, f"a tensor of the program has rank {rank}; {_RANK_MAX} is the most")
    dims = span.unpack(struct.Struct(f"<{rank}q"), TENSOR.size, "the dims of a tensor")
    name = span.text(TENSOR.size + 8 * rank, length, "the name of a tensor")
    return ProgramTensor(name, offset, nbytes, dtype, dims)


def _feed(span: Span) -> ProgramFeed:
    source, index, length, _ = span.unpack(FOUR, 0, "a feed of the program")
    return ProgramFeed(_source(span, 0, source), index, span.text(FOUR.size, length, "a name"))


def _fetch(span: Span) -> tuple[int, str]:
    output, length = span.unpack(TWO, 0, "a fetch of the program")
    return output, span.text(TWO.size, length, "a name")


def _assign(span: Span) -> tuple[int, From, int]:
    variable, source, index, _ = span.unpack(FOUR, 0, "an assignment of the program")
    return variable, _source(span, 4, source), index


def _external(span: Span) -> tuple[int, str]:
    constant, length = span.unpack(TWO, 0, "an external constant of the program")
    return constant, span.text(TWO.size, length, "a file's name")


def _source(span: Span, at: int, number: int) -> From:
    if number not in {*From}:
        raise span.error(at, f"a value comes from place {number}; 0 to {len(From) - 1} exist")
    return From(number)


def _check(span: Span, program: TaskProgram, inputs: int, outputs: int) -> None:
    """Refuse a number that points to nothing."""
    there = {
        From.INPUT: inputs,
        From.VARIABLE: len(program.variables),
        From.CONSTANT: len(program.constants),
    }
    for number, many, what in (
        *((one.number, there[one.source], one.source.name.lower()) for one in program.feeds),
        *((output, outputs, "output") for output, _ in program.fetches),
        *((variable, there[From.VARIABLE], "variable") for variable, _, _ in program.assigns),
        *((index, there[source], source.name.lower()) for _, source, index in program.assigns),
        *((constant, there[From.CONSTANT], "constant") for constant in program.beside),
    ):
        if number >= many:
            raise span.error(0, f"the program speaks of {what} {number}, where it has {many}")
