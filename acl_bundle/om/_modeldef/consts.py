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
from acl_bundle._acl import lib
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef.graph import ModelDef


def read(definitions: Iterable[ModelDef]) -> dict[str, NDArray[np.generic]]:
    """Return node name -> value; of two nodes with one name the first counts.

    Raises:
        BundleFormatError: A value reaches past the end of WEIGHTS_DATA.
    """
    found: dict[str, NDArray[np.generic]] = {}
    for definition in definitions:
        for name, value in _values(definition):
            found.setdefault(name, value)
    return found


def _values(definition: ModelDef) -> Iterator[tuple[str, NDArray[np.generic]]]:
    tables, outside = definition.tables, definition.weights
    nodes = tables.nodes[(tables.nodes["kind"] == lib.AB_CONST) & (tables.nodes["has_value"] != 0)]
    rows = tables.tensors[nodes["tensor"] - 1]
    inner, outer = (np.frombuffer(span.view, np.uint8) for span in (tables.span, outside))
    for name, at, size, offset, nbytes, shape, dtype in zip(
        tables.names(nodes),
        rows["data"].tolist(),
        rows["data_size"].tolist(),
        rows["data_offset"].tolist(),
        rows["weight_nbytes"].tolist(),
        tables.shapes(rows),
        tables.dtypes(rows),
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
