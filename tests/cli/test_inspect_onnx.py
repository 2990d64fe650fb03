"""``acl-bundle inspect --onnx``: what the fake computes, as a model that ONNX Runtime runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime as ort
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake, om, weights
from acl_bundle.build._program import exported as exporting
from acl_bundle.build._program.exported import exported
from acl_bundle.build._program.program import From, Kind, Program
from acl_bundle.errors import UnsupportedError
from acl_bundle.om._container.program import TWO, Tag
from acl_bundle.om._modeldef.define import Desc, GraphValue, Op, model_def
from acl_bundle.testing import FakeAcl
from tests.property.test_build_models import network

from .conftest import Run
from .weights_files import mlp

Arrays = dict[str, np.ndarray[Any, Any]]


def parsed(text: str, **values: Any) -> onnx.ModelProto:
    """A model in ONNX's text, with the values of its initializers."""
    model: onnx.ModelProto = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> {text}'
    )
    for name, value in values.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return model


def rising(*shape: int, dtype: str = "f4") -> np.ndarray[Any, Any]:
    return (np.arange(np.prod(shape)).reshape(shape) / 7 - 1).astype(dtype)


LINEAR = "net (float[2,3] x) => (float[2,4] y) { h = MatMul(x, w) y = Add(h, b) }"
LINEAR_OPEN = "net (float[N,3] x) => (float[N,4] y) { h = MatMul(x, w) y = Add(h, b) }"
BRANCHES = """net (float[3] x, bool c) => (float[3] y) {
    y = If (c) <
        then_branch = yes () => (float[3] a) { a = Add(x, w) },
        else_branch = no () => (float[3] d) { d = Mul(x, b) }
    >
}"""
THROUGH = """net (float[3] x, int64[2] rows) => (float[2,3] y, float[3] x, float[4,3] w) {
    y = Gather(w, rows)
}"""
RESHAPED = """net (float[2,6] x) => (float[3,4] y, float[1] total) {
    shape = Constant <value_ints: ints = [3, 4]> ()
    h = Reshape(x, shape)
    t = ReduceSum <keepdims: int = 0> (h, axes)
    total = Unsqueeze(t, zero)
    y = Mul(h, scale)
}"""

WB = {"w": rising(3, 4), "b": rising(4)}
KINDS: dict[str, tuple[onnx.ModelProto, dict[str, Any]]] = {
    "all weights": (parsed(LINEAR, **WB), {"weights": ["w", "b"]}),
    "one weight, one constant": (parsed(LINEAR, **WB), {"weights": ["b"]}),
    "names of the compiler": (parsed(LINEAR, **WB), {"weights": ["w"], "output_names": "ge"}),
    "half": (parsed(LINEAR, **WB), {"weights": ["w"], "precision": "float16"}),
    "bfloat16 inside": (parsed(LINEAR, **WB), {"weights": ["w"], "precision": "bfloat16"}),
    "gears": (parsed(LINEAR_OPEN, **WB), {"weights": ["w"], "dynamic_batch": [1, 2, 4]}),
    "open": (parsed(LINEAR_OPEN, **WB), {"weights": ["w"], "dynamic_shape": True}),
    "branches": (
        parsed(BRANCHES, w=rising(3), b=rising(3) + 5), {"weights": ["w", "b"]},
    ),
    "handed through": (parsed(THROUGH, w=rising(4, 3)), {"weights": ["w"]}),
    "a scalar, and shapes": (
        parsed(RESHAPED, scale=np.float32(3), axes=np.array([0, 1]), zero=np.array([0])),
        {"weights": ["scale"]},
    ),
    "large constants": (
        parsed("net (float[2,300] x) => (float[2,300] y) { h = MatMul(x, w) y = Mul(h, b) }",
               w=rising(300, 300), b=rising(300)),
        {"weights": ["b"]},
    ),
}  # fmt: skip


