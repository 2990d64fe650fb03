"""TensorFlow's checkpoints and frozen graphs, written by TensorFlow."""

from __future__ import annotations

import os
import runpy
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import UnsupportedError, WeightsFormatError

from ..samples import BF16, PLAIN, arrays, refused, replaced, same

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    tf = pytest.importorskip("tensorflow", reason="the tensorflow wheel is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
WANTED = {name.replace(".", "_"): value for name, value in arrays(*PLAIN, BF16).items()}


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two versions of a checkpoint, of which the second is the newest."""
    folder = tmp_path_factory.mktemp("checkpoint")
    variables = {name: tf.Variable(value) for name, value in WANTED.items()}
    checkpoint = tf.train.Checkpoint(**variables)
    manager = tf.train.CheckpointManager(checkpoint, str(folder), 2, checkpoint_name="model")
    manager.save()
    variables["large"].assign(variables["large"] * 0 + 7)
    manager.save()
    return folder


@pytest.fixture
def checkpoint(saved: Path, tmp_path: Path) -> Path:
    """The prefix of the first version, in a folder to damage."""
    shutil.copytree(saved, tmp_path / "copy")
    return tmp_path / "copy" / "model-1"


def plain(source: Any) -> Any:
    named = weights.rename(source, regex=[(VALUE + "$", "")])
    return {name: value for name, value in named.items() if name != "save_counter"}


def test_a_checkpoint_reads_bit_for_bit(checkpoint: Path) -> None:
    for path in (checkpoint, Path(f"{checkpoint}.index")):
        with weights.open(path) as source:
            assert source.kind == "tensorflow checkpoint"
            same(plain(source), WANTED)
            assert list(source.skipped) == ["_CHECKPOINTABLE_OBJECT_GRAPH"]


def test_a_folder_gives_its_newest_checkpoint(checkpoint: Path) -> None:
    assert (weights.open(checkpoint.parent)["large" + VALUE] == 7).all()
    (checkpoint.parent / "checkpoint").unlink()
    with pytest.raises(WeightsFormatError, match="several sets"):
        weights.open(checkpoint.parent)


def test_a_saved_model_reads_by_its_folder(tmp_path: Path) -> None:
    module = tf.Module()
    module.kernel = tf.Variable(np.ones((2, 3), "f4"))
    tf.saved_model.save(module, str(tmp_path / "model"))
    same(plain(weights.open(tmp_path / "model")), {"kernel": np.ones((2, 3), "f4")})
    refused(tmp_path / "model" / "saved_model.pb", "open the folder")


def test_a_checkpoint_by_names_of_the_first_version_reads(tmp_path: Path) -> None:
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.get_variable("dense/kernel", initializer=np.ones((2, 2), "f4"))
        saver, start = tf.compat.v1.train.Saver(), tf.compat.v1.global_variables_initializer()
        with tf.compat.v1.Session(graph=graph) as session:
            session.run(start)
            saver.save(session, str(tmp_path / "old"))
    same(weights.open(tmp_path / "old"), {"dense/kernel": np.ones((2, 2), "f4")})


@pytest.mark.parametrize("sharded", [False, True])
def test_a_checkpoint_in_the_first_format_reads(tmp_path: Path, sharded: bool) -> None:
    """One file, or several of one pattern, without .index and .data."""
    graph, v1 = tf.Graph(), tf.compat.v1
    wanted = {"fc/w": np.arange(6, dtype="f4").reshape(2, 3), "fc/b": np.ones(3, "f4")}
    with graph.as_default(), v1.Session(graph=graph) as session:
        for name, value in wanted.items():
            v1.get_variable(name, initializer=value, use_resource=False)
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1, sharded=sharded)
        session.run(v1.global_variables_initializer())
        saver.save(session, str(tmp_path / "model.ckpt"), global_step=1)
    name = "model.ckpt-1-00000-of-00001" if sharded else "model.ckpt-1"
    for path in (tmp_path / name, tmp_path, tmp_path / "model.ckpt-1"):
        with weights.open(path) as source:
            assert source.kind == "tensorflow checkpoint"
            same(source, wanted)
            assert source.files == (str(tmp_path / name),)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[:40] + data[-48:])
    refused(tmp_path / name, "TensorFlow cannot read")
    (tmp_path / name).write_bytes(data[:-1])
    refused(tmp_path / name)
    if sharded:
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).rename(tmp_path / "model.ckpt-1-00000-of-00002")
        with pytest.raises(WeightsFormatError, match=r"files \[1\] of 2 are missing"):
            weights.open(tmp_path / "model.ckpt-1-00000-of-00002")


def test_damaged_checkpoints_are_refused(checkpoint: Path) -> None:
    index, data = Path(f"{checkpoint}.index"), Path(f"{checkpoint}.data-00000-of-00001")
    good = index.read_bytes()
    for bad in (b"", good[:-1], good[: len(good) // 2], good[:20] + b"\xff" * 30 + good[50:]):
        index.write_bytes(bad)
        refused(checkpoint, kind="tensorflow checkpoint")
    index.write_bytes(good)
    values = data.read_bytes()
    data.write_bytes(values[:40])
    refused(checkpoint)
    data.write_bytes(b"\xff" * len(values))
    refused(checkpoint)
    data.rename(Path(f"{checkpoint}.data-00000-of-00002"))
    refused(checkpoint, "data files [1] of 2")
    Path(f"{checkpoint}.data-00000-of-00002").unlink()
    refused(checkpoint, "no .data")


def constants(**values: Any) -> bytes:
    graph = tf.Graph()
    with graph.as_default():
        for name, value in values.items():
            tf.constant(value, name=name)
    raw: bytes = graph.as_graph_def().SerializeToString()
    return raw


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "graph.bin"


def test_a_frozen_graph_reads_bit_for_bit(path: Path) -> None:
    wanted = {**WANTED, "complex": np.ones((2, 2), "c8"), "wide": np.ones(3, "c16")}
    path.write_bytes(constants(words=["a"], **wanted))
    with weights.open(path) as source:
        assert source.kind == "tensorflow graph"
        same(source, wanted)
        assert list(source.skipped) == ["words"]


@pytest.mark.parametrize(
    "dtype", [*PLAIN, "c8", "c16", BF16, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn]
)
def test_short_forms_of_values_read_as_tensorflow_reads_them(path: Path, dtype: Any) -> None:
    """One value for a whole tensor, a few and the last repeated, and none at all."""
    values = np.array([1, 0, 1], np.float32).astype(dtype)
    kinds = {
        "fill": tf.make_tensor_proto(values[0], shape=[4, 5]),
        "scalar": tf.make_tensor_proto(values[0]),
        "few": tf.make_tensor_proto(values[0], shape=[5]),
        "none": tf.make_tensor_proto(values, shape=[3]),
    }
    for value in values[1:]:
        kinds["few"].MergeFrom(tf.make_tensor_proto(value))
    kinds["none"].tensor_content = b""
    graph = tf.compat.v1.GraphDef()
    for name, proto in kinds.items():
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = proto.dtype
        node.attr["value"].tensor.CopyFrom(proto)
    path.write_bytes(graph.SerializeToString())
    same(weights.open(path), {name: tf.make_ndarray(proto) for name, proto in kinds.items()})


def test_one_value_for_a_huge_tensor_takes_no_memory(path: Path) -> None:
    path.write_bytes(b"\x0a" + _node(size=1 << 40, floats=1))
    array = weights.open(path)["w"]
    assert array.shape == (1 << 40,)
    assert array[-1] == 1
    path.write_bytes(b"\x0a" + _node(size=1 << 40, floats=2))
    with pytest.raises(WeightsFormatError, match=r"'w': float32.* a bomb"):
        _read(path)


def test_numbers_that_were_not_packed_read_alike(path: Path) -> None:
    """A reader of protobuf must take either form, whatever the schema says."""
    one = np.ones(1, "<f4").tobytes()
    packed = b"\x0a" + _node(size=2, floats=2)
    path.write_bytes(replaced(packed, b"\x2a\x08" + one + one, (b"\x2d" + one) * 2))
    assert weights.open(path)["w"].tolist() == [1, 1]


def test_a_frozen_function_reads_after_inlining(path: Path) -> None:
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    kernel = tf.Variable(np.arange(6, dtype="f4").reshape(2, 3))
    function = tf.function(lambda x: x @ kernel).get_concrete_function(tf.TensorSpec([1, 2]))
    frozen = convert_variables_to_constants_v2(function)
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
    found = [one for one in weights.open(path).values() if one.shape == (2, 3)]
    assert np.array_equal(found[0], kernel.numpy())


def test_damaged_graphs_are_refused(path: Path) -> None:
    values = np.arange(50, dtype="f4")
    good = constants(w=values)
    content = values.tobytes()
    for kind, data in {
        "cut short": good[:-7],
        "cut in half": good[: len(good) // 2],
        "twice": good + constants(w=values),
        "no constants": constants(),
        "a wrong dim": replaced(good, b"\x12\x02\x08\x32", b"\x12\x02\x08\x33"),
        "a negative dim": b"\x0a" + _node(size=-1),
        "too many values": b"\x0a" + _node(size=1, floats=2),
        "an open rank": b"\x0a" + _node(size=1, unknown=True),
        "content as number": good.replace(b"\x22\xc8\x01" + content, b"\x20\x05"),
        "another type": replaced(good, b"\x08\x01\x12\x04", b"\x08\x02\x12\x04"),
    }.items():
        path.write_bytes(data)
        with pytest.raises(WeightsFormatError):
            _read(path)
        assert kind


def _node(size: int, floats: int = 0, unknown: bool = False) -> bytes:
    graph = tf.compat.v1.GraphDef()
    node = graph.node.add(name="w", op="Const")
    tensor = node.attr["value"].tensor
    tensor.dtype = 1
    tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_shape.unknown_rank = unknown
    tensor.float_val.extend([1.0] * floats)
    raw: bytes = graph.SerializeToString()[1:]
    return raw


def _read(path: Path) -> None:
    with weights.open(path, kind="tensorflow graph") as source:
        for name in source:
            source[name]


def test_without_tensorflow_the_extra_is_named(
    checkpoint: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(constants(w=np.ones(4)))
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UnsupportedError, match=r"pip install '\.\[tensorflow\]'"):
        weights.open(checkpoint)
    same(weights.open(path), {"w": np.ones(4)})  # a frozen graph needs none


def test_the_example_freezes_a_checkpoint_of_tensorflow(
    fake_acl: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """examples/freeze_model.py, in this process: importing tensorflow takes its time."""
    program = Path(__file__).parents[3] / "examples" / "freeze_model.py"
    example = runpy.run_path(str(program))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, shape in example["SHAPES"].items():
            value = np.full(shape, 0.5, np.float32)
            tf.compat.v1.Variable(value, name=f"model.{name}", use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        prefix = tf.compat.v1.train.Saver().save(session, str(tmp_path / "step-1000.ckpt"))
    example["main"](tmp_path, Path(prefix))
    printed = capsys.readouterr().out
    assert "<tensorflow checkpoint" in printed
    assert "policy.onnx: 4 of 4 constants are replaced" in printed
