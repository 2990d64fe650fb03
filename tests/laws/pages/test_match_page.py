"""docs/build_match.md: its programs run in their order, and print what the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from acl_bundle import build

from .page import Page

Array = NDArray[Any]
PAGE = Page("docs/build_match.md")
X = np.random.default_rng(0).standard_normal((2, 3, 5, 5)).astype(np.float32)


def values(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "conv.weight": (4, 3, 3, 3), "conv.bias": (4,), "bn.weight": (4,), "bn.bias": (4,),
        "bn.running_mean": (4,), "bn.running_var": (4,), "fc.weight": (2, 4),
    }  # fmt: skip
    made: dict[str, Any] = {n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    made["bn.running_var"] = np.abs(made["bn.running_var"]) + np.float32(0.5)
    return {**made, "bn.num_batches_tracked": np.int64(seed)}


def graph(nodes: list[Any], constants: dict[str, Any]) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    end = helper.make_tensor_value_info
    made = helper.make_graph(nodes, "g", [end("x", 1, X.shape)], [end("y", 1, (2, 2))], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def network(x: Array, new: dict[str, Any]) -> Array:
    """A convolution, a BatchNorm, the mean, and a product with a matrix, nothing folded."""
    node = helper.make_node
    floats = {name: one for name, one in new.items() if one.dtype == np.float32}
    norm = ["c", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    nodes = [
        node("Conv", ["x", "conv.weight", "conv.bias"], ["c"], pads=[1, 1, 1, 1]),
        node("BatchNormalization", norm, ["n"]),
        node("ReduceMean", ["n"], ["m"], axes=[2, 3], keepdims=0),
        node("Gemm", ["m", "fc.weight"], ["y"], transB=1),
    ]
    session = ort.InferenceSession(graph(nodes, floats).SerializeToString())
    result: Array = session.run(None, {"x": x})[0]
    return result


def exported(old: dict[str, Any]) -> onnx.ModelProto:
    """What an exporter makes of it."""
    node, factor = helper.make_node, old["bn.weight"] / np.sqrt(old["bn.running_var"] + 1e-5)
    nodes = [
        node("Conv", ["x", "onnx::Conv_9", "onnx::Conv_10"], ["c"], pads=[1, 1, 1, 1]),
        node("ReduceMean", ["c"], ["m"], axes=[2, 3], keepdims=0),
        node("MatMul", ["m", "onnx::MatMul_12"], ["y"]),
    ]
    shift = (old["conv.bias"] - old["bn.running_mean"]) * factor + old["bn.bias"]
    constants = {
        "onnx::Conv_9": old["conv.weight"] * factor.reshape(4, 1, 1, 1),
        "onnx::Conv_10": shift,
        "onnx::MatMul_12": old["fc.weight"].T.copy(),
    }
    return graph(nodes, {name: one.astype(np.float32) for name, one in constants.items()})


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.filterwarnings("ignore:.*the exporter made up")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = exported(values(1))
    onnx.save(model, "exported.onnx")
    build.from_onnx(model, weights="all").save("compiled.om")
    PAGE.check_links()
    PAGE.run({"trained": values(1), "trained_on": values(2), "x": X, "network": network})
