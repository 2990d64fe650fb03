"""Weight programs that the caller has: given to the builder, or kept beside a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build, weight_program
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Constant, Step, WeightProgram

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOAT = np.dtype(np.float32)
X = np.random.default_rng(0).standard_normal((2, 4), np.float32)
PROGRAM = WeightProgram(
    sources=(WeightSpec("fc.weight", (3, 4), FLOAT), WeightSpec("left", (3,), FLOAT),
             WeightSpec("right", (3,), FLOAT)),
    constants=(Constant("onnx::MatMul_7", "t", FLOAT, (4, 3)), Constant("b", "s", FLOAT, (3,))),
    steps=(Step("transpose", ("fc.weight",), "t", {"perm": [1, 0]}),
           Step("add", ("left", "right"), "s")),
    first={"left": np.ones(3, np.float32), "right": np.zeros(3, np.float32)},
    aliases={"head.weight": "fc.weight"},
    unused=("*.num_batches_tracked",),
)  # fmt: skip


def network() -> onnx.ModelProto:
    """y = (x @ w + b) * scale, with an exporter's names."""
    node, end = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    rng = np.random.default_rng(1)
    constants = {
        "onnx::MatMul_7": rng.standard_normal((4, 3), np.float32),
        "b": np.ones(3, np.float32),
        "scale": np.array([1, 2, 3], np.float32),
    }
    graph = onnx.helper.make_graph(
        [
            node("MatMul", ["x", "onnx::MatMul_7"], ["a"]),
            node("Add", ["a", "b"], ["c"]),
            node("Mul", ["c", "scale"], ["y"]),
        ],
        "g",
        [end("x", 1, X.shape)],
        [end("y", 1, (2, 3))],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


def values(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {s.name: rng.standard_normal(s.shape or (), np.float32) for s in PROGRAM.sources}


def check(bundle: ab.Bundle | ab.Pair, new: dict[str, Any], scale: Any = (1, 2, 3)) -> None:
    wanted = (X @ new["fc.weight"].T + new["left"] + new["right"]) * np.array(scale, np.float32)
    np.testing.assert_allclose(bundle.infer(X), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_program_given_to_the_builder(tmp_path: Path, by_path: bool) -> None:
    given: Any = PROGRAM
    if by_path:
        given = weight_program.save(PROGRAM, tmp_path / "program")
    built = build.from_onnx(network(), program=given)
    assert list(built.weights) == ["fc.weight", "left", "right"]
    with ab.Bundle.load(built.save(tmp_path / "net.om")) as bundle:
        bundle.init()
        now = values(1) | {"left": PROGRAM.first["left"], "right": PROGRAM.first["right"]}
        bundle.update({"head.weight": now["fc.weight"], "bn.num_batches_tracked": np.int64(1)})
        check(bundle, now)
        bundle.update({"right": values(2)["right"]})
        check(bundle, now | {"right": values(2)["right"]})


@pytest.mark.parametrize("by_path", [False, True])
def test_a_program_beside_a_file(tmp_path: Path, by_path: bool) -> None:
    """The file's own weights that the program does not make are taken as they are."""
    path = build.from_onnx(network(), ["scale", "b", "onnx::MatMul_7"]).save(tmp_path / "net.om")
    given: Any = PROGRAM
    if by_path:
        given = weight_program.save(PROGRAM, tmp_path / "program")
    with ab.Bundle.load(path, program=given) as bundle:
        assert [one.name for one in bundle.update.weights] == [
            "fc.weight", "left", "right", "scale"
        ]  # fmt: skip
        bundle.init()
        now = values(1)
        bundle.update({**now, "scale": np.array([5, 6, 7], np.float32)})
        check(bundle, now, (5, 6, 7))
        bundle.update({"left": values(2)["left"]})
        check(bundle, now | {"left": values(2)["left"]}, (5, 6, 7))
    with ab.Pair.load(path, program=given) as pair:
        pair.init()
        pair.update(values(3))
        check(pair, values(3))


def test_a_program_comes_back_from_its_file(tmp_path: Path) -> None:
    path = weight_program.save(PROGRAM, tmp_path / "program")
    back = weight_program.load(path)
    assert weight_program.to_bytes(back) == weight_program.to_bytes(PROGRAM)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ab.BundleFormatError, match=r"program holds no weight program: .*claims"):
        weight_program.load(path)


WRONG: dict[str, tuple[Constant, str]] = {
    "name": (Constant("w", "t", FLOAT, (4, 3)), r"makes 'w', which .* does not have.*'b'"),
    "shape": (Constant("onnx::MatMul_7", "fc.weight", FLOAT, (3, 4)), r"\[3, 4\].*\[4, 3\]"),
    "dtype": (
        Constant("onnx::MatMul_7", "t", np.dtype(np.float16), (4, 3)), "float16.*float32"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_program_of_other_constants_is_refused(tmp_path: Path, kind: str) -> None:
    constant, message = WRONG[kind]
    wrong = replace(PROGRAM, constants=(constant, PROGRAM.constants[1]))
    with pytest.raises(ab.WeightError, match=message):
        build.from_onnx(network(), program=wrong)
    path = build.from_onnx(network(), ["b", "onnx::MatMul_7"]).save(tmp_path / "net.om")
    with pytest.raises(ab.WeightError, match=message):
        ab.Bundle.load(path, program=wrong)


def test_programs_where_they_cannot_be(tmp_path: Path) -> None:
    path = build.from_onnx(network(), program=PROGRAM).save(tmp_path / "net.om")
    with pytest.raises(
        ab.WeightError, match=r"which the file, by its own weight program, does not have"
    ):
        ab.Bundle.load(path, program=PROGRAM)
    plain = build.model(network()).save(tmp_path / "plain.om")
    with pytest.raises(ab.RoleError, match="no graph of the file takes weights"):
        ab.Bundle.load(plain, program=PROGRAM)
    wrong: Any = 3
    with pytest.raises(
        TypeError, match=r"program is a int; a WeightProgram, what build.match gives"
    ):
        ab.Bundle.load(path, program=wrong)
    with pytest.raises(OSError, match="nowhere"):
        ab.Bundle.load(path, program=tmp_path / "nowhere")


def test_a_weight_beside_the_program_with_a_name_of_the_programs(tmp_path: Path) -> None:
    path = build.from_onnx(network(), ["scale", "b", "onnx::MatMul_7"]).save(tmp_path / "net.om")
    renamed = replace(
        PROGRAM, sources=(WeightSpec("scale", (3, 4), FLOAT), *PROGRAM.sources[1:]), aliases={},
        steps=(Step("transpose", ("scale",), "t", {"perm": [1, 0]}), PROGRAM.steps[1]),
    )  # fmt: skip
    with pytest.raises(ab.WeightError, match="source 'scale' is there twice"):
        ab.Bundle.load(path, program=renamed)


def test_the_weights_are_said_once() -> None:
    with pytest.raises(ab.WeightError, match="leave out weights, unused"):
        build.from_onnx(network(), ["b"], program=PROGRAM, unused=["a"])
    with pytest.raises(ab.WeightError, match="or give a program"):
        build.from_onnx(network())
