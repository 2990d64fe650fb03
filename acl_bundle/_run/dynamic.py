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

from acl_bundle._binding.calls import fail
from acl_bundle._binding.library import need
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run.run import Array, Bind, Call, Run
from acl_bundle._run.signature import Signature, check_dtype, make
from acl_bundle._run.variables import Variables
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


def _check(array: Array, spec: TensorSpec, known: Input) -> None:
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
    for axis, (dim, (low, high)) in enumerate(zip(array.shape, known.ranges, strict=False)):
        if dim < low or 0 <= high < dim:
            bound = f"{low} or more" if high < 0 else f"{low} to {high}"
            raise ValueError(f"{what} has shape {array.shape}; dim {axis} must be {bound}")


def _own(made: Any, spec: TensorSpec) -> Array:
    """An array of the memory that a run has made for an output, freed with it."""
    shape = tuple(made.dims[0 : made.rank])
    memory = ffi.gc(made.data, lib.ab_host_free, made.nbytes)
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


def make_dynamic(
    shapes: Any, variables: Variables, known: Sequence[Input], signature: Signature
) -> tuple[Run, Call, Bind]:
    """Make ``run``, ``call`` and ``bind`` of a dynamic graph.

    Args:
        shapes: From `new_shapes`.
        variables: The bundle's.
        known: What the library says of each input.
        signature: The graph's inputs and outputs.
    """
    run_shapes, explain = lib.ab_run_shapes, variables.explain
    count = len(signature.outputs)

    def given_for(array: Array, held: list[Any]) -> dict[str, Any]:
        data, dims = ffi.from_buffer(array), ffi.new("int64_t[]", array.shape)
        held += [data, dims]
        return {"data": data, "nbytes": array.nbytes, "rank": array.ndim, "dims": dims}

    def step(given: list[Array], taken: list[Array | None]) -> tuple[int, list[Array]]:
        for array, spec, one in zip(given, signature.inputs, known, strict=True):
            _check(array, spec, one)
        held: list[Any] = []
        whole = [np.ascontiguousarray(a).reshape(a.shape) for a in given]
        sources = ffi.new("ab_input[]", [given_for(array, held) for array in whole])
        made = ffi.new("ab_output[]", count)
        epoch = run_shapes(shapes, sources, made)
        if epoch < 0:
            epoch = explain(epoch, signature.label, signature.in_names, signature.out_names)
        own = [_own(*one) for one in zip(made, signature.outputs, strict=True)]
        rows = zip(own, signature.outputs, taken, strict=True)
        return epoch, [_give(*row) for row in rows]

    return make(step, signature, variables)
