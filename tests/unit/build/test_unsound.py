"""Models that no exporter writes: parsed by protobuf, and refused with what is odd about them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto, helper

from acl_bundle import build

ODD = b"\xff\xfe"


def spoil(model: ModelProto, name: str) -> bytes:
    """The model's bytes, with a name of it that is no text."""
    raw = model.SerializeToString()
    assert name.encode() in raw
    return raw.replace(name.encode(), ODD * (len(name) // 2))


@pytest.mark.parametrize("name", ["input0", "output", "weight", "tensor", "a_node", "a_size"])
def test_a_name_that_is_no_text(make_model, name):
    """Wherever it stands: protobuf hands it out as bytes."""
    nodes = [
        helper.make_node("MatMul", ["input0", "weight"], ["tensor"], name="a_node"),
        helper.make_node("Relu", ["tensor"], ["output"]),
    ]
    model = _model(make_model, nodes)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "a_size"
    with pytest.raises(ValueError, match=r"which is not UTF-8; text is right"):
        build.from_onnx(spoil(model, name), "all", input_shapes={"input0": (1, 2)})


def test_a_remark_that_is_no_text(make_model):
    """Some exporters leave their notes in the encoding of their country; nobody reads them."""
    model = _model(make_model, [helper.make_node("MatMul", ["input0", "weight"], ["output"])])
    model.graph.doc_string = model.graph.node[0].doc_string = "a remark"
    assert build.from_onnx(spoil(model, "a remark"), "all").weights.keys() == {"weight"}


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("kind", ["Constant", "Identity"])
def test_a_node_without_its_ends(make_model, kind, inner):
    """In the graph, or in a function."""
    odd = helper.make_node(kind, [], [], name="odd")
    nodes = [helper.make_node("MatMul", ["input0", "weight"], ["output"])]
    model = _model(make_model, nodes if inner else [odd, *nodes])
    if inner:
        opset = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("own", "f", ["a"], ["a"], [odd], opset))
    with pytest.raises(ValueError, match=f"'odd' is a {kind} with 0 inputs and 0 outputs"):
        build.from_onnx(model, "all")


def test_a_function_that_cannot_be_inlined(make_model):
    """What onnx says of it is in the message."""
    body = [helper.make_node("Relu", ["a"], ["b"])]
    function = helper.make_function(
        "own", "relu", ["a"], ["b"], body, [helper.make_opsetid("", 17)]
    )
    model = _model(
        make_model, [helper.make_node("relu", ["input0", "weight"], ["output"], domain="own")]
    )
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    with pytest.raises(ValueError, match=r"cannot inline the model's functions: .*parameters"):
        build.from_onnx(model, "all")


def _model(make_model, nodes):
    ends = {"input0": (1, [1, 2])}, {"output": (1, [1, 2])}
    return make_model(nodes, *ends, {"weight": np.ones((2, 2), "f4")})
