"""The front door: a bundle of a model of TensorFlow's or Keras's."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from acl_bundle.aipp import AippSource
from acl_bundle.build._graphs.infer import OutputNames
from acl_bundle.build._origin.precision import Precision
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build._shapes.ranges import Bounds
from acl_bundle.build._shapes.shapes import Shapes
from acl_bundle.build.convert import from_onnx
from acl_bundle.build.result import Bundle
from acl_bundle.build.tensorflow import convert, frozen
from acl_bundle.build.tensorflow._ends.cut import Names
from acl_bundle.build.tensorflow._graph import parts
from acl_bundle.build.tensorflow._graph.graph import GraphVariable, TensorFlowGraph
from acl_bundle.build.tensorflow._graph.values import Checkpoint
from acl_bundle.build.tensorflow._open.model import Model
from acl_bundle.errors import WeightError


def from_tensorflow(
    model: Model,
    *,
    inputs: Names | None = None,
    outputs: Names | None = None,
    weights: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    signature: str | None = None,
    input_shapes: Shapes | None = None,
    dynamic_batch: Sequence[int] | None = None,
    dynamic_hw: Sequence[tuple[int, int]] | None = None,
    dynamic_dims: DimGears | None = None,
    dynamic_shape: bool | Bounds = False,
    precision: Precision | None = None,
    keep_float32: Sequence[str] = (),
    output_names: OutputNames = "onnx",
    init: bool = True,
    fold: bool = True,
    aipp: AippSource | None = None,
) -> Bundle:
    """Build a bundle of a model of TensorFlow's or Keras's, which takes its variables.

    An update takes them by their names, with or without ``:0``, and by their keys
    in a checkpoint, in TensorFlow's layouts: a dict of arrays, or
    ``weights.open("model.ckpt-2")`` as it is. What else a trainer keeps (slots of
    optimizers, steps) is passed over.

    TensorFlow and tf2onnx do the work; the graph must fit into 2 GB.

    Args:
        model: A Keras model, or the path of one (``.keras``, ``.h5``); the folder of a
            SavedModel; a checkpoint of TensorFlow 1 with its ``.meta`` file, by prefix,
            folder or that file; a ``GraphDef``, frozen or not, in binary or as text.
        inputs: Names of the tensors that are fed, by default the signature's, or every
            placeholder that the outputs need. What computed them is cut off.
        outputs: Names of the tensors that are asked for, by default the signature's, or
            the one that looks like an answer.
        weights: Names or patterns (`fnmatch`) of the variables that become refreshable, by
            default all. Of a frozen graph, the floating-point constants of rank 1 or more
            are its variables.
        checkpoint: Where the variables' first values stand: the prefix of a checkpoint, or
            a mapping of name to array; by default where the model has them.
        signature: Which signature of a SavedModel; by default the only one, or
            ``serving_default``.
        input_shapes: Shapes by input name, at least for those with open dims that no other
            option leaves open; as for `from_onnx`.
        dynamic_batch: As for `from_onnx`; inputs are as TensorFlow has them, images
            ``[batch, height, width, channels]``.
        dynamic_hw: As for `from_onnx`.
        dynamic_dims: As for `from_onnx`.
        dynamic_shape: As for `from_onnx`.
        precision: As for `from_onnx`.
        keep_float32: As for `from_onnx`, by the variables' names.
        output_names: As for `from_onnx`.
        init: As for `from_onnx`.
        fold: As for `from_onnx`.
        aipp: As for `from_onnx`.

    Raises:
        UnsupportedError: TensorFlow or tf2onnx is not installed; the graph still trains, or
            cannot be converted: the message names the node.
        WeightError: A pattern matches no variable; a variable has no value, or one of another
            dtype or shape.
        ValueError: The model, a name, a shape or an option does not fit; the message lists
            names that would be right.
        TypeError: ``model`` is neither a path nor a Keras model.
        OSError: The model cannot be read.
    """
    graph = frozen.freeze(
        model, inputs=inputs, outputs=outputs, signature=signature, checkpoint=checkpoint
    )
    chosen = _chosen(graph, weights)
    proto = convert.to_onnx(graph, chosen)
    taken = {one.name for one in proto.graph.initializer}
    every = [graph.variables[node] for node in chosen]
    variables = parts.joined(proto.graph, [one for one in every if one.name in taken])
    idle = [name for one in every if one.name not in taken for name in (one.name, *one.aliases)]
    return from_onnx(
        proto,
        [one.name for one in variables],
        input_shapes=input_shapes,
        dynamic_batch=dynamic_batch,
        dynamic_hw=dynamic_hw,
        dynamic_dims=dynamic_dims,
        dynamic_shape=dynamic_shape,
        precision=precision,
        keep_float32=keep_float32,
        output_names=output_names,
        init=init,
        fold=fold,
        aipp=aipp,
        aliases={alias: one.name for one in variables for alias in one.aliases},
        unused=tuple(dict.fromkeys((*graph.unused, *idle))),
    )


def _chosen(graph: TensorFlowGraph, patterns: Sequence[str] | None) -> list[str]:
    """The nodes of the variables that a pattern names, in the graph's order."""
    names = {node: _own(one)[-1] for node, one in graph.variables.items()}
    if isinstance(patterns, str):
        raise WeightError(f"weights is {patterns!r}; pass a list of names or patterns")
    if not names:
        raise WeightError(
            f"the outputs of {graph.origin} need no variable; build a plain model of it"
        )
    if patterns is None:
        return list(names)
    found: set[str] = set()
    for pattern in patterns:
        hits = [
            node
            for node, one in graph.variables.items()
            if pattern in one.names or any(fnmatchcase(n, pattern) for n in _own(one))
        ]
        if not hits:
            raise WeightError(
                f"weights: {pattern!r} matches no variable of {graph.origin}; it has"
                f" {', '.join(map(repr, dict.fromkeys(names.values())))}"
            )
        found.update(hits)
    return [node for node in names if node in found]


def _own(variable: GraphVariable) -> tuple[str, ...]:
    """A variable's name, and that of the whole of which it is a part."""
    return (variable.name,) if variable.part is None else (variable.name, variable.part.whole)
