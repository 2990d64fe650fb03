"""A built bundle computes what the ONNX model computes, before and after updates."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from acl_bundle import build, om

node = helper.make_node


def x_of(*shape):
    return np.random.default_rng(3).standard_normal(shape).astype("f4")


def with_values(model, values):
    """The model with other initializers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(values[tensor.name], tensor.name))
    return copy


def test_init_then_infer_is_the_model(mlp, load, original):
    """After the init graph the bundle computes what the model computes."""
    loaded = load(build.from_onnx(mlp, ["w1", "b1"], input_shapes={"x": (5, 8)}).to_bytes())
    loaded.init()
    x = x_of(5, 8)
    np.testing.assert_allclose(loaded.infer(x)["y"], original(mlp, x=x)[0], rtol=1e-5, atol=1e-6)


def test_update_changes_the_named_weights_only(mlp, load, original):
    """After an update it computes what the model with those weights computes."""
    loaded = load(build.from_onnx(mlp, "all", input_shapes={"x": (2, 8)}).to_bytes())
    loaded.init()
    new = {"w1": x_of(8, 64), "b2": x_of(4)}
    loaded.update(new)
    x = x_of(2, 8)
    expected = original(with_values(mlp, new), x=x)[0]
    np.testing.assert_allclose(loaded.infer(x)["y"], expected, rtol=1e-5, atol=1e-6)


def test_fresh_variables_are_not_the_weights(mlp, load, original):
    """Without init the variables hold what was in memory: nothing is baked in twice."""
    loaded = load(build.from_onnx(mlp, "all", input_shapes={"x": (2, 8)}).to_bytes())
    x = x_of(2, 8)
    assert not np.allclose(loaded.infer(x)["y"], original(mlp, x=x)[0])


def test_weights_from_constant_nodes(make_model, load, original):
    """Constant nodes' outputs are weights like initializers, large and small."""
    large, small = x_of(8, 40), x_of(40)
    model = make_model(
        [
            node("Constant", [], ["w"], value=numpy_helper.from_array(large)),
            node("Constant", [], ["b"], value=numpy_helper.from_array(small)),
            node("Constant", [], ["s"], value_floats=[2.0]),
            node("Gemm", ["x", "w", "b"], ["g"]),
            node("Mul", ["g", "s"], ["y"]),
        ],
        {"x": (T.FLOAT, [3, 8])},
        {"y": (T.FLOAT, [3, 40])},
    )
    built = build.from_onnx(model, "all", fold=False)
    assert {name: w.shape for name, w in built.weights.items()} == {
        "w": (8, 40), "b": (40,), "s": (1,),
    }  # fmt: skip
    loaded = load(built.to_bytes())
    loaded.init()
    x = x_of(3, 8)
    np.testing.assert_allclose(loaded.infer(x)["y"], original(model, x=x)[0], rtol=1e-5)
    loaded.update({"s": np.array([0.0], "f4")})
    assert not loaded.infer(x)["y"].any()


def test_shared_and_forwarded_constants(make_model, load, original):
    """One weight with two readers, one behind an Identity, is one variable."""
    model = make_model(
        [
            node("Identity", ["w"], ["w_again"]),
            node("MatMul", ["x", "w"], ["a"]),
            node("MatMul", ["a", "w_again"], ["y"]),
        ],
        {"x": (T.FLOAT, [2, 32])},
        {"y": (T.FLOAT, [2, 32])},
        {"w": x_of(32, 32)},
    )
    built = build.from_onnx(model, "all")
    assert list(built.weights) == ["w"]
    loaded = load(built.to_bytes())
    loaded.update({"w": np.eye(32, dtype="f4") * 2})
    x = x_of(2, 32)
    np.testing.assert_allclose(loaded.infer(x)["y"], x * 4, rtol=1e-6)


