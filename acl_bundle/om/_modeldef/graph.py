"""MODEL_DEF: the graphs of a model, as views on its protobuf bytes (facts 5.5).

A model definition holds graphs; the first is the root and the others are the
bodies of control-flow nodes, which name them in ``Node.subgraphs``. Each
object here wraps one message and decodes an attribute when it is read, so
walking the names and types of ten thousand nodes touches little more than
those. Objects are cheap and keep the file's bytes alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.tensor import Attributes, TensorDesc
from acl_bundle.om._proto.rows import Rows
from acl_bundle.om._proto.wire import Message

NODE_BYTES: Final = 160
"""What a node takes at least, on average: name, type, inputs, the description of a tensor.
Of this package's own files, with names of two letters, it is 235 bytes."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator."""

    message: Message

    @property
    def name(self) -> str:
        """Its name, unique in the graph."""
        return self.message.text(ge.OP_NAME)

    @property
    def type(self) -> str:
        """What it computes, such as ``"MatMul"`` or ``"Variable"``."""
        return self.message.text(ge.OP_TYPE)

    @property
    def inputs(self) -> tuple[str, ...]:
        """``"<node>:<output>"`` per input; output -1 is a control edge."""
        return self.message.texts(ge.OP_INPUT)

    @property
    def attrs(self) -> Attributes:
        """Its attributes, by name."""
        return Attributes(self.message, ge.OP_ATTR)

    @property
    def input_descs(self) -> tuple[TensorDesc, ...]:
        """One per input."""
        return tuple(map(TensorDesc, self.message.messages(ge.OP_INPUT_DESC)))

    @property
    def output_descs(self) -> tuple[TensorDesc, ...]:
        """One per output."""
        return tuple(map(TensorDesc, self.message.messages(ge.OP_OUTPUT_DESC)))

    @property
    def first_input(self) -> TensorDesc | None:
        """The description of its first input, None when it has none."""
        return _desc(self.message.head(ge.OP_INPUT_DESC))

    @property
    def first_output(self) -> TensorDesc | None:
        """The description of its first output, None when it has none."""
        return _desc(self.message.head(ge.OP_OUTPUT_DESC))

    @property
    def subgraphs(self) -> tuple[str, ...]:
        """Names of the graphs it runs, such as the branches of an If."""
        return self.message.texts(ge.OP_SUBGRAPH)

    @property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """For a NetOutput: which output of which node each result is."""
        names = self.message.texts(ge.OP_SRC_NAME)
        return tuple(zip(names, self.message.values(ge.OP_SRC_INDEX), strict=False))


def _desc(message: Message | None) -> TensorDesc | None:
    return None if message is None else TensorDesc(message)


@dataclass(frozen=True)
class Graph:
    """One graph of a model.

    ``weights`` is the WEIGHTS_DATA that its constants point into, empty when
    the model has none.
    """

    message: Message
    weights: Span

    @cached_property
    def name(self) -> str:
        """Its name; nodes call subgraphs by it."""
        return self.message.text(ge.GRAPH_NAME)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Its operators, in file order."""
        return tuple(map(Node, self.rows.messages()))

    @cached_property
    def rows(self) -> Rows:
        """Where its operators lie, in file order."""
        return Rows.of(self.message, ge.GRAPH_OP)

    @property
    def attrs(self) -> Attributes:
        """Its attributes, by name."""
        return Attributes(self.message, ge.GRAPH_ATTR)

    def of_type(self, *types: str) -> Iterator[Node]:
        """Yield the nodes of these types, in file order."""
        return map(Node, self.select(*types).messages())

    def select(self, *types: str) -> Rows:
        """Return where the operators of these types lie, in file order."""
        kinds = self.rows.last(ge.OP_TYPE).texts()
        return self.rows.take(np.array([kind in types for kind in kinds], bool))


@dataclass(frozen=True)
class ModelDef:
    """The definition of one model: its graphs and its attributes."""

    message: Message
    weights: Span

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """All graphs, the root first.

        Raises:
            BundleFormatError: They have more nodes than the definition's bytes pay for.
        """
        found = tuple(Graph(g, self.weights) for g in self.message.messages(ge.MODEL_GRAPH))
        nodes = sum(graph.message.count(ge.GRAPH_OP) for graph in found)
        size = len(self.message.span)
        if nodes > 1024 + size // NODE_BYTES:
            raise self.message.span.error(
                0,
                f"the definition claims {nodes} nodes in {size} bytes; one takes more than"
                f" {NODE_BYTES} bytes",
            )
        return found

    @property
    def attrs(self) -> Attributes:
        """Its attributes, by name."""
        return Attributes(self.message, ge.MODEL_ATTR)
