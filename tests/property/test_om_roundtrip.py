"""What is written is read back: headers, partitions, ends, graphs, wire."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from acl_bundle import om
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import inout
from acl_bundle.om._modeldef import define
from acl_bundle.om._proto import wire
from acl_bundle.om._proto.encode import encode, varints

int64 = st.integers(-(1 << 63), (1 << 63) - 1)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
types = st.sampled_from(om.PartitionType)
partitions = st.lists(st.tuples(types, st.binary(min_size=1, max_size=40)), min_size=1, max_size=8)


def span(data: bytes) -> Span:
    return Span(memoryview(data), "test")


@given(partitions, names, st.booleans())
def test_model(parts, name, dynamic):
    """Partitions, name and kind of a model."""
    written = om.write_model([(kind, [data]) for kind, data in parts], name=name, dynamic=dynamic)
    read = om.open_model(written.to_bytes())
    assert [(part.type, bytes(part.data)) for part in read.partitions] == parts
    assert read.header.is_dynamic == dynamic
    assert name.encode().startswith(read.name.encode()) or "\0" in name


@given(st.lists(partitions, min_size=1, max_size=4), st.integers(0, (1 << 64) - 1))
def test_bundle(models, size):
    """Models and variable size of a bundle."""
    written = [om.write_model([(k, [d]) for k, d in one]) for one in models]
    read = om.open_bundle(om.write_bundle(written, size).to_bytes())
    assert read.variable_size == size
    assert [bytes(model.data) for model in read.models] == [one.to_bytes() for one in written]


tensors = st.builds(
    om.TensorInfo,
    name=names,
    dtype=st.integers(-1, 60),
    format=st.integers(-1, 60),
    dims=st.lists(int64, max_size=5).map(tuple),
    nbytes=st.integers(0, (1 << 64) - 1),
    ranges=st.lists(st.tuples(int64, int64), max_size=5).map(tuple),
)


@given(st.lists(tensors, max_size=4), st.lists(tensors, max_size=4))
def test_ends(inputs, outputs):
    """MODEL_INOUT_INFO."""
    read = inout.read(inout.blocks(span(inout.write(inputs, outputs))))
    assert read == (tuple(inputs), tuple(outputs))


attr_values = st.one_of(
    st.booleans(),
    int64,
    st.floats(width=32, allow_nan=False),
    names,
    st.lists(int64, min_size=1, max_size=4).map(tuple),
    st.lists(names, min_size=1, max_size=4).map(tuple),
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=4).map(tuple),
)
descs = st.builds(
    define.Desc,
    dtype=st.sampled_from([0, 1, 3, 9, 12, 27]),
    shape=st.lists(st.integers(-2, 1 << 12), max_size=4).map(tuple),
    format=st.sampled_from([0, 2, 29]),
    data_offset=st.none(),
)
ops = st.builds(
    define.Op,
    name=names,
    type=names,
    inputs=st.lists(names, max_size=3).map(tuple),
    attrs=st.dictionaries(names, attr_values, max_size=3),
    input_descs=st.lists(descs, max_size=2).map(tuple),
    output_descs=st.lists(descs, max_size=2).map(tuple),
    subgraphs=st.lists(names, max_size=2).map(tuple),
    sources=st.lists(st.tuples(names, st.integers(0, 9)), max_size=2).map(tuple),
)


@given(st.lists(ops, max_size=3))
def test_definition(nodes):
    """MODEL_DEF: every field of every node."""
    data = define.model_def("m", [define.GraphValue("g", nodes)], {})
    definition = om.ModelDef(wire.Message(span(data)), span(b""))
    (graph,) = definition.graphs
    for written, read in zip(nodes, graph.nodes, strict=True):
        assert (read.name, read.type, read.inputs) == (written.name, written.type, written.inputs)
        assert read.attrs == dict(written.attrs)
        assert (read.subgraphs, read.sources) == (written.subgraphs, written.sources)
        pairs = zip(
            (*written.input_descs, *written.output_descs),
            (*read.input_descs, *read.output_descs),
            strict=True,
        )
        for ours, theirs in pairs:
            assert (theirs.dtype, theirs.format) == (ours.dtype, ours.format)
            assert theirs.shape == theirs.origin_shape == ours.shape
            assert theirs.nbytes == ours.nbytes


@given(st.lists(int64, max_size=6))
def test_numbers(values):
    """Packed and single numbers, negative ones too."""
    packed = encode((5, varints(values)))
    single = encode((5, values))
    for data in (packed, single):
        assert wire.Message(span(data)).values(5) == tuple(values)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=6))
def test_floats(values):
    """Packed and single floats."""
    packed = encode((5, struct.pack(f"<{len(values)}f", *values)))
    single = encode((5, values))
    for data in (packed, single):
        assert wire.Message(span(data)).floats(5) == tuple(values)


@given(st.lists(st.integers(0, 1 << 40), max_size=6))
def test_layout(sizes):
    """Variables follow one another, each with 512-byte steps and 1024 to spare (facts 4.4)."""
    offsets, total = om.layout(sizes)
    ends = [*offsets, total][1:]
    for offset, end, size in zip(offsets, ends, sizes, strict=True):
        assert offset % 512 == 0
        assert size + 1024 <= end - offset < size + 1536
