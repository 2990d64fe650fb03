"""Changing single fields of files, at the places facts 5.1 gives."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .face import Acl

MAGIC, HEADSIZE, VERSION, CHECKSUM, LENGTH = 0, 4, 8, 12, 76
ENCRYPTED, CHECKED, MODELTYPE, NAME, IR_VERSION = 80, 81, 82, 84, 152
MODEL_NUM, PLATFORM, MODEL_LENGTH, UNKNOWN_MODEL = 156, 160, 184, 193
TABLE = 256


def put(data: bytes, at: int, layout: str, value: int) -> bytes:
    """The file with one number replaced."""
    raw = struct.pack(f"<{layout}", value)
    return data[:at] + raw + data[at + len(raw) :]


def size_of(index: int) -> int:
    """Where the table of a file keeps the size of a partition."""
    return TABLE + 8 + 24 * index + 16


def offset_of(index: int) -> int:
    """Where it keeps the offset."""
    return TABLE + 8 + 24 * index + 8


def container(parts: Sequence[tuple[int, bytes]], header: bytes) -> bytes:
    """A file of any partitions behind any header, with honest sizes."""
    rows, at = b"", 8 + 24 * len(parts)
    for kind, payload in parts:
        rows += struct.pack("<I4xQQ", kind, at, len(payload))
        at += len(payload)
    table = struct.pack("<I4x", len(parts)) + rows
    return header + table + b"".join(payload for _, payload in parts)


def resized(data: bytes) -> bytes:
    """A single model whose header promises what is there."""
    return put(data, MODEL_LENGTH, "Q", len(data) - 256)


Opener = Callable[[Acl, bytes, Path], int]


def _from_file(function: str, make: Callable[[Acl], Sequence[Any]]) -> Opener:
    def call(acl: Acl, data: bytes, folder: Path) -> int:
        path = folder / "file.om"
        path.write_bytes(data)
        return int(getattr(acl, function)(str(path).encode(), *make(acl)))

    return call


def _from_memory(function: str, make: Callable[[Acl], Sequence[Any]]) -> Opener:
    def call(acl: Acl, data: bytes, folder: Path) -> int:
        return int(getattr(acl, function)(acl.hold(data), len(data), *make(acl)))

    return call


def _number(acl: Acl) -> Sequence[Any]:
    return [acl.new("uint32_t *")]


def _variables(acl: Acl) -> Sequence[Any]:
    return [acl.NULL, 0, acl.new("uint32_t *")]


def _info(acl: Acl) -> Sequence[Any]:
    return [acl.aclmdlBundleCreateQueryInfo()]


LOADS: dict[str, Opener] = {
    "aclmdlBundleLoadFromFile": _from_file("aclmdlBundleLoadFromFile", _number),
    "aclmdlBundleLoadFromMem": _from_memory("aclmdlBundleLoadFromMem", _number),
}
INITS: dict[str, Opener] = {
    "aclmdlBundleInitFromFile": _from_file("aclmdlBundleInitFromFile", _variables),
    "aclmdlBundleInitFromMem": _from_memory("aclmdlBundleInitFromMem", _variables),
}
QUERIES: dict[str, Opener] = {
    "aclmdlBundleQueryInfoFromFile": _from_file("aclmdlBundleQueryInfoFromFile", _info),
    "aclmdlBundleQueryInfoFromMem": _from_memory("aclmdlBundleQueryInfoFromMem", _info),
}
BUNDLES = {**LOADS, **INITS, **QUERIES}
MODELS: dict[str, Opener] = {
    "aclmdlLoadFromFile": _from_file("aclmdlLoadFromFile", _number),
    "aclmdlLoadFromMem": _from_memory("aclmdlLoadFromMem", _number),
}
