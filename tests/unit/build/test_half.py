"""build.half: models in half precision compute what they did, and keep what they must."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle.build.half._model import halved

F, H, I64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64
Array = NDArray[Any]


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, Array],
    x: tuple[int, ...] = (2, 4),
    opset: int = 17,
) -> onnx.ModelProto:
    """A model from x to y, both float32."""
    graph = helper.make_graph(
        nodes,
        "half",
        [helper.make_tensor_value_info("x", F, x)],
        [helper.make_tensor_value_info("y", F, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(made: onnx.ModelProto, x: Array) -> Array:
    onnx.shape_inference.infer_shapes(made, check_type=True, strict_mode=True)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    result: Array = session.run(["y"], {"x": x})[0]
    return result


def agrees(made: onnx.ModelProto, x: Array, rtol: float = 5e-3) -> onnx.ModelProto:
    """Check that half precision gives nearly the same, in float32, and return it."""
    half = halved(made, "float16")
    want, got = run(made, x), run(half, x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)
    return half


def dtypes(made: onnx.ModelProto) -> dict[str, int]:
    return {one.name: one.data_type for one in made.graph.initializer}


@pytest.fixture
def x() -> Array:
    return np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)


W = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
B = np.random.default_rng(2).standard_normal(3).astype(np.float32)


def test_it_computes_in_half_and_says_float32_at_its_ends(x: Array) -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["g"]),
        helper.make_node("Tanh", ["g"], ["y"]),
    ]
    made = model(nodes, {"w": W, "b": B})
    before = made.SerializeToString()
    half = agrees(made, x)
    assert made.SerializeToString() == before
    assert dtypes(half) == {"w": H, "b": H}
    assert [node.op_type for node in half.graph.node] == ["Cast", "Gemm", "Tanh", "Cast"]
    values = {one.name: numpy_helper.to_array(one) for one in half.graph.initializer}
    np.testing.assert_array_equal(values["w"], W.astype(np.float16))


def test_the_result_really_is_rounded(x: Array) -> None:
    made = model([helper.make_node("Identity", ["x"], ["y"])], {})
    np.testing.assert_array_equal(run(halved(made, "float16"), x), x.astype(np.float16))


def test_an_output_that_a_node_reads_as_well(x: Array) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    made = model(nodes, {"w": W})
    made.graph.output.append(helper.make_tensor_value_info("z", F, None))
    half = agrees(made, x)
    assert [node.op_type for node in half.graph.node].count("Cast") == 3


def test_constants_beyond_the_range_saturate(x: Array) -> None:
    for largest in (np.inf, 3.0):
        big = np.array([1e9, -1e9, largest, 1e-12], np.float32)
        half = halved(model([helper.make_node("Add", ["x", "b"], ["y"])], {"b": big}), "float16")
        (tensor,) = half.graph.initializer
        right = np.array([65504, -65504, largest, 0], "float16")
        np.testing.assert_array_equal(numpy_helper.to_array(tensor), right)


def test_constant_nodes_are_converted_by_value(x: Array) -> None:
    nodes = [
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(W)),
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Constant", [], ["b"], value_floats=[1.0, 2.0, 3.0]),
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Mul", ["m", "two"], ["n"]),
        helper.make_node("Add", ["n", "b"], ["y"]),
    ]
    half = agrees(model(nodes, {}), x)
    assert set(dtypes(half).values()) == {H}
    assert len(half.graph.node) == 5


def test_what_a_schema_fixes_stays_float32(x: Array) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "image"], ["i"]),
        helper.make_node("Resize", ["i", "", "scales"], ["y"], mode="nearest"),
    ]
    image = np.array([1, 1, 2, 4], np.int64)
    scales = np.array([1, 1, 2, 2], np.float32)
    half = agrees(model(nodes, {"image": image, "scales": scales}), x)
    assert dtypes(half)["scales"] == F


def test_one_constant_in_both_roles_is_there_twice(x: Array) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "image"], ["i"]),
        helper.make_node("Resize", ["i", "", "scales"], ["r"], mode="nearest"),
        helper.make_node("Mul", ["r", "scales"], ["y"]),
    ]
    image = np.array([1, 1, 2, 4], np.int64)
    half = agrees(model(nodes, {"image": image, "scales": np.array([1, 1, 2, 1], np.float32)}), x)
    assert dtypes(half) == {"image": I64, "scales": F, "scales_float16": H}


def test_nodes_without_a_schema_stay_float32(x: Array) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Gelu", ["m"], ["g"], domain="com.microsoft"),
        helper.make_node("Mul", ["g", "g"], ["y"]),
    ]
    made = model(nodes, {"w": W})
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    half = halved(made, "float16")
    session = onnxruntime.InferenceSession(half.SerializeToString())
    want = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0]
    np.testing.assert_allclose(session.run(None, {"x": x})[0], want, rtol=1e-2, atol=1e-2)


def test_casts_and_fills_give_half(x: Array) -> None:
    fill = numpy_helper.from_array(np.array([3], np.float32))
    nodes = [
        helper.make_node("Cast", ["n"], ["c"], to=F),
        helper.make_node("ConstantOfShape", ["shape"], ["f"], value=fill),
        helper.make_node("Add", ["x", "c"], ["a"]),
        helper.make_node("Add", ["a", "f"], ["y"]),
    ]
    half = agrees(model(nodes, {"n": np.arange(4), "shape": np.array([2, 4])}), x)
    assert [one.i for node in half.graph.node for one in node.attribute if one.name == "to"] == [
        H,
        H,
        F,
    ]


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("RandomUniform", [], {"shape": [2, 4], "high": 0.0}),
        ("RandomUniformLike", ["x"], {"high": 0.0}),
        ("EyeLike", ["x"], {}),
        ("EyeLike", ["x"], {"dtype": F}),
        ("Bernoulli", ["zeros"], {}),
    ],
)
def test_types_that_follow_from_something_else(
    x: Array, op: str, inputs: list[str], attributes: dict[str, Any]
) -> None:
    nodes = [
        helper.make_node("Mul", ["x", "zeros"], ["n"]),
        helper.make_node(op, inputs, ["r"], **attributes),
        helper.make_node("Relu", ["r"], ["s"]),
        helper.make_node("Add", ["n", "s"], ["y"]),
    ]
    agrees(model(nodes, {"zeros": np.zeros((2, 4), np.float32)}), x)


def test_arithmetic_on_shapes_keeps_its_numbers() -> None:
    """3001 is no float16: half precision would resize to 3000."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "one"], ["n"]),
        helper.make_node("Cast", ["n"], ["f"], to=F),
        helper.make_node("Mul", ["f", "scale"], ["g"]),
        helper.make_node("Cast", ["g"], ["m"], to=I64),
        helper.make_node("Constant", [], ["row"], value_ints=[1]),
        helper.make_node("Concat", ["row", "m"], ["size"], axis=0),
        helper.make_node("Expand", ["column", "size"], ["y"]),
    ]
    constants = {
        "one": np.array([1]),
        "scale": np.array([1], np.float32),
        "column": np.ones((1, 1), np.float32),
    }
    made = model(nodes, constants, x=(1, 3001))
    assert run(halved(made, "float16"), np.zeros((1, 3001), np.float32)).shape == (1, 3001)


