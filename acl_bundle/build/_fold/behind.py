"""Working what stands behind layers into them.

A graph is walked from its beginning. What a layer makes is followed through
nodes that only move it, as long as nobody else reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from onnx import NodeProto

from acl_bundle.build._fold import affine, batchnorm, channels
from acl_bundle.build._fold.channels import Channels
from acl_bundle.build._fold.layers import Layer, Work, count_of, is_layer
from acl_bundle.build._fold.values import NotFoldableError, Values
from acl_bundle.build._onnx import walk

_FAR: Final = 8
"""How many nodes may stand between a layer and what is worked into it."""


class _Place(NamedTuple):
    """What a layer made, behind some moves."""

    layer: Layer
    moves: tuple[NodeProto, ...]


class Behind:
    """The layers of a graph, as far as it was walked."""

    def __init__(
        self,
        values: Values,
        names: walk.FreshNames,
        reads: Mapping[str, int],
        ranks: Mapping[str, int],
    ) -> None:
        """Start.

        Args:
            values: The known tensors; gets the steps.
            names: The graph's; gets new ones.
            reads: How often each tensor is read, at any depth and as an output.
            ranks: Of tensors, as far as they are known.
        """
        self._ranks = ranks
        self._values, self._names, self._reads = values, names, reads
        self._places: dict[str, _Place] = {}

    def takes(self, node: NodeProto) -> bool:
        """Look at the next node, and work it into the layer before it if that can be.

        Returns:
            Whether it was; then the node has to leave the graph.
        """
        if is_layer(node, self._values):
            self._places[node.output[0]] = _Place(Layer(node), ())
            return False
        found = [name for name in node.input if name in self._places and self._reads[name] == 1]
        if len(found) != 1 or len(node.output) < 1:
            return False
        try:
            return self._follow(node, found[0], self._places[found[0]])
        except NotFoldableError:
            return False

    def _follow(self, node: NodeProto, tensor: str, place: _Place) -> bool:
        if node.op_type in channels.MOVES and node.input[0] == tensor:
            self._go_on(node, place)
            return False
        if batchnorm.is_plain(node) and node.input[0] == tensor:
            known = list(node.input[1:])
        elif (at := affine.known_side(node, tensor, self._values)) is not None:
            known = [node.input[at]]
        else:
            return False
        if not all(map(self._values.knows, known)):
            return False
        where = self._where(place)
        if node.op_type != "BatchNormalization":
            self._check(known[0], where, place.layer)
            if node.op_type == "Add" and place.layer.is_bare:
                place.layer.adder = node, list(node.input).index(known[0]), -1 - where.axis
                self._go_on(node, place)
                return False
        self._fold(node, known, where, place)
        return True

    def _fold(self, node: NodeProto, known: list[str], where: Channels, place: _Place) -> None:
        layer, values = place.layer, self._values
        if not any(map(values.depends, (*layer.tensors, *known))):
            raise NotFoldableError("no weight takes part")
        work = Work(layer, values, node.output[0])
        if node.op_type == "BatchNormalization":
            if where.rank is None or where.axis != 1 - where.rank:
                raise NotFoldableError("another axis")
            if layer.is_bare and self._ranks.get(layer.node.input[0]) != 2:
                raise NotFoldableError("only a product of rank 2 becomes a Gemm")
            change = batchnorm.change(work, node)
        else:
            change = affine.change(work, node, known[0])
            if change.kernel is None and layer.is_bare:
                raise NotFoldableError("a MatMul has no bias")
        layer.take(change, values, self._names)
        last = place.moves[-1] if place.moves else layer.node
        last.output[0] = node.output[0]
        self._places[node.output[0]] = place

    def _check(self, known: str, where: Channels, layer: Layer) -> None:
        shape = self._values.array(known).shape
        affine.check(shape, where, count_of(layer.node, self._values))

    def _go_on(self, node: NodeProto, place: _Place) -> None:
        if len(place.moves) < _FAR:
            self._places[node.output[0]] = place._replace(moves=(*place.moves, node))

    def _where(self, place: _Place) -> Channels:
        """The axis of the channels at a place."""
        found = channels.of_layer(place.layer.node, self._values, self._ranks)
        count = count_of(place.layer.node, self._values)
        for node in place.moves:
            if node.op_type in channels.MOVES:
                found = channels.moved(found, node, count, self._values)
        return found
