"""The inference graph as MODEL_DEF shows it: ONNX nodes as ge.proto operators.

One operator per ONNX node, under the node's name; inputs are Data, weights
Variable and other constants Const nodes. It describes and is not executed:
bodies of control-flow nodes stay out, and what a body reads from around it
counts as input of its node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from onnx import AttributeProto, GraphProto, NodeProto

from acl_bundle.build._aipp.fronts import Fronts
from acl_bundle.build._graphs.refresh import Weight, variable_op
from acl_bundle.build._onnx import element_types, walk
from acl_bundle.build._shapes.shapes import Known
from acl_bundle.om._container.inout import TensorInfo
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.define import (
    Attr,
    ConstValue,
    Desc,
    GraphValue,
    NamedAttrs,
    Op,
    model_def,
)

_UNKNOWN = Desc(-1, (-2,))


def data_nodes(front: Fronts) -> dict[int, tuple[str, dict[str, Attr]]]:
    """Return the types and attributes of the data nodes that AIPP has to do with."""
    nodes: dict[int, tuple[str, dict[str, Attr]]] = {}
    for one in front.fronts:
        related: dict[str, Attr] = {
            ge.AIPP_MODE: front.mode or "", ge.AIPP: NamedAttrs(one.attrs)
        }  # fmt: skip
        at = front.parameters.get(one.at)
        if at is not None:
            names = {ge.AIPP_DATA: front.inputs[at].name}, {ge.AIPP_DATA: one.tensor.name}
            config = {ge.AIPP_MODE: "dynamic_aipp_conf", ge.AIPP: related[ge.AIPP]}
            nodes[at] = "AippData", {**config, **names[1]}
            related |= names[0]
        nodes[one.at] = "Data", related
    return nodes


class StoredConstant(NamedTuple):
    """A constant that is no weight, and where its value starts in WEIGHTS_DATA."""

    name: str
    desc: Desc


class Description:
    """Names and operators of one inference graph."""

    def __init__(self, graph: GraphProto, known: Mapping[str, Known]) -> None:
        """Start with the graph's inputs, which keep their names.

        Args:
            graph: The graph; ``known`` tells the types of its tensors.
        """
        self._known = known
        self._graph = graph
        self._taken: set[str] = set()
        self._where: dict[str, tuple[str, int]] = {}
        self._ops: list[Op] = []

    def inputs(self, front: Fronts) -> None:
        """Add the model's inputs."""
        nodes = data_nodes(front)
        for index, one in enumerate(front.inputs):
            desc = Desc(one.dtype, one.dims, one.format)
            kind, attrs = nodes.get(index, ("Data", {}))
            self._add(one.name, Op(one.name, kind, (), {ge.INDEX: index, **attrs}, [desc], [desc]))

    def weights(self, weights: Sequence[Weight]) -> None:
        """Add the variables.

        Raises:
            ValueError: An input already has a variable's name.
        """
        for weight in weights:
            if weight.variable in self._taken:
                raise ValueError(
                    f"input {weight.variable!r} has the name that the variable of weight"
                    f" {weight.name!r} must have; rename one of the two"
                )
            self._add(weight.name, variable_op(weight))

    def constants(self, constants: Sequence[StoredConstant]) -> None:
        """Add the constants that are no weights."""
        for one in constants:
            name = self._fresh(one.name)
            self._add(
                one.name,
                Op(name, "Const", (), {ge.VALUE: ConstValue(one.desc)}, (), [one.desc]),
            )

    def nodes(self) -> None:
        """Add the graph's own nodes."""
        for node in self._graph.node:
            if node.output and all(name in self._where for name in node.output):
                continue  # a Constant node that is there already
            name = self._fresh(node.name)
            for at, output in enumerate(node.output):
                self._where[output] = (name, at)
            reads = [one for one in (*node.input, *walk.captured(node)) if one in self._where]
            self._ops.append(
                Op(
                    name,
                    node.op_type,
                    [self._source(one) for one in reads],
                    _attributes(node),
                    [self._desc(one) for one in reads],
                    [self._desc(one) for one in node.output],
                )
            )

    def output_names(self, style: str) -> list[str]:
        """Return the names of the model's outputs as ONNX or the compiler has them."""
        names = [one.name for one in self._graph.output]
        return names if style == "onnx" else [self._source(name) for name in names]

    def finish(self, name: str, outputs: Sequence[TensorInfo]) -> bytes:
        """Add the end of the graph and return the bytes of MODEL_DEF."""
        made = [one.name for one in self._graph.output]
        descs = [Desc(one.dtype, one.dims, one.format) for one in outputs]
        sources = [self._where[one] for one in made]
        end = Op(
            self._fresh("NetOutput"),
            ge.OUTPUT_TYPE,
            [self._source(one) for one in made],
            input_descs=descs,
            sources=sources,
        )
        graph = GraphValue(name, [*self._ops, end])
        return model_def(name, [graph], {ge.OUT_NODES: [one.name for one in outputs]})

    def _add(self, tensor: str, op: Op) -> None:
        self._taken.add(op.name)
        self._where[tensor] = (op.name, 0)
        self._ops.append(op)

    def _fresh(self, wish: str) -> str:
        name, count = wish, 0
        while name in self._taken:
            count += 1
            name = f"{wish}_{count}"
        self._taken.add(name)
        return name

    def _source(self, tensor: str) -> str:
        name, index = self._where[tensor]
        return f"{name}:{index}"

    def _desc(self, tensor: str) -> Desc:
        known = self._known.get(tensor)
        if known is None:
            return _UNKNOWN
        return Desc(element_types.to_acl(known.elem), (-2,) if known.dims is None else known.dims)


def _attributes(node: NodeProto) -> dict[str, Attr]:
    found: dict[str, Attr] = {}
    for one in node.attribute:
        value = _attribute(one)
        if value is not None:
            found[one.name] = value
    return found


def _attribute(one: AttributeProto) -> Attr | None:
    if one.type == AttributeProto.INT:
        return int(one.i)
    if one.type == AttributeProto.FLOAT:
        return float(one.f)
    if one.type == AttributeProto.STRING:
        return bytes(one.s).decode("utf-8", "backslashreplace")
    if one.type == AttributeProto.INTS:
        return [int(value) for value in one.ints]
    if one.type == AttributeProto.FLOATS:
        return [float(value) for value in one.floats]
    return None
