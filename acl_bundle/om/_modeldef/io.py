"""Inputs and outputs of a model that has no MODEL_INOUT_INFO (facts 5.5).

Inputs are the root graph's Data nodes in the order of their ``index``
attribute, outputs what its NetOutput takes in. Output names are recorded in
the model or the root graph; files too old for that get the name the runtime
would make up (facts 1.9).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from acl_bundle.om._container.inout import TensorInfo
from acl_bundle.om._modeldef import desc_rows, ge
from acl_bundle.om._modeldef.graph import Graph, ModelDef, Node
from acl_bundle.om._modeldef.tensor import Attributes
from acl_bundle.om._proto.rows import Rows

OUTPUT_BYTES: Final = 64
"""What the description of an output takes at least; of this package's own files it is 84 bytes."""


def read(definition: ModelDef) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return inputs and outputs of the definition's root graph."""
    if not definition.graphs:
        return (), ()
    root = definition.graphs[0]
    return _inputs(root), _outputs(definition, root)


def _inputs(root: Graph) -> tuple[TensorInfo, ...]:
    nodes = root.select(*ge.INPUT_TYPES)
    places = desc_rows.integers(nodes, ge.OP_ATTR, ge.INDEX)
    nodes = nodes.take(sorted(range(len(nodes)), key=lambda at: places[at] or 0))
    descs = nodes.first(ge.OP_INPUT_DESC)
    there = descs.numbers != 0
    return _infos(nodes.take(there).last(ge.OP_NAME).texts(), descs.take(there))


def _outputs(definition: ModelDef, root: Graph) -> tuple[TensorInfo, ...]:
    end = next(root.of_type(ge.OUTPUT_TYPE), None)
    if end is None:
        return ()
    descs = Rows.of(end.message, ge.OP_INPUT_DESC)
    span, most = end.message.span, 1024 + len(end.message.span) // OUTPUT_BYTES
    if len(descs) > most:
        raise span.error(
            0,
            f"the model claims {len(descs)} outputs in {len(span)} bytes, which pay for {most}",
        )
    names = _recorded(definition.attrs) or _recorded(root.attrs)
    if len(names) != len(descs):
        names = _invented(end, len(descs))
    return _infos(names, descs)


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


def _infos(names: Iterable[str], descs: Rows) -> tuple[TensorInfo, ...]:
    rows = zip(
        names,
        desc_rows.dtypes_of(descs),
        desc_rows.formats_of(descs),
        desc_rows.shapes_of(descs),
        descs.values(ge.DESC_SIZE),
        desc_rows.ranges_of(descs),
        strict=True,
    )
    return tuple(
        TensorInfo(name, dtype, layout, dims, _known(nbytes, dims), ranges)
        for name, dtype, layout, dims, nbytes, ranges in rows
    )


def _known(nbytes: int, dims: tuple[int, ...]) -> int:
    return 0 if min(dims, default=0) < 0 else max(nbytes, 0)
