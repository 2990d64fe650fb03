"""Inputs and outputs of a model that has no MODEL_INOUT_INFO (facts 5.5).

Inputs are the root graph's Data nodes in the order of their ``index``
attribute, outputs what its NetOutput takes in. Output names are recorded in
the model or the root graph; files too old for that get the name the runtime
would make up (facts 1.9).
"""

from __future__ import annotations

from acl_bundle.om import _ge
from acl_bundle.om.graph import Graph, ModelDef, Node
from acl_bundle.om.inout import TensorInfo
from acl_bundle.om.tensor import Attributes, TensorDesc


def read(definition: ModelDef) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """Return inputs and outputs of the definition's root graph."""
    if not definition.graphs:
        return (), ()
    root = definition.graphs[0]
    return _inputs(root), _outputs(definition, root)


def _inputs(root: Graph) -> tuple[TensorInfo, ...]:
    nodes = sorted(root.of_type(*_ge.INPUT_TYPES), key=_index)
    descs = ((node.name, node.first_input) for node in nodes)
    return tuple(_info(name, desc) for name, desc in descs if desc is not None)


def _index(node: Node) -> int:
    index = node.attrs.get(_ge.INDEX)
    return index if isinstance(index, int) else 0


def _outputs(definition: ModelDef, root: Graph) -> tuple[TensorInfo, ...]:
    end = next(root.of_type(_ge.OUTPUT_TYPE), None)
    if end is None:
        return ()
    descs = end.input_descs
    names = _recorded(definition.attrs) or _recorded(root.attrs)
    if len(names) != len(descs):
        names = _invented(end, len(descs))
    return tuple(map(_info, names, descs))


def _recorded(attrs: Attributes) -> tuple[str, ...]:
    names = attrs.get(_ge.OUT_NODES)
    return tuple(map(str, names)) if isinstance(names, tuple) else ()


def _invented(end: Node, count: int) -> tuple[str, ...]:
    sources = end.sources
    known = len(sources) == count
    return tuple(
        f"output_{index}_{sources[index][0]}_{sources[index][1]}" if known else f"output_{index}"
        for index in range(count)
    )


def _info(name: str, desc: TensorDesc) -> TensorInfo:
    dims = desc.shape
    nbytes = 0 if any(dim < 0 for dim in dims) else max(desc.nbytes, 0)
    return TensorInfo(name, desc.dtype, desc.format, dims, nbytes, desc.ranges)
