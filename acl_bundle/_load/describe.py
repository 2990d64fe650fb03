"""What the library says of a loaded model (aclmdlGetDesc)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acl_bundle import dtypes
from acl_bundle._base.owner import Taken
from acl_bundle._binding.calls import INT64_MAX, acl, checked, named
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run import dynamic
from acl_bundle.errors import LibraryError
from acl_bundle.spec import TensorSpec

if TYPE_CHECKING:
    from acl_bundle._binding.shim import aclmdlDesc

RANK_MAX, TENSORS_MAX = lib.AB_RANK_MAX, 1 << 16
_ANY = (-1, -1, -1)


def _numpy(dtype: int) -> np.dtype[Any]:
    """The numpy dtype of an aclDataType; raw bytes where numpy has none."""
    if dtypes.has_numpy(dtype):
        return dtypes.to_numpy(dtype)
    return np.dtype((np.void, max(dtypes.nbytes(dtype), 1)))


class _Asked:
    """The functions that tell of a model's inputs, or of its outputs.

    Args:
        kind: "Input" or "Output".
    """

    def __init__(self, kind: str) -> None:
        self._kind, self._dims = kind, ffi.new("aclmdlIODims *")
        self._shape = "Dims" if kind == "Output" else "DimsV2"  # of an image's bytes, under AIPP
        functions = self._shape, "NameByIndex", "DataType", "Format", "SizeByIndex"
        self._of = [getattr(acl, f"aclmdlGet{kind}{what}") for what in functions]

    def tensor(self, desc: aclmdlDesc, index: int) -> TensorSpec:
        """Read one tensor of a model description."""
        dims_of, name_of, type_of, format_of, size_of = self._of
        name, dims = f"aclmdlGet{self._kind}", self._dims
        dims_of(desc, index, dims)
        rank = checked(
            f"{name}{self._shape}", dims.dimCount, f"0 to {RANK_MAX} dims", most=RANK_MAX
        )
        shape = tuple(
            [
                checked(f"{name}{self._shape}", dim, "-2 or more", least=-2)
                for dim in dims.dims[0:rank]
            ]
        )
        spec = TensorSpec(
            name=named(f"{name}NameByIndex", name_of(desc, index)),
            shape=shape,
            dtype=_numpy(_known_type(f"{name}DataType", int(type_of(desc, index)))),
            format=dtypes.format_name(int(format_of(desc, index))),
            nbytes=int(size_of(desc, index)),
        )
        is_open = min(shape, default=0) < 0 or not spec.nbytes
        least = 0 if is_open else math.prod(shape) * spec.dtype.itemsize
        if not least <= spec.nbytes <= INT64_MAX:
            right = f"{spec} takes {least} bytes or more"
            raise LibraryError(f"{name}SizeByIndex", spec.nbytes, right)
        return spec


def _known_type(function: str, found: int) -> int:
    """The aclDataType that a function has answered."""
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


def _image(model_id: int, index: int, spec: TensorSpec) -> TensorSpec:
    """An input; images of any size that dynamic AIPP takes are bytes, as many as fit.

    The shape is [-1] where gears say how many images there are.
    """
    if not (spec.nbytes and spec.shape and spec.shape[1:] == _ANY and spec.dtype == np.uint8):
        return spec
    kind, attached = ffi.new("aclmdlInputAippType *"), ffi.new("size_t *")
    acl.aclmdlGetAippType(model_id, index, kind, attached)
    is_dynamic = int(kind[0]) == lib.ACL_DATA_WITH_DYNAMIC_AIPP
    shape = (spec.nbytes if spec.shape[0] >= 0 else -1,)
    return replace(spec, shape=shape) if is_dynamic else spec


def describe(model_id: int) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Ask the library for a loaded model's inputs and outputs (aclmdlGetDesc)."""
    with _description(model_id) as desc:
        inputs = _count(desc, "Input")
        outputs = _count(desc, "Output")
        given, made = _Asked("Input"), _Asked("Output")
        return (
            tuple([_image(model_id, index, given.tensor(desc, index)) for index in inputs]),
            tuple([made.tensor(desc, index) for index in outputs]),
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
            kind = int(acl.aclmdlGetInputDataType(desc, index))
            found.append(dynamic.Input(_known_type("aclmdlGetInputDataType", kind), pairs))
    return found
