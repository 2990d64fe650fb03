"""What an exporter did to weights is said when a bundle is built."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from acl_bundle import build

RISING = np.arange(6, dtype="f4").reshape(2, 3)


def model(**constants: NDArray[Any]) -> onnx.ModelProto:
    """Adds every constant to x, ``w`` twice; names have ``__`` where ``:`` and ``/`` would be."""
    names = {name: name.replace("__", "::") for name in constants}
    read = [*names.values(), *(name for name in names.values() if name == "w")]
    tensors = [f"t{number}" for number in range(len(read))]
    nodes = [
        helper.make_node("Add", [before, name], [after], name=f"add_{after}")
        for before, name, after in zip(["x", *tensors], read, tensors, strict=False)
    ]
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", floats, [2, 3])],
        [helper.make_tensor_value_info(tensors[-1], floats, [2, 3])],
        [numpy_helper.from_array(value, names[name]) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("choice", [["w"], "all", ["*"]])
def test_folded_constants_are_listed_and_warned_of(choice: Any) -> None:
    made_up = {"onnx__MatMul_12": RISING, "val_3": RISING}
    with pytest.warns(UserWarning, match=r"'onnx::MatMul_12', 'val_3': the exporter made up"):
        made = build.from_onnx(model(w=RISING, **made_up), choice)
    assert made.exporter_made == ("onnx::MatMul_12", "val_3")


def test_one_that_is_asked_for_by_its_name_is_known() -> None:
    made = build.from_onnx(model(w=RISING, val_3=RISING), ["w", "val_3"])
    assert made.exporter_made == ("val_3",)


@pytest.mark.parametrize(
    "constants",
    [
        {"w": RISING},
        {"w": RISING, "val_3": np.full(3, 0.5, "f4")},
        {"w": RISING, "val_3": np.float32(7)},
        {"w": RISING, "valley_3": RISING},
    ],
    ids=["none", "one number throughout", "a scalar", "a name of the author's"],
)
def test_other_constants_are_no_reason_to_warn(constants: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build.from_onnx(model(**constants), ["w"]).exporter_made == ()


def test_a_long_list_is_cut() -> None:
    many = {f"val_{number}": RISING for number in range(5)}
    with pytest.warns(UserWarning, match=r"'val_0', 'val_1', 'val_2' and 2 more: the exporter"):
        build.from_onnx(model(w=RISING, **many), ["w"])


def test_weights_that_several_nodes_read_are_listed() -> None:
    made = build.from_onnx(model(v=RISING, w=RISING), ["w", "v"])
    assert made.shared == {"w": ("add_t1", "add_t2")}


def test_those_that_a_program_makes_are_listed_as_well() -> None:
    """By the graph's names: the places of one constant cannot take two values of a trainer's."""
    given = {"a": np.float32([1, 2, 3]), "v": RISING}
    found = build.match(model(v=RISING, w=given["a"]), given)
    assert build.from_onnx(model(v=RISING, w=given["a"]), program=found).shared == {
        "w": ("add_t1", "add_t2")
    }


def test_one_that_holds_a_norm_under_a_name_that_stayed_is_warned_of() -> None:
    """As torch's exporter notes it at the node that it made of two."""
    noted = model(w=RISING, v=RISING, u=RISING)
    entry = noted.graph.node[1].metadata_props.add()
    entry.key, entry.value = "pkg.onnxscript.rewriter.rule_name", "FuseBatchNormIntoConv"
    with pytest.warns(UserWarning, match=r"^'v': the exporter put a BatchNorm into its value"):
        made = build.from_onnx(noted, ["v", "w"])
    assert made.exporter_made == ("v",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build.from_onnx(noted, ["w"])
        entry.value = "ReshapeReshape"
        assert build.from_onnx(noted, ["v", "w"]).exporter_made == ()
