"""What cannot be built is refused with the thing, its value and what would be right."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from acl_bundle import build
from acl_bundle.build._program import trial
from acl_bundle.errors import WeightError

node = helper.make_node
FLOAT = T.FLOAT


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([], "weights is empty; name at least one constant; its constants are 'w1'"),
        ([""], r"weights\[0\] is empty"),
        (["w1", "b1", "w1"], "names 'w1' twice, at 0 and 2"),
        (["w3"], "'w3' is no constant of the model; its constants are '(w1|w2)', '(w1|w2)'"),
        (["x"], "it is an input"),
        (["a"], "it is computed by MatMul 'fc1'"),
        (["w1", 3], r"weights\[1\] is 3"),
        (["w\0"], "NUL"),
        ("w1", "weights is 'w1'; pass a list of names, in order"),
        ({"w1"}, r"weights is \{'w1'\}; pass a list of names, in order"),
        ([["w1"]], r"weights\[0\] is \['w1'\]; a constant's name is needed"),
    ],
)
def test_names_of_weights(mlp, weights, said):
    """Every kind of wrong name is refused with the candidates (design 8)."""
    with pytest.raises(WeightError, match=said):
        build.from_onnx(mlp, weights, input_shapes={"x": (1, 8)})


@pytest.fixture(name="varied")
def _varied(make_model):
    """Constants in every position that "all" must tell apart."""
    inner = helper.make_graph(
        [node("Add", ["k", "captured"], ["o"])], "body", [],
        [helper.make_tensor_value_info("o", FLOAT, [2])],
        [numpy_helper.from_array(np.ones(2, "f4"), "k")],
    )  # fmt: skip
    nodes = [
        node("Identity", ["scales"], ["scales_again"]),
        node("Resize", ["x", "", "scales_again"], ["r"], mode="nearest"),
        node("Clip", ["r", "low", "high"], ["c"]),
        node("Reshape", ["c", "shape"], ["flat"]),
        node("Gather", ["table", "ids"], ["g"]),
        node("Concat", ["flat", "g", "half"], ["cat"], axis=0),
        node("If", ["flag"], ["i"], then_branch=inner, else_branch=inner),
        node("ReduceSum", ["cat", "axes"], ["s"], keepdims=1),
        node("Identity", ["table"], ["table_again"], name="alias"),
        node("Mul", ["s", "scalar"], ["m"]),
        node("Sum", ["m", "i"], ["y"]),
        node("Constant", [], ["from_node"], name="maker", value_floats=[1.0, 2.0]),
        node("Add", ["y", "from_node"], ["z"]),
    ]
    values = {
        "scales": np.array([1, 1, 1, 1], "f4"),
        "low": np.array(-1, "f4"),
        "high": np.array(1, "f4"),
        "shape": np.array([-1]),
        "table": np.arange(4, dtype="f4"),
        "ids": np.array([0, 1]),
        "half": np.zeros(3, "f4"),
        "axes": np.array([0]),
        "scalar": np.array(2, "f4"),
        "captured": np.ones(2, "f4"),
        "unused": np.ones(5, "f4"),
    }
    ends = {"x": (FLOAT, [1, 1, 2, 2]), "flag": (T.BOOL, [])}, {"z": (FLOAT, [2])}
    return make_model(nodes, *ends, values)


def test_all_takes_data_only(varied, load):
    """ "all": floating-point, rank 1 or more, read as data; captured ones in, inner ones out."""
    built = build.from_onnx(varied, "all")
    assert set(built.weights) == {"table", "half", "captured", "from_node"}
    loaded = load(built.to_bytes())
    loaded.init()
    got = loaded.infer(np.ones((1, 1, 2, 2), "f4"), np.array(True))["z"]
    np.testing.assert_array_equal(got, [13, 14])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("table_again", "it is an Identity of 'table'"),
        ("maker", "it is the node that makes 'from_node'"),
        ("k", "it belongs to the inner graph 'body'"),
        ("shape", "input 1 of Reshape 'Reshape_3', where its value decides shapes"),
        ("scales", "input 2 of Resize 'Resize_1', where its value decides shapes"),
        ("axes", "input 1 of ReduceSum"),
    ],
)
def test_no_weights(varied, name, said):
    """A near miss is explained; what decides shapes cannot be refreshed."""
    with pytest.raises(WeightError, match=said):
        build.from_onnx(varied, [name])


@pytest.mark.parametrize("name", ["ids", "scalar", "low", "unused"])
def test_more_weights_by_name(varied, name):
    """Integers, scalars, bounds and unused constants are refreshable when they are named."""
    assert list(build.from_onnx(varied, [name]).weights) == [name]


def test_all_of_nothing(make_model):
    """A model without weights says that build.model is right."""
    model = make_model([node("Neg", ["x"], ["y"])], {"x": (FLOAT, [1])}, {"y": (FLOAT, [1])})
    with pytest.raises(WeightError, match=r"build\.model"):
        build.from_onnx(model, "all")


def test_empty_weight(make_model):
    """A weight without elements could never be updated (facts 4.3: a zero dim keeps it)."""
    ends = {"x": (FLOAT, [1])}, {"y": (FLOAT, [1])}
    model = make_model([node("Concat", ["x", "w"], ["y"], axis=0)], *ends,
                       {"w": np.zeros(0, "f4")})  # fmt: skip
    with pytest.raises(WeightError, match="no elements"):
        build.from_onnx(model, ["w"])


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (None, r"input 'x' has \[N, 8\]; pass input_shapes=\{'x': "),
        ({"X": (1, 8)}, "names 'X', which is no input; the inputs are 'x'"),
        ({"x": (1,)}, r"is \[1\], but the model has \[N, 8\]"),
        ({"x": (1, 9)}, r"is \[1, 9\], but the model has \[N, 8\]"),
        ({"x": (0, 8)}, "every dim must be positive"),
        ({"x": (-1, 8)}, "every dim must be positive"),
        ({"x": ("a", 8)}, "a sequence of integers is right"),
        ({"x": 8}, "a sequence of integers is right"),
    ],
)
def test_input_shapes(mlp, shapes, said):
    """Wrong, missing and contradicting shapes are refused."""
    with pytest.raises(ValueError, match=said):
        build.from_onnx(mlp, "all", input_shapes=shapes)


def test_unknown_rank_can_be_pinned(make_model):
    """An input without any shape takes the one that is given."""
    ends = {"x": (FLOAT, None)}, {"y": (FLOAT, None)}
    model = make_model([node("Add", ["x", "w"], ["y"])], *ends, {"w": np.ones(3, "f4")})
    with pytest.raises(ValueError, match="a shape of unknown rank"):
        build.from_onnx(model, "all")
    built = build.from_onnx(model, "all", input_shapes={"x": (2, 3)})
    assert built.outputs[0].dims == (2, 3)


def test_stale_output_shape_is_not_trusted(mlp):
    """A declared output shape that is wrong is replaced by the inferred one (design 8)."""
    mlp.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 77
    built = build.from_onnx(mlp, "all", input_shapes={"x": (3, 8)})
    assert built.outputs[0].dims == (3, 4)


@pytest.fixture(name="opaque")
def _opaque(make_model):
    """An operator that ONNX cannot infer and ONNX Runtime can run."""
    nodes = [node("FusedMatMul", ["x", "w"], ["y"], domain="com.microsoft", transB=1)]
    ends = {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, ["a", "b"])}
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return make_model(nodes, *ends, {"w": np.ones((5, 3), "f4")}, opset_imports=domains)


def test_trial_run_tells_shapes(opaque, load):
    """Where inference ends a trial run tells the shapes."""
    built = build.from_onnx(opaque, "all")
    assert built.outputs[0].dims == (2, 5)
    loaded = load(built.to_bytes())
    loaded.init()
    assert loaded.infer(np.ones((2, 3), "f4"))["y"].tolist() == [[3] * 5] * 2


def test_trial_run_needs_onnxruntime(opaque, mlp, monkeypatch):
    """Without ONNX Runtime inference must do; the message says what to install."""
    monkeypatch.setattr(trial, "is_possible", lambda: False)
    with pytest.raises(ValueError, match="pip install onnxruntime"):
        build.from_onnx(opaque, "all")
    assert build.from_onnx(mlp, "all", input_shapes={"x": (1, 8)}).outputs[0].dims == (1, 4)


def test_output_shape_that_depends_on_values(make_model):
    """NonZero's output has no static shape."""
    ends = {"x": (FLOAT, [4])}, {"y": (T.INT64, [1, "n"])}
    nodes = [node("Mul", ["x", "w"], ["a"]), node("NonZero", ["a"], ["y"])]
    model = make_model(nodes, *ends, {"w": np.ones(4, "f4")})
    with pytest.raises(ValueError, match=r"depend on the inputs' values: \[\(1, 0\)\]"):
        build.from_onnx(model, "all")


