"""The tables of a definition say what google.protobuf reads, or both refuse.

Protobuf is given the schema as far as the tables know it. What the tables step over without a look
(the notes of a node that computes, say) is bytes for it too, and so are texts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from acl_bundle._acl import ffi, lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._modeldef import tables
from acl_bundle.om._modeldef.nodes import Nodes
from acl_bundle.om._modeldef.tables import Tables
from acl_bundle.om._proto.encode import encode, varints


def chunk(field: int, value: bytes | str) -> bytes:
    """A field of bytes, a text, or a message that is encoded."""
    return encode((field, value))


def number(field: int, value: int) -> bytes:
    """A field of a number."""
    return encode((field, value))


def packed(field: int, values: Iterable[int]) -> bytes:
    """A field of packed numbers."""
    return encode((field, varints(values)))


Field = descriptor_pb2.FieldDescriptorProto
SCHEMA = {  # message: field name and number, type; * is repeated, | a member of the oneof
    "Model": "graph 7 *bytes",
    "Graph": "op 6 *bytes",
    "Op": "name 1 bytes, type 2 bytes, attr 10 *bytes, input 33 *bytes, output 34 *bytes",
    "Entry": "key 1 bytes, value 2 *bytes",
    "List": "s 2 *bytes, i 3 *int64, f 4 *float, b 5 *bool, bt 7 *bytes, td 8 *bytes, t 9 *bytes,"
    " dt 12 *int32",
    "Ints": "list 1 *int64",
    "Lists": "lists 1 *Ints",
    "Shape": "dim 1 *int64",
    "Desc": "dtype 2 int32, shape 3 Shape, layout 4 bytes, attr 5 *bytes, size 10 int64,"
    " weight_size 11 int64, data_offset 18 int64",
    "Tensor": "desc 1 Desc, data 2 bytes",
    "Values": "t 12 *Tensor",
    "Attr": "list 1 |List, s 2 |bytes, i 3 |int64, f 4 |float, b 5 |bool, bt 7 |bytes,"
    " func 10 |bytes, td 11 |bytes, t 12 |bytes, g 13 |bytes, lists 14 |Lists, dt 15 |int32",
    "Value": "list 1 |List, s 2 |bytes, i 3 |int64, f 4 |float, b 5 |bool, bt 7 |bytes,"
    " func 10 |bytes, td 11 |bytes, t 12 |Tensor, g 13 |bytes, lists 14 |Lists, dt 15 |int32",
}
NUMBERS = {"i": 3, "b": 5, "dt": 15}
KINDS = {
    b"Data": lib.AB_DATA, b"AippData": lib.AB_DATA, b"AnnData": lib.AB_DATA,
    b"Const": lib.AB_CONST, b"Constant": lib.AB_CONST, b"Variable": lib.AB_VARIABLE,
    b"NetOutput": lib.AB_NET_OUTPUT, b"FileConstant": lib.AB_FILE_CONSTANT,
}  # fmt: skip
ENDING = {
    lib.AB_DATA: (b"_var_then_data", lib.AB_THEN_DATA),
    lib.AB_VARIABLE: (b"_var", lib.AB_WEIGHT),
}
Row = tuple[Any, ...]


def _classes() -> dict[str, Any]:
    """The messages of the schema, as classes of google.protobuf."""
    file = descriptor_pb2.FileDescriptorProto(name="known.proto", package="k", syntax="proto3")
    for message, fields in SCHEMA.items():
        made = file.message_type.add(name=message)
        for field in fields.split(", "):
            name, at, kind = field.split()
            one = made.field.add(name=name, number=int(at), label=Field.LABEL_OPTIONAL)
            if kind[0] == "*":
                one.label = Field.LABEL_REPEATED
            elif kind[0] == "|":
                if not made.oneof_decl:
                    made.oneof_decl.add(name="value")
                one.oneof_index = 0
            kind = kind.strip("*|")
            if kind in SCHEMA:
                one.type, one.type_name = Field.TYPE_MESSAGE, f".k.{kind}"
            else:
                one.type = getattr(Field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"k.{name}"))
        for name in SCHEMA
    }


OF = _classes()


def _number(attr: Any) -> tuple[int, int]:
    kind = None if attr is None else attr.WhichOneof("value")
    return (int(getattr(attr, kind)), NUMBERS[kind]) if kind in NUMBERS else (0, 0)


def _attributes(entries: Any, known: dict[bytes, str]) -> dict[bytes, Any]:
    """The values of the names that are known: entries of a map, the last one of a name counts."""
    found = {}
    for one in entries:
        entry = OF["Entry"].FromString(one)
        if entry.key in known:
            found[entry.key] = OF[known[entry.key]].FromString(b"".join(entry.value))
    return found


def _desc(desc: Any, data: bytes = b"") -> Row:
    names = b"format_for_int", b"origin_shape", b"shape_range", b"__tensor_desc_data_type__"
    attrs = _attributes(desc.attr, dict.fromkeys(names, "Attr"))
    layout, origin, ranges, override = map(attrs.get, names)
    dims: tuple[int, ...] = ()
    told, pairs = lib.AB_NOTHING, ()
    if origin is not None and origin.WhichOneof("value") == "list":
        others = (getattr(origin.list, name) for name in ("s", "f", "b", "bt", "td", "t", "dt"))
        dims = tuple(origin.list.i)
        told = lib.AB_OPEN if min(dims, default=0) < 0 else lib.AB_WHOLE
        told = lib.AB_NOTHING if any(map(len, others)) else told
    if ranges is not None and ranges.WhichOneof("value") == "lists":
        pairs = tuple(tuple(one.list) for one in ranges.lists.lists if len(one.list) == 2)
    return (
        desc.dtype, tuple(desc.shape.dim), desc.layout, data, told, dims, pairs,
        _number(override), _number(layout), desc.size, desc.weight_size, desc.data_offset,
    )  # fmt: skip


def _look_at_each_value(entries: Any) -> None:
    """Those that do not count in the end are looked at as well."""
    for one in entries:
        entry = OF["Entry"].FromString(one)
        for tensor in (
            OF["Values"].FromString(b"".join(entry.value)).t if entry.key == b"value" else ()
        ):
            _desc(tensor.desc)


def _node(raw: bytes, ends: bool) -> Row:
    op = OF["Op"].FromString(raw)
    kind = KINDS.get(op.type, lib.AB_OTHER)
    ending, other = ENDING.get(kind, (b"", kind))
    kind = other if op.name.endswith(ending) else kind
    asked = kind in (lib.AB_CONST, lib.AB_WEIGHT)
    asked |= ends and kind in (lib.AB_DATA, lib.AB_THEN_DATA)
    known = {b"index": "Attr", b"acl_bundle_variable_offset": "Attr"}
    known = {b"value": "Value"} if kind == lib.AB_CONST else known
    attrs = _attributes(op.attr if asked else (), known)
    index, offset = attrs.get(b"index"), attrs.get(b"acl_bundle_variable_offset")
    tensor = attrs.get(b"value")
    descs: list[bytes] = []
    if kind == lib.AB_CONST:
        _look_at_each_value(op.attr)
    if tensor is not None and kind == lib.AB_CONST and tensor.WhichOneof("value") == "t":
        told = [_desc(tensor.t.desc, tensor.t.data)]
    else:
        if kind in (lib.AB_CONST, lib.AB_WEIGHT):
            descs = op.output[:1]
        elif kind in (lib.AB_DATA, lib.AB_THEN_DATA) and ends:
            descs = op.input[:1]
        elif kind == lib.AB_THEN_DATA:
            descs = op.output[:1] or op.input[:1]
        elif kind == lib.AB_NET_OUTPUT and ends:
            descs = op.input
        told = [_desc(OF["Desc"].FromString(one)) for one in descs]
    return op.name, kind, _number(index), _number(offset), told


def by_protobuf(data: bytes, ends: bool) -> list[list[Row]]:
    return [
        [_node(op, ends and not at) for op in OF["Graph"].FromString(graph).op]
        for at, graph in enumerate(OF["Model"].FromString(data).graph)
    ]


def by_tables(data: bytes, ends: bool) -> list[list[Row]]:
    read = Tables.read(Span(memoryview(data), "file"), ends=ends)

    def pool(at: int, count: int) -> tuple[int, ...]:
        return tuple(read.numbers[at : at + count].tolist())

    def tensor(row: Any) -> Row:
        flat = pool(row["ranges"], row["range_count"])
        return (
            row["dtype"], pool(row["shape"], row["rank"]),
            data[row["layout"] :][: row["layout_size"]], data[row["data"] :][: row["data_size"]],
            row["told"], pool(row["origin"], row["origin_rank"]),
            tuple(zip(flat[::2], flat[1::2], strict=True)),
            (row["override"], row["override_kind"]), (row["format"], row["format_kind"]),
            row["nbytes"], row["weight_nbytes"], row["data_offset"],
        )  # fmt: skip

    def node(row: Any) -> Row:
        first, count = int(row["tensor"]) - 1, int(row["tensors"])
        return (
            data[row["name"] :][: row["name_size"]], row["kind"],
            (row["index"], row["index_kind"]), (row["offset"], row["offset_kind"]),
            [tensor(one) for one in read.tensors[first : first + count]] if count else [],
        )  # fmt: skip

    return [
        [node(one) for one in read.nodes[row["node"] : row["node"] + row["nodes"]]]
        for row in read.graphs
    ]


class Maker:
    """Random definitions: fields in any order and again, maps with a name twice.

    Fields from `foreign` on are put in anywhere; below 40 they may be the schema's own, of
    another type.
    """

    def __init__(self, seed: int, foreign: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.foreign = foreign
        self.descs: list[bytes] = []

    def some(self, makers: list[Callable[[], bytes]], most: int = 6) -> bytes:
        count = int(self.rng.integers(0, most + 1))
        return b"".join(makers[int(at)]() for at in self.rng.integers(0, len(makers), count))

    def one(self, choices: list[bytes]) -> bytes:
        return choices[int(self.rng.integers(len(choices)))]

    def int(self) -> int:
        wide = [0, 1, 3, 127, 128, 1 << 31, 1 << 40, -1, -2]
        return wide[int(self.rng.integers(len(wide)))]

    def ints(self) -> list[int]:
        return [self.int() for _ in range(int(self.rng.integers(0, 4)))]

    def repeated(self, field: int) -> bytes:
        if self.rng.integers(2):
            return packed(field, self.ints())
        return b"".join(number(field, one) for one in self.ints())

    def unknown(self) -> bytes:
        field = int(self.rng.integers(self.foreign, 60))
        return self.one([
            number(field, self.int()), chunk(field, b"ab"),
            b"\x5d" + bytes(4), b"\xe9\x03" + bytes(8),
            bytes([8 * 7 + 3]) + number(2, 5) + b"\x0b\x0c" + bytes([8 * 7 + 4]),
        ])  # fmt: skip

    def list(self) -> bytes:
        return self.some([
            lambda: self.repeated(3), lambda: self.repeated(3), self.unknown,
            lambda: number(20, 2), lambda: packed(5, []), lambda: chunk(2, b"a"),
        ])  # fmt: skip

    def lists(self) -> bytes:
        return self.some([lambda: chunk(1, self.some([lambda: self.repeated(1)], 3)), self.unknown])

    def attr(self) -> bytes:
        return self.some([
            lambda: chunk(1, self.list()), lambda: chunk(1, self.list()),
            lambda: chunk(14, self.lists()), lambda: number(3, self.int()),
            lambda: number(5, self.int()), lambda: number(15, self.int()), lambda: chunk(2, b"s"),
            lambda: chunk(12, self.tensor(0)), self.unknown,
        ], 3)  # fmt: skip

    def entry(self, names: list[bytes], value: Callable[[], bytes]) -> bytes:
        key, values = chunk(1, self.one(names)), [chunk(2, value())]
        if not self.rng.integers(4):
            values.append(chunk(2, value()))
        parts = [key, *values]
        self.rng.shuffle(parts)
        return b"".join(parts)

    def desc(self, deep: int = 1) -> bytes:
        names = [b"format_for_int", b"origin_shape", b"origin_shape", b"shape_range", b"other",
                 b"__tensor_desc_data_type__"]  # fmt: skip
        attr = self.attr if deep else (lambda: b"")
        return self.some([
            lambda: number(2, self.int()), lambda: chunk(3, self.some([lambda: self.repeated(1)])),
            lambda: chunk(4, b"NCHW"), lambda: number(10, self.int()),
            lambda: number(11, self.int()), lambda: number(18, self.int()), self.unknown,
            *[lambda: chunk(5, self.entry(names, attr))] * 3,
        ], 9)  # fmt: skip

    def old_or_new_desc(self) -> bytes:
        """A description, every other time one of before."""
        if not self.descs or self.rng.integers(2):
            self.descs.append(self.desc())
        return self.one(self.descs[-8:])

    def tensor(self, deep: int = 1) -> bytes:
        return self.some([
            lambda: chunk(1, self.desc(deep)), lambda: chunk(2, b"data"), self.unknown,
        ])  # fmt: skip

    def op(self) -> bytes:
        names = [b"index", b"value", b"value", b"acl_bundle_variable_offset", b"other"]
        kind = self.one([*KINDS, b"MatMul"])
        name = self.one([b"w", b"w_var", b"w_var_then_data", b"x_var_data"])
        value = [lambda: chunk(12, self.tensor()), self.attr]
        parts = [
            chunk(1, name), chunk(2, kind),
            self.some([lambda: chunk(10, self.entry(names, value[int(self.rng.integers(2))]))]),
            self.some([
                lambda: chunk(33, self.old_or_new_desc()),
                lambda: chunk(34, self.old_or_new_desc()),
            ], 4),
            self.unknown(),
        ]  # fmt: skip
        self.rng.shuffle(parts)
        return b"".join(parts)

    def model(self) -> bytes:
        def graph() -> bytes:
            return chunk(7, self.some([lambda: chunk(6, self.op())], 5) + self.unknown())

        return self.some([graph, graph, self.unknown], 4)

    def weight(self, kind: bytes, ending: bytes) -> bytes:
        """A node of a weight: one of few names, shapes and offsets, some of them not told."""
        whole = chunk(1, packed(3, [2, 3])), chunk(1, packed(3, [4])), chunk(1, packed(3, []))
        dims = [*whole * 8, chunk(1, packed(3, [-1])), number(3, 1)]
        shape = chunk(5, chunk(1, b"origin_shape") + chunk(2, self.one(dims)))
        desc = self.one([shape, shape, shape, number(2, 1)])
        offset = chunk(10, chunk(1, b"acl_bundle_variable_offset") + chunk(2, number(3, 512)))
        name = self.one([b"a", b"\xc3\xa4", b"\xff"]) + ending
        place = chunk(34, desc) if kind == b"Variable" else chunk(33, desc)
        return chunk(1, name) + chunk(2, kind) + place + self.one([offset, b""])

    def weights(self) -> bytes:
        """A model of up to two nodes of weights of each kind."""
        kinds = (b"Data", b"_var_then_data"), (b"Variable", b"_var"), (b"AnnData", b"_var")
        made = [self.weight(*kinds[int(at)]) for at in self.rng.integers(0, 3, 3)]
        return chunk(7, b"".join(chunk(6, one) for one in made))

    def damaged(self, data: bytes) -> bytes:
        """A few bytes are others; often small ones, which are tags and lengths."""
        out = bytearray(data)
        for at in self.rng.integers(0, len(out), int(self.rng.integers(1, 4))):
            out[at] = int(self.rng.integers(0, 256 if self.rng.integers(2) else 64))
        return bytes(out[: len(out) if self.rng.integers(4) else int(self.rng.integers(len(out)))])


def _answer(read: Callable[[bytes, bool], Any], data: bytes, ends: bool) -> Any:
    try:
        return read(data, ends)
    except (BundleFormatError, DecodeError):
        return None


def _pieces(found: Any) -> Iterator[Row]:
    for graph in found or ():
        for node in graph:
            yield from node[4]


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_whole_is_read_as_protobuf_reads_it(seed: int, ends: bool) -> None:
    maker, tensors = Maker(seed, 40), 0
    for _ in range(150):
        data = maker.model()
        found = by_tables(data, ends)
        assert found == by_protobuf(data, ends)
        tensors += sum(1 for _ in _pieces(found))
    assert tensors > 100


@pytest.mark.parametrize("seed", range(4))
def test_what_is_damaged_is_read_alike_or_refused_by_both(seed: int) -> None:
    maker, refused, answered = Maker(100 + seed, 1), 0, 0
    for turn in range(300):
        whole = maker.model() or b"\x08\x01"
        data = maker.damaged(whole)
        found = _answer(by_tables, data, bool(turn % 2))
        assert found == _answer(by_protobuf, data, bool(turn % 2)), data
        refused += found is None
        answered += found is not None
    assert min(refused, answered) > 20


@pytest.mark.parametrize("seed", range(2))
def test_fields_of_another_type_than_the_schemas_are_seen_alike(seed: int) -> None:
    maker, answered = Maker(200 + seed, 1), 0
    for _ in range(150):
        data = maker.model()
        found = _answer(by_tables, data, True)
        assert found == _answer(by_protobuf, data, True), data
        answered += found is not None
    assert answered > 20


ENDS = {lib.AB_THEN_DATA: "_var_then_data", lib.AB_WEIGHT: "_var", lib.AB_CONST: ""}


def _told(data: bytes, kind: int) -> list[tuple[Any, ...]]:
    """Name, shape as its author wrote it and offset of each node of a kind, by protobuf."""
    found = []
    for name, is_, _, (offset, has_offset), tensors in itertools.chain(*by_protobuf(data, False)):
        if is_ == kind:
            whole = bool(tensors) and tensors[0][4] == lib.AB_WHOLE
            text = name.decode("utf-8", "backslashreplace").removesuffix(ENDS[kind])
            found.append((text, tensors[0][5] if whole else None, offset if has_offset else None))
    return found


def _agree(these: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> bool:
    return len(these) == len(others) and all(
        one[:2] == two[:2] and one[1] is not None and one[2] in (None, two[2])
        for one, two in zip(these, others, strict=True)
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_nodes_say_of_weights_is_what_protobuf_says_of_each(seed: int) -> None:
    maker, count, agreed = Maker(300 + seed, 40), 0, []
    before: list[tuple[Nodes, list[tuple[Any, ...]]]] = []
    for turn in range(300):
        data = maker.model() if turn % 3 == 0 else maker.weights()
        tables = Tables.read(Span(memoryview(data), "file"), ends=False)
        for kind, ending in ENDS.items():
            nodes, expected = Nodes(tables, kind, len(ending)), _told(data, kind)
            assert tables.kinds[kind] == len(expected)
            told = nodes.told
            assert told.names == [one[0] for one in expected]
            assert (told.offsets or [None] * len(expected)) == [one[2] for one in expected]
            for shape, (_, whole, _) in zip(told.shapes, expected, strict=True):
                assert whole in (None, shape)
                count += whole is not None
            for others, said in before[-24:]:
                assert nodes.agree(others) == _agree(expected, said)
                agreed += [nodes.agree(others)] if expected else []
            before.append((nodes, expected))
    assert count > 50
    assert min(agreed.count(True), agreed.count(False)) > 10


def test_rows_are_laid_out_as_c_has_them() -> None:
    for dtype, name in ((tables._GRAPH, "ab_ge_graph"), (tables._NODE, "ab_ge_node"),
                        (tables._TENSOR, "ab_ge_tensor")):  # fmt: skip
        assert len(ffi.buffer(ffi.new(f"{name} *"))) == dtype.itemsize


def test_lists_that_are_written_in_turns_are_one_each_or_too_many() -> None:
    """Moving a list counts as writing it, so the cost stays that of the bytes."""
    dims = chunk(3, packed(1, [7]))
    origin = chunk(5, chunk(1, b"origin_shape") + chunk(2, chunk(1, packed(3, [1]))))

    def read(times: int) -> Tables:
        return Tables.describe(Span(memoryview((dims + origin) * times), "file"))

    few = read(20)
    assert few.shapes(few.tensors) == [(7,) * 20]
    assert few.origins(few.tensors) == [(1,)]
    with pytest.raises(BundleFormatError, match=r"more than .* numbers in shapes in .* bytes"):
        read(3000)