def numbers(infer: ab.Graph) -> Arrays:
    """Inputs of a graph; an open dim is 2."""
    random, made = np.random.default_rng(0), {}
    for spec in infer.inputs:
        shape = tuple(2 if dim < 0 else dim for dim in spec.shape)
        if spec.dtype.kind == "f":
            made[spec.name] = random.standard_normal(shape).astype(spec.dtype)
        else:
            made[spec.name] = np.ones(shape, spec.dtype)
    return made


def computed(path: Path, given_: Mapping[str, Any]) -> Arrays:
    """What ONNX Runtime makes of a file that ONNX's checker passes."""
    onnx.checker.check_model(str(path), full_check=True)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, dict(given_)), strict=True))


def agree(got: Mapping[str, Any], want: Mapping[str, Any], renamed: Mapping[str, str]) -> None:
    assert [*got] == [renamed.get(name, name) for name in want]
    for name, value in want.items():
        other = got[renamed.get(name, name)]
        assert (other.shape, other.dtype) == (value.shape, value.dtype), name
        loose = value.dtype != np.float32
        np.testing.assert_allclose(other, value, rtol=2e-3 if loose else 2e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_computes_what_the_bundle_computes(
    run: Run, tmp_path: Path, fake_acl: FakeAcl, kind: str
) -> None:
    model, options = KINDS[kind]
    path, out = build.from_onnx(model, **options).save(tmp_path / "m.om"), tmp_path / "m.onnx"
    told = run("inspect", path, "--onnx", out, "--json").json
    assert (told["schema"], told["out"], told["nbytes"]) == (1, str(out), out.stat().st_size)
    assert (told["graph"], told["open_weights"]) == (0, [])
    assert {*om.open_bundle(path).variables} <= {*told["initializers"]}
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        inputs = numbers(bundle.infer)
        want = dict(bundle.infer.run(inputs))
    agree(computed(out, inputs), want, told["renamed"])


def test_outputs_that_are_inputs_have_another_name_and_a_line_says_so(
    run: Run, tmp_path: Path
) -> None:
    model, options = KINDS["handed through"]
    path = build.from_onnx(model, **options).save(tmp_path / "m.om")
    lines = run("inspect", path, "--onnx", tmp_path / "m.onnx").out.splitlines()
    assert lines[1:] == [
        "output 'x' is 'x_output' there: an input or a weight has its name",
        "output 'w' is 'w_output' there: an input or a weight has its name",
    ]


def test_gears_are_told(run: Run, tmp_path: Path) -> None:
    model, options = KINDS["gears"]
    path = build.from_onnx(model, **options).save(tmp_path / "m.om")
    done = run("inspect", path, "--onnx", tmp_path / "m.onnx")
    assert done.out.splitlines()[1:] == ["it takes any shape, the graph those of its 3 gears"]
    made = onnx.load(tmp_path / "m.onnx")
    assert [one.name for one in made.graph.input] == ["x"], "which gear is no input of the model"
    dims = made.graph.output[0].type.tensor_type.shape.dim
    assert [(dim.HasField("dim_value"), dim.dim_value) for dim in dims] == [(False, 0), (True, 4)]


def test_what_the_init_graph_gives(run: Run, tmp_path: Path) -> None:
    model, options = KINDS["all weights"]
    path, out = build.from_onnx(model, **options).save(tmp_path / "m.om"), tmp_path / "init.onnx"
    for graph in ("1", "var_init_graph"):
        done = run("inspect", path, "--onnx", out, "--graph", graph)
        assert done.out.startswith(f"wrote {out}: graph 1, var_init_graph, as an ONNX model of ")
    got = computed(out, {})
    assert [*got] == ["w_var", "b_var"]
    np.testing.assert_array_equal(got["w_var"], WB["w"])
    np.testing.assert_array_equal(got["b_var"], WB["b"])


def test_the_values_are_the_files_own_not_those_of_the_model_it_came_from(
    run: Run, tmp_path: Path
) -> None:
    model, options = KINDS["all weights"]
    path = build.from_onnx(model, **options).save(tmp_path / "m.om")
    new = tmp_path / "w.safetensors"
    weights.save({"b": WB["b"] + 1}, new)
    frozen = tmp_path / "new.om"
    assert run("update", path, "--weights", new, "-o", frozen).status == 0
    assert run("inspect", frozen, "--onnx", tmp_path / "new.onnx").status == 0
    x = rising(2, 3)
    got = computed(tmp_path / "new.onnx", {"x": x})
    np.testing.assert_allclose(got["y"], x @ WB["w"] + WB["b"] + 1, rtol=1e-5)


def test_a_weight_without_a_value_is_an_input(run: Run, tmp_path: Path) -> None:
    model, options = KINDS["one weight, one constant"]
    path = build.from_onnx(model, **options, init=False).save(tmp_path / "m.om")
    out = tmp_path / "m.onnx"
    done = run("inspect", path, "--onnx", out)
    assert done.out.splitlines()[1:] == ["weight 'b' is an input: the file has no value for it"]
    x = rising(2, 3)
    got = computed(out, {"x": x, "b": WB["b"]})
    np.testing.assert_allclose(got["y"], x @ WB["w"] + WB["b"], rtol=1e-5)


def test_a_plain_model_and_a_graph_that_was_extracted(run: Run, tmp_path: Path) -> None:
    model, options = KINDS["one weight, one constant"]
    plain = build.model(model).save(tmp_path / "plain.om")
    assert run("inspect", plain, "--onnx", tmp_path / "plain.onnx").status == 0
    x = rising(2, 3)
    want = x @ WB["w"] + WB["b"]
    np.testing.assert_allclose(computed(tmp_path / "plain.onnx", {"x": x})["y"], want, rtol=1e-5)
    path = build.from_onnx(model, **options).save(tmp_path / "m.om")
    one = tmp_path / "one.om"
    assert run("inspect", path, "--extract", "0", one).status == 0
    assert run("inspect", one, "--onnx", tmp_path / "one.onnx").out.splitlines()[1:] == [
        "weight 'b' is an input: the file has no value for it"
    ]


def chip(path: Path) -> Path:
    data = Op("x", "Data", output_descs=(Desc(0, (2, 3)),))
    definition = model_def("net", [GraphValue("net", [data])], {})
    return om.write_model([(om.PartitionType.MODEL_DEF, [definition])], name="net").save(path)


IMAGE = parsed("net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Identity(x) }")
AIPP = {"aipp_mode": "static", "input_format": "RGB888_U8", "crop": True,
        "src_image_size_w": 9, "src_image_size_h": 5}  # fmt: skip


def test_what_has_no_onnx_model_is_refused_with_a_reason(run: Run, tmp_path: Path) -> None:
    model, options = KINDS["all weights"]
    path = build.from_onnx(model, **options).save(tmp_path / "m.om")
    images = build.model(IMAGE, aipp=AIPP).save(tmp_path / "images.om")
    end = ("float32", (1, 2))
    nothing = build.null({"x": end}, {"y": end}).save(tmp_path / "null.om")
    read = om.open_bundle(path)
    update = om.write_bundle(read.models[2:], read.variable_size).save(tmp_path / "update.om")
    out, before = tmp_path / "out.onnx", path.read_bytes()
    for words, said in (
        ((chip(tmp_path / "chip.om"),), "compiled for a chip: the file holds the chip's tasks"),
        ((path, "--graph", "2"), "writes what an update gives it to the variables"),
        ((path, "--graph", "3"), "has no graph '3'; there are 0 'var_infer_graph', 1"),
        ((path, "--graph", "w"), "has no graph 'w'"),
        ((update,), "infers; --graph says which one to write: 0 'var_update_graph'"),
        ((images,), "changes images by AIPP before it takes them ('x'), for which ONNX has no"),
        ((nothing,), "computes nothing; there is no ONNX model of it in the file"),
        ((tmp_path / "gone.om",), "gone.om: No such file or directory"),
        ((path, "--tree"), "give one of them"),
    ):
        done = run("inspect", *words, "--onnx", out)
        assert (done.status, done.out) == (2, ""), words
        assert said in done.err, words
        told = run("inspect", *words, "--onnx", out, "--json").json
        assert said in told["error"]["message"]
        assert not out.exists()
    assert "--graph is for --onnx" in run("inspect", path, "--graph", "0").err
    assert path.read_bytes() == before


def test_a_function_of_python_is_no_model(run: Run, tmp_path: Path) -> None:
    path = build.callback(7, {}, {"y": ("float32", (1, 2))}).save(tmp_path / "m.om")
    done = run("inspect", path, "--onnx", tmp_path / "m.onnx")
    assert done.status == 2
    assert "calls a function of Python's; there is no ONNX model of it" in done.err


def test_where_it_cannot_be_written_nothing_changes(run: Run, tmp_path: Path) -> None:
    path = build.from_onnx(mlp(), weights=["fc.weight"]).save(tmp_path / "m.om")
    before = path.read_bytes()
    done = run("inspect", path, "--onnx", path)
    assert (done.status, f"{path} is the input {path}" in done.err) == (2, True)
    link = tmp_path / "link.onnx"
    link.symlink_to(path)
    assert run("inspect", path, "--onnx", link).status == 2
    assert path.read_bytes() == before
    assert "there is no such folder" in run("inspect", path, "--onnx", tmp_path / "no" / "o").err
    os.mkfifo(tmp_path / "fifo")
    assert run("inspect", path, "--onnx", tmp_path / "fifo").status == 2
    old = tmp_path / "old.onnx"
    old.write_bytes(b"old")
    old.chmod(0o600)
    assert run("inspect", path, "--onnx", old).status == 0
    assert (old.stat().st_mode & 0o777, onnx.load(old).graph.name) == (0o600, "mlp")
    assert [one for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_model_too_large_for_the_format(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, options = KINDS["large constants"]
    path = build.from_onnx(model, **options).save(tmp_path / "m.om")
    monkeypatch.setattr(exporting, "_LARGEST", 360_000)
    done = run("inspect", path, "--onnx", tmp_path / "m.onnx")
    assert done.status == 2
    assert "bytes as an ONNX model; a file of that format has 360,000 at most" in done.err


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=4),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.sampled_from([{"input_shapes": 2}, {"dynamic_batch": [1, 2]}, {"dynamic_shape": True}]),
    st.data(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_network_computes_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    widths: list[int],
    in_nodes: list[bool],
    shapes: dict[str, Any],
    data: st.DataObject,
) -> None:
    every = [f"layer{index}" for index in range(len(widths) - 1)]
    chosen = data.draw(st.permutations(every))[: data.draw(st.integers(1, len(every)))]
    options = dict(shapes)
    if "input_shapes" in options:
        options["input_shapes"] = {"h0": (2, widths[0])}
    built = build.from_onnx(network(widths, in_nodes), chosen, **options)
    path = built.save(tmp_path_factory.mktemp("any") / "m.om")
    made = exported(om.open(path), 0, str(path))
    onnx.save(made.model, path.with_suffix(".onnx"))
    fake.activate()
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        inputs = numbers(bundle.infer)
        want = dict(bundle.infer.run(inputs))
    agree(computed(path.with_suffix(".onnx"), inputs), want, made.renamed)
    assert (fake.live(), fake.violations()) == ([], [])


def test_bytes_beside_the_file_are_told(tmp_path: Path) -> None:
    """A hand-made program whose constant lies in a file beside (docs/program_format.md)."""
    program = Program(Kind.ASSIGN, variable_area=1536)
    desc = Desc(0, (2,))
    program.variable("w_var", desc, 0)
    program.constant("w", desc, 0)
    program.assign(0, From.CONSTANT, 0)
    program._add(Tag.EXTERNAL, TWO.pack(0, 5) + b"w.bin")
    made = om.write_model([(om.PartitionType.TASK_INFO, [program.to_bytes()])], name="net")
    model = om.open_model(made.to_bytes())
    with pytest.raises(UnsupportedError, match=r"'w' are in another file, 'w.bin'"):
        exported(model, 0, "m.om")
