"""MODEL_INOUT_INFO: a model's inputs and outputs as a plain list (facts 5.4).

The partition is a sequence of blocks ``{type, length, bytes}``; empty blocks
are left out. Blocks 0 and 1 are the inputs and the outputs; the others
describe gears (:mod:`~acl_bundle.om._container.gears`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from acl_bundle import dtypes
from acl_bundle._acl import ffi
from acl_bundle.om._bytes import objects
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import gears as _gears
from acl_bundle.om._container.gears import Gears

_BLOCK: Final = struct.Struct("<II")
_COUNT: Final = struct.Struct("<I")
_TENSOR: Final = struct.Struct("<QiiIIII")
_INPUTS: Final = 0
_OUTPUTS: Final = 1
_KNOWN: Final = range(7)
_RANK_MAX: Final = 128  # ACL_MAX_DIM_CNT
_LIST_MAX: Final = 16 * _RANK_MAX  # bytes: two numbers for each dim of a range


class TensorInfo(NamedTuple):
    """One input or output of a model.

    Attributes:
        name: As the model calls it.
        dtype: ``aclDataType``.
        format: ``aclFormat``.
        dims: The shape; -1 is an unknown dim, a single -2 an unknown rank.
        nbytes: Size in bytes, 0 where a dim is unknown.
        ranges: (least, most) per dim, empty where the file has none.
    """

    name: str
    dtype: int
    format: int
    dims: tuple[int, ...]
    nbytes: int
    ranges: tuple[tuple[int, int], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The same as ``dims``."""
        return self.dims

    @property
    def is_dynamic(self) -> bool:
        """Whether a dim, or the rank, is unknown."""
        return any(dim < 0 for dim in self.dims)

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype of an element; ValueError where numpy has none."""
        return dtypes.to_numpy(self.dtype)

    def __str__(self) -> str:
        dims = ", ".join(map(str, self.dims))
        return f"{self.name}: {dtypes.short_name(self.dtype)}[{dims}]"


def blocks(span: Span) -> dict[int, Span]:
    """Return the blocks by type; of two of one type the last counts.

    Raises:
        BundleFormatError: A block is cut short or has an unknown type.
    """
    found, at = {}, 0
    while at < len(span):
        kind, size = span.unpack(_BLOCK, at, "a block of MODEL_INOUT_INFO")
        if kind not in _KNOWN:
            raise span.error(at, f"MODEL_INOUT_INFO has a block of type {kind}; 0 to 6 exist")
        found[kind] = span.cut(at + _BLOCK.size, size, f"block {kind} of MODEL_INOUT_INFO")
        at += _BLOCK.size + size
    return found


def read(listed: Mapping[int, Span]) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Read inputs and outputs from their blocks.

    Raises:
        BundleFormatError: A tensor is cut short.
    """
    inputs, outputs = (
        _read_tensors(listed[kind]) if kind in listed else () for kind in (_INPUTS, _OUTPUTS)
    )
    return inputs, outputs


def read_gears(listed: Mapping[int, Span]) -> Gears | None:
    """Read the gears from their blocks; None when there are none.

    Raises:
        BundleFormatError: A block is cut short, or is no list of gears.
    """
    for number, kind in _gears.BLOCKS.items():
        if number in listed:
            values = _gears.read_values(kind, listed[number])
            shapes, order = listed.get(_gears.SHAPES), listed.get(_gears.ORDER)
            return Gears(
                kind,
                values,
                () if shapes is None else _gears.read_shapes(shapes),
                () if order is None else _gears.read_texts(order),
            )
    return None


def _read_tensors(span: Span) -> tuple[TensorInfo, ...]:
    (count,) = span.unpack(_COUNT, 0, "a tensor count")
    if count > len(span) // _TENSOR.size:
        raise span.error(0, f"{count} tensors cannot stand in a block of {len(span)} bytes")
    view = ffi.from_buffer(span.view)
    found, end = objects.ends(
        TensorInfo, objects.address(view), len(span), _COUNT.size, _LIST_MAX, count
    )
    if len(found) < count:
        _refuse(span, end)
    return tuple(found)


def _refuse(span: Span, at: int) -> None:
    """Say what is wrong with the tensor at ``at``."""
    *_, name_size, dims, dims_again, ranges = span.unpack(_TENSOR, at, "a tensor's description")
    at += _TENSOR.size
    name = span.text(at, name_size, "a tensor's name")
    at += name_size
    for size, what in ((dims, "dims"), (dims_again, "dims"), (ranges, "ranges")):
        part = span.cut(at, size, f"{what} of tensor {name!r}")
        if size % 8:
            raise part.error(0, f"{what} take {size} bytes, which is no multiple of 8")
        if size > _LIST_MAX:
            raise part.error(0, f"{what} take {size} bytes; a tensor has {_RANK_MAX} at most")
        at += size


def write(
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    gears: Gears | None = None,
    memory_dims: Mapping[str, Sequence[int]] | None = None,
) -> bytes:
    """Return the partition, empty when there is nothing in it.

    Args:
        inputs: The inputs.
        outputs: The outputs.
        gears: The gears, None for none.
        memory_dims: What aclmdlGetInputDimsV2 tells of inputs, where that is other than their
            dims: images that AIPP takes.
    """
    rest = () if gears is None else _gears.write(gears)
    parts = [_BLOCK.pack(kind, len(body)) + body for kind, body in rest]
    first = _write_block(_INPUTS, inputs, memory_dims or {})
    return b"".join([first, _write_block(_OUTPUTS, outputs, {}), *parts])


def _write_block(
    kind: int, tensors: Sequence[TensorInfo], second: Mapping[str, Sequence[int]]
) -> bytes:
    if not tensors:
        return b""
    rows = (_write_tensor(one, second.get(one.name, one.dims)) for one in tensors)
    body = _COUNT.pack(len(tensors)) + b"".join(rows)
    return _BLOCK.pack(kind, len(body)) + body


def _write_tensor(tensor: TensorInfo, second: Sequence[int]) -> bytes:
    name = tensor.name.encode()
    dims, again = _numbers(*tensor.dims), _numbers(*second)
    ranges = _numbers(*(bound for pair in tensor.ranges for bound in pair))
    head = _TENSOR.pack(
        tensor.nbytes, tensor.format, tensor.dtype, len(name), len(dims), len(again), len(ranges)
    )
    return head + name + dims + again + ranges


@lru_cache(maxsize=256)
def _numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)