def branch(name: str, op: str) -> onnx.GraphProto:
    """A branch that reads w and m from around it."""
    nodes = [
        helper.make_node("Constant", [], [f"{name}_c"], value_float=1.5),
        helper.make_node(op, ["m", f"{name}_c"], [f"{name}_a"]),
        helper.make_node("Mul", [f"{name}_a", "b"], [f"{name}_y"]),
    ]
    return helper.make_graph(
        nodes, name, [], [helper.make_tensor_value_info(f"{name}_y", F, [2, 3])]
    )


def test_graphs_inside_nodes(x: Array) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["positive"]),
        helper.make_node(
            "If",
            ["positive"],
            ["i"],
            then_branch=branch("t", "Add"),
            else_branch=branch("e", "Sub"),
        ),
        helper.make_node("Add", ["i", "m"], ["y"]),
    ]
    made = model(nodes, {"w": W, "b": B, "zero": np.zeros((), np.float32)})
    for sign in (1, -1):
        half = agrees(made, sign * np.abs(x))
    assert H in dtypes(half).values()


def test_a_loop_carries_float32(x: Array) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["state", "half"], ["scaled"]),
            helper.make_node("Add", ["scaled", "x"], ["next"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("at", I64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", F, [2, 4]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", F, [2, 4]),
        ],
    )
    nodes = [
        helper.make_node("Tanh", ["x"], ["start"]),
        helper.make_node("Loop", ["count", "", "start"], ["y"], body=body),
    ]
    made = model(nodes, {"count": np.array(3), "half": np.array(0.5, np.float32)})
    agrees(made, x)


def test_sequences_stay_as_they_are(x: Array) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("SequenceConstruct", ["x", "r"], ["s"]),
        helper.make_node("ConcatFromSequence", ["s"], ["y"], axis=0),
    ]
    agrees(model(nodes, {}), x)


