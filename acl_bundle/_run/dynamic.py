"""Dynamic graphs: the arrays' shapes are described, the outputs' are read after the run.

The shim keeps the inputs' device memory, which grows to what is asked of it,
and copies each output into host memory made for it: nobody knows its size
before. That memory becomes the array; it is freed with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from acl_bundle._base.arrays import check_dtype
from acl_bundle._binding.calls import INT64_MAX, acl, fail
from acl_bundle._binding.library import need
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.block import Block
from acl_bundle._run.fit import Array, Choice, Extent, Target
from acl_bundle.errors import AclError, LibraryError
from acl_bundle.spec import TensorSpec

Ranges = tuple[tuple[int, int], ...]
UNKNOWN_RANK = (-2,)
NEEDS = (
    "aclCreateTensorDesc",
    "aclDestroyTensorDesc",
    "aclGetDataBufferAddr",
    "aclGetDataBufferSizeV2",
    "aclGetTensorDescDimV2",
    "aclGetTensorDescNumDims",
    "aclGetTensorDescSize",
    "aclUpdateDataBuffer",
    "aclmdlGetDatasetTensorDesc",
    "aclmdlSetDatasetTensorDesc",
    "aclrtFree",
    "aclrtMalloc",
)
RANK_MAX = lib.AB_RANK_MAX


@dataclass(frozen=True)
class Input:
    """What the library says of an input beside its spec.

    Attributes:
        dtype: Its ``aclDataType``.
        ranges: (least, most) per dim, most negative without end.
    """

    dtype: int
    ranges: Ranges


def new_shapes(
    stack: ExitStack,
    engine: Any,
    inputs: Sequence[tuple[Any, int]],
    outputs: Sequence[tuple[Any, int, Any]],
) -> Any:
    """Make what the runs of a dynamic graph keep; the stack gives it back.

    Args:
        stack: Closed with the device's context current.
        engine: The graph's; it has no slots.
        inputs: The data buffer and the ``aclDataType`` of each.
        outputs: The memory of each (NULL and 0: the library allocates), its bytes, and the data
            buffer.

    Raises:
        MemoryError: There is no memory for it.
        UnsupportedError: The library lacks what C calls for it.
    """
    need("a graph with dynamic shapes", NEEDS)
    shapes = lib.ab_shapes_new(engine, len(inputs), len(outputs))
    if shapes == ffi.NULL:
        raise MemoryError("no memory for a graph's shapes")
    shapes = ffi.gc(shapes, lib.ab_shapes_free)
    stack.callback(_release, shapes)
    for index, (buffer, dtype) in enumerate(inputs):
        lib.ab_shapes_input(shapes, index, buffer, dtype)
    for index, (memory, room, buffer) in enumerate(outputs):
        lib.ab_shapes_output(shapes, index, buffer, memory, room)
    return shapes


def _release(shapes: Any) -> None:
    status = lib.ab_shapes_release(shapes)
    if status:
        fail("aclrtFree", status)


class DynamicShapes:
    """The `Shapes` of a dynamic graph: one choice, whose outputs the run tells.

    Args:
        inputs: The graph's.
        known: What the library says of each input.
    """

    def __init__(self, inputs: Sequence[TensorSpec], known: Sequence[Input]) -> None:
        self._ranges = [one.ranges for one in known]
        rows = zip(inputs, self._ranges, strict=True)
        self.choices = [Choice(tuple(_extent(*row) for row in rows), None)]

    def pick(self, inputs: tuple[TensorSpec, ...], arrays: Sequence[Array], _: str) -> Choice:
        """See `Shapes`."""
        for row in zip(arrays, inputs, self._ranges, strict=True):
            _check(*row)
        return self.choices[0]


def _extent(spec: TensorSpec, ranges: Ranges) -> Extent:
    """What an input's shape may be: a dim that the file fixes is in its range, too."""
    if spec.shape == UNKNOWN_RANK:
        return None
    open_ones = [(0, -1)] * (len(spec.shape) - len(ranges))
    least, most = [], []
    for fixed, (low, high) in zip(spec.shape, (*ranges, *open_ones), strict=False):
        least.append(max(low, fixed, 0))
        most.append(min(INT64_MAX if high < 0 else high, INT64_MAX if fixed < 0 else fixed))
    return tuple(least), tuple(most)