def test_output_shape_that_depends_on_differences(make_model):
    """Unique gives one element for zeros and for ones; only unequal values tell."""
    ends = {"x": (FLOAT, [6])}, {"y": (FLOAT, ["n"])}
    nodes = [node("Mul", ["x", "w"], ["a"]), node("Unique", ["a"], ["y"])]
    model = make_model(nodes, *ends, {"w": np.ones(6, "f4")})
    said = r"depend on the inputs' values: \[\(1,\)\] for zeros, \[\(6,\)\] for rising numbers"
    with pytest.raises(ValueError, match=said):
        build.from_onnx(model, "all")


def test_shape_that_is_an_input(make_model):
    """A target shape must be a constant."""
    ends = {"x": (FLOAT, [4]), "to": (T.INT64, [2])}, {"y": (FLOAT, None)}
    nodes = [node("Mul", ["x", "w"], ["a"]), node("Reshape", ["a", "to"], ["y"])]
    model = make_model(nodes, *ends, {"w": np.ones(4, "f4")})
    with pytest.raises(ValueError, match="depends on the values of 'to', which is input 1 of Resh"):
        build.from_onnx(model, "all")


def test_indices_that_ones_would_exceed(make_model):
    """The second trial run may fail where the first one tells the shape."""
    ends = {"x": (FLOAT, [1, 3]), "at": (T.INT64, [5])}, {"y": (FLOAT, None)}
    nodes = [
        node("FusedMatMul", ["x", "w"], ["a"], domain="com.microsoft", transB=1),
        node("Gather", ["a", "at"], ["y"]),
    ]
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = make_model(nodes, *ends, {"w": np.ones((2, 3), "f4")}, opset_imports=domains)
    assert build.from_onnx(model, "all").outputs[0].dims == (5, 2)


