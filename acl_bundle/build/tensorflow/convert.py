"""From a frozen graph to an ONNX model whose initializers are the variables.

tf2onnx folds constants and renames them on the way. So each variable is an
input of the graph while it works: it can do nothing about the value of an
input. Then the inputs become initializers, under the variables' names and in
TensorFlow's layouts.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

import onnx

from acl_bundle.build.tensorflow.graph import Graph
from acl_bundle.build.tensorflow.need import need, reason, tensorflow
from acl_bundle.errors import UnsupportedError

OPSET: Final = 17


def to_onnx(graph: Graph, chosen: Collection[str]) -> onnx.ModelProto:
    """Convert a frozen graph.

    Args:
        graph: Cut to its ends; each variable is a constant.
        chosen: The nodes of the variables that become initializers; the values of
            the others may be folded.

    Raises:
        UnsupportedError: tf2onnx is not installed, or cannot convert a node.
    """
    tf = tensorflow()
    loader = need("tf2onnx.tf_loader")
    definition = type(graph.definition)()
    definition.CopyFrom(graph.definition)
    values = dict(_opened(tf, definition, chosen))
    names = {f"{node}:0": graph.variables[node].name for node in values}
    fed = [*graph.inputs, *names]
    try:
        with tf.Graph().as_default():
            definition = loader.tf_optimize(fed, list(graph.outputs), definition)
        with _told() as faults, _bfloat16():
            model = _converted(
                tf, definition, fed, graph, {**graph.inputs, **graph.outputs, **names}
            )
    except Exception as error:  # tf2onnx's, TensorFlow's: whatever they raise
        raise _refused(graph, [reason(error)]) from error
    if faults:
        raise _refused(graph, faults)
    return _with_values(model, {graph.variables[node].name: one for node, one in values.items()})


def _opened(tf: Any, definition: Any, chosen: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Make placeholders of constants, and give the values they had."""
    for node in definition.node:
        if node.name in chosen and node.op == "Const":
            value = tf.make_ndarray(node.attr["value"].tensor)
            dtype = node.attr["dtype"].type
            node.op = "Placeholder"
            node.attr.clear()
            node.attr["dtype"].type = dtype
            node.attr["shape"].shape.CopyFrom(tf.TensorShape(value.shape).as_proto())
            yield node.name, value


def _converted(
    tf: Any, definition: Any, fed: list[str], graph: Graph, called: dict[str, str]
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


def _refused(graph: Graph, faults: list[str]) -> UnsupportedError:
    return UnsupportedError(f"tf2onnx cannot convert {graph.origin}: {'; '.join(faults[:5])}")


def _with_values(model: onnx.ModelProto, values: dict[str, Any]) -> onnx.ModelProto:
    """Make initializers of the inputs that are variables, in place."""
    inputs = list(model.graph.input)
    del model.graph.input[:]
    for one in inputs:
        if one.name not in values:
            model.graph.input.append(one)
            continue
        value = values[one.name]
        model.graph.initializer.add(
            name=one.name,
            data_type=one.type.tensor_type.elem_type,
            dims=value.shape,
            raw_data=value.astype(value.dtype.newbyteorder("<")).tobytes(),
        )
    return model
