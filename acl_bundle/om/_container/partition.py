"""Partitions: the typed pieces a model or a bundle consists of (facts 5.1-5.3).

A table of (type, offset, size) rows stands before the pieces. Loaders ignore
the offsets and walk the sizes, so this reader does the same, and the writer
writes the offsets a compiler would. Files without a ``model_length`` are
older and have a tighter table of 32-bit numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from acl_bundle.om._bytes.span import Span

MODEL_TABLE_MAX: Final = 8
BUNDLE_TABLE_MAX: Final = 4096
"""Of a bundle's partitions, and of a dynamic model's tables. The format has no limit."""


class PartitionType(IntEnum):
    """What a partition holds."""

    MODEL_DEF = 0
    WEIGHTS_DATA = 1
    TASK_INFO = 2
    TBE_KERNELS = 3
    CUST_AICPU_KERNELS = 4
    SO_BINS = 5
    FLOW_MODEL = 6
    FLOW_SUBMODEL = 7
    MODEL_INOUT_INFO = 8
    STATIC_TASK_DESC = 9
    DYNAMIC_TASK_DESC = 10
    TASK_PARAM = 11
    TILING_DATA = 12
    PRE_MODEL_DESC = 20
    PRE_MODEL_SQE = 21
    PRE_KERNEL_ARGS = 22
    PRE_MODEL_DESC_EXTEND = 23
    BUNDLE_MODEL_INFO = 24
    BUNDLE_MODEL_VAR_INFO = 25
    CUSTOM_OPS = 26


class Partition(NamedTuple):
    """One piece: its type number, where it lies in its model or bundle, and its bytes."""

    type: int
    whole: Span
    at: int
    size: int

    @property
    def name(self) -> str:
        """The type's name, ``"type <n>"`` for one the format does not know."""
        known = self.type in PartitionType._value2member_map_
        return PartitionType(self.type).name if known else f"type {self.type}"

    @property
    def span(self) -> Span:
        """Where it lies in the file."""
        return self.whole.cut(self.at, self.size, "a partition")

    @property
    def offset(self) -> int:
        """Bytes from the start of the file."""
        return self.whole.offset + self.at

    @property
    def data(self) -> memoryview:
        """Its bytes, not copied."""
        return self.span.view


@dataclass(frozen=True, slots=True)
class _Table:
    """The two shapes a table can have."""

    head: struct.Struct
    row: struct.Struct  # type, offset, size

    def size(self, rows: int) -> int:
        return self.head.size + rows * self.row.size


_WIDE: Final = _Table(struct.Struct("<I4x"), struct.Struct("<I4xQQ"))
_TINY: Final = _Table(struct.Struct("<I"), struct.Struct("<III"))


def read(
    span: Span, at: int, *, most: int, legacy: bool = False
) -> tuple[tuple[Partition, ...], int]:
    """Read a table at ``at`` and the pieces behind it.

    Args:
        span: The model or bundle, header included.
        at: Where the table starts in ``span``.
        most: How many rows there may be.
        legacy: Whether the table is the older, tighter one.

    Returns:
        The partitions in file order, and where in ``span`` the last one ends.

    Raises:
        BundleFormatError: The table or a piece reaches past the end, or the
            number of rows is not possible.
    """
    table = _TINY if legacy else _WIDE
    (count,) = span.unpack(table.head, at, "a partition table")
    least = 1 if most == MODEL_TABLE_MAX else 0
    if not least <= count <= most:
        raise span.error(
            at, f"the partition table has {count} rows; {least} to {most} are possible"
        )
    whole, end = len(span.view), at + table.size(count)
    span.cut(at, end - at, f"a partition table of {count} rows")
    found = []
    rows = table.row.iter_unpack(span.view[at + table.head.size : end])
    for index, (kind, _, size) in enumerate(rows):
        if size > whole - end:
            raise span.error(
                at + table.size(index),
                f"partition {index} (type {kind}) claims {size} bytes, but"
                f" {whole - end} are left in the file",
            )
        found.append(Partition(kind, span, end, size))
        end += size
    return tuple(found), end


def table(types: Sequence[int], sizes: Iterable[int], first: int) -> bytes:
    """Write a table whose first piece is said to lie at offset ``first``."""
    rows = [_WIDE.head.pack(len(types))]
    for kind, size in zip(types, sizes, strict=True):
        rows.append(_WIDE.row.pack(kind, first, size))
        first += size
    return b"".join(rows)


def table_size(rows: int) -> int:
    """Return how many bytes a table of so many rows takes."""
    return _WIDE.size(rows)