def test_old_models_list_initializers_as_inputs(mlp, load, original):
    """Initializers among the inputs (IR 3) are constants, not inputs."""
    mlp.ir_version = 3
    for tensor in mlp.graph.initializer:
        declared = helper.make_tensor_value_info(tensor.name, T.FLOAT, list(tensor.dims))
        mlp.graph.input.append(declared)
    built = build.from_onnx(mlp, ["w2"], input_shapes={"x": (1, 8)})
    assert [one.name for one in built.inputs] == ["x"]
    loaded = load(built.to_bytes())
    loaded.init()
    x = x_of(1, 8)
    np.testing.assert_allclose(loaded.infer(x)["y"], original(mlp, x=x)[0], rtol=1e-5, atol=1e-6)


def branch(name, nodes, values=()):
    made = helper.make_tensor_value_info(f"{name}_out", T.FLOAT, [2, 32])
    return helper.make_graph(nodes, name, [], [made], list(values))


@pytest.fixture
def branching(make_model):
    """If flag: x @ w else x @ v, where w is captured and v belongs to the branch."""
    own = numpy_helper.from_array(x_of(32, 32), "v")
    then = branch("then", [node("MatMul", ["x", "w"], ["then_out"])])
    other = branch("other", [node("MatMul", ["x", "v"], ["other_out"])], [own])
    return make_model(
        [node("If", ["flag"], ["y"], then_branch=then, else_branch=other)],
        {"flag": (T.BOOL, []), "x": (T.FLOAT, [2, 32])},
        {"y": (T.FLOAT, [2, 32])},
        {"w": x_of(32, 32) + 1},
    )


@pytest.mark.parametrize("flag", [True, False])
def test_weight_used_inside_a_branch(branching, load, original, flag):
    """A captured weight is refreshable; a branch's own large constant is lifted and works."""
    built = build.from_onnx(branching, "all")
    assert list(built.weights) == ["w"]
    loaded = load(built.to_bytes())
    loaded.init()
    x, chosen = x_of(2, 32), np.array(flag)
    expected = original(branching, flag=chosen, x=x)[0]
    np.testing.assert_allclose(loaded.infer(chosen, x)["y"], expected, rtol=1e-5, atol=1e-5)
    loaded.update({"w": np.eye(32, dtype="f4")})
    if flag:
        np.testing.assert_allclose(loaded.infer(chosen, x)["y"], x)


def test_large_constant_is_a_branch_output(make_model, load):
    """A branch may hand out its own large constant; two branches may use one name for theirs."""
    value = x_of(2, 512)
    outputs = helper.make_tensor_value_info("k", T.FLOAT, [2, 512])
    graphs = [
        helper.make_graph([], name, [], [outputs], [numpy_helper.from_array(one, "k")])
        for name, one in (("then", value), ("other", -value))
    ]
    model = make_model(
        [
            node("If", ["flag"], ["c"], then_branch=graphs[0], else_branch=graphs[1]),
            node("Add", ["c", "w"], ["y"]),
        ],
        {"flag": (T.BOOL, [])},
        {"y": (T.FLOAT, [2, 512])},
        {"w": np.zeros((1,), "f4")},
    )
    loaded = load(build.from_onnx(model, ["w"]).to_bytes())
    loaded.init()
    np.testing.assert_array_equal(loaded.infer(np.array(True))["y"], value)
    np.testing.assert_array_equal(loaded.infer(np.array(False))["y"], -value)


def test_outputs_that_are_inputs_weights_or_constants(make_model, load):
    """A graph may hand through an input, a weight and a constant, under their names."""
    weight, constant = x_of(512), x_of(3, 200)
    model = make_model(
        [node("Neg", ["x"], ["y"])],
        {"x": (T.FLOAT, [4])},
        {n: (T.FLOAT, s) for n, s in {"x": [4], "y": [4], "w": [512], "c": [3, 200]}.items()},
        {"w": weight, "c": constant},
    )
    loaded = load(build.from_onnx(model, ["w"]).to_bytes())
    loaded.init()
    x = x_of(4)
    got = loaded.infer(x)
    for name, expected in {"x": x, "y": -x, "w": weight, "c": constant}.items():
        np.testing.assert_array_equal(got[name], expected)


