"""build.compile on the stand-in for GE: what comes out, and under which names."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, om

from .conftest import Network, X

pytestmark = pytest.mark.usefixtures("fake_acl")

SOC = "Ascend910B3"


def right(bundle: ab.Bundle, network: Network, x: Any = X, **new: Any) -> bool:
    return bool(np.allclose(bundle.infer(x), network.answer(x, **new), rtol=1e-6, atol=1e-6))


def test_a_compiled_bundle_takes_the_authors_names(network: Network, tmp_path: Path) -> None:
    made = build.compile(network.model(), ["s", "w", "b"], tmp_path / "chip.om", soc=SOC)
    with ab.Bundle.load(made.path) as bundle:
        assert list(bundle.weights) == ["s", "w", "b"]
        assert [one.name for one in bundle.infer.outputs] == ["out:0"]
        bundle.init()
        assert right(bundle, network)
        new = {name: value + 1 for name, value in network.weights.items()}
        bundle.update({"w": new["w"], "s": new["s"]})
        assert right(bundle, network, w=new["w"], s=new["s"])


def test_the_names_are_in_the_file_itself(network: Network, tmp_path: Path) -> None:
    """Not only in the manifest: GE keeps the name of a Constant node."""
    path = build.compile(network.model(), ["w", "s"], tmp_path / "chip.om", soc=SOC).path
    Path(f"{path}.json").unlink()
    found = om.open_bundle(path).variables
    assert [(one.name, one.in_graph) for one in found.values()] == [("w", "w"), ("s", "s")]


def test_the_manifest_says_what_went_in(network: Network, tmp_path: Path) -> None:
    onnx.save(network.model(), tmp_path / "network.onnx")
    made = build.compile(tmp_path / "network.onnx", ["w"], tmp_path / "chip.om", soc=SOC)
    data = json.loads((tmp_path / "chip.om.json").read_text())
    assert data["weights"] == [{"name": "w", "ge_name": "w", "dtype": "float32", "shape": [4, 3]}]
    assert (data["soc"], data["program"], data["ir"]) == (SOC, None, "1.0.0")
    assert data["options"]["global"]["ge.exec.precision_mode_v2"] == "origin"
    assert data["options"]["infer"] == {"input_format": "ND", "input_shape": "xs:2,4"}
    assert data["onnx"] == {
        "file": "network.onnx",
        "sha256": hashlib.sha256((tmp_path / "network.onnx").read_bytes()).hexdigest(),
    }
    assert data["sha256"] == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert data["nbytes"] == made.path.stat().st_size
    assert om.open_bundle(made.path).manifest == made.manifest


def test_a_node_that_has_a_weights_name_keeps_it(network: Network, tmp_path: Path) -> None:
    """The weight's own node gets another name then, and the manifest leads back."""
    model = network.model()
    model.graph.node[1].name = "w"
    made = build.compile(model, ["w"], tmp_path / "chip.om", soc=SOC)
    assert [(one.name, one.ge_name) for one in made.manifest.weights] == [("w", "w_weight1")]
    with ab.Bundle.load(made.path) as bundle:
        bundle.init()
        bundle.update({"w": network.weights["w"] * 2})
        assert right(bundle, network, w=network.weights["w"] * 2)


@pytest.mark.parametrize("choice", ["all", ["*"], ["w", "[bs]"]])
def test_weights_by_pattern(network: Network, tmp_path: Path, choice: Any) -> None:
    made = build.compile(network.model(), choice, tmp_path / "chip.om", soc=SOC)
    assert {one.name for one in made.manifest.weights} == {"w", "b", "s"}


def test_tensors_beside_the_model_come_into_it(network: Network, tmp_path: Path) -> None:
    """GE makes nothing refreshable that lies outside of the file."""
    model = network.model()
    onnx.save(
        model,
        tmp_path / "big.onnx",
        save_as_external_data=True,
        size_threshold=0,
        location="big.bin",
    )
    made = build.compile(tmp_path / "big.onnx", ["w"], tmp_path / "chip.om", soc=SOC)
    with ab.Bundle.load(made.path) as bundle:
        bundle.init()
        assert right(bundle, network)


