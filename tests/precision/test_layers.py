"""Which layers must compute in float32: what overflows, what cancels out, and any small graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from acl_bundle import compare, precision
from acl_bundle.precision._distance import part

Array = NDArray[Any]
RNG = np.random.default_rng(0)
SHAPE = [2, 8]
X = {"x": RNG.standard_normal(SHAPE).astype(np.float32)}


def saved(
    folder: Path,
    nodes: Sequence[NodeProto],
    constants: Mapping[str, Array] | None = None,
    end: tuple[str, int, Sequence[Any]] = ("y", TensorProto.FLOAT, ["N", 8]),
    inputs: Sequence[tuple[str, int, Sequence[Any]]] = (("x", TensorProto.FLOAT, ["N", 8]),),
) -> Path:
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*end)],
        [numpy_helper.from_array(np.asarray(one), name) for name, one in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


def node(op: str, inputs: Sequence[str], output: str, name: str = "", **more: Any) -> NodeProto:
    return helper.make_node(op, inputs, [output], name, **more)


def found(
    path: Path, atol: float, inputs: Mapping[str, Array] = X, dtype: str = "float16"
) -> precision.KeepFloat32Layers:
    model = precision.LayeredModel(path, dtype)
    layers = precision.RoundedLayers(model, [inputs], compare.Tolerance(0, atol))
    answer = precision.find_layers(layers)
    half = frozenset(answer.half)
    assert half == {*model.layers} - {*answer.names}
    assert layers.error(half) == answer.error
    for one in answer.kept:
        assert layers.error(half | {one.name}) == one.added > 1, "none can be left out"
        assert one.type == model.layers[one.name]
    return answer


def halves(array: Array) -> Array:
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_layer_in_half_precision_rounds_what_it_takes_and_gives(
    tmp_path: Path, dtype: str
) -> None:
    """At 1.0001 and at 1e-12, which an engine that leaves casts out would not change."""
    values = np.float32([[1.0001, 1e-12, 70000, 0.1, 3, 1 / 3, 1e-3, -7.7]])
    nodes = [node("Add", ["x", "x"], "s", "add"), node("Mul", ["s", "c"], "y", "mul")]
    constant = np.float32([1.0001, 1, 1, 0.3, 1, 1, 1, 1e9])
    model = precision.LayeredModel(saved(tmp_path, nodes, {"c": constant}), dtype)
    kind = precision.half_type(dtype)

    def rounded(array: Array) -> Array:
        with np.errstate(over="ignore"):
            return array.astype(kind).astype(np.float32)

    most = np.float32(65504) if dtype == "float16" else rounded(np.float32(1e9))
    fixed = rounded(constant)
    fixed[-1] = most
    given = {"x": values}
    assert np.array_equal(model.run(given)["y"], (values + values) * constant)
    added = rounded(rounded(values) + rounded(values))
    assert np.array_equal(model.run(given, ["add"])["y"], added * constant)
    assert np.array_equal(model.run(given, ["mul"])["y"], rounded(rounded(values * 2) * fixed))
    assert np.array_equal(model.run(given, ["add", "mul"])["y"], rounded(added * fixed))
    assert model.layers == {"add": "Add", "mul": "Mul"}


def test_an_exponential_that_overflows_must_stay(tmp_path: Path) -> None:
    nodes = [
        node("Mul", ["x", "ten"], "big", "scale"),
        node("Exp", ["big"], "e", "my exp"),
        node("Log", ["e"], "l", "log"),
        node("Mul", ["l", "tenth"], "y", "unscale"),
    ]
    path = saved(tmp_path, nodes, {"ten": np.float32(10), "tenth": np.float32(0.1)})
    answer = found(path, 0.05, {"x": np.float32([[2, 1, 0.5, 0, -0.5, 1.5, 1.9, -1]])})
    assert set(answer.names) == {"my exp", "log"}, "what gives, and what takes the large numbers"
    assert answer.met
    assert answer.whole == np.inf


def test_a_normalization_of_large_numbers_must_stay(tmp_path: Path) -> None:
    nodes = [
        node("Mul", ["x", "large"], "big", "scale"),
        node("LayerNormalization", ["big", "one", "zero"], "n", "norm"),
        node("Relu", ["n"], "y", "relu"),
    ]
    constants = {"large": np.float32(1e5), "one": np.ones(8, "f"), "zero": np.zeros(8, "f")}
    answer = found(saved(tmp_path, nodes, constants), 0.01)
    assert set(answer.names) == {"scale", "norm"}
    assert answer.half == ("relu",)


def test_a_sum_over_many_terms_must_stay(tmp_path: Path) -> None:
    """4096 terms of about 30 are beyond the range, their mean is not."""
    nodes = [
        node("Relu", ["x"], "r", "relu"),
        node("ReduceSum", ["r"], "s", "sum", keepdims=1),
        node("Mul", ["s", "part"], "m", "mean"),
        node("Sqrt", ["m"], "y", "root"),
    ]
    path = saved(
        tmp_path, nodes, {"part": np.float32(1 / 4096)},
        ("y", TensorProto.FLOAT, [1, 1]), [("x", TensorProto.FLOAT, [1, 4096])],
    )  # fmt: skip
    x = {"x": RNG.uniform(20, 40, (1, 4096)).astype(np.float32)}
    assert set(found(path, 0.02, x).names) == {"sum", "mean"}


def test_all_may_be_half(tmp_path: Path) -> None:
    nodes = [node("Tanh", ["x"], "t", "a"), node("Relu", ["t"], "y", "b")]
    answer = found(saved(tmp_path, nodes), 0.01)
    assert (answer.kept, answer.half, answer.tried, answer.met) == ((), ("a", "b"), 1, True)
    assert 0 < answer.error == answer.whole <= 1


def test_large_constants_and_those_beside_the_model(tmp_path: Path) -> None:
    """Two layers read one large constant; one of them rounds it."""
    w = RNG.standard_normal((8, 64)).astype(np.float32)
    nodes = [
        node("MatMul", ["x", "w"], "a", "first"),
        node("Mul", ["w", "w"], "sq", "square"),
        node("ReduceSum", ["sq"], "s", "sum", keepdims=0),
        node("Add", ["a", "s"], "y", "add"),
    ]
    path = saved(tmp_path, nodes, {"w": w}, ("y", TensorProto.FLOAT, ["N", 64]))
    inside = precision.LayeredModel(path, "float16")
    onnx.save(onnx.load(path), tmp_path / "b.onnx", save_as_external_data=True, size_threshold=0)
    beside = precision.LayeredModel(tmp_path / "b.onnx", "float16")
    for half in ([], ["first"], ["square", "sum"], ["first", "square", "sum", "add"]):
        assert np.array_equal(inside.run(X, half)["y"], beside.run(X, half)["y"])
    exact = X["x"] @ w + (w * w).sum()
    first = halves(halves(X["x"]) @ halves(w)) + (w * w).sum()
    assert np.allclose(inside.run(X)["y"], exact, rtol=1e-5)
    assert np.allclose(inside.run(X, ["first"])["y"], first, rtol=1e-5)


def test_nodes_without_a_name_are_called_as_ge_does(tmp_path: Path) -> None:
    nodes = [
        node("Tanh", ["x"], "a"),
        node("Relu", ["a"], "b", "with a name"),
        node("Exp", ["b"], "y"),
    ]
    model = precision.LayeredModel(saved(tmp_path, nodes), "float16")
    assert model.layers == {"Tanh_0": "Tanh", "with a name": "Relu", "Exp_1": "Exp"}


def branch(name: str, nodes: Sequence[NodeProto], end: str) -> onnx.GraphProto:
    out = helper.make_tensor_value_info(end, TensorProto.FLOAT, ["A", "B"])
    inner = numpy_helper.from_array(np.float32(1.0001), "k")
    return helper.make_graph(nodes, name, [], [out], [inner])


CHOSEN = [("x", TensorProto.FLOAT, ["N", 8]), ("c", TensorProto.BOOL, [])]


def test_nodes_of_one_name_are_one_layer(tmp_path: Path) -> None:
    """Two branches may have nodes of one name, as one graph may not."""
    then = branch("then", [node("Neg", ["x"], "m", "n")], "m")
    other = branch("else", [node("Mul", ["x", "k"], "m", "n")], "m")
    nodes = [node("If", ["c"], "y", "if", then_branch=then, else_branch=other)]
    path = saved(tmp_path, nodes, None, ("y", TensorProto.FLOAT, ["A", "B"]), CHOSEN)
    model = precision.LayeredModel(path, "float16")
    assert model.layers == {"n": "Mul, Neg"}
    for flag, expected in ((True, halves(-X["x"])), (False, halves(halves(X["x"])))):
        assert np.array_equal(model.run({**X, "c": np.array(flag)}, ["n"])["y"], expected)


def test_integers_and_shapes_are_left_alone(tmp_path: Path) -> None:
    nodes = [
        node("Cast", ["i"], "f", "to float", to=TensorProto.FLOAT),
        node("Add", ["i", "i"], "j", "int add"),
        node("Shape", ["x"], "shape", "shape"),
        node("Cast", ["shape"], "dims", "dims", to=TensorProto.FLOAT),
        node("Cast", ["dims"], "again", "ints", to=TensorProto.INT64),
        node("Gather", ["x", "j"], "g", "gather", axis=1),
        node("Reshape", ["g", "again"], "r", "reshape"),
        node("Add", ["r", "f"], "y", "add"),
    ]
    inputs = [("x", TensorProto.FLOAT, ["N", 8]), ("i", TensorProto.INT64, [8])]
    path = saved(tmp_path, nodes, None, ("y", TensorProto.FLOAT, ["A", "B"]), inputs)
    model = precision.LayeredModel(path, "float16")
    assert model.layers == {
        "to float": "Cast", "gather": "Gather", "reshape": "Reshape", "add": "Add",
    }  # fmt: skip
    assert set(model.others) == {"int add", "shape", "dims", "ints"}
    given = {**X, "i": np.arange(8) // 2}
    assert np.array_equal(
        model.run(given, model.layers)["y"], halves(halves(X["x"])[:, given["i"] * 2] + given["i"])
    )


def test_layers_in_branches_are_found(tmp_path: Path) -> None:
    """An If whose branches read a tensor, a large and a small constant from around them."""
    big = RNG.standard_normal((8, 64)).astype(np.float32)
    then = branch("then", [
        node("MatMul", ["t", "big"], "m", "then mul"), node("Mul", ["m", "k"], "p", "then k"),
    ], "p")  # fmt: skip
    other = branch("else", [node("MatMul", ["x", "big"], "q"), node("Mul", ["q", "k"], "r")], "r")
    nodes = [
        node("Tanh", ["x"], "t", "tanh"),
        node("If", ["c"], "y", "if", then_branch=then, else_branch=other),
    ]
    path = saved(tmp_path, nodes, {"big": big}, ("y", TensorProto.FLOAT, ["A", "B"]), CHOSEN)
    model = precision.LayeredModel(path, "float16")
    assert set(model.layers) == {"tanh", "then mul", "then k", "q", "r"}
    t = np.tanh(X["x"])
    for flag, half, expected in (
        (True, [], t @ big * np.float32(1.0001)),
        (True, ["then mul"], halves(halves(t) @ halves(big)) * np.float32(1.0001)),
        (True, ["then k"], halves(halves(t @ big))),
        (False, ["q", "r"], halves(halves(halves(X["x"]) @ halves(big)))),
        (False, ["tanh", "then mul"], X["x"] @ big * np.float32(1.0001)),
    ):
        answer = model.run({**X, "c": np.array(flag)}, half)["y"]
        assert np.allclose(answer, expected, rtol=1e-3, atol=1e-5), half
    assert np.array_equal(
        model.run({**X, "c": np.array(True)}, ["then k"])["y"],
        halves(model.run({**X, "c": np.array(True)}, ["then k"])["y"]),
    )


def test_layers_in_loops_are_found(tmp_path: Path) -> None:
    """The body is given, and gives, a tensor that is rounded in each turn."""
    body = helper.make_graph(
        [
            node("Identity", ["go"], "again", "on"),
            node("Mul", ["state", "rate"], "next", "mul"),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, ["A", "B"]),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, ["A", "B"]),
        ],
    )
    nodes = [node("Loop", ["turns", "", "x"], "y", "loop", body=body)]
    constants = {"turns": np.int64(3), "rate": np.float32(1.0101)}
    model = precision.LayeredModel(saved(tmp_path, nodes, constants), "float16")
    assert model.layers == {"mul": "Mul"}
    half = exact = X["x"]
    for _ in range(3):
        half = halves(halves(half) * halves(np.float32(1.0101)))
        exact = exact * np.float32(1.0101)
    assert np.array_equal(model.run(X)["y"], exact)
    assert np.array_equal(model.run(X, ["mul"])["y"], half)


def test_what_fails_in_half_precision_alone_is_infinitely_far(tmp_path: Path) -> None:
    """2049 is 2048 in float16, which is 1 here, and an index; 2050 would be out of range."""
    nodes = [
        node("Add", ["x", "large"], "a", "add"),
        node("Sub", ["a", "large"], "b", "sub"),
        node("Cast", ["b"], "i", "index", to=TensorProto.INT64),
        node("Gather", ["table", "i"], "y", "gather"),
    ]
    constants = {"large": np.float32(2048), "table": np.float32([5, 7, 9, 11])}
    path = saved(tmp_path, nodes, constants, ("y", TensorProto.FLOAT, ["N", 8]))
    ones = {"x": np.full((1, 8), 3, np.float32)}
    answer = found(path, 0.1, ones)
    assert answer.whole == np.inf
    assert "add" in answer.names
    bad = {"x": np.full((1, 8), 9, np.float32)}
    with pytest.raises(ValueError, match="Gather"):
        found(path, 0.1, bad)


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    nodes = [node("Add", ["x", "x"], "y", "add")]
    path = saved(tmp_path, nodes)
    with pytest.raises(ValueError, match="dtype is 'int8'; one of 'float16', 'bfloat16' is right"):
        precision.LayeredModel(path, "int8")
    with pytest.raises(FileNotFoundError):
        precision.LayeredModel(tmp_path / "gone.onnx", "float16")
    model = precision.LayeredModel(path, "float16")
    with pytest.raises(ValueError, match="there are no inputs"):
        precision.RoundedLayers(model, [], compare.Tolerance())
    ends = ("y", TensorProto.INT64, ["N", 8])
    ints = saved(tmp_path, nodes, None, ends, [("x", TensorProto.INT64, ["N", 8])])
    with pytest.raises(ValueError, match="no layer that could compute in half precision"):
        precision.LayeredModel(ints, "float16")
    old = onnx.load(path)
    del old.opset_import[:]
    onnx.save(helper.make_model(
        old.graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=3
    ), path)  # fmt: skip
    with pytest.raises(ValueError, match="opset 8; from 9 on is right"):
        precision.LayeredModel(path, "float16")


OPERATORS: dict[str, Any] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Neg": np.negative, "Abs": np.abs,
}  # fmt: skip
ONE = ("Neg", "Abs")


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[str, tuple[str, ...]]], dict[str, Array]]:
    """Some operators, each reading what is there, and constants of any size."""
    sizes = st.sampled_from([1e-6, 0.1, 1.0, 3.0, 300.0, 5e4, 1e6])
    constants = {
        f"c{at}": np.float32(draw(sizes) * draw(st.floats(0.5, 1)))
        for at in range(draw(st.integers(1, 3)))
    }
    there, steps = ["x", *constants], []
    for at in range(draw(st.integers(1, 9))):
        op = draw(st.sampled_from([*OPERATORS]))
        read = tuple(draw(st.sampled_from(there)) for _ in range(1 if op in ONE else 2))
        steps.append((op, read))
        there.append(f"t{at}")
    return steps, constants


def computed(
    steps: Sequence[tuple[str, tuple[str, ...]]], tensors: Mapping[str, Array], half: set[str]
) -> Array:
    """Compute by numpy: these operators are exact, of NaN too, as in ONNX Runtime."""
    known = {**tensors}
    for at, (op, read) in enumerate(steps):
        values = [known[name] for name in read]
        if f"n{at}" in half:
            values = [
                np.clip(halves(one), -65504, 65504) if name.startswith("c") else halves(one)
                for name, one in zip(read, values, strict=True)
            ]
        with np.errstate(all="ignore"):
            made = np.float32(OPERATORS[op](*values))
        known[f"t{at}"] = halves(made) if f"n{at}" in half else made
    return known[f"t{len(steps) - 1}"] + np.zeros_like(tensors["x"])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(graphs(), st.sampled_from([1e-4, 1e-2, 1.0, 100.0]))
def test_of_any_graph_the_list_keeps_the_tolerance_and_none_can_be_left_out(
    tmp_path: Path, graph: tuple[list[tuple[str, tuple[str, ...]]], dict[str, Array]], atol: float
) -> None:
    steps, constants = graph
    nodes = [node(op, read, f"t{at}", f"n{at}") for at, (op, read) in enumerate(steps)]
    nodes.append(node("Shape", ["x"], "shape", "shape"))
    nodes.append(node("Expand", [f"t{len(steps) - 1}", "shape"], "y", "end"))
    answer = found(saved(tmp_path, nodes, constants), atol)
    kept, every = set(answer.names), {f"n{at}" for at in range(len(steps))}
    tensors = {**X, **constants}
    exact, tolerance = computed(steps, tensors, set()), compare.Tolerance(0, atol)

    def error(kept: set[str]) -> float:
        answers = computed(steps, tensors, every - kept)
        return part({"y": answers if "end" in kept else halves(answers)}, {"y": exact}, tolerance)

    assert error(kept) == pytest.approx(answer.error)
    assert answer.met
    assert answer.error <= 1
    for name in kept:
        assert error(kept - {name}) > 1
