"""Tensors of a graph, and the attributes that describe them and everything else.

The two belong together: a tensor's description carries attributes, and an
attribute can hold a tensor. Attributes decode to plain Python values: numbers,
text, views of bytes, tuples of these, :class:`TensorDesc` and :class:`Tensor`;
kinds that nobody asks for (graphs, functions) decode to None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from acl_bundle import dtypes
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.tables import Tables
from acl_bundle.om._proto.wire import Message

Value: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class TensorDesc:
    """What a node says of one tensor: the one row of its tables.

    ``shape`` is how the tensor is stored; ``origin_shape`` how its author
    wrote it, None where the file does not say.
    """

    tables: Tables

    @classmethod
    def of(cls, span: Span) -> TensorDesc:
        """Read a description."""
        return cls(Tables.describe(span))

    @property
    def message(self) -> Message:
        """Its bytes."""
        row = self.tables.tensors[0]
        return Message(self.tables.span.cut(int(row["at"]), int(row["size"]), "a description"))

    @property
    def name(self) -> str:
        """The tensor's name, often empty."""
        return self.message.text(ge.DESC_NAME)

    @property
    def dtype(self) -> int:
        """The ``aclDataType``."""
        return self.tables.dtypes(self.tables.tensors)[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The stored dims; negative ones are unknown."""
        return self.tables.shapes(self.tables.tensors)[0]

    @property
    def origin_shape(self) -> tuple[int, ...] | None:
        """The dims the author of the graph wrote."""
        return self.tables.origins(self.tables.tensors)[0]

    @property
    def layout(self) -> str:
        """The name of the stored format, such as ``"ND"``."""
        rows = self.tables.tensors
        return self.tables.texts(rows["layout"], rows["layout_size"])[0]

    @property
    def format(self) -> int:
        """The stored ``aclFormat``."""
        return self.tables.formats(self.tables.tensors)[0]

    @property
    def nbytes(self) -> int:
        """The recorded size in bytes, 0 where there is none."""
        return int(self.tables.tensors["nbytes"][0])

    @property
    def weight_nbytes(self) -> int:
        """For a constant: bytes of its value."""
        return int(self.tables.tensors["weight_nbytes"][0])

    @property
    def data_offset(self) -> int:
        """For a constant: where its value starts in WEIGHTS_DATA."""
        return int(self.tables.tensors["data_offset"][0])

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(least, most) per dim, empty where the file has none."""
        return self.tables.ranges(self.tables.tensors)[0]

    @property
    def attrs(self) -> Attributes:
        """Everything else, by name."""
        return Attributes(self.message, ge.DESC_ATTR)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor with its value, as a constant node carries it."""

    tables: Tables

    @classmethod
    def of(cls, span: Span) -> Tensor:
        """Read a tensor."""
        return cls(Tables.describe(span, value=True))

    @property
    def desc(self) -> TensorDesc:
        """What the tensor is."""
        return TensorDesc(self.tables)

    @property
    def data(self) -> Span | None:
        """The value when it stands here, None when it stands in WEIGHTS_DATA."""
        at, size = self.tables.tensors[0][["data", "data_size"]].item()
        return self.tables.span.cut(at, size, "a value") if size else None


class Attributes(Mapping[str, Value]):
    """A map of attributes. Each is looked for, and decoded, when it is asked for."""

    __slots__ = ("_field", "_message")

    def __init__(self, message: Message, field: int) -> None:
        """Read the map that stands in ``field`` of ``message``."""
        self._message = message
        self._field = field

    def __getitem__(self, name: str) -> Value:
        found = self._message.entry(self._field, name)
        if found is None and name not in set(self):
            raise KeyError(name)
        return None if found is None else value_of(found)

    def get(self, name: str, default: Value = None) -> Value:
        """Return an attribute, or ``default`` where it is absent or has no value."""
        found = self._message.entry(self._field, name)
        return default if found is None else value_of(found)

    def __iter__(self) -> Iterator[str]:
        names = (one.text(ge.MAP_KEY) for one in self._message.messages(self._field))
        return iter(dict.fromkeys(names))

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def __repr__(self) -> str:
        return repr(dict(self))


def value_of(attr: Message) -> Value:
    """Decode an attribute."""
    field = attr.first(KINDS)
    decode = _SINGLE.get(field)
    if decode:
        return decode(attr, field)
    whole = attr.message(field) if field else None
    if whole is None:
        return None
    return _list(whole) if field == ge.ATTR_LIST else _int_lists(whole)


def _list(values: Message) -> tuple[Value, ...]:
    field = values.first(MANY)
    return tuple(MANY[field](values, field)) if field else ()


def _int_lists(values: Message) -> tuple[tuple[int, ...], ...]:
    return tuple(one.values(ge.LIST_INT) for one in values.messages(ge.LIST_LIST_INT))


_SINGLE: dict[int, Callable[[Message, int], Value]] = {
    ge.ATTR_S: Message.text,
    ge.ATTR_I: Message.value,
    ge.ATTR_F: lambda attr, field: (attr.floats(field) or (0.0,))[-1],
    ge.ATTR_B: lambda attr, field: bool(attr.value(field)),
    ge.ATTR_BT: lambda attr, field: _last(attr, field).span.view,
    ge.ATTR_TD: lambda attr, field: TensorDesc.of(_last(attr, field).span),
    ge.ATTR_T: lambda attr, field: Tensor.of(_last(attr, field).span),
    ge.ATTR_DT: lambda attr, field: dtypes.from_proto(attr.value(field)),
    ge.ATTR_FUNC: lambda attr, field: Attributes(_last(attr, field), ge.FUNC_ATTR),
}

KINDS: Final = (*_SINGLE, ge.ATTR_LIST, ge.ATTR_LIST_LIST_INT)

MANY: dict[int, Callable[[Message, int], Iterable[Value]]] = {
    ge.LIST_S: Message.texts,
    ge.LIST_I: Message.values,
    ge.LIST_F: Message.floats,
    ge.LIST_B: lambda attr, field: map(bool, attr.values(field)),
    ge.LIST_BT: lambda attr, field: (span.view for span in attr.spans(field)),
    ge.LIST_TD: lambda attr, field: map(TensorDesc.of, attr.spans(field)),
    ge.LIST_T: lambda attr, field: map(Tensor.of, attr.spans(field)),
    ge.LIST_DT: lambda attr, field: map(dtypes.from_proto, attr.values(field)),
}


def _last(message: Message, field: int) -> Message:
    return message.message(field) or _empty(message)


def _empty(message: Message) -> Message:
    return Message(message.span.cut(0, 0, "nothing"))
