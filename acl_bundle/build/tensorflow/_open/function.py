"""Models that are functions: Keras's, and the signatures of a SavedModel.

A function captures its variables. Frozen, it is one graph in which each
captured variable is a constant with the capture's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from acl_bundle.build.tensorflow._graph import names
from acl_bundle.build.tensorflow._graph.graph import TensorFlowGraph
from acl_bundle.build.tensorflow._graph.need import need, reason, tensorflow
from acl_bundle.build.tensorflow._open.training import check
from acl_bundle.errors import UnsupportedError

_SERVING: Final = "serving_default"
_ROOT: Final = "model"  # as in tf.train.Checkpoint(model=model)


def of_keras(model: Any, origin: str) -> TensorFlowGraph:
    """Make the graph of a Keras model that infers.

    Raises:
        ValueError: The model has no inputs yet: it was never built.
        UnsupportedError: It is no graph without its training.
    """
    tf, keras = tensorflow(), need("keras")
    given = getattr(model, "inputs", None)
    if not given:
        raise ValueError(f"{origin} has no inputs yet; give it an Input layer")
    alone = isinstance(model, keras.Sequential)
    called: list[str] = []

    def infer(*tensors: Any) -> list[Any]:
        fed = tensors[0] if alone else keras.tree.pack_sequence_as(model.input, tensors)
        result = model(fed, training=False)
        called[:] = _output_names(model, result)
        return list(keras.tree.flatten(result))

    specs = [tf.TensorSpec(one.shape, one.dtype) for one in given]
    function = tf.function(infer, input_signature=specs).get_concrete_function()
    inputs = [_input_name(keras, one) for one in given]
    graph = _frozen(function, origin, inputs, called, _places(tf, model))
    graph.variables = names.also_below(graph.variables, model.name)
    return graph


def _input_name(keras: Any, tensor: Any) -> str:
    """What an input is called: as its InputLayer, whose name a file keeps.

    A tensor without a name of its own is numbered as the process made it.
    """
    layer = getattr(getattr(tensor, "_keras_history", None), "operation", None)
    named = layer if isinstance(layer, keras.layers.InputLayer) else tensor
    return str(named.name)


def _places(tf: Any, model: Any) -> dict[int, names.Place]:
    """Where the variables of a Keras model stand, its optimizer's as well."""
    places = names.places_in(tf, model)
    for one in places.values():
        one.keys += [f"{_ROOT}/{key}" for key in one.keys]
    optimizer = getattr(model, "optimizer", None)
    for one in (*model.variables, *getattr(optimizer, "variables", ())):
        inner = names.inner_variable(tf, one)
        if inner is not None:
            places.setdefault(id(inner.handle), names.Place(inner.name.removesuffix(":0")))
    return places


def _output_names(model: Any, result: Any) -> list[str]:
    """What the outputs are called: the keys of a dict, or the layers that give them."""
    if isinstance(result, dict):
        return sorted(result)
    count = len(result) if isinstance(result, list | tuple) else 1
    found = getattr(model, "output_names", None) or [model.layers[-1].name]
    if len(set(found)) == count:
        return list(found)
    return [f"output_{at}" for at in range(count)]


def of_saved_model(folder: str, signature: str | None) -> TensorFlowGraph:
    """Make the graph of a signature of a SavedModel of TensorFlow 2.

    Raises:
        ValueError: There is no such signature, or several and none of them was named.
        UnsupportedError: It is no graph without its training.
    """
    tf = tensorflow()
    loaded = tf.saved_model.load(folder)
    function = signature_of(loaded.signatures, folder, signature)
    # Both ends are dicts, which TensorFlow flattens in the order of their keys.
    inputs = sorted(function.structured_input_signature[1])
    outputs = sorted(function.structured_outputs)
    return _frozen(function, folder, inputs, outputs, names.places_in(tf, loaded))


def signature_of(signatures: Mapping[str, Any], folder: str, name: str | None) -> Any:
    """Choose a signature: the one named, the only one, or the one for serving.

    Raises:
        ValueError: There is no such signature.
    """
    every = list(signatures)
    if name is None and len(every) != 1:
        name = _SERVING
    chosen = every[0] if name is None else name
    if chosen not in every:
        raise ValueError(
            f"{folder} has no signature {chosen!r}; signature= may be one of"
            f" {', '.join(map(repr, every)) or 'none: export the model with one'}"
        )
    return signatures[chosen]


def _frozen(
    function: Any,
    origin: str,
    inputs: list[str],
    outputs: list[str],
    places: Mapping[int, names.Place],
) -> TensorFlowGraph:
    captures = dict(
        zip(
            (one.op.name for one in function.graph.internal_captures),
            function.graph.external_captures,
            strict=True,
        )
    )
    handles = {id(one.handle): one for one in function.graph.variables}
    named = names.of_handles(handles, places)
    fed = [one.name for one in function.inputs if one.op.name not in captures]
    graph = TensorFlowGraph(
        origin,
        _constants(function, origin),
        dict(zip(fed, inputs, strict=True)),
        dict(zip((one.name for one in function.outputs), outputs, strict=True)),
        unused=names.UNUSED,
    )
    there = {node.name for node in graph.definition.node if node.op == "Const"}
    graph.variables = {
        node: named[id(handle)]
        for node, handle in captures.items()
        if id(handle) in named and node in there
    }
    graph.unused += names.others(places, graph.variables.values())
    return graph


def _constants(function: Any, origin: str) -> Any:
    convert = need("tensorflow.python.framework.convert_to_constants")
    try:
        frozen = convert.convert_variables_to_constants_v2(
            function, lower_control_flow=False, aggressive_inlining=True
        )
    except Exception as error:
        whole = function.graph.as_graph_def()
        check(TensorFlowGraph(origin, whole))
        raise UnsupportedError(
            f"{origin} cannot be frozen, which is what a bundle is made of: {reason(error)}"
        ) from error
    return frozen.graph.as_graph_def()
