"""The values of a model's constants.

A constant node describes its value in the attribute ``value``. The bytes
stand either there or, as in every file a compiler writes, in WEIGHTS_DATA at
the description's offset.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle.om import _ge
from acl_bundle.om._span import Span
from acl_bundle.om.graph import Graph
from acl_bundle.om.tensor import Tensor, TensorDesc


def read(graphs: Iterable[Graph]) -> dict[str, NDArray[np.generic]]:
    """Return node name -> value; of two nodes with one name the first counts.

    Raises:
        BundleFormatError: A value reaches past the end of WEIGHTS_DATA.
    """
    found: dict[str, NDArray[np.generic]] = {}
    for graph in graphs:
        for node in graph.of_type(*_ge.CONST_TYPES):
            value = node.attrs.get(_ge.VALUE)
            if isinstance(value, Tensor) and node.name not in found:
                found[node.name] = _array(value.desc, _bytes(value, graph.weights, node.name))
    return found


def _bytes(value: Tensor, weights: Span, name: str) -> Span:
    inline = value.data
    if inline is not None:
        return inline
    desc = value.desc
    if desc.data_offset < 0 or desc.weight_nbytes < 0:
        raise value.message.span.error(
            0,
            f"constant {name!r} lies at {desc.data_offset} and takes {desc.weight_nbytes} bytes;"
            " neither may be negative",
        )
    return weights.cut(desc.data_offset, desc.weight_nbytes, f"constant {name!r}")


def _array(desc: TensorDesc, span: Span) -> NDArray[np.generic]:
    raw = np.frombuffer(span.view, np.uint8)
    shape = desc.shape
    if not dtypes.has_numpy(desc.dtype) or any(dim < 0 for dim in shape) or len(shape) > 32:
        return raw
    dtype = dtypes.to_numpy(desc.dtype)
    whole = math.prod(shape) * dtype.itemsize == len(span) and len(span) > 0
    return raw.view(dtype).reshape(shape) if whole else raw
