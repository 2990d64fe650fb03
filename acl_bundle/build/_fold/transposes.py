"""Taking out transposes that undo each other.

Where a model keeps the channels last, each convolution stands between two
transposes. The second of one and the first of the next meet when what stood
between them went into the convolution, or only looks at each number by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from onnx import GraphProto, NodeProto, helper

from acl_bundle.build._onnx import walk

_FAR: Final = 8
"""How many nodes may stand between two."""
_EACH: Final = frozenset((
    "Abs", "Cast", "Celu", "Ceil", "Clip", "Elu", "Erf", "Exp", "Floor", "HardSigmoid",
    "HardSwish", "Identity", "LeakyRelu", "Log", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid",
    "Sign", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu",
))  # fmt: skip
"""Operators that look at each number of their first input by itself."""


class _Chain(NamedTuple):
    """A transpose, which node it is, and what looked at each of its numbers since."""

    start: NodeProto
    at: int
    nodes: tuple[NodeProto, ...]


def cancel(graph: GraphProto, reads: Mapping[str, int]) -> None:
    """Take them out, in place.

    Args:
        graph: The main graph.
        reads: How often each tensor is read, at any depth and as an output.
    """
    ends = {output.name for one in walk.graphs(graph) for output in one.output}
    chains: dict[str, _Chain] = {}
    renamed: dict[str, str] = {}
    gone: list[int] = []
    for at, node in enumerate(graph.node):
        if node.domain not in ("", "ai.onnx") or not node.input:
            continue
        chain = chains.get(node.input[0]) if reads[node.input[0]] == 1 else None
        if node.op_type in _EACH and chain is not None and len(chain.nodes) < _FAR:
            chains[node.output[0]] = chain._replace(nodes=(*chain.nodes, node))
        elif node.op_type != "Transpose":
            continue
        elif (
            chain is None
            or not _undoes(node, chain.start)
            or not _join(chain, node.output[0], ends, renamed)
        ):
            chains[node.output[0]] = _Chain(node, at, ())
        else:
            gone += chain.at, at
    for at in sorted(gone, reverse=True):
        del graph.node[at]
    walk.rename(graph, renamed)


def _join(chain: _Chain, output: str, ends: set[str], renamed: dict[str, str]) -> bool:
    """Let what stands between two do without them, unless an output would lose its name."""
    before = chain.start.input[0]
    if chain.nodes:
        chain.nodes[0].input[0] = before
        chain.nodes[-1].output[0] = output
    elif output in ends:
        return False
    else:
        renamed[output] = renamed.get(before, before)
    return True


def _undoes(second: NodeProto, first: NodeProto) -> bool:
    one, two = _perm(first), _perm(second)
    if one is None or two is None:
        return one is two
    return [one[axis] for axis in two] == list(range(len(one)))


def _perm(node: NodeProto) -> Sequence[int] | None:
    """The order of the axes; None for the reverse one of any rank."""
    for one in node.attribute:
        if one.name == "perm":
            return list(helper.get_attribute_value(one))
    return None
