"""Kinds that are not read are told by name, with the line that makes weights of them.

The lines themselves are run where the library that they call is installed.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError

from ..samples import refused, same

HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
# {"params": {"w": ext 1 (shape, dtype, bytes)}}, as flax.serialization.to_bytes writes it
FLAX = b"\x81\xa6params\x81\xa1w\xc7\x15\x01\x93\x91\x02\xa7float32\xc4\x08" + bytes(8)
GGUF = b"GGUF" + struct.pack("<IQQ", 3, 0, 0)
HTML = b"<!DOCTYPE html><html>" + bytes(100)


def archive(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, b"pt2" if name.endswith("archive_format") else b"{}")

    return write


def content(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


FILES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "keras": (
        archive("metadata.json", "config.json", "model.weights.h5"),
        ["a Keras model", "keras.models.load_model(path)"],
    ),
    "hdf5": (content(HDF5), ["HDF5", "keras.models.load_model(path)", "load_weights"]),
    "pt2": (
        archive("m/data/weights/weight_0", "m/models/model.json", "m/archive_format"),
        ["torch.export", "torch.export.load(path).state_dict"],
    ),
    "pt2 of before": (
        archive("serialized_exported_program.json", "serialized_state_dict.pt", "version"),
        ["torch.export", "torch.export.load(path).state_dict"],
    ),
    "torchscript": (
        archive("m/data.pkl", "m/code/__torch__/a.py", "m/constants.pkl"),
        ["TorchScript", "torch.jit.load(path).state_dict()"],
    ),
    "flax": (content(FLAX), ["msgpack", "flax.serialization.msgpack_restore"]),
    "flax, many": (content(b"\xde\x00\x01" + FLAX[1:]), ["msgpack"]),
    "gguf": (content(GGUF), ["GGUF", "safetensors or torch file it was made from"]),
    "gzip": (content(gzip.compress(b"x" * 99)), ["gzip"]),
    "bzip2": (content(bz2.compress(b"x" * 99)), ["bzip2", "unpack"]),
    "xz": (content(lzma.compress(b"x" * 99)), ["xz", "unpack"]),
    "zstandard": (content(b"\x28\xb5\x2f\xfd" + bytes(99)), ["zstandard", "unpack"]),
    "lfs": (
        content(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        ["Git LFS", "git lfs pull"],
    ),
    "html": (content(HTML), ["HTML", "download"]),
    "xml": (content(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>"), ["XML", "download"]),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("name", ["weights", "model.safetensors", "model.bin"])
def test_a_file_is_told_by_its_content(tmp_path: Path, kind: str, name: str) -> None:
    write, said = FILES[kind]
    write(tmp_path / name)
    refused(tmp_path / name, *said)


@pytest.mark.parametrize("kind", ["hdf5", "flax", "gguf", "keras"])
def test_a_folder_says_what_its_only_file_is(tmp_path: Path, kind: str) -> None:
    write, said = FILES[kind]
    (tmp_path / "config.json").write_text("{}")
    write(tmp_path / "weights")
    refused(tmp_path, "no .npy", "weights: this is", *said)


@pytest.mark.parametrize("name", ["_METADATA", "_CHECKPOINT_METADATA", "manifest.ocdbt"])
def test_a_folder_of_orbax_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "d").mkdir()
    refused(tmp_path, "orbax", "restore(path)")
    (tmp_path / "step").mkdir()
    (tmp_path / name).rename(tmp_path / "step" / name)
    refused(tmp_path, str(tmp_path / "step"), "orbax", "restore(path)")


def test_no_kind_is_seen_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "w"
    for data in (b"\x81\x82abc", b"\xde\x00", b"\x81", b"\x8f\xa3\xff\xff\xff", b"GGU", b"\x89HDF"):
        path.write_bytes(data)
        refused(path, "no known format")


def _line(path: Path) -> str:
    """The line that the message gives, with the path in it."""
    with pytest.raises(WeightsFormatError) as caught:
        weights.open(path)
    found = re.search(r": ((?:weights|torch)\.save\(.*, other\))", str(caught.value))
    assert found is not None, str(caught.value)
    return found[1]


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
@pytest.mark.filterwarnings("ignore")
def test_the_line_for_keras_is_right(tmp_path: Path, name: str) -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed")
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, name="fc")])
    path, other = tmp_path / name, tmp_path / "w.safetensors"
    model.save(path)
    exec(_line(path), {"weights": weights, "keras": keras, "path": path, "other": other})
    with weights.open(other) as source:
        wanted = {one.path.rpartition("/")[2]: one.numpy() for one in model.variables}
        same({key.rpartition("/")[2]: value for key, value in source.items()}, wanted)


@pytest.mark.filterwarnings("ignore")
def test_the_lines_for_torch_are_right(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).eval()
    wanted = {name: value.numpy() for name, value in module.state_dict().items()}
    path, other = tmp_path / "m.pt2", tmp_path / "w.pt"
    torch.export.save(torch.export.export(module, (torch.ones(1, 3),)), path)
    exec(_line(path), {"torch": torch, "path": path, "other": other})
    same(weights.open(other), wanted)
    torch.jit.save(torch.jit.trace(module, torch.ones(1, 3)), path)
    exec(_line(path), {"torch": torch, "path": path, "other": other})
    same(weights.open(other), wanted)


@pytest.mark.parametrize("kind", ["msgpack", "orbax"])
def test_the_lines_for_jax_are_python(tmp_path: Path, kind: str) -> None:
    """Their libraries are large, so here the lines are only compiled."""
    path = tmp_path / "w"
    if kind == "orbax":
        path.mkdir()
        (path / "_METADATA").touch()
    else:
        path.write_bytes(FLAX)
    with pytest.raises(WeightsFormatError, match=kind):
        weights.open(path)
    compile(_line(path), "the line", "eval")
