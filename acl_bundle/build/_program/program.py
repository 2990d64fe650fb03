"""The program in TASK_INFO that the fake runs, as docs/program_format.md lays it out.

A program is a head and a list of records. Records of one kind are numbered in
the order they are added, and others refer to them by that number.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from acl_bundle.om._modeldef.define import Desc

_HEAD = struct.Struct("<8sIIQQ")
_RECORD = struct.Struct("<IIQ")
_TENSOR = struct.Struct("<QQiiII")
_MAGIC = b"ACLPROG1"


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


class _Tag(IntEnum):
    VARIABLE = 1
    CONSTANT = 2
    ONNX = 3
    FEED = 4
    FETCH = 5
    ASSIGN = 6
    CALLBACK = 7
    AIPP = 9


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
        self._records: list[tuple[_Tag, bytes]] = []

    def variable(self, name: str, desc: Desc, offset: int) -> None:
        """Add a variable that starts ``offset`` bytes into the variables' area."""
        self._records.append((_Tag.VARIABLE, _tensor(name, desc, offset)))

    def constant(self, name: str, desc: Desc, offset: int) -> None:
        """Add a constant that starts ``offset`` bytes into WEIGHTS_DATA."""
        self._records.append((_Tag.CONSTANT, _tensor(name, desc, offset)))

    def onnx(self, model: bytes) -> None:
        """Add the model that is run."""
        self._records.append((_Tag.ONNX, model))

    def feed(self, source: From, index: int, name: str) -> None:
        """Say where the value of an ONNX input or external initializer comes from."""
        raw = name.encode()
        self._records.append((_Tag.FEED, struct.pack("<IIII", source, index, len(raw), 0) + raw))

    def fetch(self, output: int, name: str) -> None:
        """Say which ONNX output a model output is."""
        raw = name.encode()
        self._records.append((_Tag.FETCH, struct.pack("<II", output, len(raw)) + raw))

    def assign(self, variable: int, source: From, index: int) -> None:
        """Let a variable take the value of an input or a constant."""
        record = struct.pack("<IIII", variable, source, index, 0)
        self._records.append((_Tag.ASSIGN, record))

    def callback(self, number: int) -> None:
        """Say which registered function computes."""
        self._records.append((_Tag.CALLBACK, struct.pack("<Q", number)))

    def aipp(self, record: bytes) -> None:
        """Add AIPP in front of an input."""
        self._records.append((_Tag.AIPP, record))

    def to_bytes(self) -> bytes:
        """Return the program's bytes."""
        parts = [_HEAD.pack(_MAGIC, self._kind, len(self._records), *self._sizes)]
        for tag, payload in self._records:
            parts += [_RECORD.pack(tag, 0, len(payload)), payload, bytes(-len(payload) % 8)]
        return b"".join(parts)


def _tensor(name: str, desc: Desc, offset: int) -> bytes:
    raw = name.encode()
    head = _TENSOR.pack(offset, desc.nbytes, desc.dtype, desc.format, len(desc.shape), len(raw))
    return head + struct.pack(f"<{len(desc.shape)}q", *desc.shape) + raw
