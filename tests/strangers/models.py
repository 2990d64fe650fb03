"""Small models of several kinds, for programs that are not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node


def _value(rng: np.random.Generator, name: str, *shape: int) -> TensorProto:
    made: TensorProto = numpy_helper.from_array(
        (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32), name
    )
    return made


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    x: list[int | str],
    values: list[TensorProto],
    elem: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("x", elem, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        values,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    return path


def mlp(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    nodes = [
        node("Gemm", ["x", "w1", "b1"], ["h"]), node("Relu", ["h"], ["r"]),
        node("Gemm", ["r", "w2", "b2"], ["g"]), node("Softmax", ["g"], ["y"], axis=1),
    ]  # fmt: skip
    values = [
        _value(rng, "w1", 1024, 512), _value(rng, "b1", 512), _value(rng, "w2", 512, 10),
        _value(rng, "b2", 10),
    ]  # fmt: skip
    return _save(folder / "mlp.onnx", nodes, [4, 1024], values)


def convolutions(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    nodes = [
        node(
            "Conv", ["x", "c1"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], name="/conv1/Conv"
        ),
        node("BatchNormalization", ["a", "g", "b", "m", "v"], ["n"]),
        node("Relu", ["n"], ["r"]),
        node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p", "c2"], ["q"], kernel_shape=[3, 3], group=8),
        node("GlobalAveragePool", ["q"], ["z"]),
        node("Flatten", ["z"], ["y"]),
    ]
    spread = numpy_helper.from_array(rng.uniform(0.5, 2, 8).astype(np.float32), "v")
    values = [
        _value(rng, "c1", 8, 3, 3, 3), *(_value(rng, one, 8) for one in "gbm"), spread,
        _value(rng, "c2", 16, 1, 3, 3),
    ]  # fmt: skip
    return _save(folder / "convolutions.onnx", nodes, [2, 3, 16, 16], values)


def attention(folder: Path) -> Path:
    rng = np.random.default_rng(2)
    nodes = [
        node("LayerNormalization", ["x", "s", "o"], ["n"], axis=-1),
        node("MatMul", ["n", "wq"], ["q"]), node("MatMul", ["n", "wk"], ["k"]),
        node("MatMul", ["n", "wv"], ["v"]), node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["l"]), node("Softmax", ["l"], ["p"], axis=-1),
        node("MatMul", ["p", "v"], ["c"]), node("Add", ["c", "x"], ["y"]),
    ]  # fmt: skip
    values = [
        *(_value(rng, one, 32) for one in "so"),
        *(_value(rng, one, 32, 32) for one in ("wq", "wk", "wv")),
    ]
    return _save(folder / "attention.onnx", nodes, [2, 7, 32], values)


def embedding(folder: Path) -> Path:
    """Of integers, and of an open batch: the provider builds it when it knows the shape."""
    rng = np.random.default_rng(3)
    nodes = [
        node("Gather", ["table", "x"], ["e"]),
        node("ReduceMean", ["e"], ["m"], axes=[1], keepdims=0),
        node("Gemm", ["m", "w", "b"], ["y"], transB=1),
    ]  # fmt: skip
    values = [_value(rng, "table", 7, 16), _value(rng, "w", 5, 16), _value(rng, "b", 5)]
    return _save(folder / "embedding.onnx", nodes, ["N", 4], values, TensorProto.INT64)
