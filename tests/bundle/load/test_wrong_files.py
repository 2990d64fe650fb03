"""What is given for a model and is none is told as what it is, with the call that reads it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build, om, weights
from acl_bundle.errors import BundleFormatError, WeightsFormatError

torch = pytest.importorskip("torch")
W = {"w": np.ones((2, 2), "f4")}


def _onnx() -> bytes:
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Abs(x) }'
    return onnx.parser.parse_model(text).SerializeToString()  # type: ignore[no-any-return]


def _written(write: Callable[[io.BytesIO], object]) -> bytes:
    data = io.BytesIO()
    write(data)
    return data.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "ONNX": (_onnx, r"an ONNX model.*build\.from_onnx\(path"),
    "safetensors": (lambda: weights.to_bytes(W), r"safetensors.*weights\.open\(path\)"),
    "torch": (
        lambda: _written(lambda data: torch.save({"w": torch.ones(2)}, data)),
        r"torch\.save.*weights\.open\(path\)",
    ),
    "npz": (lambda: _written(lambda data: np.savez(data, **W)), r"npz.*weights\.open\(path\)"),
    "npy": (lambda: _written(lambda data: np.save(data, W["w"])), r"npy.*weights\.open\(path\)"),
    "gzip": (lambda: gzip.compress(b"IMOD"), "gzip.*unpack"),
    "HTML": (lambda: b"\n<!DOCTYPE html><html>" + b" " * 400, "HTML page.*download"),
    "LFS": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "Git LFS.*git lfs pull",
    ),
}
READERS: dict[str, Callable[[Path], object]] = {"Bundle.load": ab.Bundle.load, "om.open": om.open}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", FILES)
def test_it_says_what_the_file_is_and_what_reads_it(kind: str, reader: str, tmp_path: Path) -> None:
    make, said = FILES[kind]
    path = tmp_path / "model.om"
    path.write_bytes(make())
    with pytest.raises(BundleFormatError, match=said) as caught:
        READERS[reader](path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", ["gzip", "HTML", "LFS"])
def test_weights_say_it_too(kind: str, tmp_path: Path) -> None:
    make, said = FILES[kind]
    path = tmp_path / "w"
    path.write_bytes(make())
    with pytest.raises(WeightsFormatError, match=said):
        weights.open(path)


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\rb", "a\x9bb", "a\u202eb", "a\x07b"])
def test_no_control_character_of_a_name_is_in_an_errors_text(name: str) -> None:
    for kind in (ab.errors.WeightError, BundleFormatError, ab.errors.AclBundleError):
        text = str(kind(f"it has {name}"))
        assert text.isprintable()
        assert "\\" in text
    assert str(ab.errors.WeightError("größe\n重み\t1")) == "größe\n重み\t1"


@pytest.mark.parametrize("name", ["INT4", "FLOAT8E4M3FN"])
def test_a_weight_of_a_type_that_no_bundle_has_is_told_with_those_that_there_are(name: str) -> None:
    elem = onnx.TensorProto.DataType.Value(name)
    value = onnx.helper.make_tensor("w", elem, [2], [1.0, 1.0])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["w"], ["y"])],
        "g",
        [],
        [onnx.helper.make_tensor_value_info("y", elem, [2])],
        [value],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)])
    with pytest.raises(ab.errors.WeightError, match=f"weight 'w' has type {name}; one of float32"):
        build.from_onnx(model, ["w"])
