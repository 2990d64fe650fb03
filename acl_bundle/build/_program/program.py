"""The program in TASK_INFO that the fake runs, as docs/program_format.md lays it out.

A program is a head and a list of records. Records of one kind are numbered in
the order they are added, and others refer to them by that number.
"""

from __future__ import annotations

from functools import lru_cache
from struct import pack
from typing import Final

from acl_bundle.om._container.program import FOUR, HEAD, MAGIC, RECORD, TENSOR, TWO, From, Kind, Tag
from acl_bundle.om._modeldef.define import Desc

__all__ = ["From", "Kind", "Program"]

_PADDING: Final = [bytes(-size % 8) for size in range(8)]


class Program:
    """A program as it grows."""

    def __init__(self, kind: Kind, *, variable_area: int, work_size: int = 0) -> None:
        """Start one.

        Args:
            kind: What it does.
            variable_area: Bytes of the bundle's variables, 0 without any.
            work_size: Bytes that ``aclmdlBundleGetSize`` is to report.
        """
        self._kind = kind
        self._sizes = (work_size, variable_area)
        self._count = 0
        self._parts: list[bytes] = []

    def variable(self, name: str, desc: Desc, offset: int) -> None:
        """Add a variable that starts ``offset`` bytes into the variables' area."""
        self._add(Tag.VARIABLE, _tensor(name, desc, offset))

    def constant(self, name: str, desc: Desc, offset: int) -> None:
        """Add a constant that starts ``offset`` bytes into WEIGHTS_DATA."""
        self._add(Tag.CONSTANT, _tensor(name, desc, offset))

    def onnx(self, model: bytes) -> None:
        """Add the model that is run."""
        self._add(Tag.ONNX, model)

    def feed(self, source: From, index: int, name: str) -> None:
        """Say where the value of an ONNX input or external initializer comes from."""
        raw = name.encode()
        self._add(Tag.FEED, FOUR.pack(source, index, len(raw), 0) + raw)

    def fetch(self, output: int, name: str) -> None:
        """Say which ONNX output a model output is."""
        raw = name.encode()
        self._add(Tag.FETCH, TWO.pack(output, len(raw)) + raw)

    def assign(self, variable: int, source: From, index: int) -> None:
        """Let a variable take the value of an input or a constant."""
        self._add(Tag.ASSIGN, FOUR.pack(variable, source, index, 0))

    def callback(self, number: int) -> None:
        """Say which registered function computes."""
        self._add(Tag.CALLBACK, pack("<Q", number))

    def aipp(self, record: bytes) -> None:
        """Add AIPP in front of an input."""
        self._add(Tag.AIPP, record)

    def to_bytes(self) -> bytes:
        """Return the program's bytes."""
        head = HEAD.pack(MAGIC, self._kind, self._count, *self._sizes)
        return b"".join([head, *self._parts])

    def _add(self, tag: Tag, payload: bytes) -> None:
        size = len(payload)
        self._count += 1
        self._parts += (RECORD.pack(tag, 0, size), payload, _PADDING[size % 8])


def _tensor(name: str, desc: Desc, offset: int) -> bytes:
    raw = name.encode()
    head = TENSOR.pack(offset, desc.nbytes, desc.dtype, desc.format, len(desc.shape), len(raw))
    return head + _dims(desc.shape) + raw


@lru_cache(maxsize=256)
def _dims(shape: tuple[int, ...]) -> bytes:
    return pack(f"<{len(shape)}q", *shape)
