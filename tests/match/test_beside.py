"""A match kept beside a bundle that was built, or compiled, before."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build, weight_program
from acl_bundle.om._bundle import manifest
from acl_bundle.weight_program import Constant

pytestmark = [
    pytest.mark.usefixtures("fake_acl"),
    pytest.mark.filterwarnings("ignore:.*the exporter made up"),
]
X = np.random.default_rng(9).standard_normal((2, 4)).astype(np.float32)


def values(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"fc.weight": (3, 4), "left": (3,), "right": (3,), "scale": (3,)}
    return {name: rng.standard_normal(one).astype(np.float32) for name, one in shapes.items()}


def wanted(new: dict[str, Any]) -> Any:
    return (X @ new["fc.weight"].T + new["left"] + new["right"]) * np.exp(new["scale"])


def made_of(old: dict[str, Any]) -> dict[str, Any]:
    """What an exporter makes of them, under its names."""
    return {
        "onnx::MatMul_7": old["fc.weight"].T.copy(),
        "onnx::Add_8": old["left"] + old["right"],
        "scale": old["scale"],
    }


def exported(old: dict[str, Any]) -> onnx.ModelProto:
    """(x @ w + b) * exp(scale); exp(scale) is left to be folded."""
    node, end = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    constants = made_of(old)
    nodes = [
        node("MatMul", ["x", "onnx::MatMul_7"], ["a"]),
        node("Add", ["a", "onnx::Add_8"], ["c"]),
        node("Exp", ["scale"], ["e"]),
        node("Mul", ["c", "e"], ["y"]),
    ]
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = onnx.helper.make_graph(
        nodes, "g", [end("x", 1, X.shape)], [end("y", 1, (2, 3))], tensors
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


def built(path: Path, seed: int = 1, **options: Any) -> Path:
    return build.from_onnx(exported(values(seed)), weights="all", **options).save(path)


def takes(path: Path, first: dict[str, Any]) -> None:
    """A whole update, then parts of what belongs together."""
    with ab.Bundle.load(path) as bundle:
        assert {one.name for one in bundle.update.weights} == {*first}
        bundle.init()
        now = dict(first)
        np.testing.assert_allclose(bundle.infer(X), wanted(now), rtol=1e-5, atol=1e-5)
        for names in (["right"], [*first], ["left", "scale"], ["fc.weight"]):
            new = {name: values(len(names) + 5)[name] for name in names}
            now |= new
            bundle.update(new)
            np.testing.assert_allclose(bundle.infer(X), wanted(now), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fold", [True, False])
def test_the_bundle_takes_the_trainers_names(tmp_path: Path, fold: bool) -> None:
    """With a weight program in the file as well, the one goes before the other."""
    path = built(tmp_path / "net.om", fold=fold)
    before = path.read_bytes()
    found = build.match(exported(values(1)), values(1))
    assert found.save_beside(path) == tmp_path / "net.om.json"
    found.save_beside(path)  # once more is the same
    assert path.read_bytes() == before
    takes(path, values(1))


def test_the_builder_takes_a_match_itself(tmp_path: Path) -> None:
    found = build.match(exported(values(1)), values(1))
    path = build.from_onnx(exported(values(1)), program=found).save(tmp_path / "net.om")
    takes(path, values(1))
    plain = built(tmp_path / "plain.om")
    with ab.Bundle.load(plain, program=found) as bundle:
        bundle.init()
        bundle.update(values(4))
        np.testing.assert_allclose(bundle.infer(X), wanted(values(4)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("beside", [True, False])
def test_a_match_that_gives_new_names_and_nothing_else(tmp_path: Path, beside: bool) -> None:
    renamed = {f"net.{name}": value for name, value in made_of(values(1)).items()}
    found, path = build.match(exported(values(1)), renamed), tmp_path / "net.om"
    if beside:
        found.save_beside(built(path, fold=False))
    else:
        build.from_onnx(exported(values(1)), program=found).save(path)
    with ab.Bundle.load(path) as bundle:
        assert [one.name for one in bundle.update.weights] == [*renamed]
        bundle.init()
        bundle.update({f"net.{name}": value for name, value in made_of(values(2)).items()})
        np.testing.assert_allclose(bundle.infer(X), wanted(values(2)), rtol=1e-5, atol=1e-5)


def test_first_values_of_another_version_are_not_kept(tmp_path: Path) -> None:
    """The bundle holds version 1, the match is of version 2: a part is not completed from it."""
    path = built(tmp_path / "net.om", 1)
    build.match(exported(values(2)), values(2)).save_beside(path)
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        np.testing.assert_allclose(bundle.infer(X), wanted(values(1)), rtol=1e-5, atol=1e-5)
        with pytest.raises(ab.WeightError, match="there is no last value of 'right'"):
            bundle.update({"left": values(3)["left"]})
        bundle.update(values(3))
        np.testing.assert_allclose(bundle.infer(X), wanted(values(3)), rtol=1e-5, atol=1e-5)


def test_another_bundle_of_the_same_size_is_refused(tmp_path: Path) -> None:
    path, other = built(tmp_path / "net.om", 1), built(tmp_path / "other.om", 2)
    assert path.stat().st_size == other.stat().st_size
    build.match(exported(values(1)), values(1)).save_beside(path)
    shutil.copy(other, path)
    with pytest.raises(ab.BundleFormatError, match=r"net\.om\.json.*another bundle.*same size"):
        ab.Bundle.load(path)
    with pytest.raises(ab.BundleFormatError, match=r"remove it and .*net\.om\.program"):
        build.match(exported(values(2)), values(2)).save_beside(path)
    (tmp_path / "net.om.json").unlink()
    (tmp_path / "net.om.program").unlink()
    build.match(exported(values(2)), values(2)).save_beside(path)
    takes(path, values(2))


@pytest.mark.parametrize(
    ("text", "why"), [('{"mine": 1}', "is no manifest of a bundle"), ("{", "is no JSON")]
)
def test_a_json_of_others_in_the_manifests_place(tmp_path: Path, text: str, why: str) -> None:
    """Without the program it is nobody's business; with it the weights' names would be lost."""
    path = built(tmp_path / "net.om")
    build.match(exported(values(1)), values(1)).save_beside(path)
    (tmp_path / "net.om.json").write_text(text)
    with pytest.raises(ab.BundleFormatError, match=rf"net\.om\.json {why}.*net\.om\.program"):
        ab.Bundle.load(path)


def test_a_name_that_the_file_has_for_a_weight_is_no_other_name(tmp_path: Path) -> None:
    some = {name: value for name, value in values(1).items() if name != "scale"}
    found = build.match(exported(values(1)), some).program
    with pytest.raises(ab.WeightError, match=r"^the program has 'scale' for another name"):
        ab.Bundle.load(
            built(tmp_path / "net.om"), program=replace(found, aliases={"scale": "left"})
        )


def test_another_program_of_the_same_size_is_refused(tmp_path: Path) -> None:
    path = built(tmp_path / "net.om")
    build.match(exported(values(1)), values(1)).save_beside(path)
    program = tmp_path / "net.om.program"
    data = bytearray(program.read_bytes())
    data[-1] ^= 1
    program.write_bytes(data)
    with pytest.raises(ab.BundleFormatError, match="another program"):
        ab.Bundle.load(path)


def test_a_manifest_without_digest_is_read_as_before(tmp_path: Path) -> None:
    """As the releases before this one wrote them."""
    path = built(tmp_path / "net.om")
    beside = build.match(exported(values(1)), values(1)).save_beside(path)
    told = json.loads(beside.read_text())
    del told["digest"], told["program"]["digest"]
    beside.write_text(json.dumps(told))
    takes(path, values(1))


WRONG: dict[str, tuple[Constant, str]] = {
    "name": (Constant("w", "left", np.dtype(np.float32), (3,)), r"makes 'w', .* does not have"),
    "shape": (Constant("scale", "fc.weight", np.dtype(np.float32), (3, 4)), r"\[3, 4\].*\[3\]"),
    "dtype": (Constant("scale", "left", np.dtype(np.float16), (3,)), "float16.*float32"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("fold", [True, False])
def test_a_program_of_other_constants_is_refused(tmp_path: Path, kind: str, fold: bool) -> None:
    path = built(tmp_path / "net.om", fold=fold)
    program = build.match(exported(values(1)), values(1)).program
    constant, message = WRONG[kind]
    kept = [one for one in program.constants if one.name != "scale"]
    with pytest.raises(ab.WeightError, match=message):
        weight_program.save_beside(replace(program, constants=(*kept, constant)), path)
    assert [one.name for one in tmp_path.iterdir()] == ["net.om"]


def test_what_takes_no_weights_is_refused(tmp_path: Path) -> None:
    path = build.model(exported(values(1))).save(tmp_path / "plain.om")
    with pytest.raises(ab.RoleError, match=r"plain\.om: no graph of it takes weights"):
        build.match(exported(values(1)), values(1)).save_beside(path)
    with pytest.raises(FileNotFoundError):
        build.match(exported(values(1)), values(1)).save_beside(tmp_path / "nowhere.om")


def test_the_digest_of_a_large_file_reads_pieces_of_it() -> None:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, 40 << 20, np.uint8)
    part = memoryview(data)[20_000_001:20_000_009]
    first = manifest.digest(memoryview(data), [part])
    for at in (0, len(data) - 1, 20_000_003):
        data[at] ^= 1
        assert manifest.digest(memoryview(data), [part]) != first
        data[at] ^= 1
    assert manifest.digest(memoryview(data)[:-1], [part]) != first
    assert manifest.digest(memoryview(data), [part]) == first
