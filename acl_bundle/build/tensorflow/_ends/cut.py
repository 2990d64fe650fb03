"""Where a graph begins and ends: `inputs=` and `outputs=`, as freeze_graph has them.

A name is a tensor's (``fc/out:0``, ``fc/out`` for its node's first output) or,
in a model with a signature, what that calls it. The graph is cut to what the
outputs need: behind an input nothing is left of what computed it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from acl_bundle.build.tensorflow._ends import answers, branches
from acl_bundle.build.tensorflow._graph.graph import (
    VARIABLES,
    TensorFlowGraph,
    node_of,
    outside,
    prune,
    reached,
    tensor_of,
)
from acl_bundle.build.tensorflow._graph.need import reason, tensorflow

Names: TypeAlias = Sequence[str]

_SHOWN: Final = 12


def choose(graph: TensorFlowGraph, inputs: Names | None, outputs: Names | None) -> None:
    """Cut a graph to its ends, in place.

    Args:
        graph: Its `inputs` and `outputs` are those of its signature, if it has one; they
            become what was chosen.
        inputs: Names of tensors that are fed, None for every placeholder that the outputs need
            (or the signature's inputs).
        outputs: Names of tensors that are asked for, None for the signature's, or for the one
            tensor that looks like an answer.

    Raises:
        ValueError: There is no such tensor; nothing tells which output is meant; the outputs
            need a placeholder that is not fed, or none of what is fed.
    """
    graph.outputs = _outputs(graph, outputs)
    graph.losses |= answers.losses(graph.definition)
    fed = _fed(graph, inputs)
    imported = _imported(graph)
    for tensor in (*graph.outputs, *fed):
        _check_tensor(graph, imported, tensor)
    graph.inputs = {
        _feed(graph.definition, imported.get_tensor_by_name(tensor)): name
        for tensor, name in fed.items()
    }
    _use_defaults(graph.definition)
    branches.cut(graph.definition)
    _keep_needed(graph)


def _outputs(graph: TensorFlowGraph, names: Names | None) -> dict[str, str]:
    if names is None:
        return graph.outputs or dict([_only(graph)])
    return _named(graph, names, graph.outputs, "outputs")


def _only(graph: TensorFlowGraph) -> tuple[str, str]:
    found = answers.answers(graph.definition)
    if len(found) != 1:
        raise ValueError(
            f"{graph.origin} does not say which tensors are its outputs; name them in outputs=;"
            f" it has {_listed(map(outside, found))}"
        )
    return found[0], outside(found[0])


def _fed(graph: TensorFlowGraph, names: Names | None) -> dict[str, str]:
    if names is not None:
        return _named(graph, names, graph.inputs, "inputs")
    if graph.inputs:
        return dict(graph.inputs)
    needed = reached(graph.definition, graph.outputs)
    return {
        f"{node.name}:0": node.name
        for node in graph.definition.node
        if node.op == "Placeholder" and node.name in needed
    }


def _named(
    graph: TensorFlowGraph, names: Names, known: Mapping[str, str], what: str
) -> dict[str, str]:
    if isinstance(names, str):
        raise ValueError(f"{what} is {names!r}; a list of names is right")
    if not names:
        raise ValueError(f"{what} is empty; name one at least")
    there = {node.name for node in graph.definition.node}
    by_name = {name: tensor for tensor, name in known.items()}
    found = {}
    for name in names:
        tensor = by_name.get(name) or (tensor_of(name) if node_of(name) in there else None)
        if tensor is None:
            raise ValueError(
                f"{what} names {name!r}, which {graph.origin} does not have; it has"
                f" {_listed(_close(name, graph, [*by_name]))}"
            )
        found[tensor] = known.get(tensor, outside(name))
    return found


def _close(name: str, graph: TensorFlowGraph, known: list[str]) -> list[str]:
    plain = [
        node.name
        for node in graph.definition.node
        if node.op not in ("Const", "NoOp") and node.op not in VARIABLES
    ]
    near = difflib.get_close_matches(name, plain, n=5, cutoff=0.5)
    starts = [node.name for node in graph.definition.node if node.op == "Placeholder"]
    ends = [] if known else [*map(outside, answers.answers(graph.definition)), *starts]
    return list(dict.fromkeys([*near, *known, *ends])) or plain


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    shown = ", ".join(map(repr, every[:_SHOWN])) or "none"
    more = len(every) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _imported(graph: TensorFlowGraph) -> Any:
    """The part of a graph that the outputs need, as TensorFlow understands it."""
    tf = tensorflow()
    part = type(graph.definition)()
    part.CopyFrom(graph.definition)
    prune(part, reached(part, graph.outputs))
    graph.definition = part
    imported = tf.Graph()
    try:
        with imported.as_default():
            tf.import_graph_def(part, name="")
    except Exception as error:  # TensorFlow's own: an op it does not know, a broken edge
        raise ValueError(f"TensorFlow cannot read {graph.origin}: {reason(error)}") from error
    return imported


def _check_tensor(graph: TensorFlowGraph, imported: Any, tensor: str) -> None:
    name = node_of(tensor)
    if not any(node.name == name for node in graph.definition.node):
        raise ValueError(
            f"inputs names {outside(tensor)!r}, which no output of {graph.origin} depends on; they"
            f" depend on {_listed(_starts(graph.definition))}"
        )
    operation = imported.get_operation_by_name(name)
    if tensor not in {one.name for one in operation.outputs}:
        count = len(operation.outputs)
        raise ValueError(
            f"{tensor!r} is no tensor of {graph.origin}: node {name!r} ({operation.type}) has"
            f" {count} output{'s' * (count != 1)}; name another in outputs= or inputs="
        )


def _starts(definition: Any) -> list[str]:
    return [one.name for one in definition.node if one.op.startswith("Placeholder")]


def _feed(definition: Any, tensor: Any) -> str:
    """Let a placeholder stand in the place of a tensor, and return what it gives.

    It takes the place of the node as well, where that gives nothing else that is read.
    """
    if tensor.op.type == "Placeholder":
        return str(tensor.name)
    name = str(tensor.op.name)
    readers = [node for node in definition.node if name in map(node_of, node.input)]
    every = {tensor_of(edge) for one in readers for edge in one.input if node_of(edge) == name}
    node = next(one for one in definition.node if one.name == name)
    if every - {tensor.name} or tensor.value_index:
        name += f"_{tensor.value_index}_fed"
        for reader in readers:
            for at, edge in enumerate(reader.input):
                if not edge.startswith("^") and tensor_of(edge) == tensor.name:
                    reader.input[at] = name
        node = definition.node.add(name=name)
    node.op = "Placeholder"
    del node.input[:]
    node.attr.clear()
    node.attr["dtype"].type = tensor.dtype.as_datatype_enum
    node.attr["shape"].shape.CopyFrom(tensor.shape.as_proto())
    return f"{name}:0"


def _use_defaults(definition: Any) -> None:
    """A placeholder with a default that is not fed is that default."""
    for node in definition.node:
        if node.op == "PlaceholderWithDefault":
            node.op = "Identity"
            dtype = node.attr["dtype"].type
            node.attr.clear()
            node.attr["T"].type = dtype


def _keep_needed(graph: TensorFlowGraph) -> None:
    needed = reached(graph.definition, graph.outputs)
    prune(graph.definition, needed)
    graph.inputs = {one: name for one, name in graph.inputs.items() if node_of(one) in needed}
    lacking = [one for one in _starts(graph.definition) if f"{one}:0" not in graph.inputs]
    if lacking:
        raise ValueError(
            f"the outputs of {graph.origin} depend on {_listed(lacking)} as well; name it in"
            " inputs=, or name other outputs"
        )
