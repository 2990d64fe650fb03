"""Freezing a model: its graph, cut to its ends, with values for variables."""

from __future__ import annotations

from acl_bundle.build.tensorflow._ends import cut
from acl_bundle.build.tensorflow._ends.cut import Names
from acl_bundle.build.tensorflow._graph import names
from acl_bundle.build.tensorflow._graph.graph import TensorFlowGraph
from acl_bundle.build.tensorflow._graph.values import Checkpoint, CheckpointValues
from acl_bundle.build.tensorflow._open import training, variables
from acl_bundle.build.tensorflow._open.model import Model, open_model


def freeze(
    model: Model,
    *,
    inputs: Names | None = None,
    outputs: Names | None = None,
    signature: str | None = None,
    checkpoint: Checkpoint | None = None,
) -> TensorFlowGraph:
    """Freeze a model, as TensorFlow's freeze_graph did.

    Args:
        model: A path or a Keras model, as for `from_tensorflow`.
        inputs: Names of tensors that are fed.
        outputs: Names of tensors that are asked for.
        signature: Which signature of a SavedModel.
        checkpoint: Where the values of a graph's variables stand.

    Returns:
        The graph; its variables are constants.

    Raises:
        As `from_tensorflow` does.
    """
    graph, own = open_model(model, signature)
    cut.choose(graph, inputs, outputs)
    training.check(graph)
    _forget(graph)
    source = own if checkpoint is None else checkpoint
    variables.fill(graph, None if source is None else CheckpointValues(source))
    return graph


def _forget(graph: TensorFlowGraph) -> None:
    """Count the variables that the outputs do not need among what is not used."""
    there = {node.name for node in graph.definition.node}
    known = names.settled(graph.variables, {*graph.inputs.values(), *graph.outputs.values()})
    graph.variables = {node: one for node, one in known.items() if node in there}
    rest = (one for node, one in known.items() if node not in there)
    graph.unused += tuple(name for one in rest for name in (one.name, *one.aliases))
