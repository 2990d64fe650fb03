"""MODEL_DEF: the graphs of a model (facts 5.5).

A model definition holds graphs; the first is the root and the others are the
bodies of control-flow nodes, which name them in ``Node.subgraphs``. What lies
where is known from the definition's tables (:mod:`tables`), which are made at
the first question. A node wraps its message and decodes what it is asked for.
Objects are cheap and keep the file's bytes alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.tables import Rows, Tables
from acl_bundle.om._modeldef.tensor import Attributes, TensorDesc
from acl_bundle.om._proto.wire import Message


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
        return tuple(map(TensorDesc.of, self.message.spans(ge.OP_INPUT_DESC)))

    @property
    def output_descs(self) -> tuple[TensorDesc, ...]:
        """One per output."""
        return tuple(map(TensorDesc.of, self.message.spans(ge.OP_OUTPUT_DESC)))

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
    return None if message is None else TensorDesc.of(message.span)


@dataclass(frozen=True)
class Graph:
    """One graph of a model: a row of its definition's tables.

    ``weights`` is the WEIGHTS_DATA that its constants point into, empty when
    the model has none.
    """

    tables: Tables
    index: int
    weights: Span

    @property
    def message(self) -> Message:
        """Its bytes."""
        return _message(self.tables, self.tables.graphs[self.index])

    @cached_property
    def name(self) -> str:
        """Its name; nodes call subgraphs by it."""
        return self.message.text(ge.GRAPH_NAME)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Its operators, in file order."""
        return tuple(Node(_message(self.tables, row)) for row in self.rows)

    def node(self, at: int) -> Node:
        """Return one of its operators."""
        return Node(_message(self.tables, self.rows[at]))

    @property
    def rows(self) -> Rows:
        """The rows of its operators, in file order."""
        _, _, start, count = self.tables.graphs[self.index].item()
        return self.tables.nodes[start : start + count]

    @property
    def attrs(self) -> Attributes:
        """Its attributes, by name."""
        return Attributes(self.message, ge.GRAPH_ATTR)

    def of_type(self, *types: str) -> Iterator[Node]:
        """Yield the nodes of these types, in file order."""
        return (node for node in self.nodes if node.type in types)


@dataclass(frozen=True)
class ModelDef:
    """The definition of one model: its graphs and its attributes."""

    message: Message
    weights: Span
    with_ends: bool = True  # whether nothing else tells inputs and outputs

    @cached_property
    def tables(self) -> Tables:
        """The rows of its graphs, nodes and tensors.

        Raises:
            BundleFormatError: It is damaged, or claims more than its bytes pay for.
        """
        return Tables.read(self.message.span, ends=self.with_ends)

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """All graphs, the root first.

        Raises:
            BundleFormatError: As for `tables`.
        """
        return tuple(Graph(self.tables, at, self.weights) for at in range(len(self.tables.graphs)))

    @property
    def attrs(self) -> Attributes:
        """Its attributes, by name."""
        return Attributes(self.message, ge.MODEL_ATTR)

    @property
    def weight_program(self) -> memoryview | None:
        """The bytes of what makes an update graph's weights of a trainer's; None without."""
        found = self.attrs.get(ge.WEIGHT_PROGRAM) if self.tables.attribute_count else None
        return found if isinstance(found, memoryview) else None


def _message(tables: Tables, row: Any) -> Message:
    return Message(tables.span.cut(int(row["at"]), int(row["size"]), "a message"))
