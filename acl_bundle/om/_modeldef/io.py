"""Inputs and outputs of a model that has no MODEL_INOUT_INFO (facts 5.5).

Inputs are the root graph's Data nodes in the order of their ``index``
attribute, outputs what its NetOutput takes in. Output names are recorded in
the model or the root graph; files too old for that get the name the runtime
would make up (facts 1.9).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from acl_bundle._acl import lib
from acl_bundle.om._container.inout import TensorInfo
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.graph import Graph, ModelDef, Node
from acl_bundle.om._modeldef.tables import Rows, Tables
from acl_bundle.om._modeldef.tensor import Attributes


def read(definition: ModelDef) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return inputs and outputs of the definition's root graph."""
    if not definition.graphs:
        return (), ()
    root = definition.graphs[0]
    return _inputs(root), _outputs(definition, root)


def _inputs(root: Graph) -> tuple[TensorInfo, ...]:
    tables = root.tables
    if not tables.kinds[lib.AB_DATA] and not tables.kinds[lib.AB_THEN_DATA]:
        return ()
    nodes = root.rows
    data = (nodes["kind"] == lib.AB_DATA) | (nodes["kind"] == lib.AB_THEN_DATA)
    nodes = nodes[data & (nodes["tensor"] != 0)]
    if not len(nodes):
        return ()
    nodes = nodes[np.argsort(nodes["index"], kind="stable")]
    return _infos(tables, tables.names(nodes), tables.tensors[nodes["tensor"] - 1])


def _outputs(definition: ModelDef, root: Graph) -> tuple[TensorInfo, ...]:
    given = root.tables.given
    if given is None:
        return ()
    at, rows = given
    names = _recorded(definition.attrs) or _recorded(root.attrs)
    if len(names) != len(rows):
        names = _invented(root.node(at), len(rows))
    return _infos(root.tables, names, rows)


def _recorded(attrs: Attributes) -> tuple[str, ...]:
    names = attrs.get(ge.OUT_NODES)
    return tuple(map(str, names)) if isinstance(names, tuple) else ()


def _invented(end: Node, count: int) -> tuple[str, ...]:
    sources = end.sources
    known = len(sources) == count
    return tuple(
        f"output_{index}_{sources[index][0]}_{sources[index][1]}" if known else f"output_{index}"
        for index in range(count)
    )


def _infos(tables: Tables, names: Iterable[str], tensors: Rows) -> tuple[TensorInfo, ...]:
    rows = zip(
        names,
        tables.dtypes(tensors),
        tables.formats(tensors),
        tables.shapes(tensors),
        tensors["nbytes"].tolist(),
        tables.ranges(tensors),
        strict=True,
    )
    return tuple(
        TensorInfo(name, dtype, layout, dims, _known(nbytes, dims), ranges)
        for name, dtype, layout, dims, nbytes, ranges in rows
    )


def _known(nbytes: int, dims: tuple[int, ...]) -> int:
    return 0 if min(dims, default=0) < 0 else max(nbytes, 0)