def test_what_the_engine_refuses(make_model):
    """An operator nobody has is refused when the file is built."""
    ends = {"x": (FLOAT, [1])}, {"y": (FLOAT, [1])}
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("nobody", 1)]
    model = make_model([node("Magic", ["x", "w"], ["y"], domain="nobody")], *ends,
                       {"w": np.ones(1, "f4")}, opset_imports=domains)  # fmt: skip
    with pytest.raises(ValueError, match="ONNX Runtime cannot take this graph"):
        build.from_onnx(model, "all")


def test_string_input(make_model):
    """Strings cannot go in; the types that can are listed."""
    ends = {"x": (T.STRING, [1])}, {"y": (T.STRING, [1])}
    model = make_model([node("Identity", ["x"], ["y"])], *ends)
    with pytest.raises(ValueError, match="input 'x' has type STRING; one of float32, "):
        build.model(model)


def test_sequence_input(make_model):
    """Only tensors can be inputs."""
    model = make_model([node("Neg", ["w"], ["y"])], {}, {"y": (FLOAT, [1])},
                       {"w": np.ones(1, "f4")})  # fmt: skip
    model.graph.input.append(helper.make_tensor_sequence_value_info("s", FLOAT, [1]))
    with pytest.raises(ValueError, match="input 's' is a sequence_type"):
        build.from_onnx(model, "all")


def test_string_output(make_model):
    """Strings cannot come out."""
    ends = {"x": (T.INT64, [1])}, {"y": (T.STRING, [1])}
    nodes = [node("LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", keys_int64s=[1],
                  values_strings=["a"])]  # fmt: skip
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    with pytest.raises(ValueError, match="output 'y' has type STRING"):
        build.model(make_model(nodes, *ends, opset_imports=domains))


