"""Finding what a graph may be asked for, when nobody says it.

A graph of TensorFlow 1 holds everything at once: the model, its loss, the
gradients, the steps of the training, savers and summaries. The answers are what
the model gives and nothing else of the model reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from acl_bundle.build.tensorflow._graph.graph import node_of, reached, tensor_of
from acl_bundle.build.tensorflow._open import training

_GRADIENT: Final = re.compile(r"(?:^|/)gradients(?:_\d+)?/(?:(.*?)_grad/)?")
_STARTS: Final = ("Placeholder", "IteratorGetNext")
_STRING: Final = 7  # tensorflow.DataType
_NONE: Final = frozenset(("Assert", "Const", "NoOp", "ReadVariableOp", "Shape"))
_CONTROLS: Final = frozenset(("If", "StatelessIf", "StatelessWhile", "Switch", "While"))
_NONE_PREFIXES: Final = ("MergeSummary", "MergeV2", "Placeholder", "SaveV2", "ShardedFilename")


def losses(definition: Any) -> set[str]:
    """Return the tensors that gradients were taken of, and that the model does not read."""
    backward = {node.name for node in definition.node if _GRADIENT.search(node.name)}
    found = (_GRADIENT.search(name) for name in backward)
    behind = {one[1] for one in found if one is not None}
    read = {
        node_of(edge)
        for node in definition.node
        if node.name not in backward and not node.op.endswith("Summary")
        for edge in node.input
        if not edge.startswith("^")
    }
    return {tensor_of(node.name) for node in definition.node if node.name in behind - read}


def answers(definition: Any) -> list[str]:
    """Return the tensors that look like answers, in the graph's order."""
    nodes = definition.node
    starts = {node_of(one) for one in losses(definition)}
    starts |= {node.name for node in nodes if training.is_step(node) or _GRADIENT.search(node.name)}
    training_part = _downstream(definition, starts)
    model = [node for node in nodes if node.name not in training_part]
    read = {node_of(edge) for node in model for edge in node.input if not edge.startswith("^")}
    fed = {node.name for node in nodes if node.op.startswith(_STARTS) and not _is_text(node)}
    controls = {node.name for node in nodes if node.op in _CONTROLS}
    return [
        tensor_of(node.name)
        for node in model
        if node.name not in read
        and not (node.op == "Identity" and node_of(node.input[0]) in controls)
        and node.op not in _NONE
        and not node.op.startswith(_NONE_PREFIXES)
        and not node.op.endswith("Summary")
        and fed & reached(definition, [node.name])
    ]


def _is_text(node: Any) -> bool:
    """Whether a placeholder takes text, as those for the names of files do."""
    return bool(node.attr["dtype"].type == _STRING)


def _downstream(definition: Any, starts: Iterable[str]) -> set[str]:
    readers: dict[str, list[str]] = {}
    for node in definition.node:
        for edge in node.input:
            readers.setdefault(node_of(edge), []).append(node.name)
    found: set[str] = set()
    left = list(starts)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += readers.get(name, [])
    return found