def test_initializers_that_are_listed_as_inputs_are_none(network: Network, tmp_path: Path) -> None:
    model = network.model()
    for name in ("w", "b"):
        shape = network.weights[name].shape
        model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    made = build.compile(model, ["w"], tmp_path / "chip.om", soc=SOC)
    with ab.Bundle.load(made.path) as bundle:
        assert [one.name for one in bundle.infer.inputs] == ["xs"]
        bundle.init()
        assert right(bundle, network)


SHAPED = [
    ({"input_shapes": {"xs": (3, 4)}}, {"input_shape": "xs:3,4"}, [3]),
    ({"dynamic_batch": [1, 5]}, {"input_shape": "xs:-1,4", "ge.dynamicBatchSize": "1,5"}, [1, 5]),
    ({"dynamic_dims": {"xs": [(2, 4), (6, 4)]}},
     {"input_shape": "xs:-1,4", "ge.dynamicDims": "2;6"}, [2, 6]),
    ({"dynamic_shape": True}, {"input_shape": "xs:-1,4"}, [1, 2, 9]),
    ({"dynamic_shape": {"xs": [(2, 8), 4]}}, {"input_shape": "xs:2~8,4"}, [2, 8]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "options", "batches"), SHAPED)
def test_shapes_and_gears(
    network: Network, tmp_path: Path, asked: Any, options: dict[str, str], batches: list[int]
) -> None:
    made = build.compile(network.model("N"), ["w"], tmp_path / "chip.om", soc=SOC, **asked)
    assert made.manifest.made["options"]["infer"] == {"input_format": "ND", **options}
    with ab.Bundle.load(made.path) as bundle:
        bundle.init()
        bundle.update({"w": network.weights["w"] * 2})
        for batch in batches:
            x = np.random.default_rng(batch).standard_normal((batch, 4)).astype(np.float32)
            assert right(bundle, network, x, w=network.weights["w"] * 2)


def test_resolutions_are_of_images(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["image", "w"], ["y"])],
        "images",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [numpy_helper.from_array(np.ones((3, 1, 1), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    hw = [(2, 3), (4, 4)]
    made = build.compile(model, ["w"], tmp_path / "chip.om", soc=SOC, dynamic_hw=hw)
    assert made.manifest.made["options"]["infer"] == {
        "input_format": "NCHW",
        "input_shape": "image:1,3,-1,-1",
        "ge.dynamicImageSize": "2,3;4,4",
    }


@pytest.mark.parametrize(
    ("precision", "option"),
    [("fp16", "ge.exec.precision_mode_v2"), ("force_fp32", "ge.exec.precision_mode")],
)
def test_precision_is_ges_option(
    network: Network, tmp_path: Path, precision: str, option: str
) -> None:
    made = build.compile(network.model(), ["w"], tmp_path / "chip.om", soc=SOC, precision=precision)
    assert made.manifest.made["options"]["global"] == {"ge.socVersion": SOC, option: precision}


def test_the_program_is_compiled_once(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build.compile(network.model(), ["w"], tmp_path / "one.om", soc=SOC)
    (kept,) = (tmp_path / "cache" / "acl-bundle").iterdir()
    before = kept.stat().st_mtime_ns
    build.compile(network.model(), ["w"], tmp_path / "two.om", soc=SOC)
    assert [one.stat().st_mtime_ns for one in kept.parent.iterdir()] == [before]


def test_the_same_goes_in_and_the_same_comes_out(network: Network, tmp_path: Path) -> None:
    for name in ("one.om", "two.om"):
        build.compile(network.model(), ["w"], tmp_path / name, soc=SOC)
    one, two = ((tmp_path / f"{name}.om").read_bytes() for name in ("one", "two"))
    assert one == two
    assert (tmp_path / "one.om.json").read_bytes() == (tmp_path / "two.om.json").read_bytes()
