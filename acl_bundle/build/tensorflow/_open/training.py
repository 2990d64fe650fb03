"""Refusing a graph that still trains.

A bundle infers: nothing in it may draw random numbers, take its input from a
pipeline, normalise by the batch at hand, or write a variable. What a graph does
is looked at, not what its nodes are called.
"""

from __future__ import annotations

from typing import Any, Final

from acl_bundle.build.tensorflow._graph.graph import TensorFlowGraph, every_node
from acl_bundle.errors import UnsupportedError

_RANDOM: Final = (
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "Random",
    "StatefulRandom",
    "StatefulStandardNormal",
    "StatefulTruncatedNormal",
    "StatefulUniform",
    "StatelessMultinomial",
    "StatelessParameterizedTruncatedNormal",
    "StatelessRandom",
    "StatelessTruncatedNormal",
    "TruncatedNormal",
)
# Named like them, and no random numbers themselves.
_NOT_RANDOM: Final = ("RandomDataset", "RandomShuffleQueue", "StatelessRandomGet")
_PIPELINES: Final = (
    "DatasetTo",
    "GetSingleElement",
    "IteratorGetNext",
    "QueueDequeue",
    "ReaderRead",
)
_WRITES: Final = (
    "Apply",
    "Assign",
    "CountUpTo",
    "ResourceApply",
    "ResourceScatter",
    "ResourceSparseApply",
    "ScatterAdd",
    "ScatterDiv",
    "ScatterMax",
    "ScatterMin",
    "ScatterMul",
    "ScatterNdAdd",
    "ScatterNdSub",
    "ScatterNdUpdate",
    "ScatterSub",
    "ScatterUpdate",
    "SparseApply",
)
_LOSSES: Final = (
    "CTCLoss",
    "CTCLossV2",
    "L2Loss",
    "SoftmaxCrossEntropyWithLogits",
    "SparseSoftmaxCrossEntropyWithLogits",
)


def check(graph: TensorFlowGraph) -> None:
    """Refuse a graph, cut to its ends, that does more than infer.

    Raises:
        UnsupportedError: A node trains; the message names it and says what to do.
    """
    for tensor, name in graph.outputs.items():
        if tensor in graph.losses:
            raise _refusal(graph, f"output {name!r} is a loss", _OTHER_OUTPUT)
    for node in every_node(graph.definition):
        found = _training(node)
        if found is not None:
            raise _refusal(graph, f"node {node.name!r} ({node.op}) {found[0]}", found[1])


_OTHER_OUTPUT: Final = "name the prediction in outputs="
_INFERENCE: Final = "build from the graph that infers (training=False); the weights are the same"
_CUT: Final = "name the tensors it gives in inputs=, and feed them"


def _training(node: Any) -> tuple[str, str] | None:
    """What a node does that only training does, and what to do about it."""
    op = node.op
    if op.startswith("FusedBatchNorm") and not op.endswith("Grad"):
        # An attribute that is not there has its default, which is True.
        if "is_training" not in node.attr or node.attr["is_training"].b:
            return "normalises by the batch at hand (is_training=True)", _INFERENCE
    elif op.startswith(_RANDOM) and not op.startswith(_NOT_RANDOM):
        return "draws random numbers, as dropout does", _INFERENCE
    elif op.startswith(_PIPELINES):
        return "takes the input from a pipeline", _CUT
    elif op.startswith(_WRITES):
        return "writes a variable", f"{_OTHER_OUTPUT}, or {_INFERENCE}"
    elif op in _LOSSES:
        return "computes a loss, and an output depends on it", _OTHER_OUTPUT
    return None


def _refusal(graph: TensorFlowGraph, what: str, advice: str) -> UnsupportedError:
    return UnsupportedError(f"{graph.origin} still trains: {what}; {advice}")


def is_step(node: Any) -> bool:
    """Whether a node is a step of a training loop or part of a loss, and never an answer."""
    return node.op in _LOSSES or node.op.startswith(_WRITES)