def _check(array: Array, spec: TensorSpec, ranges: Ranges) -> None:
    """Refuse an array whose dtype or shape the graph does not take."""
    what = f"input {spec.name!r}"
    check_dtype(array, what, spec)
    if array.ndim > RANK_MAX:
        raise ValueError(f"{what} has {array.ndim} dims; {RANK_MAX} are the most")
    if spec.shape == UNKNOWN_RANK:
        return
    fits = array.ndim == len(spec.shape) and all(
        fixed in (-1, dim) for fixed, dim in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{what} has shape {array.shape}; it must fit {spec.shape}")
    for axis, (dim, (low, high)) in enumerate(zip(array.shape, ranges, strict=False)):
        if dim < low or 0 <= high < dim:
            bound = f"{low} or more" if high < 0 else f"{low} to {high}"
            raise ValueError(f"{what} has shape {array.shape}; dim {axis} must be {bound}")


def give(
    made: Any, specs: Sequence[TensorSpec], targets: Sequence[Target], device: int
) -> tuple[Any, ...]:
    """What a run has made, as arrays, or in the arrays that were given for it.

    Args:
        made: An ``ab_output[]``, whose memory the arrays take over.
        specs: The graph's outputs.
        targets: For each the array to write, or "device", or None.
        device: The number of the graph's device.

    Raises:
        ValueError: An array has another shape; those before it were written.
        LibraryError: The library told a shape that its size does not fit.
    """
    try:
        memory = [_take(made[at], device) for at in range(len(specs))]
    except BaseException:
        drop(made, len(specs))
        raise
    rows = zip(memory, specs, targets, strict=True)
    own = [_own(made[at], *row, device) for at, row in enumerate(rows)]
    return tuple(_give(*row) for row in zip(own, specs, targets, strict=True))


def _take(made: Any, device: int) -> Any:
    """The memory of an output, freed when nobody has it; None where it is an array's already."""
    if made.isAllocated:
        made.isAllocated = 0
        return Block(device, made.nbytes, taken=made.device)
    if made.data == NULL:
        return None
    memory = ffi.gc(made.data, lib.ab_host_free, made.nbytes)
    made.data = NULL
    return memory


def drop(made: Any, count: int) -> None:
    """Let go what a run has made and nobody took."""
    for at in range(count):
        lib.ab_host_free(made[at].data)
        made[at].data = NULL
        if made[at].isAllocated:
            made[at].isAllocated = 0
            with suppress(AclError):
                acl.aclrtFree(made[at].device)


def _own(made: Any, memory: Any, spec: TensorSpec, target: Target, device: int) -> Any:
    """An array of an output's memory; of a target on the device, the part that was written."""
    shape = tuple(made.dims[0 : made.rank])
    if min(shape, default=0) < 0 or math.prod(shape) * spec.dtype.itemsize != made.nbytes:
        right = f"output {spec.name!r} is of {made.nbytes} bytes and of dtype {spec.dtype}"
        raise LibraryError("aclGetTensorDescDimV2", shape, right)
    if isinstance(target, DeviceArray):
        return _Written(shape)
    if isinstance(target, str):
        block = memory or Block(device, 0)  # the library allocates nothing for nothing
        return DeviceArray(block, shape, spec.dtype)
    array: Array = np.ndarray(shape, spec.dtype, ffi.buffer(memory, max(made.nbytes, 1)))
    return array


class _Written(NamedTuple):
    """What was written to an array on the device."""

    shape: tuple[int, ...]


def _give(array: Any, spec: TensorSpec, given: Target) -> Any:
    """The output as the caller wants it: in an array of his, or as it is."""
    if given is None or isinstance(given, str):
        return array
    if given.shape != array.shape:
        raise ValueError(
            f"output {spec.name!r} came as {array.shape}; the array given is {given.shape}"
        )
    if not isinstance(given, DeviceArray):
        given[...] = array
    return given
