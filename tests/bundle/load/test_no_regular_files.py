"""Every door that takes a path refuses what is no regular file, at once, and names it."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from typer.testing import CliRunner

import acl_bundle as ab
from acl_bundle import bench, build, om, weights
from acl_bundle.cli.app import app
from acl_bundle.weights import Masks

W = {"w": np.ones((2, 2), "f4")}
KINDS = sorted(weights._KINDS)


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """End a test that waits for a FIFO's other end."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.fixture(params=["a FIFO", "a socket", "a character device"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A path, and what is there."""
    path, kind = tmp_path / "odd", request.param
    if kind == "a character device":
        path.symlink_to("/dev/zero")
        yield path, kind
        return
    with socket.socket(socket.AF_UNIX) as server:
        os.mkfifo(path) if kind == "a FIFO" else server.bind(os.fspath(path))
        yield path, kind


DOORS: dict[str, Callable[[Path], object]] = {
    "Bundle.load": ab.Bundle.load,
    "om.open": om.open,
    "om.open_bundle": om.open_bundle,
    "om.open_loadable": om.open_loadable,
    "om.open_model": om.open_model,
    "build.from_onnx": lambda path: build.from_onnx(path, ["w"]),
    "build.model": build.model,
    "bench.open": bench.open,
    "weights.open": weights.open,
    "weights.freeze": lambda path: weights.freeze(W, path, path.with_name("out")),
    "weights.layouts_of": weights.layouts_of,
    "Masks.load": Masks.load,
    **{f"kind={kind}": lambda path, kind=kind: weights.open(path, kind=kind) for kind in KINDS},
}
del DOORS["kind=npy folder"], DOORS["kind=tensorflow checkpoint"]


@pytest.mark.parametrize("door", DOORS)
def test_a_door_refuses_it_with_its_path_and_kind(door: str, odd: tuple[Path, str]) -> None:
    path, kind = odd
    with pytest.raises((OSError, ab.AclBundleError), match=f"{kind}; a regular file is right") as e:
        DOORS[door](path)
    assert os.fspath(path) in str(e.value)


@pytest.mark.parametrize("door", DOORS)
def test_links_in_a_circle_are_told_with_their_name(door: str, tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to("other")
    (tmp_path / "other").symlink_to("ring")
    with pytest.raises(OSError, match="ring"):
        DOORS[door](tmp_path / "ring")


def _checkpoint_state(folder: Path) -> None:
    (folder / "a.index").write_bytes(b"")
    os.mkfifo(folder / "checkpoint")


def _shards(folder: Path) -> None:
    index = {"weight_map": {"w": "one.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    os.mkfifo(folder / "one.safetensors")


def _shards_index(folder: Path) -> None:
    os.mkfifo(folder / "model.safetensors.index.json")


def _checkpoint_data(folder: Path) -> None:
    magic = bytes.fromhex("57fb808b247547db")
    (folder / "a.index").write_bytes(b"\0" * 40 + magic)
    os.mkfifo(folder / "a.data-00000-of-00001")


FOLDERS: dict[str, Callable[[Path], object]] = {
    "npy": lambda folder: os.mkfifo(folder / "w.npy"),
    "safetensors": lambda folder: os.mkfifo(folder / "w.safetensors"),
    "checkpoint state": _checkpoint_state,
    "checkpoint index": lambda folder: os.mkfifo(folder / "a.index"),
    "checkpoint data": _checkpoint_data,
    "a shard": _shards,
    "the shards' index": _shards_index,
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_with_a_fifo_inside_is_refused(what: str, tmp_path: Path) -> None:
    FOLDERS[what](tmp_path)
    with pytest.raises((OSError, ab.AclBundleError), match=os.fspath(tmp_path)):
        weights.open(tmp_path)


def _external(folder: Path) -> Path:
    """A model whose constant is said to lie in the file ``beside``."""
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]>'
        " g (float[1,2] x) => (float[1,2] y) { y = MatMul(x,w) }"
    )
    tensor = numpy_helper.from_array(W["w"], "w")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="beside")
    model.graph.initializer.append(tensor)
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


READERS: dict[str, Callable[[Path], object]] = {
    "build": lambda path: build.from_onnx(path, ["w"]),
    "bench": bench.open,
    "weights": lambda path: weights.open(path)["w"],
}


@pytest.mark.parametrize("reader", READERS)
def test_external_data_that_is_a_fifo_is_refused(reader: str, tmp_path: Path) -> None:
    model = _external(tmp_path)
    (tmp_path / "beside").write_bytes(W["w"].tobytes())
    READERS[reader](model)
    (tmp_path / "beside").unlink()
    os.mkfifo(tmp_path / "beside")
    with pytest.raises((OSError, ab.AclBundleError), match="a FIFO; a regular") as caught:
        READERS[reader](model)
    assert "beside" in str(caught.value)


def test_an_adapters_configuration_that_is_a_fifo_is_refused(tmp_path: Path) -> None:
    pairs = {"m.lora_A.weight": np.ones((1, 2), "f4"), "m.lora_B.weight": np.ones((2, 1), "f4")}
    weights.save(pairs, tmp_path / "adapter_model.safetensors")
    os.mkfifo(tmp_path / "adapter_config.json")
    with pytest.raises((OSError, ab.AclBundleError), match=r"adapter_config\.json"):
        weights.merge_lora(
            {"m.weight": W["w"]}, weights.open(tmp_path / "adapter_model.safetensors")
        )


@pytest.mark.parametrize(
    "command", [["inspect"], ["doctor"], ["weights", "list"], ["bench"]], ids=" ".join
)
def test_commands_say_it_and_end(command: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = CliRunner().invoke(app, [*command, os.fspath(tmp_path / "pipe")])
    assert result.exit_code != 0
    said = f"{result.output} {result.exception or ''}"
    assert "a FIFO" in said
    assert os.fspath(tmp_path / "pipe") in said.replace("\n", "")
