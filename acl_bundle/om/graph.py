"""MODEL_DEF: the graphs of a model, as views on its protobuf bytes (facts 5.5).

A model definition holds graphs; the first is the root and the others are the
bodies of control-flow nodes, which name them in ``Node.subgraphs``. Each
object here wraps one message and decodes an attribute when it is read, so
walking the names and types of ten thousand nodes touches little more than
those. Objects are cheap and keep the file's bytes alive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from acl_bundle import dtypes
from acl_bundle.om import _ge
from acl_bundle.om._span import Span
from acl_bundle.om._wire import Message

# What an attribute can hold, as Python sees it.
Value = Any


@dataclass(frozen=True)
class TensorDesc:
    """What a node says of one tensor.

    ``shape`` is how the tensor is stored; ``origin_shape`` how its author
    wrote it, None where the file does not say.
    """

    message: Message

    @property
    def name(self) -> str:
        """The tensor's name, often empty."""
        return self.message.text(_ge.DESC_NAME)

    @cached_property
    def dtype(self) -> int:
        """The ``aclDataType``."""
        override = self.attrs.get(_ge.DTYPE_OVERRIDE)
        if isinstance(override, int):
            return override
        return dtypes.from_proto(self.message.value(_ge.DESC_DTYPE))

    @property
    def shape(self) -> tuple[int, ...]:
        """The stored dims; negative ones are unknown."""
        shape = self.message.message(_ge.DESC_SHAPE)
        return () if shape is None else shape.values(_ge.SHAPE_DIM)

    @property
    def origin_shape(self) -> tuple[int, ...] | None:
        """The dims the author of the graph wrote."""
        return _dims(self.attrs.get(_ge.ORIGIN_SHAPE))

    @property
    def layout(self) -> str:
        """The name of the stored format, such as ``"ND"``."""
        return self.message.text(_ge.DESC_LAYOUT)

    @property
    def format(self) -> int:
        """The stored ``aclFormat``."""
        number = self.attrs.get(_ge.FORMAT_FOR_INT)
        return number if isinstance(number, int) else dtypes.format_number(self.layout)

    @property
    def nbytes(self) -> int:
        """The recorded size in bytes, 0 where there is none."""
        return self.message.value(_ge.DESC_SIZE)

    @property
    def weight_nbytes(self) -> int:
        """For a constant: bytes of its value."""
        return self.message.value(_ge.DESC_WEIGHT_SIZE)

    @property
    def data_offset(self) -> int:
        """For a constant: where its value starts in WEIGHTS_DATA."""
        return self.message.value(_ge.DESC_DATA_OFFSET)

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(least, most) per dim, empty where the file has none."""
        return _pairs(self.attrs.get(_ge.SHAPE_RANGE))

    @cached_property
    def attrs(self) -> dict[str, Value]:
        """Everything else, by name."""
        return _attrs(self.message, _ge.DESC_ATTR)


@dataclass(frozen=True)
class Tensor:
    """A tensor with its value, as a constant node carries it."""

    message: Message

    @property
    def desc(self) -> TensorDesc:
        """What the tensor is."""
        return TensorDesc(self.message.message(_ge.TENSOR_DESC) or _empty(self.message))

    @property
    def data(self) -> Span | None:
        """The value when it stands here, None when it stands in WEIGHTS_DATA."""
        span = self.message.span_of(_ge.TENSOR_DATA)
        return span if span is not None and len(span) else None


@dataclass(frozen=True)
class Node:
    """One operator."""

    message: Message

    @cached_property
    def name(self) -> str:
        """Its name, unique in the graph."""
        return self.message.text(_ge.OP_NAME)

    @cached_property
    def type(self) -> str:
        """What it computes, such as ``"MatMul"`` or ``"Variable"``."""
        return self.message.text(_ge.OP_TYPE)

    @property
    def inputs(self) -> tuple[str, ...]:
        """``"<node>:<output>"`` per input; output -1 is a control edge."""
        return self.message.texts(_ge.OP_INPUT)

    @cached_property
    def attrs(self) -> dict[str, Value]:
        """Its attributes, by name."""
        return _attrs(self.message, _ge.OP_ATTR)

    @cached_property
    def input_descs(self) -> tuple[TensorDesc, ...]:
        """One per input."""
        return tuple(map(TensorDesc, self.message.messages(_ge.OP_INPUT_DESC)))

    @cached_property
    def output_descs(self) -> tuple[TensorDesc, ...]:
        """One per output."""
        return tuple(map(TensorDesc, self.message.messages(_ge.OP_OUTPUT_DESC)))

    @property
    def subgraphs(self) -> tuple[str, ...]:
        """Names of the graphs it runs, such as the branches of an If."""
        return self.message.texts(_ge.OP_SUBGRAPH)

    @property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """For a NetOutput: which output of which node each result is."""
        names = self.message.texts(_ge.OP_SRC_NAME)
        return tuple(zip(names, self.message.values(_ge.OP_SRC_INDEX), strict=False))


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
        return self.message.text(_ge.GRAPH_NAME)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Its operators, in file order."""
        return tuple(map(Node, self.message.messages(_ge.GRAPH_OP)))

    @cached_property
    def attrs(self) -> dict[str, Value]:
        """Its attributes, by name."""
        return _attrs(self.message, _ge.GRAPH_ATTR)

    def of_type(self, *types: str) -> Iterator[Node]:
        """Yield the nodes of these types, in file order."""
        return (node for node in self.nodes if node.type in types)


