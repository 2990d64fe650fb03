"""A TensorFlow graph on its way to a bundle.

Every kind of model becomes one of these: a ``GraphDef`` in which each variable
is a node. In a graph of TensorFlow 1 the node is the variable; in one that was
made from a function it is a ``Const`` that holds the variable's value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import add
from typing import Any

from acl_bundle.build.tensorflow._graph.need import tensorflow

VARIABLES = frozenset(("AutoReloadVariable", "VarHandleOp", "Variable", "VariableV2"))


@dataclass(frozen=True)
class Fragment:
    """Where a part of a partitioned variable lies in the whole.

    Attributes:
        whole: What a checkpoint calls the whole.
        shape: The whole's.
        starts: Where the part begins, on each axis.
        sizes: How far it goes.
    """

    whole: str
    shape: tuple[int, ...]
    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def stops(self) -> tuple[int, ...]:
        """Where the part ends, on each axis."""
        return tuple(map(add, self.starts, self.sizes))

    @property
    def place(self) -> tuple[slice, ...]:
        """The part, as an index of the whole."""
        return tuple(map(slice, self.starts, self.stops))


@dataclass(frozen=True)
class GraphVariable:
    """A variable.

    Attributes:
        name: What an update calls it.
        aliases: The other names it is known by.
        part: Of what it is a part, if it is one.
    """

    name: str
    aliases: tuple[str, ...] = ()
    part: Fragment | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which its value may stand, those of the whole last."""
        whole = () if self.part is None else (self.part.whole, f"{self.part.whole}:0")
        return self.name, *self.aliases, *whole


@dataclass
class TensorFlowGraph:
    """A graph and its ends.

    Attributes:
        origin: The file, for messages.
        definition: A ``GraphDef``.
        inputs: What each input tensor is called outside, where it is known.
        outputs: What each output tensor is called outside, where it is known.
        variables: The variables by the node that is one.
        losses: Tensors that the graph itself calls losses.
        unused: Names, or patterns of names, in a checkpoint of it that no constant needs.
    """

    origin: str
    definition: Any
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    variables: dict[str, GraphVariable] = field(default_factory=dict)
    losses: frozenset[str] = frozenset()
    unused: tuple[str, ...] = ()

    def constants(self) -> Iterator[tuple[GraphVariable, Any]]:
        """Give each variable that is a constant by now, and its value."""
        for node in self.definition.node:
            if node.op == "Const" and node.name in self.variables:
                value = tensorflow().make_ndarray(node.attr["value"].tensor)
                yield self.variables[node.name], value


def node_of(edge: str) -> str:
    """The node that an input of a node names: ``^a``, ``a`` and ``a:1`` are all of node a."""
    return edge.removeprefix("^").partition(":")[0]


def tensor_of(edge: str) -> str:
    """The tensor that an input of a node names: ``a`` is ``a:0``."""
    return edge if ":" in edge else f"{edge}:0"


def outside(tensor: str) -> str:
    """What a tensor is called outside: without ``:0``, as variables are."""
    return tensor.removesuffix(":0")


def reached(definition: Any, tensors: Iterable[str]) -> set[str]:
    """The nodes that tensors depend on, by data or by control."""
    nodes = {node.name: node for node in definition.node}
    found: set[str] = set()
    left = [node_of(tensor) for tensor in tensors]
    while left:
        name = left.pop()
        if name not in found and name in nodes:
            found.add(name)
            left += map(node_of, nodes[name].input)
    return found


def prune(definition: Any, kept: set[str]) -> None:
    """Take every other node out of a graph, in place."""
    for at in reversed(range(len(definition.node))):
        if definition.node[at].name not in kept:
            del definition.node[at]


def every_node(definition: Any) -> Iterator[Any]:
    """The nodes of a graph, then those of the functions that they call."""
    functions = {one.signature.name: one for one in definition.library.function}
    called: set[str] = set()
    left = deque(definition.node)
    while left:
        node = left.popleft()
        yield node
        for name in _callees(node):
            if name in functions and name not in called:
                called.add(name)
                left += functions[name].node_def


def _callees(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (one.name for one in value.list.func)
