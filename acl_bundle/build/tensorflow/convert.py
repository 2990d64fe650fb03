"""From a frozen graph to an ONNX model whose initializers are the variables.

tf2onnx folds constants and renames them on the way. So each variable is an
input of the graph while it works: it can do nothing about the value of an
input. Then the inputs become initializers, under the variables' names and in
TensorFlow's layouts.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from acl_bundle.build._onnx import walk
from acl_bundle.build.tensorflow import recurrent
from acl_bundle.build.tensorflow._graph.graph import TensorFlowGraph
from acl_bundle.build.tensorflow._graph.need import need, reason, tensorflow
from acl_bundle.errors import UnsupportedError

Array = NDArray[Any]

OPSET: Final = 17


def to_onnx(graph: TensorFlowGraph, chosen: Collection[str]) -> onnx.ModelProto:
    """Convert a frozen graph.

    Args:
        graph: Cut to its ends; each variable is a constant.
        chosen: The nodes of the variables that become initializers; the values of
            the others may be folded.

    Raises:
        UnsupportedError: tf2onnx is not installed, or cannot convert a node.
    """
    tf = tensorflow()
    values = {
        node.name: tf.make_ndarray(node.attr["value"].tensor)
        for node in graph.definition.node
        if node.name in chosen and node.op == "Const"
    }
    loops = {node: count for node, count in recurrent.loops(graph).items() if node in values}
    marked = recurrent.marks({node: values[node] for node in loops})
    while True:
        model = _attempt(tf, graph, values, marked)
        marks = {graph.variables[node].name: one for node, one in marked.items()}
        found, leaked = recurrent.restore(model, marks), recurrent.leaked(model, marks)
        kept = {
            node: one
            for node, one in marked.items()
            if found[name := graph.variables[node].name] == loops[node] and name not in leaked
        }
        if len(kept) == len(marked):
            return _with_values(model, {graph.variables[n].name: v for n, v in values.items()})
        marked = kept  # the others are inputs next time


def _attempt(
    tf: Any, graph: TensorFlowGraph, values: Mapping[str, Array], marked: Mapping[str, Array]
) -> onnx.ModelProto:
    """Convert a graph whose variables are inputs, but for those that have marks."""
    definition = type(graph.definition)()
    definition.CopyFrom(graph.definition)
    for node in definition.node:
        if node.name in marked:
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(marked[node.name]))
        elif node.name in values:
            _open(tf, node, values[node.name].shape)
    names = {f"{node}:0": graph.variables[node].name for node in values if node not in marked}
    fed = [*graph.inputs, *names]
    called = {**graph.inputs, **graph.outputs, **names}
    try:
        with tf.Graph().as_default():
            optimize = need("tf2onnx.tf_loader").tf_optimize
            definition = optimize(fed, list(graph.outputs), definition)
        with _told() as faults, _bfloat16():
            model = _converted(tf, definition, fed, graph, called)
    except Exception as error:  # tf2onnx's, TensorFlow's: whatever they raise
        raise _refused(graph, [reason(error)]) from error
    if faults:
        raise _refused(graph, faults)
    return model


def _open(tf: Any, node: Any, shape: tuple[int, ...]) -> None:
    """Make a placeholder of a constant."""
    dtype = node.attr["dtype"].type
    node.op = "Placeholder"
    node.attr.clear()
    node.attr["dtype"].type = dtype
    node.attr["shape"].shape.CopyFrom(tf.TensorShape(shape).as_proto())


def _converted(
    tf: Any, definition: Any, fed: list[str], graph: TensorFlowGraph, called: dict[str, str]
) -> onnx.ModelProto:
    tfonnx, optimizer = need("tf2onnx.tfonnx"), need("tf2onnx.optimizer")
    with tf.Graph().as_default() as imported, tf.device("/cpu:0"):
        tf.import_graph_def(definition, name="")
        made = tfonnx.process_tf_graph(
            imported,
            continue_on_error=True,
            opset=OPSET,
            input_names=fed,
            output_names=list(graph.outputs),
            tensors_to_rename=called,
        )
        model: onnx.ModelProto = optimizer.optimize_graph(made).make_model(graph.origin)
    return model


@contextmanager
def _told() -> Iterator[list[str]]:
    """Collect what tf2onnx could not convert, which it only writes to its log.

    A rewriter that fails leaves the graph as it was, and so is no fault.
    """
    faults: list[str] = []

    class Faults(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR and not str(record.msg).startswith("rewriter"):
                faults.append(reason(ValueError(record.getMessage())))

    log, handler = logging.getLogger("tf2onnx"), Faults()
    # Some of it goes to the root logger, which would be configured by that.
    root, nothing = logging.getLogger(), logging.NullHandler()
    before = log.propagate
    log.propagate = False
    log.addHandler(handler)
    root.addHandler(nothing)
    try:
        yield faults
    finally:
        root.removeHandler(nothing)
        log.removeHandler(handler)
        log.propagate = before


@contextmanager
def _bfloat16() -> Iterator[None]:
    """Let bfloat16 be bfloat16: tf2onnx's table of types makes float16 of it."""
    table = need("tf2onnx.tf_utils").TF_TO_ONNX_DTYPE
    kind = need("tensorflow").bfloat16.as_datatype_enum
    before = table[kind]
    table[kind] = onnx.TensorProto.BFLOAT16
    try:
        yield
    finally:
        table[kind] = before


def _refused(graph: TensorFlowGraph, faults: list[str]) -> UnsupportedError:
    return UnsupportedError(f"tf2onnx cannot convert {graph.origin}: {'; '.join(faults[:5])}")


def _with_values(model: onnx.ModelProto, values: Mapping[str, Array]) -> onnx.ModelProto:
    """Make initializers of what is read and is a variable, in place."""
    inputs = [one for one in model.graph.input if one.name not in values]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    read = {
        name for graph in walk.graphs(model.graph) for node in graph.node for name in node.input
    }
    for name, value in values.items():
        if name in read:
            model.graph.initializer.append(_tensor(value, name))
    return model


def _tensor(value: Array, name: str) -> onnx.TensorProto:
    if value.dtype.name != "bfloat16":
        return numpy_helper.from_array(value, name)
    elem = onnx.TensorProto.BFLOAT16  # which older releases of onnx do not know by its dtype
    return onnx.TensorProto(name=name, data_type=elem, dims=value.shape, raw_data=value.tobytes())
