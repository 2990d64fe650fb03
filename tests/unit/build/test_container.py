"""The file a build writes: sub-models, headers, partitions and graphs (facts 4.1, 5)."""

from __future__ import annotations

import struct
import subprocess
import sys

import numpy as np
import onnx
import pytest

from acl_bundle import build, om
from acl_bundle.om import PartitionType


@pytest.fixture(name="built")
def _built(mlp):
    return build.from_onnx(mlp, ["w1", "b1"], input_shapes={"x": (2, 8)})


@pytest.fixture(name="file")
def _file(built):
    return om.open_bundle(built.to_bytes())


def test_order_names_and_roles(file, built):
    """infer, init, update, called as the compiler calls them (facts 4.1)."""
    names = ["var_infer_graph", "var_init_graph", "var_update_graph"]
    assert [model.name for model in file.models] == names == list(built.graphs)
    assert file.roles == {"infer": 0, "init": 1, "update": 2}


def test_headers(file):
    """IMOD, 256, 0x20000000; only the update graph is dynamic (docs/program_format.md)."""
    for model in file.models:
        header = model.header
        assert bytes(model.data[:4]) == b"IMOD"
        assert (header.headsize, header.version, header.modeltype) == (256, 0x20000000, 0)
        assert (header.model_num, header.model_length) == (1, len(model.data) - 256)
        assert header.is_unknow_model == (model.name == "var_update_graph")


def test_bundle_header_and_table(built):
    """A bundle's header and table as in facts 5.1: the example with three sub-models."""
    data = built.to_bytes()
    assert data[82] == 5
    assert struct.unpack_from("<Q", data, 184) == (len(data),)
    assert struct.unpack_from("<I4xI4xQQ", data, 256) == (4, 25, 104, 8)
    assert struct.unpack_from("<Q", data, 360) == (built.variable_size,)
    assert data[368:372] == b"IMOD"
    assert not any(data[:82])


def test_partitions(file):
    """The partitions of each graph, in order, empty ones left out (docs/program_format.md)."""
    infer, init, update = (
        [PartitionType(part.type).name for part in model.partitions] for model in file.models
    )
    assert infer == ["MODEL_INOUT_INFO", "MODEL_DEF", "WEIGHTS_DATA", "TASK_INFO"]
    assert init == ["MODEL_DEF", "WEIGHTS_DATA", "TASK_INFO"]
    assert update == ["MODEL_INOUT_INFO", "MODEL_DEF", "TASK_INFO"]


def test_variable_memory(file, built, load):
    """roundup(bytes, 512) + 1024 per weight, the first at 0 (facts 4.4)."""
    assert built.variable_size == file.variable_size == (2048 + 1024) + (512 + 1024)
    for part in load(built.to_bytes()).parts.values():
        assert [one.offset for one in part.program.variables] == [0, 3072]


def test_update_inputs(file):
    """One input per weight, in order: unknown rank, size 0, the weight's dtype (facts 1.9)."""
    update = file.models[2]
    assert [one.name for one in update.inputs] == ["w1_var_data", "b1_var_data"]
    assert all((one.dims, one.nbytes, one.dtype) == ((-2,), 0, 0) for one in update.inputs)
    assert not any(one.ranges for one in update.inputs)
    assert update.outputs == ()


def test_infer_ends(file):
    """Static inputs and outputs report exact byte sizes (facts 1.9)."""
    infer = file.models[0]
    assert [(one.name, one.dims, one.nbytes) for one in infer.inputs] == [("x", (2, 8), 64)]
    assert [(one.name, one.dims, one.nbytes) for one in infer.outputs] == [("y", (2, 4), 32)]


def count(model, kind):
    return sum(1 for graph in model.graphs for _ in graph.of_type(kind))


def test_node_counts(file):
    """Two weights: infer 2 Variable; init +2 Assign; update +2 Assign, +2 If (facts 4.1)."""
    counts = [
        [count(m, kind) for kind in ("Variable", "Assign", "If", "NetOutput")] for m in file.models
    ]
    assert counts == [[2, 0, 0, 1], [2, 2, 0, 1], [2, 2, 2, 1]]


