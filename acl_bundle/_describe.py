"""What the library says of a loaded model (aclmdlGetDesc)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from acl_bundle import _dynamic, dtypes
from acl_bundle._api import acl, ffi, text
from acl_bundle._owner import Taken
from acl_bundle.spec import TensorSpec


def _numpy(dtype: int) -> np.dtype[Any]:
    """The numpy dtype of an aclDataType; raw bytes where numpy has none."""
    if dtypes.has_numpy(dtype):
        return dtypes.to_numpy(dtype)
    return np.dtype((np.void, max(dtypes.nbytes(dtype), 1)))


def _tensor(desc: Any, index: int, kind: str) -> TensorSpec:
    """Read one tensor of a model description; kind is "Input" or "Output"."""
    dims = ffi.new("aclmdlIODims *")
    getattr(acl, f"aclmdlGet{kind}Dims")(desc, index, dims)
    shape = tuple(dims[0].dims[0 : dims[0].dimCount])
    return TensorSpec(
        name=text(getattr(acl, f"aclmdlGet{kind}NameByIndex")(desc, index)),
        shape=tuple(int(dim) for dim in shape),
        dtype=_numpy(int(getattr(acl, f"aclmdlGet{kind}DataType")(desc, index))),
        format=dtypes.format_name(int(getattr(acl, f"aclmdlGet{kind}Format")(desc, index))),
        nbytes=int(getattr(acl, f"aclmdlGet{kind}SizeByIndex")(desc, index)),
    )


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
        inputs = range(acl.aclmdlGetNumInputs(desc))
        outputs = range(acl.aclmdlGetNumOutputs(desc))
        return (
            tuple(_tensor(desc, index, "Input") for index in inputs),
            tuple(_tensor(desc, index, "Output") for index in outputs),
        )


def describe_dynamic(model_id: int) -> list[_dynamic.Input]:
    """Ask the library for the types and ranges of a loaded model's inputs."""
    dims = ffi.new("aclmdlIODimsRange *")
    found = []
    with _description(model_id) as desc:
        for index in range(acl.aclmdlGetNumInputs(desc)):
            acl.aclmdlGetInputDimsRange(desc, index, dims)
            pairs = tuple((int(p[0]), int(p[1])) for p in dims.range[0 : dims.rangeCount])
            found.append(_dynamic.Input(int(acl.aclmdlGetInputDataType(desc, index)), pairs))
    return found
