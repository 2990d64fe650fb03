"""ONNX models as sources: initializers, Constant nodes, external data, and what is refused."""

from __future__ import annotations

import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import weights

from ..samples import BF16, F8, PLAIN, arrays, refused, replaced, same

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
    endless = model({"w": np.ones(3, "i1")})
    endless.graph.initializer[0].ClearField("raw_data")
    endless.graph.initializer[0].int32_data.extend([1, 1, 1])
    for data in (
        replaced(endless.SerializeToString(), b"\x01\x01\x01", b"\x01\x01\x81"),
        good[:-3],
        good[: len(good) // 2],
        b"\x08\x08",
        replaced(good, b"\x3a", b"\x3c"),
        *(one.SerializeToString() for one in (twice, nameless, short, negative, both, untyped)),
    ):
        path.write_bytes(data)
        refused(path, kind="onnx")


def test_missing_external_data_is_refused_by_name(path: Path) -> None:
    external(path)
    os.unlink(path.parent / "d")
    refused(path, "'w'", "'d'", "is no file")


def test_a_cache_of_links_opens(path: Path, tmp_path: Path) -> None:
    """Caches keep the files under their digests, and a folder of links to them."""
    external(path)
    links = tmp_path / "snapshot"
    links.mkdir()
    for name in ("d", path.name):
        (links / name).symlink_to(tmp_path / name)
    same(weights.open(links / path.name), {"w": np.ones(8)})


def test_reading_maps_and_needs_neither_onnx_nor_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = np.ones(4 << 20, "f4")
    onnx.save(model({"w": wanted}), path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    tracemalloc.start()
    try:
        with weights.open(path) as source:
            view = source["w"]
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    same({"w": view}, {"w": wanted})


@pytest.mark.parametrize("raw", [True, False], ids=["bytes", "one by one"])
def test_every_type_reads_as_onnx_reads_it(path: Path, raw: bool) -> None:
    numbers = np.array([0, 1, -2, 3, 1], np.float32)
    message = model({})
    for name, elem in TensorProto.DataType.items():
        if name in ("UNDEFINED", "STRING") or "FLOAT6" in name:
            continue
        dtype = helper.tensor_dtype_to_np_dtype(elem)
        values = (np.abs(numbers) if name.startswith("UINT") else numbers).astype(dtype)
        if name.endswith(("INT2", "BOOL", "E8M0")):
            values = np.abs(numbers).clip(0, 1).astype(dtype)
        made = numpy_helper.from_array(values, name)
        if not raw:
            made = one_by_one(made, values)
        message.graph.initializer.append(made)
    path.write_bytes(message.SerializeToString())
    wanted = {one.name: numpy_helper.to_array(one) for one in message.graph.initializer}
    with weights.open(path) as source:
        same(source, wanted)


def test_types_that_are_not_read_are_listed(path: Path) -> None:
    message = model({"w": np.ones(2), "words": np.array(["x"])})
    message.graph.initializer.append(TensorProto(name="six", data_type=27, dims=[4]))
    path.write_bytes(message.SerializeToString())
    with weights.open(path) as source:
        same(source, {"w": np.ones(2)})
        assert source.skipped == {
            "words": "STRING holds no numbers",
            "six": "type 27 of onnx.TensorProto is not read",
        }


def one_by_one(made: TensorProto, values: Any) -> TensorProto:
    """The same tensor with its values in a field, as onnx.proto says where."""
    elem, raw = made.data_type, made.raw_data
    tensor = TensorProto(name=made.name, data_type=elem, dims=made.dims)
    if elem in (TensorProto.FLOAT, TensorProto.COMPLEX64):
        tensor.float_data.extend(values.view("f4").tolist())
    elif elem in (TensorProto.DOUBLE, TensorProto.COMPLEX128):
        tensor.double_data.extend(values.view("f8").tolist())
    elif elem == TensorProto.INT64:
        tensor.int64_data.extend(values.tolist())
    elif elem in (TensorProto.UINT32, TensorProto.UINT64):
        tensor.uint64_data.extend(values.tolist())
    elif values.dtype.kind in "bui":
        tensor.int32_data.extend(map(int, values))
    else:
        width = len(raw) // len(values)
        tensor.int32_data.extend(np.frombuffer(raw, "<u2" if width == 2 else "u1").tolist())
    return tensor


def test_too_few_and_too_many_values_are_refused(path: Path) -> None:
    for count in (0, 2, 4):
        for field in ("float_data", "int32_data"):
            elem = TensorProto.FLOAT if field == "float_data" else TensorProto.INT8
            tensor = TensorProto(name="w", data_type=elem, dims=[3], **{field: [1] * count})
            message = model({})
            message.graph.initializer.append(tensor)
            path.write_bytes(message.SerializeToString())
            refused(path, "'w'", f"{count} are given")


def test_what_is_sparse_or_inside_a_function_is_listed(path: Path) -> None:
    message = model({"w": np.ones(2)})
    message.graph.sparse_initializer.add().values.name = "thin"
    constant = helper.make_node("Constant", [], ["k"], value_float=1.0)
    message.functions.append(
        helper.make_function("mine", "scale", [], ["k"], [constant], message.opset_import)
    )
    path.write_bytes(message.SerializeToString())
    with weights.open(path) as source:
        same(source, {"w": np.ones(2)})
        assert set(source.skipped) == {"thin", "scale/k"}


def test_half_precision_in_numbers_reads_as_onnx_reads_it(path: Path) -> None:
    tensor = helper.make_tensor("h", TensorProto.FLOAT16, [2], np.array([1.5, -2], np.float16))
    message = model({})
    message.graph.initializer.append(tensor)
    onnx.save(message, path)
    same(weights.open(path), {"h": numpy_helper.to_array(tensor)})