def test_update_graph(file):
    """The If of a weight: both inputs from its Data, two branches with their nodes (facts 4.1)."""
    root, *branches = file.models[2].graphs
    nodes = {node.name: node for node in root.nodes}
    data, choice = nodes["w1_var_data"], nodes["w1_var_if"]
    assert (data.type, data.attrs["index"]) == ("Data", 0)
    assert nodes["b1_var_data"].attrs["index"] == 1
    assert data.output_descs[0].shape == data.output_descs[0].origin_shape == (-2,)
    assert choice.inputs == ("w1_var_data:0", "w1_var_data:0")
    assert choice.subgraphs == ("w1_var_then_graph", "w1_var_else_graph")
    by_name = {graph.name: [node.name for node in graph.nodes] for graph in branches}
    then = ["w1_var", "w1_var_then_data", "w1_var_then_assign"]
    assert by_name["w1_var_then_graph"] == then
    assert by_name["w1_var_else_graph"] == ["w1_var_else_data"]


def test_infer_graph(file):
    """Weights are Variables with their origin shape, the rest Const; nodes keep their names."""
    graph = file.models[0].graphs[0]
    nodes = {node.name: node for node in graph.nodes}
    assert nodes["w1_var"].type == "Variable"
    assert nodes["w1_var"].output_descs[0].origin_shape == (8, 64)
    assert nodes["fc1"].inputs == ("x:0", "w1_var:0")
    assert nodes["fc2"].inputs == ("relu:0", "w2:0")
    assert nodes["fc2"].output_descs[0].shape == (2, 4)
    assert nodes["NetOutput"].sources == (("bias2", 0),)


def test_weights_are_readable(file, mlp):
    """Constants' values are found where MODEL_DEF says, small ones too."""
    values = {t.name: onnx.numpy_helper.to_array(t) for t in mlp.graph.initializer}
    for model, names in zip(file.models, (["w2", "b2"], ["w1", "b1"], []), strict=True):
        assert sorted(model.weights) == sorted(names)
        for name in names:
            np.testing.assert_array_equal(model.weights[name], values[name])


def test_definition_holds_no_values(file, mlp):
    """No weight's bytes stand in MODEL_DEF, and no large one's in the program."""
    tensors = [onnx.numpy_helper.to_array(t).tobytes() for t in mlp.graph.initializer]
    for model in file.models:
        for part in model.partitions:
            if part.type == PartitionType.MODEL_DEF:
                assert not any(one in bytes(part.data) for one in tensors)
            if part.type == PartitionType.TASK_INFO:
                assert not any(one in bytes(part.data) for one in tensors if len(one) >= 1024)


def test_variables(file):
    """Names, dtypes and shapes of the weights can be read back."""
    found = {name: (one.numpy.name, one.shape) for name, one in file.variables.items()}
    assert found == {"w1": ("float32", (8, 64)), "b1": ("float32", (64,))}


def test_without_init(mlp):
    """init=False leaves the init graph out (facts 4.2: it is optional)."""
    built = build.from_onnx(mlp, ["w1"], input_shapes={"x": (2, 8)}, init=False)
    file = om.open_bundle(built.to_bytes())
    assert built.graphs == ("var_infer_graph", "var_update_graph")
    assert file.roles == {"infer": 0, "update": 1}
    assert file.variables["w1"].shape == (8, 64)


def test_ge_output_names(mlp, load):
    """output_names="ge" writes <node>:<output> (facts 1.9), in the file and in the result."""
    built = build.from_onnx(mlp, ["w1"], input_shapes={"x": (2, 8)}, output_names="ge")
    assert [one.name for one in built.outputs] == ["bias2:0"]
    loaded = load(built.to_bytes())
    loaded.init()
    assert list(loaded.infer(np.zeros((2, 8), "f4"))) == ["bias2:0"]


