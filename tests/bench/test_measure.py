"""Measuring on the fake: every kind of model, and numbers that are times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import bench, build, fake
from acl_bundle.answers import Where
from acl_bundle.answers.where import _is_fake
from acl_bundle.errors import BundleFormatError
from acl_bundle.testing import FakeAcl, MakeBundle

pytestmark = pytest.mark.usefixtures("fake_acl")
EFFORT = bench.Effort(rounds=3, warmup=1)


def embedding() -> onnx.ModelProto:
    """Two rows by two inputs, ids and a mask, of open batch and length."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"]),
        helper.make_node("Unsqueeze", ["mask", "last"], ["m"]),
        helper.make_node("Mul", ["e", "m"], ["masked"]),
        helper.make_node("MatMul", ["masked", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "embedding",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "seq"]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "seq"]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "seq", 64])],
        [
            numpy_helper.from_array(np.ones((2, 64), np.float32), "table"),
            numpy_helper.from_array(np.ones((64, 64), np.float32), "w"),
            numpy_helper.from_array(np.array([2]), "last"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    onnx.save(embedding(), tmp_path / "e.onnx")
    return tmp_path / "e.onnx"


def filled(
    model: bench.MeasuredModel, *axes: str, dtypes: tuple[str, ...] = ()
) -> list[bench.Cell]:
    table = bench.cells(model, [bench.parse(one) for one in axes], dtypes or model.dtypes[:1])
    for cell in table:
        assert list(bench.measure(model, cell, EFFORT)) == pytest.approx([1 / 3, 2 / 3, 1])
    return table


def test_an_onnx_model_in_every_shape_and_precision(path: Path) -> None:
    table = filled(bench.open(path), "batch=1,2", "seq=4", dtypes=bench.DTYPES)
    assert [cell.shapes for cell in table] == [
        {"ids": (1, 4), "mask": (1, 4)},
        {"ids": (2, 4), "mask": (2, 4)},
    ]
    for cell in table:
        assert cell.measured
        full, half, brain = cell.timings
        assert [len(one.samples) for one in cell.timings] == [3, 3, 3]
        assert 0 < full.mean_ms <= full.p99_ms
        assert full.p99_ms == max(full.samples) / 1e6
        assert cell.speedup(full) == 1
        assert cell.speedup(half) == full.p50_ms / half.p50_ms
        saved = 2 * (64 * 64 + 64)
        assert full.nbytes - half.nbytes == pytest.approx(saved, abs=2000)
        assert full.nbytes - brain.nbytes == pytest.approx(saved, abs=2000)


@pytest.mark.timed
def test_the_measured_time_is_that_of_the_execution(path: Path, fake_acl: FakeAcl) -> None:
    fake_acl.latency("aclmdlExecute", 0.02)
    (cell,) = filled(bench.open(path), "seq=2")
    assert 20 <= min(cell.timings[0].samples) / 1e6 < 100  # of several, on a busy machine


def test_a_bundle_is_measured_as_it_is(make_bundle: MakeBundle) -> None:
    for options in ({}, {"init": False}):
        file = make_bundle(
            embedding(), ["w"], input_shapes={"ids": (2, 3), "mask": (2, 3)}, **options
        )
        model = bench.open(file)
        assert model.dtypes == ("as it is",)
        (cell,) = filled(model)
        assert cell.timings[0].nbytes == file.stat().st_size


def test_a_plain_model_of_one_shape_is_measured(tmp_path: Path) -> None:
    shapes = {"ids": (2, 3), "mask": (2, 3)}
    file = build.model(embedding(), input_shapes=shapes).save(tmp_path / "plain.om")
    (cell,) = filled(bench.open(file))
    assert cell.timings[0].nbytes == file.stat().st_size


def test_gears_and_dynamic_shapes_are_swept(tmp_path: Path) -> None:
    gears = build.model(
        embedding(), dynamic_dims={"ids": [(1, 4), (2, 4)], "mask": [(1, 4), (2, 4)]}
    ).save(tmp_path / "gears.om")
    dynamic = build.model(embedding(), dynamic_shape=True).save(tmp_path / "dynamic.om")
    for file in (gears, dynamic):
        table = filled(bench.open(file), "batch=1,2", "length=4")
        assert all(cell.measured for cell in table)


def test_a_precision_that_a_model_lacks_is_refused(path: Path, make_bundle: MakeBundle) -> None:
    with pytest.raises(ValueError, match="'int8'; the model has float32, float16, bfloat16"):
        bench.cells(bench.open(path), [], ["int8"])
    file = make_bundle(embedding(), ["w"], input_shapes={"ids": (2, 3), "mask": (2, 3)})
    with pytest.raises(ValueError, match="'float16'; the model is measured as it is"):
        bench.cells(bench.open(file), [], ["float16"])


def test_what_was_measured_before_a_stop_is_kept(path: Path) -> None:
    model = bench.open(path)
    (cell,) = bench.cells(model, [bench.parse("seq=2")], ["float32"])
    assert not cell.measured
    rounds = bench.measure(model, cell, EFFORT)
    next(rounds)
    rounds.close()  # type: ignore[attr-defined]
    assert cell.measured
    assert len(cell.timings[0].samples) == 1


@pytest.mark.parametrize("content", [b"", b"not a model", b"IMOD", b"\x08\x08"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd"
    file.write_bytes(content)
    with pytest.raises(BundleFormatError, match=str(file)):
        bench.open(file)


def test_it_says_that_the_numbers_are_no_devices(path: Path) -> None:
    where = bench.use(bench.open(path))
    assert where.is_fake
    assert where.library == str(fake.library_path())
    assert "not device numbers: the fake computes on this machine's processor" in str(where)
    with fake.settings(profile="atlas-300i"):
        assert "the times of profile atlas-300i" in str(bench.use(bench.open(path)))


def test_a_device_is_called_by_its_name() -> None:
    where = Where("/usr/lib/libascendcl.so", "Ascend310P3", False, "none")
    assert str(where) == "Ascend310P3, /usr/lib/libascendcl.so"
    assert not _is_fake("libc.so.6")
    assert all(map(_is_fake, map(str, fake.library_path().parent.glob("libacl_*.so"))))


def test_weights_in_constant_nodes_are_float32_as_well(tmp_path: Path) -> None:
    """Some exporters keep every weight in a node."""
    table = numpy_helper.from_array(np.ones((64, 64), np.float32))
    graph = helper.make_graph(
        [
            helper.make_node("Constant", [], ["table"], value=table),
            helper.make_node("Gather", ["table", "ids"], ["rows"]),
            helper.make_node("ArgMax", ["rows"], ["y"], axis=-1),
        ],
        "paddle",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [2])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [2, 1])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "paddle.onnx")
    model = bench.open(tmp_path / "paddle.onnx")
    assert model.dtypes == bench.DTYPES
    (cell,) = filled(model, dtypes=("float32", "float16"))
    assert cell.timings[0].nbytes - cell.timings[1].nbytes == pytest.approx(2 * 64 * 64, abs=2000)


def test_a_model_without_float32_has_one_precision(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"])],
        "ints",
        [helper.make_tensor_value_info("x", TensorProto.INT64, [2])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [2])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "ints.onnx")
    model = bench.open(tmp_path / "ints.onnx")
    assert model.dtypes == ("as it is",)
    assert filled(model)[0].measured
