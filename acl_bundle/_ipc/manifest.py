"""What one version of shared weights consists of: plain data, as it goes from process to process.

::

    {"ipc": 1, "version": 7, "published": 1790000000.5, "key": "...", "size": 4194304, "chip": 0,
     "weights": [["fc.weight", "float32", [256, 10], 0], ...]}

A weight is its name, dtype, shape, and offset from the start of the memory in bytes. Nothing is
taken on trust: each lies in the memory, whose size the library confirms when it is imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from acl_bundle._device.layout import Shape, dtype_of, shape_of, size_of
from acl_bundle.errors import WeightsFormatError

FORMAT = 1
ALIGNMENT = 64
"""Where each weight starts: graphs read it there without a copy."""
SIZE_MAX = 2**48
NAME_MAX = 4096


@dataclass(frozen=True)
class Placed:
    """A weight in shared memory.

    Attributes:
        dtype: numpy's.
        shape: In elements; in C order, without gaps.
        offset: Where it starts, in bytes.
    """

    dtype: np.dtype[Any]
    shape: Shape
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return size_of(self.shape, self.dtype)


@dataclass(frozen=True)
class IpcManifest:
    """A version of shared weights.

    Attributes:
        version: Its number.
        key: Of the memory.
        size: Bytes of the memory.
        chip: The device, as all processes of the host number it; None where that is not known.
        weights: Where each one lies.
        published: Seconds since 1970.
    """

    version: int
    key: str
    size: int
    chip: int | None
    weights: Mapping[str, Placed]
    published: float | None = None

    def to_json(self) -> str:
        """The manifest as one line of text."""
        rows = [
            [name, str(one.dtype), list(one.shape), one.offset]
            for name, one in self.weights.items()
        ]
        data: dict[str, Any] = {"ipc": FORMAT, "version": self.version}
        data |= {
            "published": self.published,
            "key": self.key,
            "size": self.size,
            "chip": self.chip,
            "weights": rows,
        }
        return json.dumps(data)

    @classmethod
    def read(cls, given: object) -> IpcManifest:
        """Check a manifest: its text, or what JSON makes of that.

        Raises:
            WeightsFormatError: It is none, or a weight does not lie in the memory.
        """
        try:
            data = json.loads(given) if isinstance(given, str | bytes) else given
        except (ValueError, RecursionError) as error:
            raise WeightsFormatError(
                f"the manifest is {_told(given)}, no JSON: {error}; what the publisher's manifest"
                " is is right"
            ) from error
        if not isinstance(data, Mapping) or data.get("ipc") != FORMAT:
            raise WeightsFormatError(
                f'the manifest is {_told(given)}; a mapping with "ipc": {FORMAT} is right'
            )
        size = _whole(data, "size", 1, SIZE_MAX)
        return cls(
            version=_whole(data, "version", 0, 2**63 - 1),
            key=_key(data.get("key")),
            size=size,
            chip=None if data.get("chip") is None else _whole(data, "chip", 0, 2**31),
            weights=_weights(data.get("weights"), size),
            published=_seconds(data.get("published")),
        )


def laid_out(specs: Mapping[str, tuple[np.dtype[Any], Shape]]) -> tuple[dict[str, Placed], int]:
    """Place weights one behind the other: where each lies, and how many bytes that takes."""
    placed, end = dict[str, Placed](), 0
    for name, (dtype, shape) in specs.items():
        placed[name] = Placed(dtype, shape, end)
        end += (placed[name].nbytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    return placed, end


def _whole(data: Mapping[str, Any], what: str, least: int, most: int) -> int:
    value = data.get(what)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise WeightsFormatError(
            f"the manifest's {what} is {_told(value)}; an int from {least} to {most} is right"
        )
    return value


def _told(value: object) -> str:
    """A value, cut short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _key(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64 or "\0" in value:
        raise WeightsFormatError(
            f"the manifest's key is {_told(value)}; 1 to 64 characters are right"
        )
    try:
        value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise WeightsFormatError(f"the manifest's key is {value!r}; bytes are right") from error
    return value


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < 2**40 else None


def _weights(rows: object, size: int) -> dict[str, Placed]:
    if not isinstance(rows, list) or not rows:
        raise WeightsFormatError("the manifest has no weights")
    placed = dict[str, Placed]()
    for row in rows:
        name, one = _weight(row, size)
        if name in placed:
            raise WeightsFormatError(f"the manifest has weight {name!r} twice")
        placed[name] = one
    return placed


def _weight(row: object, size: int) -> tuple[str, Placed]:
    if not isinstance(row, list) or len(row) != 4 or not isinstance(row[0], str):
        raise WeightsFormatError(
            f"the manifest has {_told(row)} for a weight; [name, dtype, shape, offset] is right"
        )
    name, kind, shape, offset = row
    if len(name) > NAME_MAX:
        raise WeightsFormatError(f"the manifest has a name of {len(name)} characters")
    dtype = _dtype(name, kind)
    dims = isinstance(shape, list) and all(type(dim) is int for dim in shape)
    try:
        one = Placed(dtype, shape_of(shape if dims else [-1]), 0)
        nbytes = one.nbytes
    except ValueError as error:
        raise WeightsFormatError(
            f"the manifest gives weight {name!r} the shape {_told(shape)}; ints of 0 or more,"
            " of fewer bytes than the memory has, are right"
        ) from error
    if type(offset) is not int or not 0 <= offset <= size - nbytes or offset % dtype.alignment:
        raise WeightsFormatError(
            f"the manifest puts weight {name!r}, {dtype}{list(one.shape)} of {nbytes} bytes, at"
            f" {_told(offset)} of {size} bytes: it must lie inside, on a multiple of"
            f" {dtype.alignment}"
        )
    return name, Placed(dtype, one.shape, offset)


def _dtype(name: str, kind: object) -> np.dtype[Any]:
    try:
        if not isinstance(kind, str):
            raise TypeError("no text")
        return dtype_of(getattr(ml_dtypes, kind, kind))
    except (TypeError, ValueError) as error:
        raise WeightsFormatError(
            f"the manifest gives weight {name!r} the dtype {_told(kind)}, which ACL lacks"
        ) from error
