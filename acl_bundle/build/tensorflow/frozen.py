"""Freezing a model: its graph, cut to its ends, with values for variables."""

from __future__ import annotations

from acl_bundle.build.tensorflow import ends, names, opened, training, variables
from acl_bundle.build.tensorflow.ends import Names
from acl_bundle.build.tensorflow.graph import Graph
from acl_bundle.build.tensorflow.opened import Checkpoint, Model


def freeze(
    model: Model,
    *,
    inputs: Names | None = None,
    outputs: Names | None = None,
    signature: str | None = None,
    checkpoint: Checkpoint | None = None,
) -> Graph:
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
    graph, values = opened.open_model(model, checkpoint, signature)
    ends.choose(graph, inputs, outputs)
    training.check(graph)
    there = {node.name for node in graph.definition.node}
    used = {node: one for node, one in graph.variables.items() if node in there}
    graph.variables = names.settled(used)
    variables.fill(graph, values)
    return graph
