"""docs/weights.md: its programs run in their order, and print what the page shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from acl_bundle import build, weights
from acl_bundle.cli.weights.options import FORMATS
from acl_bundle.weights._sources import told
from acl_bundle.weights._sources.detect import KINDS

from .page import Page

Array = NDArray[Any]
PAGE = Page("docs/weights.md")
SHAPES = {"fc1.weight": (8, 16), "fc1.bias": (16,), "fc2.weight": (16, 3), "fc2.bias": (3,)}


def numbers(shape: tuple[int, ...], seed: int) -> Array:
    """Small integers, so that sums are exact in any order."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def policy(x: Array, new: Any) -> Array:
    hidden = np.maximum(x @ new["fc1.weight"] + new["fc1.bias"], 0)
    result: Array = hidden @ new["fc2.weight"] + new["fc2.bias"]
    return result


def network() -> onnx.ModelProto:
    node, end = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("MatMul", ["x", "fc1.weight"], ["a"]),
        node("Add", ["a", "fc1.bias"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("MatMul", ["c", "fc2.weight"], ["d"]),
        node("Add", ["d", "fc2.bias"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "policy", [end("x", 1, [2, 8])], [end("y", 1, [2, 3])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_acl: Any) -> dict[str, Any]:
    """The files that the page speaks of, and what its programs have at hand."""
    monkeypatch.chdir(tmp_path)
    model = network()
    for seed, (name, shape) in enumerate(SHAPES.items()):
        model.graph.initializer.append(numpy_helper.from_array(numbers(shape, seed), name))
    onnx.save(model, "policy.onnx")
    build.from_onnx(model, weights=list(SHAPES)).save("policy.om")
    trained = {f"model.{n}": numbers(shape[::-1], 9) for n, shape in sorted(SHAPES.items())}
    weights.save(trained, "trained.safetensors")
    Path("adapter").mkdir()
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    Path("adapter/adapter_config.json").write_text(json.dumps(config))
    matrices = {"lora_A.weight": numbers((2, 8), 12), "lora_B.weight": numbers((16, 2), 13)}
    pairs = {f"base_model.model.fc1.{name}": value for name, value in matrices.items()}
    weights.save(pairs, "adapter/adapter_model.safetensors")
    return {
        "x": numbers((2, 8), 10),
        "policy": policy,
        "random": lambda bundle, name: numbers(SHAPES[name], 11),
    }


def test_every_program_runs_and_prints_what_is_shown(session: dict[str, Any]) -> None:
    PAGE.run(session)


def test_every_public_name_is_on_the_page() -> None:
    for name in weights.__all__:
        assert name in PAGE.text or name in ("Layouts", "Report", "Source", "Spec", "View"), name


def test_every_kind_that_is_told_and_not_read_is_on_the_page() -> None:
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", PAGE.text)  # paragraphs, however they are wrapped
    listed = text[text.index("Other kinds are told by name") :].partition("\n\n")[0]
    heads = {
        "Keras model (.keras)": "`.keras`", "HDF5": "HDF5", "(.pt2)": "`.pt2`", "GGUF": "GGUF",
        "TorchScript": "TorchScript", "msgpack": "msgpack", "orbax": "orbax",
    }  # fmt: skip
    said = [one for name, one in vars(told).items() if name.isupper() and isinstance(one, str)]
    for text in said:
        if not text.startswith(("weights.save", "load it there")):
            assert any(key in text and shown in listed for key, shown in heads.items()), text
    source = Path(told.__file__).read_text(encoding="utf-8")
    assert all(key in source for key in heads)


def test_every_list_of_kinds_is_the_list() -> None:
    """The table of the page, the docstring of `weights.open` and the help of the commands."""
    table = PAGE.text[PAGE.text.index("| kind | what |") :].partition("\n\n")[0]
    columns = [line.split("|")[1:3] for line in table.splitlines()[2:]]
    paged = [kind for first, what in columns for kind in re.findall(r"`([^`]+)`", first)]
    also = [kind for _, what in columns for kind in re.findall(r"\(`([^`]+)`\)", what)]
    assert sorted(paged + also) == sorted(KINDS)
    doc = " ".join((weights.open.__doc__ or "").split("key:")[0].split())
    assert re.findall(r"``\"([^\"]+)\"``", doc) == list(KINDS)
    assert FORMATS.partition(": ")[2].removesuffix(".").split(", ") == list(KINDS)
