"""What stands behind a layer enters its kernel and bias, and what must not does not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from acl_bundle import build
from acl_bundle.build._fold import fold
from acl_bundle.build._onnx import gather
from acl_bundle.build._onnx.load import load

node = helper.make_node
RNG = np.random.default_rng(2)


def values(*shape: int) -> Any:
    return RNG.uniform(0.5, 1, shape).astype(np.float32)


def model(nodes: list[Any], weights: dict[str, Any], outputs: tuple[str, ...] = ("y",)) -> Any:
    declare = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [declare("x", 1, (2, 3, 4, 5) if "k" in weights else (2, 3))],
        [declare(name, 1, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def left(made: onnx.ModelProto, sources: list[str] | None = None) -> list[str]:
    """The operators that stay in the graph; the build as a whole takes it as well."""
    loaded = load(made)
    constants = gather.gather(loaded).own
    names = sources or [one.name for one in made.graph.initializer if one.name[0] not in "_"]
    chosen = [constants[name] for name in names]
    fold(loaded.model, constants, chosen, passes=True, init=True, aliases={}, unused=())
    build.from_onnx(made, names)
    return [one.op_type for one in loaded.model.graph.node]


CONV = node("Conv", ["x", "k"], ["c"])
LAST = node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1])
FIRST = node("Transpose", ["r"], ["y"], perm=[0, 3, 1, 2])
KERNEL = {"k": values(4, 3, 1, 1)}


@pytest.mark.parametrize(
    "shape", [(4, 1, 1), (1, 4, 1, 1), (1,), (1, 1, 1, 1)], ids=lambda one: "x".join(map(str, one))
)
@pytest.mark.parametrize("op", ["Add", "Div", "Mul", "Sub"])
def test_one_number_per_channel_enters_a_convolution(op: str, shape: tuple[int, ...]) -> None:
    made = model([CONV, node(op, ["c", "s"], ["y"])], {**KERNEL, "s": values(*shape)})
    assert left(made) == ["Conv"]


@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ([node("Mul", ["c", "s"], ["y"])], {"s": values(5)}),
        ([node("Mul", ["c", "s"], ["y"])], {"s": values(4, 5)}),
        ([node("Add", ["c", "s"], ["y"])], {"s": values(2, 4, 1, 1)}),
        ([node("Add", ["c", "s"], ["y"])], {"s": values(1, 1, 4, 1, 1)}),
        ([node("Div", ["s", "c"], ["y"])], {"s": values(4, 1, 1)}),
        ([node("Sub", ["s", "c"], ["y"])], {"s": values(4, 1, 1)}),
        ([node("Relu", ["c"], ["r"]), node("Mul", ["r", "s"], ["y"])], {"s": values(4, 1, 1)}),
        ([node("Mul", ["c", "c"], ["y"])], {}),
    ],
    ids=["width", "a plane", "the batch", "a new axis", "divided", "subtracted", "Relu", "squared"],
)
def test_what_is_not_per_channel_stays(changes: list[Any], weights: dict[str, Any]) -> None:
    assert left(model([CONV, *changes], {**KERNEL, **weights})) == [
        "Conv", *(one.op_type for one in changes),
    ]  # fmt: skip


def test_what_somebody_else_reads_stays() -> None:
    scale = node("Mul", ["c", "s"], ["m"])
    weights = {**KERNEL, "s": values(4, 1, 1)}
    assert left(model([CONV, scale], weights, ("m", "c"))) == ["Conv", "Mul"]
    shift = node("Add", ["m", "s"], ["y"])
    assert left(model([CONV, scale, shift], weights, ("m", "y"))) == ["Conv", "Add"]


def test_a_scale_behind_a_transpose_enters_and_both_transposes_go() -> None:
    scale, shift = node("Mul", ["t", "s"], ["m"]), node("Add", ["m", "s"], ["a"])
    made = model([CONV, LAST, scale, shift, node("Relu", ["a"], ["r"]), FIRST],
                 {**KERNEL, "s": values(4)})  # fmt: skip
    assert left(made) == ["Conv", "Relu"]
    made = model([CONV, LAST, node("Mul", ["t", "s"], ["r"]), FIRST], {**KERNEL, "s": values(4)})
    assert Counter(left(made)) == Counter(["Conv", "Transpose", "Transpose"])  # y keeps its name


@pytest.mark.parametrize(
    "moves",
    [
        [node("Squeeze", ["c", "_0"], ["m"])],
        [node("Unsqueeze", ["c", "_1"], ["m"])],
        [node("Identity", ["c"], ["i"]), node("Unsqueeze", ["i", "_1"], ["m"])],
    ],
    ids=["Squeeze", "Unsqueeze", "Identity"],
)
def test_axes_may_come_and_go(moves: list[Any]) -> None:
    """The kernel leaves one row, which a convolution of one dimension gets rid of."""
    fixed = {"_0": np.int64([2]), "_1": np.int64([-1])}
    behind = [] if moves[-1].op_type == "Squeeze" else [1, 1]
    weights = {"k": values(4, 3, 4, 1), "s": values(4, 1, *behind), **fixed}
    assert left(model([CONV, *moves, node("Mul", ["m", "s"], ["y"])], weights)) == [
        "Conv", *(one.op_type for one in moves),
    ]  # fmt: skip


def test_a_product_whose_rank_nobody_knows_keeps_its_add() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["p"]), node("Add", ["b", "p"], ["a"]),
        node("Mul", ["a", "s"], ["m"]), node("Sub", ["m", "b"], ["y"]),
    ]  # fmt: skip
    made = model(nodes, {"w": values(3, 4), "b": values(4), "s": values(4)})
    assert left(made) == ["MatMul", "Add"]


def test_a_product_may_be_reshaped_before_its_bias() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["p"]), node("Reshape", ["p", "_shape"], ["r"]),
        node("Add", ["r", "b"], ["a"]), node("Mul", ["a", "b"], ["y"]),
    ]  # fmt: skip
    weights = {"w": values(3, 4), "b": values(4), "_shape": np.int64([1, 2, 4])}
    assert left(model(nodes, weights)) == ["MatMul", "Reshape", "Add"]
    weights["_shape"], weights["b"] = np.int64([2, 2, 2]), values(2)
    assert left(model(nodes, weights)) == ["MatMul", "Reshape", "Add", "Mul"]


@pytest.mark.parametrize(("rank", "ops"), [(2, ["Gemm"]), (3, ["MatMul", "BatchNormalization"])])
def test_a_norm_enters_a_product_of_rank_2_alone(rank: int, ops: list[str]) -> None:
    """Of a stack of matrices it normalises the rows, not what the product makes."""
    norm = node("BatchNormalization", ["p", "s", "s", "s", "s"], ["y"])
    made = model([node("MatMul", ["x", "w"], ["p"]), norm], {"w": values(3, 4), "s": values(4)})
    dims = [2, 3] if rank == 2 else [2, 4, 3]
    made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", 1, dims))
    assert left(made) == ops


def test_a_fixed_kernel_stays_fixed_where_a_variable_one_would_take_more_room() -> None:
    weights = {"k": values(40, 3, 4, 5), "s": values(40)}
    norm = node("BatchNormalization", ["c", "s", "s", "s", "s"], ["y"])
    assert left(model([CONV, norm], weights), ["s"]) == ["Conv", "BatchNormalization"]
    assert left(model([CONV, norm], weights), ["k", "s"]) == ["Conv"]


def test_whole_numbers_stay_what_they_are() -> None:
    made = model([node("MatMul", ["x", "w"], ["p"]), node("Mul", ["p", "s"], ["y"])],
                 {"w": np.int32([[1, 2]] * 3), "s": np.int32([3, 4])})  # fmt: skip
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT32
    made.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT32
    assert left(made) == ["MatMul", "Mul"]


def test_nothing_is_folded_where_it_is_asked_for() -> None:
    made = model([CONV, node("Mul", ["c", "s"], ["y"])], {**KERNEL, "s": values(4, 1, 1)})
    built = build.from_onnx(made, "all", fold=False)
    assert [len(piece.steps) for piece in built.program.pieces] == [0, 0]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("op", ["Add", "BatchNormalization", "Mul", "Sub"])
def test_what_is_fixed_stays_where_no_weight_would_decide_the_bias(op: str, bias: bool) -> None:
    """The kernel alone is a weight; with it a scale enters, which no bias has to follow."""
    behind = node(op, ["c", *["_s"] * (4 if op == "BatchNormalization" else 1)], ["y"])
    shape = (4,) if op == "BatchNormalization" else (4, 1, 1)
    layer = node("Conv", ["x", "k", *["_b"] * bias], ["c"])
    weights = {**KERNEL, "_s": values(*shape), "_b": values(4)}
    stays = ["Conv"] if op == "Mul" and not bias else ["Conv", op]
    assert left(model([layer, behind], weights)) == stays


@pytest.mark.parametrize("move", ["Reshape", "Transpose"])
def test_a_product_of_rank_3_becomes_no_gemm_behind_a_move(move: str) -> None:
    moved = {
        "Reshape": node("Reshape", ["p", "_s"], ["m"]),
        "Transpose": node("Transpose", ["p"], ["m"], perm=[0, 2, 1]),
    }[move]
    norm = node("BatchNormalization", ["m", "b", "b", "b", "b"], ["y"])
    weights = {"w": values(3, 4), "b": values(4), "_s": np.array([-1, 4])}
    made = model([node("MatMul", ["x", "w"], ["p"]), moved, norm], weights)
    made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", 1, [2, 5, 3]))
    assert left(made) == ["MatMul", move, "BatchNormalization"]


def test_a_product_of_weights_is_no_layer() -> None:
    """As a low-rank adapter that is not merged: all of it is one constant."""
    nodes = [
        node("MatMul", ["a", "b"], ["ab"]),
        node("Mul", ["ab", "_s"], ["scaled"]),
        node("Add", ["w", "scaled"], ["sum"]),
        node("MatMul", ["x", "sum"], ["y"]),
    ]
    weights = {"w": values(3, 4), "a": values(3, 2), "b": values(2, 4), "_s": values(1)}
    assert left(model(nodes, weights)) == ["MatMul"]


@pytest.mark.parametrize(("op", "stays"), [("Add", []), ("Div", ["Div"]), ("Mul", ["Mul"])])
def test_a_scale_stays_behind_a_kernel_of_float16(op: str, stays: list[str]) -> None:
    """A kernel of 10 times 1e4 would be infinite, what it makes of 1e-3 is not."""
    weights = {"w": np.full((3, 4), 10, np.float16), "b": np.full(4, 1e4, np.float16)}
    made = model(
        [node("Gemm", ["x", "w"], ["p"]), node(op, ["p", "b"], ["y"])], weights
    )  # fmt: skip
    for one in (made.graph.input[0], made.graph.output[0]):
        one.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    assert left(made) == ["Gemm", *stays]
