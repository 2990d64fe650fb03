"""Bundles whose graphs have other names for the weights than their author."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, om, weights
from acl_bundle.cli.inspect.describe import describe
from acl_bundle.cli.inspect.show import run as inspect

pytestmark = pytest.mark.usefixtures("fake_acl")

Made = Callable[..., Path]
X = np.float32([[1, 2]])


def model(names: list[str]) -> onnx.ModelProto:
    """y = x * names[0] * names[1] ..., each [2] and of its place + 1."""
    nodes, last = [], "x"
    for at, name in enumerate(names):
        out = "y" if at == len(names) - 1 else f"h{at}"
        nodes.append(helper.make_node("Mul", [last, name], [out], name=f"n{at}"))
        last = out
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [
            numpy_helper.from_array(np.full(2, at + 1, np.float32), name)
            for at, name in enumerate(names)
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def compiled(tmp_path: Path) -> Made:
    """Make a bundle whose graphs have these names."""

    def make(*names: str) -> Path:
        path = tmp_path / "compiled.om"
        build.from_onnx(model([*names]), weights=[*names]).save(path)
        return path

    return make


def manifest(path: Path, names: dict[str, str], **changes: Any) -> None:
    """Write the manifest of a bundle: GE's name of each weight."""
    rows = tuple(om.ManifestWeight(name, ge, "float32", (2,)) for name, ge in names.items())
    data = json.loads(om.Manifest("", rows, path.stat().st_size).to_json())
    path.with_name(f"{path.name}.json").write_text(json.dumps({**data, **changes}))


def test_what_ge_adds_to_the_name_of_an_initializer_is_taken_off(compiled: Made) -> None:
    path = compiled("w_Initializer_3", "b_Initializer_0")
    with ab.Bundle.load(path) as bundle:
        assert list(bundle.weights) == ["w", "b"]
        bundle.init()
        bundle.update({"w": np.float32([5, 7])})
        assert np.array_equal(bundle.infer(X), X * np.float32([5, 7]) * 2)
        with pytest.raises(
            ab.WeightError, match="'w_Initializer_3' is GE's name of the weight 'w'"
        ):
            bundle.update({"w_Initializer_3": np.float32([1, 1])})


def test_two_weights_that_would_collide_keep_the_graphs_names(compiled: Made) -> None:
    with ab.Bundle.load(
        compiled("w_Initializer_3", "w_Initializer_0", "b_Initializer_1")
    ) as bundle:
        assert list(bundle.weights) == ["w_Initializer_3", "w_Initializer_0", "b"]
        bundle.init()
        bundle.update({"w_Initializer_0": np.float32([5, 7])})
        assert np.array_equal(bundle.infer(X), X * np.float32([5, 7]) * 3)
        said = "'w_Initializer_3', 'w_Initializer_0' would all be 'w', so each keeps the name"
        with pytest.raises(ab.WeightError, match=said):
            bundle.update({"w": np.float32([1, 1])})


def test_a_weight_that_is_called_so_anyway_counts_as_well(compiled: Made) -> None:
    with ab.Bundle.load(compiled("w", "w_Initializer_0")) as bundle:
        assert list(bundle.weights) == ["w", "w_Initializer_0"]


def test_first_values_have_the_authors_names(compiled: Made) -> None:
    with weights.open(compiled("w_Initializer_1", "b_Initializer_0")) as source:
        assert {name: value.tolist() for name, value in source.items()} == {
            "w": [1, 1],
            "b": [2, 2],
        }


def test_the_manifest_names_the_weights(compiled: Made) -> None:
    path = compiled("const_7", "w_Initializer_0")
    manifest(path, {"policy.w": "const_7", "w_Initializer_0": "w_Initializer_0"})
    with ab.Bundle.load(path) as bundle:
        assert list(bundle.weights) == ["policy.w", "w_Initializer_0"]
        bundle.init()
        bundle.update({"policy.w": np.float32([5, 7])})
        assert np.array_equal(bundle.infer(X), X * np.float32([5, 7]) * 2)
    assert om.open_bundle(path).manifest is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"nbytes": 7}, "this manifest is of a bundle of 7 bytes, but .*compiled.om has"),
        ({"weights": []}, "only one of the two has the weights 'const_7'"),
        ({"format": "acl_bundle manifest 9"}, "this release reads 'acl_bundle manifest 1'"),
        ({"weights": [{"name": 3}]}, "this manifest is damaged"),
        ({"nbytes": None}, "this manifest is damaged"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    compiled: Made, changes: dict[str, Any], said: str
) -> None:
    path = compiled("const_7")
    manifest(path, {"w": "const_7"}, **changes)
    with pytest.raises(ab.BundleFormatError, match=said):
        ab.Bundle.load(path)


def test_no_json_is_refused_and_somebody_elses_json_passed_by(compiled: Made) -> None:
    path = compiled("const_7")
    other = path.with_name("compiled.om.json")
    other.write_text("[1, 2")
    with pytest.raises(ab.BundleFormatError, match=r"compiled\.om\.json: this is no JSON"):
        om.open(path)
    for text in ('{"graph": []}', "[1, 2]", '{"format": 3}'):
        other.write_text(text)
        assert list(om.open_bundle(path).variables) == ["const_7"]


def test_inspect_shows_both_names(compiled: Made, capsys: pytest.CaptureFixture[str]) -> None:
    path = compiled("w_Initializer_1", "b_Initializer_0")
    inspect(path, "tables", as_json=False)
    shown = capsys.readouterr().out
    assert "w_Initializer_1" in shown.partition("partitions")[0]
    assert [(one["name"], one["in_graph"]) for one in describe(path)["weights"]] == [
        ("w", "w_Initializer_1"),
        ("b", "b_Initializer_0"),
    ]
