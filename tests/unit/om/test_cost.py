"""What a hostile MODEL_DEF costs: memory and work in proportion to its bytes, or a refusal."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator

import pytest

from acl_bundle import om
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.tables import NODE_BYTES
from acl_bundle.om._proto.encode import encode, varints

SIZE = 1 << 20
TIMES = 10


def chunk(field: int, value: bytes | str) -> bytes:
    """A field of bytes, a text, or a message that is encoded."""
    return encode((field, value))


def packed(field: int, values: Iterable[int]) -> bytes:
    """A field of packed numbers."""
    return encode((field, varints(values)))


def _repeated(piece: bytes) -> bytes:
    return piece * (SIZE // len(piece))


def _graph(body: bytes) -> bytes:
    return chunk(ge.MODEL_GRAPH, body)


def _op(body: bytes) -> bytes:
    return chunk(ge.GRAPH_OP, body)


DATA = chunk(ge.OP_TYPE, "Data")
END = chunk(ge.OP_TYPE, ge.OUTPUT_TYPE)
EMPTY_DESC = chunk(ge.OP_INPUT_DESC, b"")
SHAPE = packed(ge.SHAPE_DIM, [300] * (SIZE // 2))
HOSTILE = {
    "nodes": _graph(_repeated(_op(b""))),
    "graphs": _repeated(_graph(b"")),
    "nodes of many graphs": _repeated(_graph(_op(b"") * 1000)),
    "fields of the definition": _repeated(b"\x18\x01"),
    "fields of a node": _graph(_op(DATA + _repeated(b"\x18\x01"))),
    "descriptions": _graph(_op(END + _repeated(EMPTY_DESC))),
    "attributes": _graph(_op(DATA + EMPTY_DESC + _repeated(chunk(ge.OP_ATTR, b"")))),
    "dims": _graph(_op(DATA + chunk(ge.OP_INPUT_DESC, chunk(ge.DESC_SHAPE, SHAPE)))),
    "names": _graph(_op(DATA + EMPTY_DESC + chunk(ge.OP_NAME, b"\xff" * SIZE))),
}
NODES = SIZE // NODE_BYTES  # as many as the bytes pay for


def _nodes(one: Callable[[int], bytes]) -> bytes:
    """A graph of so many nodes, each as long as it must be."""
    return _graph(
        b"".join(
            _op(one(at) + b"\x18\x01" * ((NODE_BYTES - 4 - len(one(at))) // 2))
            for at in range(NODES)
        )
    )


def _entry(field: int, key: str, value: bytes) -> bytes:
    return chunk(field, chunk(ge.MAP_KEY, key) + chunk(ge.MAP_VALUE, value))


def _node(kind: str, at: int, body: bytes, name: str = "n{}") -> bytes:
    return chunk(ge.OP_NAME, name.format(at)) + chunk(ge.OP_TYPE, kind) + body


ORIGIN = _entry(ge.DESC_ATTR, ge.ORIGIN_SHAPE, chunk(ge.ATTR_LIST, packed(ge.LIST_I, [300, 4])))
DESC = chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [300, 4])) + chunk(ge.DESC_LAYOUT, "ND")
TENSOR = chunk(ge.TENSOR_DESC, chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [1])))
PAIR = chunk(ge.LIST_LIST_INT, packed(ge.LIST_INT, [300, 300]))
RANGES = _entry(ge.DESC_ATTR, ge.SHAPE_RANGE, chunk(ge.ATTR_LIST_LIST_INT, PAIR * 9))
VALUE = _entry(ge.OP_ATTR, ge.VALUE, chunk(ge.ATTR_T, TENSOR + chunk(ge.TENSOR_DATA, bytes(4))))
MANY = {
    "constants": _nodes(lambda at: _node("Const", at, VALUE)),
    "inputs": _nodes(lambda at: _node("Data", at, chunk(ge.OP_INPUT_DESC, DESC + ORIGIN))),
    "variables": _nodes(
        lambda at: _node("Variable", at, chunk(ge.OP_OUTPUT_DESC, DESC + ORIGIN), "n{}_var")
    ),
    "ranges": _nodes(lambda at: _node("Data", at, chunk(ge.OP_INPUT_DESC, RANGES))),
    "other nodes": _nodes(lambda at: _node("MatMul", at, b"")),
    "outputs": _graph(_op(END + _repeated(chunk(ge.OP_INPUT_DESC, DESC + ORIGIN)))),
    "dims of inputs": _nodes(
        lambda at: _node(
            "Data",
            at,
            chunk(ge.OP_INPUT_DESC, chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [300] * 60))),
        )
    ),
}
HOSTILE |= MANY


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


def _calls(ask: Callable[[], object]) -> int:
    """How many functions are called meanwhile, in Python or from it; the same each time."""
    count = 0

    def note(_frame: object, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        ask()
    except BundleFormatError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("definition", MANY.values(), ids=MANY)
def test_a_definition_takes_few_calls_for_each_of_its_nodes(definition: bytes) -> None:
    """A call takes 0.1 us and more; 10 MB are 65,000 nodes, each asked for all that it is."""
    file = om.write_model([(om.PartitionType.MODEL_DEF, [definition])]).to_bytes()
    count = _calls(lambda: [om.open_model(file), *_everything(file)])
    assert count < 1000 + 40 * NODES


def test_more_outputs_than_the_bytes_pay_for_are_refused() -> None:
    file = om.write_model([(om.PartitionType.MODEL_DEF, [HOSTILE["descriptions"]])]).to_bytes()
    with pytest.raises(BundleFormatError, match=r"has more than 17408 tensors in \d+ bytes"):
        _ = om.open_model(file).outputs
    some = _graph(_op(END + chunk(ge.OP_INPUT_DESC, bytes([24, 1]) * 16) * 20_000))
    file = om.write_model([(om.PartitionType.MODEL_DEF, [some])]).to_bytes()
    with pytest.raises(BundleFormatError, match=r"more than \d+ tensors in \d+ bytes"):
        _ = om.open_model(file).outputs


def test_more_nodes_than_the_bytes_pay_for_are_refused() -> None:
    file = om.write_model([(om.PartitionType.MODEL_DEF, [HOSTILE["nodes"]])]).to_bytes()
    with pytest.raises(BundleFormatError, match=r"has more than 7577 nodes in \d+ bytes"):
        _ = om.open_model(file).graphs


def test_a_table_of_more_partitions_than_a_bundle_may_have_is_refused() -> None:
    whole = om.write_bundle([b"x"] * 5000, 0).to_bytes()
    with pytest.raises(BundleFormatError, match="has 5001 rows; 0 to 4096 are possible"):
        om.open_bundle(whole)


def test_many_weights_are_still_read() -> None:
    """20,000 variables, each as short as this package's own builder writes it."""
    desc = chunk(ge.DESC_SHAPE, packed(ge.SHAPE_DIM, [4, 4])) + chunk(ge.DESC_LAYOUT, "ND")
    origin = chunk(ge.MAP_KEY, ge.ORIGIN_SHAPE) + chunk(ge.MAP_VALUE, b"")
    body = chunk(ge.OP_OUTPUT_DESC, desc + chunk(ge.DESC_ATTR, origin) + b"\x50\x40" * 60)
    ops = (
        _op(chunk(ge.OP_NAME, f"w{i}_var") + chunk(ge.OP_TYPE, "Variable") + body)
        for i in range(20_000)
    )
    definition = _graph(b"".join(ops))
    model = om.write_model([(om.PartitionType.MODEL_DEF, [definition])])
    assert len(om.open_bundle(om.write_bundle([model], 0).to_bytes()).variables) == 20_000