def test_no_outputs(mlp):
    """A model without outputs is none."""
    del mlp.graph.output[:]
    with pytest.raises(ValueError, match="the model has no outputs"):
        build.from_onnx(mlp, "all", input_shapes={"x": (1, 8)})


def test_sparse_initializer(mlp):
    """Sparse tensors are refused by name."""
    values = numpy_helper.from_array(np.ones(1, "f4"), "sparse")
    indices = numpy_helper.from_array(np.array([0]), "at")
    mlp.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [5]))
    with pytest.raises(ValueError, match="sparse initializer 'sparse'"):
        build.from_onnx(mlp, "all", input_shapes={"x": (1, 8)})


def test_two_constants_of_one_name(mlp):
    """Names must be unique."""
    mlp.graph.initializer.append(mlp.graph.initializer[0])
    with pytest.raises(ValueError, match="defines 'w1' twice"):
        build.from_onnx(mlp, "all", input_shapes={"x": (1, 8)})


def test_wrong_number_of_bytes(mlp):
    """A tensor whose bytes do not make up its dims is refused."""
    mlp.graph.initializer[0].dims[0] = 9
    with pytest.raises(ValueError, match="so 2304 bytes, but carries 2048"):
        build.from_onnx(mlp, "all", input_shapes={"x": (1, 8)})


@pytest.mark.parametrize("junk", [b"", b"not a model", b"\xff" * 100])
def test_no_model(junk, tmp_path):
    """Bytes and files that are no ONNX model."""
    with pytest.raises(ValueError, match=r"is no ONNX model|has no graph"):
        build.from_onnx(junk, "all")
    path = tmp_path / "junk.onnx"
    path.write_bytes(junk)
    with pytest.raises(ValueError, match=r"junk\.onnx (is no ONNX model|has no graph)"):
        build.from_onnx(path, "all")


def test_missing_file(tmp_path):
    """A missing file is the usual error."""
    with pytest.raises(FileNotFoundError):
        build.from_onnx(tmp_path / "none.onnx", "all")


def test_output_names_style(mlp):
    """Only two styles exist."""
    with pytest.raises(ValueError, match='"onnx" or "ge" is right'):
        build.from_onnx(mlp, "all", output_names="GE")


def named(make_model, *names, given="x"):
    """x + each of the names."""
    nodes = [node("Sum", [given, *names], ["y"])]
    values = {name: np.full(2, index + 1, "f4") for index, name in enumerate(names)}
    return make_model(nodes, {given: (FLOAT, [2])}, {"y": (FLOAT, [2])}, values)


def test_names_that_collide_with_variables(make_model, load):
    """Weights "bn" and "bn_var" are two weights, and stay two (batch norms are called so)."""
    model = named(make_model, "bn", "bn_var")
    loaded = load(build.from_onnx(model, ["bn", "bn_var"]).to_bytes())
    loaded.init()
    loaded.update({"bn": np.array([5, 5], "f4")})
    assert loaded.infer(np.zeros(2, "f4"))["y"].tolist() == [7, 7]


def test_input_with_a_variables_name(make_model):
    """An input that is called as a weight's variable must be is refused."""
    model = named(make_model, "w", given="w_var")
    with pytest.raises(ValueError, match="input 'w_var' has the name that the variable of weight"):
        build.from_onnx(model, ["w"])


@pytest.mark.parametrize("name", ["w" * 5000, "模型/权重:0", "a b\n\t\"'\\", "-", "w.var_data"])
def test_odd_names(make_model, load, name):
    """Long names and any character but NUL work."""
    built = build.from_onnx(named(make_model, name), [name])
    loaded = load(built.to_bytes())
    loaded.update({name: np.array([2, 3], "f4")})
    assert loaded.infer(np.zeros(2, "f4"))["y"].tolist() == [2, 3]


def test_onnx_is_not_needed_for_reading():
    """om and build stand apart: the reader imports neither onnx nor onnxruntime (design 3)."""
    code = "import sys; import acl_bundle.om; print([m for m in sys.modules if m[:4] == 'onnx'])"
    env = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert ran.stdout.strip() == b"[]"
