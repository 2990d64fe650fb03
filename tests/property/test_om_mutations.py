"""Whatever happens to a file's bytes, reading ends in an answer or a BundleFormatError."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import suppress
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from acl_bundle import build, om
from acl_bundle.errors import BundleFormatError


@cache
def sample() -> bytes:
    """A bundle with all partitions, small enough for every byte to be hit."""
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
            helper.make_node("Clip", ["h", "low"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", 1, [2, 3])],
        [helper.make_tensor_value_info("y", 1, [2, 4])],
        [
            numpy_helper.from_array(np.ones((4, 3), "f4"), "w"),
            numpy_helper.from_array(np.ones(4, "f4"), "b"),
            numpy_helper.from_array(np.array(0, "f4"), "low"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return build.from_onnx(model, ["w"]).to_bytes()


def touch_node(node: om.Node) -> None:
    for desc in (*node.input_descs, *node.output_descs):
        _ = desc.name, desc.dtype, desc.shape, desc.origin_shape, desc.format
        _ = desc.nbytes, desc.ranges, desc.data_offset, desc.weight_nbytes
    _ = node.inputs, node.subgraphs, node.sources, node.attrs


def touch(data: bytes) -> None:
    """Read everything there is to read."""
    file = om.open(data)
    for model in file.models if isinstance(file, om.Bundle) else (file,):
        _ = repr(model), model.inputs, model.outputs, model.is_compiled_for_chip
        for graph in model.graphs:
            _ = graph.name, graph.attrs
            for node in graph.nodes:
                touch_node(node)
        _ = model.weights
    if isinstance(file, om.Bundle):
        _ = file.roles, file.variables, file.has_external_weights


def survives(data: bytes) -> None:
    """Read everything within a few megabytes, or fail in the one way that is right."""
    tracemalloc.start()
    with suppress(BundleFormatError):
        touch(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


NASTY = st.sampled_from(
    [0, 1, 8, 9, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(sample())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        layout = draw(st.sampled_from(["<B", "<I", "<Q"]))
        size = struct.calcsize(layout)
        value = draw(NASTY | st.integers(0, (1 << 64) - 1)) & ((1 << 8 * size) - 1)
        if at + size <= len(data):
            struct.pack_into(layout, data, at, value)
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])


def test_the_sample_is_good():
    """What the other tests spoil is readable to begin with."""
    touch(sample())
    file = om.open_bundle(sample())
    assert sorted(file.models[0].weights) == ["b", "low"]


@settings(max_examples=250)
@given(mutated())
def test_mutated_files(data: bytes):
    """Bytes overwritten, numbers blown up, ends cut off."""
    survives(data)


@settings(max_examples=80)
@given(st.integers(0, 1 << 16), st.integers(1, 64))
def test_pieces_removed(at: int, size: int):
    """A piece is missing from the middle."""
    data = sample()
    at %= len(data)
    survives(data[:at] + data[at + size :])


@settings(max_examples=80)
@given(st.binary(max_size=600))
def test_any_bytes(data: bytes):
    """Random bytes, bare and behind the start of a real file."""
    survives(data)
    survives(sample()[:256] + data)


@settings(max_examples=80)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_definition(definition: bytes, info: bytes):
    """Random bytes where the graph and the list of ends should be."""
    parts = [
        (om.PartitionType.MODEL_INOUT_INFO, [info]),
        (om.PartitionType.MODEL_DEF, [definition]),
        (om.PartitionType.TASK_INFO, [b"x"]),
    ]
    survives(om.write_model(parts, name="m").to_bytes())
