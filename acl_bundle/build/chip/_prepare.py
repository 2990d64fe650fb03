"""The ONNX model as GE is to see it: constants as named nodes, nothing outside the file.

GE's ONNX parser calls the constant of an initializer ``w`` ``w_Initializer_<k>``,
where k changes with every other initializer, but keeps the name of a
``Constant`` node. A constant whose bytes lie outside the file it never makes
refreshable. So what becomes a variable is a ``Constant`` node with a name of
its own, and all bytes come into the one file. What makes these constants of
the weights is the weight program, which GE never sees.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from acl_bundle.build import _fold as folding
from acl_bundle.build._onnx import element_types, gather, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.load import LoadedModel, Source, load
from acl_bundle.build._origin import selection
from acl_bundle.build._origin.origin import Origin
from acl_bundle.om import ManifestWeight
from acl_bundle.weight_program import WeightProgram, opened

_MOST: Final = 2**31 - 1
"""Bytes that protobuf takes, and GE's parser."""
_ROOM: Final = 1 << 20


@dataclass(frozen=True)
class Prepared:
    """A model for GE.

    Attributes:
        model: It, for the last time.
        weights: The constants that become variables, in order.
        program: What makes them of the weights that were chosen.
    """

    model: ModelProto
    weights: tuple[ManifestWeight, ...]
    program: WeightProgram


def prepare(asked: Origin) -> Prepared:
    """Return a model whose variables-to-be are ``Constant`` nodes; see `build.from_onnx`.

    Raises:
        WeightError: A name in ``weights`` or ``aliases`` is wrong.
        ValueError: The model is none, or does not fit into 2 GB.
        OSError: It cannot be read.
    """
    loaded = load(asked.model)
    folding.check_one(asked.program, asked.weights, asked.aliases, asked.unused)
    graph = loaded.model.graph
    constants = gather.gather(loaded)
    _check_size([*constants.own.values(), *constants.lifted.values()], asked.model)
    if asked.program is not None:
        folded = folding.given(opened(asked.program), constants.own, graph, init=True)
    else:
        chosen = selection.choose(asked.weights or [], constants.own, graph)
        folded = folding.fold(
            loaded.model, constants.own, chosen,
            passes=asked.fold, init=True, aliases=asked.aliases or {}, unused=asked.unused,
        )  # fmt: skip
    names = _node_names(graph, folded.constants)
    walk.replace(graph.initializer, _read(graph, names, loaded))
    nodes = [one for one in graph.node if not names.keys() & {*one.output}]
    walk.replace(graph.node, [*(_node(one, names[one.name]) for one in folded.constants), *nodes])
    rows = tuple(
        ManifestWeight(one.name, names[one.name], element_types.to_numpy(one.elem).name, one.dims)
        for one in folded.constants
    )
    return Prepared(loaded.model, rows, folded.program)


def _check_size(constants: Iterable[ModelConstant], source: Source) -> None:
    nbytes = sum(one.data.nbytes for one in constants)
    if nbytes + _ROOM > _MOST:
        called = str(source) if isinstance(source, str | os.PathLike) else "the model"
        raise ValueError(
            f"{called} has constants of {nbytes} bytes; GE's parser reads one file of less than"
            f" {_MOST} bytes, and what lies outside of it cannot be refreshed. Give the model fewer"
            " or smaller constants (half precision, say), or split it"
        )


def _node_names(graph: GraphProto, constants: Iterable[ModelConstant]) -> dict[str, str]:
    """Return a name for the node of each constant: its own, where no other node has that."""
    tensors = [one.name for one in constants]
    taken = {node.name for node in graph.node if not {*tensors} & {*node.output}}
    taken |= {one.name for one in graph.input}
    ranks = range(len(graph.initializer))
    taken |= {f"{one.name}_Initializer_{rank}" for one in graph.initializer for rank in ranks}
    names: dict[str, str] = {}
    for name in tensors:
        wish, count = name, 0
        while wish in taken:
            count += 1
            wish = f"{name}_weight{count}"
        taken.add(wish)
        names[name] = wish
    return names


def _read(graph: GraphProto, names: Mapping[str, str], loaded: LoadedModel) -> list[TensorProto]:
    """The initializers that something reads and that are no variables, with their bytes."""
    read = set(walk.uses(graph)) | {one.name for one in graph.output}
    read.update(name for node in graph.node for name in walk.captured(node))
    return [
        _whole(one, loaded)
        for one in graph.initializer
        if one.name in read and one.name not in names
    ]


def _whole(tensor: TensorProto, loaded: LoadedModel) -> TensorProto:
    if tensor.data_location != TensorProto.EXTERNAL:
        return tensor
    return _tensor(loaded.constant(tensor, tensor.name))


def _tensor(one: ModelConstant) -> TensorProto:
    return TensorProto(name=one.name, data_type=one.elem, dims=one.dims, raw_data=bytes(one.data))


def _node(one: ModelConstant, name: str) -> NodeProto:
    attribute = AttributeProto(name="value", type=AttributeProto.TENSOR, t=_tensor(one))
    return NodeProto(op_type="Constant", name=name, output=[one.name], attribute=[attribute])
