"""Dynamic graphs: the arrays' shapes are described, the outputs' are read after the run.

The shim keeps the inputs' device memory, which grows to what is asked of it,
and copies each output into host memory made for it: nobody knows its size
before. That memory becomes the array; it is freed with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from acl_bundle._base.arrays import check_dtype
from acl_bundle._binding.calls import INT64_MAX, fail
from acl_bundle._binding.library import need
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._run.signature import Array, Choice, Extent
from acl_bundle.errors import LibraryError
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
    outputs: Sequence[tuple[Any, bool]],
) -> Any:
    """Make what the runs of a dynamic graph keep; the stack gives it back.

    Args:
        stack: Closed with the device's context current.
        engine: The graph's; it has no slots.
        inputs: The data buffer and the ``aclDataType`` of each.
        outputs: The data buffer of each, and whether the library allocates.

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
    for index, (buffer, allocates) in enumerate(outputs):
        lib.ab_shapes_output(shapes, index, buffer, allocates)
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
    made: Any, specs: Sequence[TensorSpec], targets: Sequence[Array | None]
) -> tuple[Array, ...]:
    """What a run has made, as arrays, or in the arrays that were given for it.

    Args:
        made: An ``ab_output[]``, whose memory the arrays take over.
        specs: The graph's outputs.
        targets: For each the array to write, or None.

    Raises:
        ValueError: An array has another shape; those before it were written.
        LibraryError: The library told a shape that its size does not fit.
    """
    memory = [_take(made[at]) for at in range(len(specs))]
    own = [_own(made[at], *row) for at, row in enumerate(zip(memory, specs, strict=True))]
    return tuple(_give(*row) for row in zip(own, specs, targets, strict=True))


def _take(made: Any) -> Any:
    """The memory of an output, freed when nobody has it."""
    memory = ffi.gc(made.data, lib.ab_host_free, made.nbytes)
    made.data = NULL
    return memory


def drop(made: Any) -> None:
    """Let go what a run has made and nobody took."""
    for one in made:
        lib.ab_host_free(one.data)
        one.data = NULL


def _own(made: Any, memory: Any, spec: TensorSpec) -> Array:
    """An array of an output's memory."""
    shape = tuple(made.dims[0 : made.rank])
    if min(shape, default=0) < 0 or math.prod(shape) * spec.dtype.itemsize != made.nbytes:
        right = f"output {spec.name!r} is of {made.nbytes} bytes and of dtype {spec.dtype}"
        raise LibraryError("aclGetTensorDescDimV2", shape, right)
    array: Array = np.ndarray(shape, spec.dtype, ffi.buffer(memory, max(made.nbytes, 1)))
    return array


def _give(array: Array, spec: TensorSpec, given: Array | None) -> Array:
    """The output as the caller wants it: in an array of his, or as it is."""
    if given is None:
        return array
    if given.shape != array.shape:
        raise ValueError(
            f"output {spec.name!r} came as {array.shape}; the array given is {given.shape}"
        )
    given[...] = array
    return given