def test_normalisation_and_convolution() -> None:
    rng = np.random.default_rng(5)
    constants = {
        "k": rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * np.float32(0.2),
        "g": np.ones(8, np.float32),
        "z": np.zeros(8, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"]),
        helper.make_node("BatchNormalization", ["c", "g", "z", "z", "g"], ["n"]),
        helper.make_node("Softmax", ["n"], ["y"], axis=1),
    ]
    image = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    half = agrees(model(nodes, constants, x=(1, 3, 8, 8)), image)
    assert set(dtypes(half).values()) == {H}


EPS = np.array(1e-12, np.float32)
ROOT = [
    helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1]),
    helper.make_node("Sub", ["x", "mean"], ["d"]),
    helper.make_node("Mul", ["d", "d"], ["dd"]),
    helper.make_node("ReduceMean", ["dd"], ["var"], axes=[1]),
    helper.make_node("Add", ["var", "eps"], ["safe"]),
    helper.make_node("Sqrt", ["safe"], ["std"]),
]
NORMS: dict[str, tuple[list[onnx.NodeProto], dict[str, Array]]] = {
    "divided": ([*ROOT, helper.make_node("Div", ["d", "std"], ["y"])], {"eps": EPS}),
    "times the reciprocal": (
        [
            *ROOT,
            helper.make_node("Reciprocal", ["std"], ["r"]),
            helper.make_node("Mul", ["d", "r"], ["y"]),
        ],
        {"eps": EPS},
    ),
    "times one by it": (
        [
            *ROOT,
            helper.make_node("Div", ["one", "std"], ["r"]),
            helper.make_node("Mul", ["d", "r"], ["y"]),
        ],
        {"eps": EPS, "one": np.array(1, np.float32)},
    ),
    "by a power": (
        [
            *ROOT[:-1],
            helper.make_node("Pow", ["safe", "half"], ["std"]),
            helper.make_node("Div", ["d", "std"], ["y"]),
        ],
        {"eps": EPS, "half": np.array(0.5, np.float32)},
    ),
    "clipped": (
        [
            *ROOT[:2],
            helper.make_node("ReduceL2", ["d"], ["norm"], axes=[1]),
            helper.make_node("Clip", ["norm", "eps"], ["safe"]),
            helper.make_node("Shape", ["d"], ["size"]),
            helper.make_node("Expand", ["safe", "size"], ["wide"]),
            helper.make_node("Div", ["d", "wide"], ["y"]),
        ],
        {"eps": EPS},
    ),
    "filled": (
        [
            *ROOT[:4],
            helper.make_node("Shape", ["var"], ["size"]),
            helper.make_node(
                "ConstantOfShape", ["size"], ["eps"], value=numpy_helper.from_array(EPS.reshape(1))
            ),
            *ROOT[4:],
            helper.make_node("Div", ["d", "std"], ["y"]),
        ],
        {},
    ),
}


@pytest.mark.parametrize("kind", NORMS)
def test_what_would_become_zero_stays_float32(kind: str) -> None:
    """A row without variance is zero and not NaN, as in float32."""
    nodes, constants = NORMS[kind]
    x = np.array([[1, 2, 3, 5], [0.25, 0.25, 0.25, 0.25]], np.float32)
    half = agrees(model(nodes, constants), x)
    assert run(half, x)[1].tolist() == [0, 0, 0, 0]
    told = {one.op_type for one in half.graph.node}
    assert "Cast" in told  # the rest is half
    assert all(dtype == F for name, dtype in dtypes(half).items() if name == "eps")


def test_only_what_is_nothing_but_too_small_stays_float32(x: Array) -> None:
    """One tiny element of many changes nothing, and zeros are zeros in every precision."""
    constants = {"w": np.array([1e-12, 1, 2, 3], np.float32), "z": np.zeros(4, np.float32)}
    nodes = [helper.make_node("Mul", ["x", "w"], ["a"]), helper.make_node("Add", ["a", "z"], ["y"])]
    assert dtypes(agrees(model(nodes, constants), x)) == {"w": H, "z": H}


def test_bfloat16_has_room_for_small_numbers(x: Array) -> None:
    half = halved(model(*NORMS["divided"]), "bfloat16")
    assert dtypes(half) == {"eps": TensorProto.BFLOAT16}


def test_bfloat16_goes_the_same_way() -> None:
    made = model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": W})
    half = halved(made, "bfloat16")
    onnx.shape_inference.infer_shapes(half, check_type=True, strict_mode=True)
    assert dtypes(half) == {"w": TensorProto.BFLOAT16}


def test_a_model_without_float32_is_left_alone() -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"])],
        "ints",
        [helper.make_tensor_value_info("x", I64, [2])],
        [helper.make_tensor_value_info("y", I64, [2])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert halved(made, "float16") == made


def test_another_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="'int8'; one of 'float16', 'bfloat16' is right"):
        halved(onnx.ModelProto(), "int8")


def test_a_weight_that_stays_wide_is_computed_with_in_float32(x: Array) -> None:
    """So is what is made of it before it meets data: a Linear of torch's is Transpose, MatMul."""
    axes = numpy_helper.from_array(np.array([4, 3], np.int64))
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("Constant", [], ["shape"], value=axes),
        helper.make_node("Reshape", ["t", "shape"], ["r"]),
        helper.make_node("MatMul", ["x", "r"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["s"]),
        helper.make_node("Tanh", ["s"], ["y"]),
    ]
    made = model(nodes, {"w": np.ascontiguousarray(W.T), "b": B})
    half = halved(made, "float16", wide=["w"])
    assert dtypes(half)["w"] == F
    assert dtypes(half)["b"] == H
    np.testing.assert_allclose(run(half, x), run(made, x), rtol=5e-3, atol=5e-3)
    inferred = onnx.shape_inference.infer_shapes(half).graph
    kinds = {one.name: one.type.tensor_type.elem_type for one in inferred.value_info}
    assert (kinds["m"], kinds["t"], kinds["r"], kinds["s"]) == (F, F, F, H)
