"""What the library says of a loaded model (aclmdlGetDesc)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from acl_bundle import dtypes
from acl_bundle._base.owner import Taken
from acl_bundle._binding.calls import acl, checked, named
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run import dynamic
from acl_bundle.errors import LibraryError
from acl_bundle.spec import TensorSpec

if TYPE_CHECKING:
    from acl_bundle._binding.shim import aclmdlDesc

RANK_MAX, TENSORS_MAX = lib.AB_RANK_MAX, 1 << 16


def _numpy(dtype: int) -> np.dtype[Any]:
    """The numpy dtype of an aclDataType; raw bytes where numpy has none."""
    if dtypes.has_numpy(dtype):
        return dtypes.to_numpy(dtype)
    return np.dtype((np.void, max(dtypes.nbytes(dtype), 1)))


def _tensor(desc: aclmdlDesc, index: int, kind: str) -> TensorSpec:
    """Read one tensor of a model description; kind is "Input" or "Output"."""
    dims = ffi.new("aclmdlIODims *")
    getattr(acl, f"aclmdlGet{kind}Dims")(desc, index, dims)
    what = f"aclmdlGet{kind}Dims"
    rank = checked(what, dims[0].dimCount, f"0 to {RANK_MAX} dims", most=RANK_MAX)
    shape = [checked(what, dim, "-2 or more", least=-2) for dim in dims[0].dims[0:rank]]
    name = f"aclmdlGet{kind}NameByIndex"
    spec = TensorSpec(
        name=named(name, getattr(acl, name)(desc, index)),
        shape=tuple(shape),
        dtype=_numpy(_data_type(desc, index, kind)),
        format=dtypes.format_name(int(getattr(acl, f"aclmdlGet{kind}Format")(desc, index))),
        nbytes=int(getattr(acl, f"aclmdlGet{kind}SizeByIndex")(desc, index)),
    )
    least = 0 if spec.dynamic or not spec.nbytes else math.prod(shape) * spec.dtype.itemsize
    right = f"{spec} takes {least} bytes or more"
    checked(f"aclmdlGet{kind}SizeByIndex", spec.nbytes, right, least=least)
    return spec


def _data_type(desc: aclmdlDesc, index: int, kind: str) -> int:
    """The aclDataType of a tensor."""
    function = f"aclmdlGet{kind}DataType"
    found = int(getattr(acl, function)(desc, index))
    if not dtypes.is_known(found):
        raise LibraryError(function, found, "an aclDataType that this release knows")
    return found


def _count(desc: aclmdlDesc, kind: str) -> range:
    """The tensors of a model."""
    function = f"aclmdlGetNum{kind}s"
    count = getattr(acl, function)(desc)
    return range(checked(function, count, f"{TENSORS_MAX} at most", most=TENSORS_MAX))


@contextmanager
def _description(model_id: int) -> Iterator[Any]:
    with Taken() as own:
        desc = acl.aclmdlCreateDesc()
        own.callback(acl.aclmdlDestroyDesc, desc)
        acl.aclmdlGetDesc(desc, model_id)
        yield desc


def describe(model_id: int) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Ask the library for a loaded model's inputs and outputs (aclmdlGetDesc)."""
    with _description(model_id) as desc:
        inputs = _count(desc, "Input")
        outputs = _count(desc, "Output")
        return (
            tuple(_tensor(desc, index, "Input") for index in inputs),
            tuple(_tensor(desc, index, "Output") for index in outputs),
        )


def describe_dynamic(model_id: int) -> list[dynamic.Input]:
    """Ask the library for the types and ranges of a loaded model's inputs."""
    dims = ffi.new("aclmdlIODimsRange *")
    found = []
    with _description(model_id) as desc:
        for index in _count(desc, "Input"):
            acl.aclmdlGetInputDimsRange(desc, index, dims)
            what, most = "aclmdlGetInputDimsRange", RANK_MAX
            rank = checked(what, dims.rangeCount, f"0 to {most} ranges", most=most)
            pairs = tuple((int(p[0]), int(p[1])) for p in dims.range[0:rank])
            found.append(dynamic.Input(_data_type(desc, index, "Input"), pairs))
    return found
