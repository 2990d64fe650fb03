"""The values of a model's constants.

A constant node describes its value in the attribute ``value``. The bytes
stand either there or, as in every file a compiler writes, in WEIGHTS_DATA at
the description's offset.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import desc_rows, ge
from acl_bundle.om._modeldef.graph import Graph
from acl_bundle.om._modeldef.tensor import KINDS


def read(graphs: Iterable[Graph]) -> dict[str, NDArray[np.generic]]:
    """Return node name -> value; of two nodes with one name the first counts.

    Raises:
        BundleFormatError: A value reaches past the end of WEIGHTS_DATA.
    """
    found: dict[str, NDArray[np.generic]] = {}
    for graph in graphs:
        for name, value in _values(graph):
            found.setdefault(name, value)
    return found


def _values(graph: Graph) -> Iterator[tuple[str, NDArray[np.generic]]]:
    nodes = graph.select(*ge.CONST_TYPES)
    values = nodes.entry(ge.OP_ATTR, ge.VALUE)
    tensors = values.first(*KINDS).numbers == ge.ATTR_T
    nodes, values = nodes.take(tensors), values.take(tensors).last(ge.ATTR_T)
    descs = values.last(ge.TENSOR_DESC)
    here, outside = graph.message.span, graph.weights
    inner, outer = (np.frombuffer(span.view, np.uint8) for span in (here, outside))
    for name, (at, size), offset, nbytes, shape, dtype in zip(
        nodes.last(ge.OP_NAME).texts(),
        values.last(ge.TENSOR_DATA).places(),
        descs.values(ge.DESC_DATA_OFFSET),
        descs.values(ge.DESC_WEIGHT_SIZE),
        desc_rows.shapes_of(descs),
        desc_rows.dtypes_of(descs),
        strict=True,
    ):
        if size:
            yield name, _array(inner[at : at + size], shape, dtype)
            continue
        _check(outside, offset, nbytes, name)
        yield name, _array(outer[offset : offset + nbytes], shape, dtype)


def _check(weights: Span, offset: int, nbytes: int, name: str) -> None:
    if offset < 0 or nbytes < 0:
        raise weights.error(
            0,
            f"constant {name!r} lies at {offset} and takes {nbytes} bytes; neither may be negative",
        )
    if nbytes > len(weights) - offset:
        weights.cut(offset, nbytes, f"constant {name!r}")


def _array(raw: NDArray[np.uint8], shape: tuple[int, ...], dtype: int) -> NDArray[np.generic]:
    if not dtypes.has_numpy(dtype) or min(shape, default=0) < 0 or len(shape) > 32:
        return raw
    kind = dtypes.to_numpy(dtype)
    whole = math.prod(shape) * kind.itemsize == len(raw) and len(raw) > 0
    return raw.view(kind).reshape(shape) if whole else raw