def test_functions_are_inlined(load, original):
    """A model with local functions, a large constant in one, builds and computes the same."""
    value = numpy_helper.from_array(x_of(16, 32))
    function = helper.make_function(
        "local", "Dense", ["a"], ["b"],
        [node("Constant", [], ["k"], value=value), node("MatMul", ["a", "k"], ["b"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    graph = helper.make_graph(
        [node("Dense", ["x"], ["h"], domain="local"), node("Add", ["h", "b"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", T.FLOAT, [2, 16])],
        [helper.make_tensor_value_info("y", T.FLOAT, [2, 32])],
        [numpy_helper.from_array(x_of(32), "b")],
    )
    model = helper.make_model(
        graph,
        functions=[function],
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("local", 1)],
        ir_version=8,
    )
    loaded = load(build.from_onnx(model, ["b"]).to_bytes())
    loaded.init()
    x = x_of(2, 16)
    np.testing.assert_allclose(loaded.infer(x)["y"], original(model, x=x)[0], rtol=1e-5, atol=1e-6)


PLAIN = [
    "float32", "float16", "bfloat16", "float64", "int8", "uint8", "int16", "uint16", "int32",
    "uint32", "int64", "uint64", "bool",
]  # fmt: skip


@pytest.mark.parametrize("size", [3, 800])
@pytest.mark.parametrize("name", PLAIN)
def test_every_dtype_as_input_output_and_weight(make_model, load, name, size):
    """Each plain dtype passes through input, weight and output unchanged."""
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    elem = helper.np_dtype_to_tensor_dtype(dtype)
    weight = np.arange(size).astype(dtype)
    model = make_model(
        [node("Concat", ["x", "w"], ["y"], axis=0)],
        {"x": (elem, [2])},
        {"y": (elem, [size + 2])},
        {"w": weight},
    )
    built = build.from_onnx(model, ["w"])
    assert built.inputs[0].numpy == built.outputs[0].numpy == built.weights["w"].dtype == dtype
    loaded = load(built.to_bytes())
    x = np.array([1, 0]).astype(dtype)
    loaded.init()
    assert loaded.infer(x)["y"].tobytes() == x.tobytes() + weight.tobytes()
    loaded.update({"w": weight[::-1]})
    assert loaded.infer(x)["y"].tobytes() == x.tobytes() + weight[::-1].tobytes()


@pytest.mark.parametrize("name", PLAIN)
def test_values_in_typed_fields(make_model, load, name):
    """Values that stand in float_data, int32_data, ... are read like those in raw_data."""
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    elem = helper.np_dtype_to_tensor_dtype(dtype)
    value = np.array([1, 0, 1, 1] if name == "bool" else [0, 1, 2, 100]).astype(dtype)
    if name[0] in "fib" and name != "bool":
        value[1] = -value[1]
    model = make_model([node("Identity", ["w"], ["y"])], {}, {"y": (elem, [4])}, {"w": value})
    tensor = helper.make_tensor("w", elem, [4], value)
    assert not tensor.HasField("raw_data")
    model.graph.initializer[0].CopyFrom(tensor)
    loaded = load(build.from_onnx(model, ["w"]).to_bytes())
    loaded.init()
    assert loaded.infer()["y"].tobytes() == value.tobytes()


def bf16_model(make_model, w):
    nodes = [node("MatMul", ["x", "w"], ["a"]), node("Mul", ["a", "a"], ["b"]),
             node("Relu", ["b"], ["c"]), node("Cast", ["c"], ["y"], to=T.FLOAT)]  # fmt: skip
    ends = {"x": (T.BFLOAT16, [2, 4])}, {"y": (T.FLOAT, [2, 600])}
    return make_model(nodes, *ends, {"w": w})


def test_bfloat16_rounds_after_every_node(make_model, load):
    """bfloat16 nodes compute in float32 and round their result, each on its own."""
    bf16 = ml_dtypes.bfloat16
    w, x = x_of(4, 600).astype(bf16), x_of(2, 4).astype(bf16)
    loaded = load(build.from_onnx(bf16_model(make_model, w), ["w"]).to_bytes())
    loaded.init()
    product = (x.astype("f4") @ w.astype("f4")).astype(bf16).astype("f4")
    square = (product * product).astype(bf16).astype("f4")
    np.testing.assert_array_equal(loaded.infer(x)["y"], square)


def test_bfloat16_in_a_branch_and_in_attributes(make_model, load):
    """Nodes inside branches are lowered too, and so are values of ConstantOfShape."""
    bf16 = ml_dtypes.bfloat16
    out = helper.make_tensor_value_info("o", T.BFLOAT16, [2])
    fill = numpy_helper.from_array(np.array([3], bf16))
    then = helper.make_graph([node("Add", ["x", "w"], ["o"])], "then", [], [out])
    other = helper.make_graph(
        [
            node("Constant", [], ["s"], value_ints=[2]),
            node("ConstantOfShape", ["s"], ["o"], value=fill),
        ],
        "other", [], [out],
    )  # fmt: skip
    model = make_model(
        [node("If", ["flag"], ["y"], then_branch=then, else_branch=other)],
        {"flag": (T.BOOL, []), "x": (T.BFLOAT16, [2])},
        {"y": (T.BFLOAT16, [2])},
        {"w": np.array([1, 2], bf16)},
    )
    loaded = load(build.from_onnx(model, ["w"]).to_bytes())
    loaded.init()
    x = np.array([0.5, 256], bf16)
    assert loaded.infer(np.array(True), x)["y"].tolist() == [1.5, 258]
    assert loaded.infer(np.array(False), x)["y"].tolist() == [3, 3]


def test_float16_needs_no_help(make_model, load, original):
    """float16 graphs run as they are."""
    w = x_of(4, 600).astype("f2")
    model = make_model(
        [node("MatMul", ["x", "w"], ["a"]), node("Softmax", ["a"], ["y"])],
        {"x": (T.FLOAT16, [2, 4])},
        {"y": (T.FLOAT16, [2, 600])},
        {"w": w},
    )
    loaded = load(build.from_onnx(model, ["w"]).to_bytes())
    loaded.init()
    x = x_of(2, 4).astype("f2")
    np.testing.assert_array_equal(loaded.infer(x)["y"], original(model, x=x)[0])


def test_rank_0_weight(make_model, load):
    """A weight of rank 0 can be built; what updates of it may do is the runtime's matter."""
    model = make_model(
        [node("Mul", ["x", "k"], ["y"])],
        {"x": (T.FLOAT, [2])},
        {"y": (T.FLOAT, [2])},
        {"k": np.array(3, "f4")},
    )
    built = build.from_onnx(model, ["k"])
    assert built.weights["k"].shape == ()
    loaded = load(built.to_bytes())
    loaded.init()
    assert loaded.infer(np.array([1, 2], "f4"))["y"].tolist() == [3, 6]


def test_model_without_inputs(make_model, load):
    """A graph may compute from its weights alone, and is still the inference graph."""
    model = make_model([node("Neg", ["w"], ["y"])], {}, {"y": (T.FLOAT, [3])},
                       {"w": np.array([1, 2, 3], "f4")})  # fmt: skip
    data = build.from_onnx(model, ["w"]).to_bytes()
    assert om.open_bundle(data).roles == {"infer": 0, "init": 1, "update": 2}
    loaded = load(data)
    loaded.init()
    assert loaded.infer()["y"].tolist() == [-1, -2, -3]


def test_plain_model(mlp, load, original):
    """build.model makes a single static model with the same results."""
    built = build.model(mlp, input_shapes={"x": (3, 8)}, name="plain")
    assert not built.weights
    file = om.open_model(built.to_bytes())
    assert (file.name, file.header.is_unknow_model, file.header.model_num) == ("plain", 0, 1)
    assert set(file.weights) == {"w1", "b1", "w2", "b2"}
    x = x_of(3, 8)
    got = load(built.to_bytes()).infer(x)["y"]
    np.testing.assert_allclose(got, original(mlp, x=x)[0], rtol=1e-5, atol=1e-6)
