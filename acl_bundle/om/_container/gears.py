"""Gears: the shapes a static model was compiled for, when it has several (facts 5.4).

A gear is one choice of values for all open dims of the inputs. The list stands
in MODEL_INOUT_INFO as batch sizes, as heights and widths, or as any dims
(blocks 2, 3 and 4), with the outputs' shapes in each gear (block 5, texts like
``0:1:8,1000`` for gear 0 and output 1, gear -1 for all) and the names of the
inputs in the order a user counts their dims (block 6).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from acl_bundle.om._bytes.span import Span

Kind: TypeAlias = Literal["batch", "hw", "dims"]

INPUT_NAME: Final = "ascend_mbatch_shape_data"
"""The extra input that takes the chosen gear's values."""

BLOCKS: Final[dict[int, Kind]] = {2: "batch", 3: "hw", 4: "dims"}
SHAPES: Final = 5
ORDER: Final = 6
_COUNT: Final = struct.Struct("<I")
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")
COUNT_MAX: Final = 1 << 14
"""How many gears, or texts, a block may list; a compiler makes at most 128 gears."""


@dataclass(frozen=True, slots=True)
class Gears:
    """The gears of one model.

    Attributes:
        kind: What a gear's values are: one batch size, a height and a width,
            or a value for each open dim.
        values: The values of each gear.
        shapes: ``(gear, output, dims)``; gear -1 stands for all gears.
        order: The inputs whose dims a user counts, in his order.
    """

    kind: Kind
    values: tuple[tuple[int, ...], ...]
    shapes: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    order: tuple[str, ...] = ()

    @property
    def batches(self) -> tuple[int, ...]:
        """The sizes of a dynamic batch; empty where a gear is something else."""
        return tuple(one for (one,) in self.values) if self.kind == "batch" else ()

    def output_dims(self, gear: int, output: int) -> tuple[int, ...] | None:
        """Return the shape of an output in a gear, None where none is listed."""
        for at, index, dims in self.shapes:
            if index == output and at in (-1, gear):
                return dims
        return None


def read_values(kind: Kind, block: Span) -> tuple[tuple[int, ...], ...]:
    """Read the values of each gear.

    Raises:
        BundleFormatError: The block is cut short.
    """
    count = _count(block, "a number of gears")
    at = _COUNT.size
    if kind == "batch":
        return tuple((one,) for one in _numbers(block, at, count))
    widths = _lengths(block, at, count)
    at += 4 * count
    found = []
    for width in widths:
        found.append(_numbers(block, at, width))
        at += 8 * width
    return tuple(found)


def read_shapes(block: Span) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Read the outputs' shapes.

    Raises:
        BundleFormatError: The block is cut short, or a text has no two numbers.
    """
    found = []
    for text in read_texts(block):
        numbers = tuple(map(int, _NUMBER.findall(text)))
        if len(numbers) < 2:
            raise block.error(0, f"{text!r} is no shape; '<gear>:<output>:<dim>,...' is right")
        found.append((numbers[0], numbers[1], numbers[2:]))
    return tuple(found)


def read_texts(block: Span) -> tuple[str, ...]:
    """Read a list of texts.

    Raises:
        BundleFormatError: The block is cut short.
    """
    count = _count(block, "a number of texts")
    at = _COUNT.size + 4 * count
    found = []
    for size in _lengths(block, _COUNT.size, count):
        found.append(block.text(at, size, "a text"))
        at += size
    return tuple(found)


def write(gears: Gears) -> Iterator[tuple[int, bytes]]:
    """Return type and bytes of each block."""
    number = next(block for block, kind in BLOCKS.items() if kind == gears.kind)
    counts = [] if gears.kind == "batch" else [len(one) for one in gears.values]
    flat = [value for one in gears.values for value in one]
    head = struct.pack(f"<I{len(counts)}I", len(gears.values), *counts)
    yield number, head + struct.pack(f"<{len(flat)}Q", *flat)
    shapes = [f"{at}:{index}:{','.join(map(str, dims))}" for at, index, dims in gears.shapes]
    if shapes:
        yield SHAPES, _texts(shapes)
    if gears.order:
        yield ORDER, _texts(gears.order)


def _texts(texts: Sequence[str]) -> bytes:
    raw = [text.encode() for text in texts]
    return struct.pack(f"<I{len(raw)}I", len(raw), *map(len, raw)) + b"".join(raw)


def _count(block: Span, what: str) -> int:
    (count,) = block.unpack(_COUNT, 0, what)
    if count > COUNT_MAX:
        raise block.error(0, f"{what} is {count}; {COUNT_MAX} is the most")
    return int(count)


def _numbers(block: Span, at: int, count: int) -> tuple[int, ...]:
    view = block.cut(at, 8 * count, "the values of a gear").view
    return struct.unpack(f"<{count}Q", view)


def _lengths(block: Span, at: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", block.cut(at, 4 * count, "lengths").view)