def test_unnamed_nodes_get_names(make_model):
    """Nodes without a name, or with one that is taken, get one in MODEL_DEF."""
    node = onnx.helper.make_node
    model = make_model(
        [node("Neg", ["x"], ["a"]), node("Neg", ["a"], ["b"], name="x"),
         node("Add", ["b", "w"], ["y"], name="w_var")],
        {"x": (1, [2])}, {"y": (1, [2])}, {"w": np.ones(2, "f4")},
    )  # fmt: skip
    file = om.open_bundle(build.from_onnx(model, ["w"]).to_bytes())
    names = [node.name for node in file.models[0].graphs[0].nodes]
    assert names == ["x", "w_var", "Neg_0", "x_1", "w_var_1", "NetOutput"]


SCRIPT = """
import hashlib, sys
from acl_bundle import build
data = build.from_onnx(sys.argv[1], "all", input_shapes={"x": (2, 8)}).to_bytes()
print(hashlib.sha256(data).hexdigest())
"""


def test_same_model_same_bytes(mlp, tmp_path):
    """Two processes with other hash seeds write the same bytes, and so do path and object."""
    path = tmp_path / "m.onnx"
    onnx.save(mlp, path)
    digests = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert digests[0] == digests[1]
    once, again = (
        build.from_onnx(source, "all", input_shapes={"x": (2, 8)}).to_bytes()
        for source in (path, path.read_bytes())
    )
    assert once == again == build.from_onnx(mlp, "all", input_shapes={"x": (2, 8)}).to_bytes()


def test_the_model_is_not_changed(mlp):
    """The caller's ModelProto is as it was."""
    before = mlp.SerializeToString(deterministic=True)
    build.from_onnx(mlp, "all", input_shapes={"x": (2, 8)})
    assert mlp.SerializeToString(deterministic=True) == before


def test_save(built, tmp_path):
    """save writes the same bytes as to_bytes, replaces a file, and leaves nothing else behind."""
    path = tmp_path / "m.om"
    path.write_bytes(b"old")
    assert built.save(path) == path
    assert path.read_bytes() == built.to_bytes()
    assert built.nbytes == path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]


def test_null(load):
    """build.null: an inference graph that computes nothing beside real init and update graphs."""
    weight = np.arange(300, dtype="f4").reshape(3, 100)
    built = build.null(
        {"x": ("float32", (1024,))}, {"y": ("float16", (2, 2))}, weights={"w": weight}
    )
    weight[:] = 0
    file = om.open_bundle(built.to_bytes())
    assert file.roles == {"infer": 0, "init": 1, "update": 2}
    assert (file.models[0].outputs[0].dims, file.models[0].outputs[0].nbytes) == ((2, 2), 8)
    loaded = load(built.to_bytes())
    assert loaded.main.program.kind == 3
    loaded.init()
    assert loaded.variable(loaded.main, 0)[2, 99] == 299
    assert file.variables["w"].shape == (3, 100)


def test_null_without_weights():
    """Without weights the bundle has the inference graph alone."""
    built = build.null({"x": ("int8", (4,))}, {"y": ("int8", (4,))})
    file = om.open_bundle(built.to_bytes())
    assert (built.graphs, built.variable_size) == (("var_infer_graph",), 0)
    assert file.roles == {"infer": 0}


@pytest.mark.parametrize(
    ("inputs", "outputs", "weights", "said"),
    [
        ({}, {}, {}, "outputs is empty"),
        ({"x": ("f4", (0,))}, {"y": ("f4", (1,))}, {}, "every dim must be positive"),
        ({"": ("f4", (1,))}, {"y": ("f4", (1,))}, {}, "needs a name"),
        ({}, {"y": ("S4", (1,))}, {}, "no ACL type"),
        ({}, {"y": ("f4", (1,))}, {"w": np.zeros((0, 3))}, "no elements"),
        ({}, {"y": ("f4", (1,))}, {"w": np.array(["a"])}, "no ACL type"),
        ({}, {"y": ("f4", (1,))}, {"": np.zeros(3)}, "needs a name"),
    ],
)
def test_null_refuses(inputs, outputs, weights, said):
    """What cannot be is refused by name."""
    with pytest.raises(ValueError, match=said):
        build.null(inputs, outputs, weights=weights)
