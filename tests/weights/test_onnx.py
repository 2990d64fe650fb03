"""ONNX models as sources: initializers, Constant nodes, external data, and what is refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import weights
from acl_bundle.errors import UnsupportedError

from .samples import BF16, F8, PLAIN, arrays, refused, replaced, same

WANTED = arrays(*PLAIN, BF16)


def model(initializers: dict[str, Any], nodes: list[Any] | None = None) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(value, name) for name, value in initializers.items()]
    return helper.make_model(helper.make_graph(nodes or [], "g", [], [], tensors))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.bin"


def test_initializers_read_bit_for_bit(path: Path) -> None:
    onnx.save(model({**WANTED, "eighth": np.ones(3, F8)}), path)
    with weights.open(path) as source:
        assert source.kind == "onnx"
        same(source, {**WANTED, "eighth": np.ones(3, F8)})


def test_external_data_reads_bit_for_bit_and_mapped(path: Path) -> None:
    onnx.save(model(WANTED), path, save_as_external_data=True, location="d", size_threshold=0)
    same(weights.open(path), WANTED)


def test_constant_nodes_are_constants_in_every_form(path: Path) -> None:
    value = numpy_helper.from_array(WANTED["large"])
    nodes = [
        helper.make_node("Constant", [], ["tensor"], value=value),
        helper.make_node("Constant", [], ["one"], value_float=1.5),
        helper.make_node("Constant", [], ["many"], value_ints=[1, 2]),
        helper.make_node("Constant", [], ["text"], value_string="a"),
    ]
    onnx.save(model({"words": np.array(["x"])}, nodes), path)
    source = weights.open(path)
    wanted = {"tensor": WANTED["large"], "one": np.float32(1.5).reshape(()), "many": [1, 2]}
    same(source, {**wanted, "many": np.array([1, 2])})
    assert set(source.skipped) == {"text", "words"}


def test_constants_of_branches_are_listed_not_offered(path: Path) -> None:
    inner = helper.make_graph([], "branch", [], [], [numpy_helper.from_array(np.ones(2), "w")])
    node = helper.make_node("If", ["c"], [], then_branch=inner, else_branch=inner)
    onnx.save(model({"c": np.array(True)}, [node]), path)
    source = weights.open(path)
    assert list(source) == ["c"]
    assert list(source.skipped) == ["branch/w"]


def external(path: Path, **entries: str) -> None:
    onnx.save(model({"w": np.ones(8)}), path, save_as_external_data=True, location="d",
              size_threshold=0)  # fmt: skip
    message = onnx.load(path, load_external_data=False)
    for entry in message.graph.initializer[0].external_data:
        entry.value = entries.pop(entry.key, entry.value)
    for key, value in entries.items():
        message.graph.initializer[0].external_data.add(key=key, value=value)
    path.write_bytes(message.SerializeToString())


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "../d"},
        {"location": "/etc/passwd"},
        {"location": "link"},
        {"offset": "8"},
        {"offset": "-8"},
        {"length": "63"},
        {"length": "x"},
    ],
    ids=str,
)
def test_external_data_that_leads_elsewhere_is_refused(
    path: Path, entries: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "d"
    outside.write_bytes(b"\0" * 64)
    (path.parent / "link").symlink_to(outside)
    external(path, **entries)
    refused(path, "'w'", kind="onnx")


def test_damaged_models_are_refused(path: Path) -> None:
    onnx.save(model({"w": np.ones(500), "v": np.ones(3)}), path)
    good = path.read_bytes()
    twice = model({"w": np.ones(3)})
    twice.graph.initializer.add().CopyFrom(twice.graph.initializer[0])
    nameless = model({"w": np.ones(3)})
    nameless.graph.initializer[0].name = ""
    short = model({"w": np.ones(3)})
    short.graph.initializer[0].raw_data = b"\0" * 23
    negative = model({"w": np.ones(3)})
    negative.graph.initializer[0].dims[0] = -3
    both = model({"w": np.ones(3)}, [helper.make_node("Constant", [], ["w"], value_int=1)])
    untyped = model({"w": np.ones(3)})
    untyped.graph.initializer[0].data_type = 0
    sparse = model({})
    sparse.graph.sparse_initializer.add()
    for data in (
        good[:-3],
        good[: len(good) // 2],
        b"\x08\x08",
        replaced(good, b"\x3a", b"\x3c"),
        *(
            one.SerializeToString()
            for one in (twice, nameless, short, negative, both, sparse, untyped)
        ),
    ):
        path.write_bytes(data)
        refused(path, kind="onnx")


def test_missing_external_data_is_an_os_error(path: Path) -> None:
    external(path)
    os.unlink(path.parent / "d")
    with pytest.raises(FileNotFoundError, match="'w'"):
        weights.open(path)


def test_without_onnx_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(model({"w": np.ones(3)}), path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UnsupportedError, match=r"acl-bundle\[build\]"):
        weights.open(path)


def test_half_precision_in_numbers_reads_as_onnx_reads_it(path: Path) -> None:
    tensor = helper.make_tensor("h", TensorProto.FLOAT16, [2], np.array([1.5, -2], np.float16))
    message = model({})
    message.graph.initializer.append(tensor)
    onnx.save(message, path)
    same(weights.open(path), {"h": numpy_helper.to_array(tensor)})
