"""What a hostile MODEL_DEF costs: memory in proportion to its bytes, or a refusal."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from acl_bundle import om
from acl_bundle.errors import BundleFormatError
from acl_bundle.om import _ge
from acl_bundle.om._wire import chunk, packed

SIZE = 1 << 20
TIMES = 10


def _repeated(piece: bytes) -> bytes:
    return piece * (SIZE // len(piece))


def _graph(body: bytes) -> bytes:
    return chunk(_ge.MODEL_GRAPH, body)


def _op(body: bytes) -> bytes:
    return chunk(_ge.GRAPH_OP, body)


DATA = chunk(_ge.OP_TYPE, "Data")
END = chunk(_ge.OP_TYPE, _ge.OUTPUT_TYPE)
EMPTY_DESC = chunk(_ge.OP_INPUT_DESC, b"")
SHAPE = packed(_ge.SHAPE_DIM, [300] * (SIZE // 2))
HOSTILE = {
    "nodes": _graph(_repeated(_op(b""))),
    "graphs": _repeated(_graph(b"")),
    "nodes of many graphs": _repeated(_graph(_op(b"") * 1000)),
    "fields of the definition": _repeated(b"\x18\x01"),
    "fields of a node": _graph(_op(DATA + _repeated(b"\x18\x01"))),
    "descriptions": _graph(_op(END + _repeated(EMPTY_DESC))),
    "attributes": _graph(_op(DATA + EMPTY_DESC + _repeated(chunk(_ge.OP_ATTR, b"")))),
    "dims": _graph(_op(DATA + chunk(_ge.OP_INPUT_DESC, chunk(_ge.DESC_SHAPE, SHAPE)))),
    "names": _graph(_op(DATA + EMPTY_DESC + chunk(_ge.OP_NAME, b"\xff" * SIZE))),
}


def _everything(file: bytes) -> Iterator[object]:
    model = om.open_model(file)
    yield from (model.inputs, model.outputs, model.weights)
    yield om.open_bundle(om.write_bundle([model], 0).to_bytes()).variables


@pytest.mark.parametrize("definition", HOSTILE.values(), ids=HOSTILE)
def test_a_definition_takes_at_most_ten_times_its_bytes(definition: bytes) -> None:
    file = om.write_model([(om.PartitionType.MODEL_DEF, [definition])]).to_bytes()
    tracemalloc.start()
    try:
        for _ in _everything(file):
            pass
    except BundleFormatError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < TIMES * len(file)


def test_more_nodes_than_the_bytes_pay_for_are_refused() -> None:
    file = om.write_model([(om.PartitionType.MODEL_DEF, [HOSTILE["nodes"]])]).to_bytes()
    with pytest.raises(BundleFormatError, match=r"claims 524288 nodes in \d+ bytes"):
        _ = om.open_model(file).graphs


def test_a_table_of_more_partitions_than_a_bundle_may_have_is_refused() -> None:
    whole = om.write_bundle([b"x"] * 5000, 0).to_bytes()
    with pytest.raises(BundleFormatError, match="has 5001 rows; 0 to 4096 are possible"):
        om.open_bundle(whole)


def test_many_weights_are_still_read() -> None:
    """20,000 variables, each as short as this package's own builder writes it."""
    desc = chunk(_ge.DESC_SHAPE, packed(_ge.SHAPE_DIM, [4, 4])) + chunk(_ge.DESC_LAYOUT, "ND")
    origin = chunk(_ge.MAP_KEY, _ge.ORIGIN_SHAPE) + chunk(_ge.MAP_VALUE, b"")
    body = chunk(_ge.OP_OUTPUT_DESC, desc + chunk(_ge.DESC_ATTR, origin) + b"\x50\x40" * 60)
    ops = (
        _op(chunk(_ge.OP_NAME, f"w{i}_var") + chunk(_ge.OP_TYPE, "Variable") + body)
        for i in range(20_000)
    )
    definition = _graph(b"".join(ops))
    model = om.write_model([(om.PartitionType.MODEL_DEF, [definition])])
    assert len(om.open_bundle(om.write_bundle([model], 0).to_bytes()).variables) == 20_000