@dataclass(frozen=True)
class ModelDef:
    """The definition of one model: its graphs and its attributes."""

    message: Message
    weights: Span

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """All graphs, the root first."""
        return tuple(Graph(g, self.weights) for g in self.message.messages(_ge.MODEL_GRAPH))

    @cached_property
    def attrs(self) -> dict[str, Value]:
        """Its attributes, by name."""
        return _attrs(self.message, _ge.MODEL_ATTR)


def _attrs(message: Message, field: int) -> dict[str, Value]:
    found = {}
    for entry in message.messages(field):
        value = entry.message(_ge.MAP_VALUE)
        found[entry.text(_ge.MAP_KEY)] = None if value is None else _value(value)
    return found


def _value(attr: Message) -> Value:
    for field in attr.numbers():
        decode = _SINGLE.get(field)
        if decode:
            return decode(attr, field)
        if field == _ge.ATTR_LIST:
            return _list(Message(attr.spans(field)[-1]))
        if field == _ge.ATTR_LIST_LIST_INT:
            return _int_lists(Message(attr.spans(field)[-1]))
    return None


def _list(values: Message) -> tuple[Value, ...]:
    for field in values.numbers():
        decode = _MANY.get(field)
        if decode:
            return tuple(decode(values, field))
    return ()


def _int_lists(values: Message) -> tuple[tuple[int, ...], ...]:
    return tuple(one.values(_ge.LIST_INT) for one in values.messages(_ge.LIST_LIST_INT))


_SINGLE: dict[int, Callable[[Message, int], Value]] = {
    _ge.ATTR_S: Message.text,
    _ge.ATTR_I: Message.value,
    _ge.ATTR_F: lambda attr, field: (attr.floats(field) or (0.0,))[-1],
    _ge.ATTR_B: lambda attr, field: bool(attr.value(field)),
    _ge.ATTR_BT: lambda attr, field: attr.spans(field)[-1].view,
    _ge.ATTR_TD: lambda attr, field: TensorDesc(Message(attr.spans(field)[-1])),
    _ge.ATTR_T: lambda attr, field: Tensor(Message(attr.spans(field)[-1])),
    _ge.ATTR_DT: lambda attr, field: dtypes.from_proto(attr.value(field)),
}

_MANY: dict[int, Callable[[Message, int], Iterable[Value]]] = {
    _ge.LIST_S: Message.texts,
    _ge.LIST_I: Message.values,
    _ge.LIST_F: Message.floats,
    _ge.LIST_B: lambda attr, field: map(bool, attr.values(field)),
    _ge.LIST_BT: lambda attr, field: (span.view for span in attr.spans(field)),
    _ge.LIST_TD: lambda attr, field: map(TensorDesc, attr.messages(field)),
    _ge.LIST_T: lambda attr, field: map(Tensor, attr.messages(field)),
    _ge.LIST_DT: lambda attr, field: map(dtypes.from_proto, attr.values(field)),
}


def _empty(message: Message) -> Message:
    return Message(message.span.cut(0, 0, "nothing"))


def _dims(value: Value) -> tuple[int, ...] | None:
    whole = isinstance(value, tuple) and all(isinstance(dim, int) for dim in value)
    return value if whole else None


def _pairs(value: Value) -> tuple[tuple[int, int], ...]:
    whole = isinstance(value, tuple) and all(isinstance(pair, tuple) for pair in value)
    return tuple((pair[0], pair[1]) for pair in value if len(pair) == 2) if whole else ()
