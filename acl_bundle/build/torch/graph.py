"""The exporter's graph, made to speak of the module's tensors by the module's names.

The exporter names what nodes give after functions (``relu``, ``mul``) and
inputs after arguments, whether or not a parameter has that name. Here each name
of a tensor stands for that tensor alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from acl_bundle.errors import UnsupportedError


def make_unique(graph: Any, reserved: Collection[str]) -> None:
    """Give what bears the name of one of the module's tensors, and is none, another one.

    Args:
        graph: An ``onnx_ir`` graph; it is changed.
        reserved: Names of the module's tensors.
    """
    values = list(_values(graph))
    taken = {*reserved, *(one.name for one in values)}
    inputs = {id(one) for one in graph.inputs}
    for value in values:
        old = value.name
        if old not in reserved:
            continue
        is_input = id(value) in inputs
        value.name = _fresh(f"{old}_input" if is_input else old, taken)
        if is_input:
            warnings.warn(
                f"the input {old!r} is called {value.name!r}: the module has a tensor {old!r}, and"
                " a graph has each name once",
                stacklevel=4,
            )


def rename(graph: Any, names: Mapping[str, str]) -> None:
    """Give initializers other names; ``names`` says old -> new."""
    for old, new in names.items():
        value = graph.initializers.pop(old)
        value.name = value.const_value.name = new
        graph.initializers[new] = value


def check_whole(program: Any, initializers: Collection[str]) -> None:
    """Compare the graph with torch's own, which it was made from.

    Args:
        program: The ``ExportedProgram``.
        initializers: Those of the ONNX graph.

    Raises:
        UnsupportedError: The ONNX graph lacks a tensor that the answer depends
            on, or the answer depends on a buffer that ``forward`` changes.
    """
    signature = program.graph_signature
    tensors = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    needed = {tensors[one] for one in _needed(program) if one in tensors}
    lost = sorted(needed - {*initializers})
    if lost:
        raise UnsupportedError(
            f"torch.onnx.export leaves out {', '.join(map(repr, lost))}, which forward uses; the"
            " exported graph would answer something else"
        )
    changed = sorted(needed & {*signature.buffers_to_mutate.values()})
    if changed:
        raise UnsupportedError(
            f"forward changes {', '.join(map(repr, changed))}, in evaluation mode too, and its"
            " answer depends on it; a bundle keeps nothing from one inference to the next, so make"
            " it an input and an output"
        )


def _needed(program: Any) -> set[str]:
    """Names of the nodes that the outputs depend on."""
    outputs = {*program.graph_signature.user_outputs}
    waiting = [node for node in program.graph.nodes if node.name in outputs]
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found.add(node.name)
            waiting += node.all_input_nodes
    return found


def _values(graph: Any) -> Iterator[Any]:
    """Yield every tensor that is not a constant of the main graph."""
    yield from graph.inputs
    for node in graph.all_nodes():
        yield from node.outputs
        for attribute in node.attributes.values():
            for inner in _graphs(attribute):
                yield from inner.inputs
                yield from inner.initializers.values()


def _graphs(attribute: Any) -> tuple[Any, ...]:
    kind = attribute.type.name
    if kind == "GRAPH":
        return (attribute.value,)
    return tuple(attribute.value) if kind == "GRAPHS" else ()


def _fresh(wish: str, taken: set[str]) -> str:
    name, count = wish, 0
    while name in taken:
        count += 1
        name = f"{wish}_{count}"
    taken.add(name)
    return name
