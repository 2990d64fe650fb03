"""Weights with several names: in files, through views, into a model file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper

from acl_bundle import follow, weights
from acl_bundle.errors import WeightError

from .samples import same

E = np.arange(6, dtype="f4").reshape(3, 2)
B = np.ones(3, "f4")
TIED = {"head.weight": "emb.weight"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """As safetensors' save_model leaves it: one of two tied names, the other in the metadata."""
    path = tmp_path / "model.safetensors"
    weights.save({"emb.weight": E, "head.bias": B}, path, metadata={**TIED, "format": "pt"})
    return path


def test_a_name_that_save_model_left_out_is_an_alias(path: Path) -> None:
    with weights.open(path) as source:
        assert source.aliases == TIED
        same(source, {"emb.weight": E, "head.weight": E, "head.bias": B})
        assert "head.weight" in source
        assert source.spec("head.weight") == source.spec("emb.weight")
        assert source.get("head.weight").tolist() == E.tolist()
        assert source.nbytes == E.nbytes + B.nbytes


def test_what_safetensors_itself_left_out(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    save_model = pytest.importorskip("safetensors.torch").save_model
    module = tied(torch)
    save_model(module, str(tmp_path / "m.safetensors"))
    wanted = {name: value.numpy() for name, value in module.state_dict().items()}
    with weights.open(tmp_path / "m.safetensors") as source:
        same(source, wanted)
        assert {*source.aliases, *source.aliases.values()} == {"emb.weight", "head.weight"}


def tied(torch: Any) -> Any:
    module = torch.nn.Module()
    module.emb, module.head = torch.nn.Embedding(9, 4), torch.nn.Linear(4, 9)
    module.head.weight = module.emb.weight
    return module


def test_metadata_that_names_no_tensor_is_no_alias(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save({"w": E, "v": B}, path, metadata={"format": "pt", "v": "w", "x": "none"})
    with weights.open(path) as source:
        assert source.aliases == {}
        same(source, {"w": E, "v": B})


def test_a_version_that_is_a_weights_name_is_no_alias(tmp_path: Path) -> None:
    """What a publisher notes beside the weights is about the file."""
    published = follow.publish_directory(tmp_path, {"7": E, "w": B}, version=7)
    with weights.open(published) as source:
        assert isinstance(source, weights.Safetensors)
        assert "7" in source.metadata.values()
        assert source.aliases == {}
        same(source, {"7": E, "w": B})


def test_names_of_one_storage_of_torch_are_aliases(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    state = dict(tied(torch).state_dict())
    state |= {"part": state["emb.weight"][1:], "turned": state["emb.weight"].T}
    state |= {"copy": state["emb.weight"].clone(), "none": torch.zeros(0), "no": torch.zeros(0)}
    torch.save(state, tmp_path / "m.pt")
    with weights.open(tmp_path / "m.pt") as source:
        assert source.aliases == TIED
        same(source, {name: value.numpy() for name, value in state.items()})


def test_aliases_of_shards(tmp_path: Path) -> None:
    weights.save({"emb.weight": E}, tmp_path / "1.safetensors", metadata=TIED)
    weights.save({"head.bias": B}, tmp_path / "2.safetensors", metadata=TIED)
    places = {"emb.weight": "1.safetensors", "head.bias": "2.safetensors"}
    for listed in ({}, {"head.weight": "1.safetensors"}):
        index = {"weight_map": {**places, **listed}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
        with weights.open(tmp_path) as source:
            assert source.aliases == TIED
            same(source, {"emb.weight": E, "head.weight": E, "head.bias": B})
            assert source.skipped == {}


def test_views_keep_aliases_as_long_as_the_values_are_the_same(path: Path) -> None:
    with weights.open(path) as source:
        renamed = weights.rename(source, add_prefix="model.")
        assert renamed.aliases == {"model.head.weight": "model.emb.weight"}
        assert weights.select(source, ["head.*"]).aliases == {}
        assert weights.transpose(source, ["*.weight"]).aliases == TIED
        assert weights.transpose(source, ["head.weight"]).aliases == {}
        assert weights.cast(source, "float16").aliases == TIED
        assert weights.cast(source, "float16", keep_float32=["head.*"]).aliases == {}
        assert weights.sparsify_2_4(source, {"emb.weight": "kn"}).aliases == {}
        twice = weights.rename(weights.cast(source, "float16"), {"head.weight": "a.weight"})
        assert twice.aliases == {"a.weight": "emb.weight"}
    assert weights.rename({"a": E, "b": E}, add_prefix="c.").aliases == {}


def test_a_model_with_one_of_the_names_takes_the_file(path: Path, tmp_path: Path) -> None:
    for name in ("emb.weight", "head.weight"):
        text = (
            '<ir_version: 8, opset_import: ["": 17]> g (float[1, 3] x) => (float[1, 2] y)'
            f" <float[3, 2] {name.replace('.', '_')}>"
            f" {{ y = MatMul(x, {name.replace('.', '_')}) }}"
        )
        model = onnx.parser.parse_model(text)
        del model.graph.initializer[:]
        model.graph.initializer.append(numpy_helper.from_array(E * 0, name))
        model.graph.node[0].input[1] = name
        onnx.save(model, tmp_path / "m.onnx")
        with weights.open(path) as source:
            new = weights.select(source, ["*.weight"])
            weights.freeze(new, tmp_path / "m.onnx", tmp_path / "out.onnx")
            same(weights.open(tmp_path / "out.onnx"), {name: E})
            with pytest.raises(WeightError, match=r"head\.bias"):
                weights.freeze(source, tmp_path / "m.onnx", tmp_path / "no.onnx")
