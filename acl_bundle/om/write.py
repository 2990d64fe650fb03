"""Writing models and bundles (facts 5.1, 5.3).

What is written is a list of pieces, :class:`Chunks`: headers and tables made
here, and views on whatever the caller has, a mapped file included. Nothing is
joined before it goes to the file, so a bundle of many gigabytes needs no
second copy of its weights in memory.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from acl_bundle._base.atomic import replacing
from acl_bundle.om._container import header as headers
from acl_bundle.om._container import partition
from acl_bundle.om._container.header import Header
from acl_bundle.om._container.partition import PartitionType
from acl_bundle.om.model import Model

Piece: TypeAlias = bytes | bytearray | memoryview

_SLICE: Final = 64 << 20


class Chunks:
    """Bytes in pieces: their sum, in order, is a file or a part of one."""

    __slots__ = ("_pieces", "nbytes")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        """Keep views of the pieces, which must be contiguous; nothing is copied."""
        views = (memoryview(piece).cast("B") for piece in pieces)
        self._pieces = tuple(view for view in views if view.nbytes)
        self.nbytes: int = sum(view.nbytes for view in self._pieces)

    def __iter__(self) -> Iterator[memoryview]:
        return iter(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def to_bytes(self) -> bytes:
        """Return everything as one object."""
        return b"".join(self._pieces)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file that is there whole or not at all, and return its path.

        The bytes go to a temporary file in the same folder, are flushed to
        the disk, and take the name in one step. Where a file of that name was
        mapped it stays as it was for whoever mapped it. The new one has its
        mode; of a link the file that it leads to is replaced.

        Raises:
            OSError: The folder cannot be written; the file is as before.
        """
        with replacing(path) as file:
            self._write(file.fileno())
        return Path(path)

    def _write(self, file: int) -> None:
        for piece in self._pieces:
            at = 0
            while at < piece.nbytes:
                at += os.write(file, piece[at : at + _SLICE])


def write_model(
    partitions: Iterable[tuple[PartitionType, Iterable[Piece]]],
    *,
    header: Header | None = None,
    name: str | None = None,
    dynamic: bool = False,
) -> Chunks:
    """Return a model with these partitions; empty ones are left out.

    Args:
        partitions: Type and bytes of each, in the order they are to stand.
        header: Fields to start from, those of a plain model by default. The
            lengths are filled in here.
        name: Of the graph; 31 bytes of it are kept.
        dynamic: Whether the dynamic executor is to run it (facts 0.3); a
            ``header`` says so itself.

    Raises:
        ValueError: Not 1 to 8 partitions have content.
    """
    parts = [(kind, Chunks(pieces)) for kind, pieces in partitions]
    parts = [(kind, chunks) for kind, chunks in parts if chunks.nbytes]
    most = partition.MODEL_TABLE_MAX
    if not 1 <= len(parts) <= most:
        raise ValueError(f"a model has 1 to {most} partitions with content, not {len(parts)}")
    table = partition.table([kind for kind, _ in parts], [c.nbytes for _, c in parts], 0)
    start = header or Header(is_unknow_model=int(dynamic))
    whole = start._replace(
        name=start.name if name is None else name,
        model_num=1,
        length=0,
        model_length=len(table) + sum(chunks.nbytes for _, chunks in parts),
    )
    return Chunks([whole.to_bytes(), table, *(piece for _, chunks in parts for piece in chunks)])


def write_bundle(models: Sequence[Model | Chunks | Piece], variable_size: int) -> Chunks:
    """Return a bundle of whole models, in this order.

    Args:
        models: Models that were read, written or come as bytes; they are
            taken over as they are.
        variable_size: Bytes of the variables they share, 0 without variables.

    Raises:
        ValueError: There is no model, or the size is negative.
    """
    if not models:
        raise ValueError("a bundle needs at least one model")
    if variable_size < 0:
        raise ValueError(f"variable_size is {variable_size}; it cannot be negative")
    parts = [Chunks([struct.pack("<Q", variable_size)]), *map(_chunks, models)]
    types = [PartitionType.BUNDLE_MODEL_VAR_INFO, *[PartitionType.BUNDLE_MODEL_INFO] * len(models)]
    first = partition.table_size(len(parts))
    table = partition.table(types, [part.nbytes for part in parts], first)
    total = headers.SIZE + len(table) + sum(part.nbytes for part in parts)
    header = Header(
        magic=0,
        headsize=0,
        version=0,
        modeltype=headers.BUNDLE,
        model_num=len(models),
        model_length=total,
    )
    return Chunks([header.to_bytes(), table, *(piece for part in parts for piece in part)])


def _chunks(model: Model | Chunks | Piece) -> Chunks:
    if isinstance(model, Chunks):
        return model
    return Chunks([model.data if isinstance(model, Model) else model])
