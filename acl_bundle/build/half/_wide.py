"""Weights that a model computes with in float32, because half precision costs too much there.

Not only the node that reads the weight: a Linear of torch's is a Transpose of its weight
before the MatMul. So what is made of constants alone, one of which stays wide, is wide as
well, up to the first node that reads data, which computes in float32, too.
"""

from __future__ import annotations

from collections.abc import Collection

from onnx import GraphProto, NodeProto

from acl_bundle.build._onnx import walk


class Wide:
    """The tensors that stay float32 for the sake of weights, found node by node."""

    def __init__(self, names: Collection[str], graph: GraphProto) -> None:
        """Take the weights, and the main graph with all that is in it."""
        self._wide = {*names}
        self._constant = {one.name for inner in walk.graphs(graph) for one in inner.initializer}

    def stays(self, node: NodeProto) -> bool:
        """Say whether a node computes in float32; to be asked once of each, in their order."""
        read = {name for name in node.input if name}
        reads = not self._wide.isdisjoint(read)
        if node.op_type == "Constant" or (read and self._constant.issuperset(read)):
            self._constant.update(node.output)
            if reads:
                self._wide.update(node.output)
        return reads
