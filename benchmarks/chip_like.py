"""A bundle of this package's with a definition as large as a compiler for a chip writes it.

Such a compiler leaves its notes with each node that computes: kernels, tiling, places of inputs
and outputs, by some dozens of attributes, which take kilobytes. The names here are made up.
"""

from __future__ import annotations

from collections.abc import Iterator

from acl_bundle import om
from acl_bundle.om import PartitionType
from acl_bundle.om._modeldef import ge
from acl_bundle.om._proto.encode import Fields, encode, varints

_PLAIN = *ge.INPUT_TYPES, *ge.CONST_TYPES, ge.VARIABLE_TYPE, ge.OUTPUT_TYPE


def fattened(data: bytes, nbytes: int) -> bytes:
    """Return the bundle, its first graph that computes with a definition of so many bytes."""
    file = om.open_bundle(data)
    at = next(at for at, model in enumerate(file.models) if model.outputs)
    models = [_fat(model, nbytes) if at == n else model for n, model in enumerate(file.models)]
    return om.write_bundle(models, file.variable_size).to_bytes()


def _fat(model: om.Model, nbytes: int) -> om.Chunks:
    parts = [
        (
            PartitionType(part.type),
            [_definition(model, nbytes)] if part.type == PartitionType.MODEL_DEF else [part.data],
        )
        for part in model.partitions
    ]
    return om.write_model(parts, header=model.header)


def _definition(model: om.Model, nbytes: int) -> bytes:
    (graph,) = model.graphs
    nodes = [(node.type in _PLAIN, bytes(node.message.span.view)) for node in graph.nodes]
    known = sum(len(body) for _, body in nodes)
    each = (nbytes - known) // sum(not plain for plain, _ in nodes)
    notes = encode((ge.OP_ATTR, [*_notes(each)]))
    ops = [body if plain else body + notes for plain, body in nodes]
    names = [one.name for one in model.outputs]
    return encode((
        ge.MODEL_NAME, model.name,
        ge.MODEL_GRAPH, (ge.GRAPH_NAME, graph.name, ge.GRAPH_OP, ops),
        ge.MODEL_ATTR, _entry(ge.OUT_NODES, (ge.ATTR_LIST, (ge.LIST_S, names))),
    ))  # fmt: skip


def _entry(key: str, value: Fields) -> Fields:
    return ge.MAP_KEY, key, ge.MAP_VALUE, value


def _notes(nbytes: int) -> Iterator[Fields]:
    """Yield attributes until they take so many bytes."""
    kinds: tuple[Fields, ...] = (
        (ge.ATTR_S, "te_gemm_" + "5d0c" * 24),
        (ge.ATTR_I, 1 << 20),
        (ge.ATTR_LIST, (ge.LIST_I, varints(range(0, 1 << 20, 1 << 15)))),
        (ge.ATTR_B, 1),
        (ge.ATTR_BT, bytes(256)),
        (ge.ATTR_LIST, (ge.LIST_S, ["RT_DEV_BINARY_MAGIC_ELF_AIVEC"] * 4)),
    )
    at = 0
    while nbytes > 0:
        note = _entry(f"_note_{at}", kinds[at % len(kinds)])
        yield note
        nbytes -= len(encode((ge.OP_ATTR, note)))
        at += 1
