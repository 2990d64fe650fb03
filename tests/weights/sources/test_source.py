"""What every source promises, whatever the format; and telling the formats apart."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, weights
from acl_bundle.errors import ClosedError, WeightsFormatError
from acl_bundle.weights._sources.detect import KINDS

from ..samples import Array, refused, same

WANTED = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(3, np.float32)}


def _index(folder: Path) -> Path:
    weights.save(WANTED, folder / "one.safetensors")
    path = folder / "x.safetensors.index.json"
    path.write_text('{"weight_map": {"w": "one.safetensors", "b": "one.safetensors"}}')
    return path


def _npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", **WANTED)
    return folder / "a.npz"


def _folder(folder: Path) -> Path:
    for name, value in WANTED.items():
        np.save(folder / f"{name}.npy", value)
    return folder


def _safetensors(folder: Path) -> Path:
    weights.save(WANTED, folder / "a.safetensors")
    return folder / "a.safetensors"


def _model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 2])],
        [helper.make_tensor_value_info("y", 1, [1, 3])],
        [numpy_helper.from_array(value, name) for name, value in WANTED.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _onnx(folder: Path) -> Path:
    onnx.save(_model(), folder / "a.onnx")
    return folder / "a.onnx"


def _bundle(folder: Path) -> Path:
    return build.from_onnx(_model(), weights="all").save(folder / "a.om")


def _plain(folder: Path) -> Path:
    return build.model(_model()).save(folder / "b.om")


MAKERS: dict[str, Callable[[Path], Path]] = {
    "safetensors": _safetensors,
    "safetensors index": _index,
    "npz": _npz,
    "npy folder": _folder,
    "onnx": _onnx,
    "om": _bundle,
    "om, plain": _plain,
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    return request.param.partition(",")[0], MAKERS[request.param](tmp_path)


def test_a_folder_of_two_kinds_says_how_to_open_each(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones(2))
    weights.save({"v": np.ones(2)}, tmp_path / "v.safetensors")
    with pytest.raises(WeightsFormatError, match=r"v\.safetensors, .* with kind='npy folder'"):
        weights.open(tmp_path)
    with weights.open(tmp_path, kind="npy folder") as source:
        assert list(source) == ["w"]


def test_a_source_is_a_read_only_mapping_that_knows_its_specs(made: tuple[str, Path]) -> None:
    kind, path = made
    with weights.open(path) as source:
        assert source.kind == kind
        assert source.file == os.fspath(path)
        same(source, WANTED)
        assert {name: str(source.spec(name)) for name in sorted(source)} == {
            "b": "float32[3]",
            "w": "float32[2, 3]",
        }
        assert source.nbytes == 36
        assert not source["w"].flags.writeable
        assert "w" in source
        assert 5 not in source
        assert source.get("none") is None
        assert source.get("none", 5) == 5
        assert source.get("b").shape == (3,)
        with pytest.raises(KeyError, match=r"no weight 'ww'; close: 'w'"):
            source["ww"]


def test_after_close_values_are_refused_and_arrays_live_on(made: tuple[str, Path]) -> None:
    source = weights.open(made[1], kind=made[0])
    kept: Array = source["w"]
    source.close()
    source.close()
    assert source.closed
    assert kept.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert set(source) == {"w", "b"}
    assert source.spec("b").shape == (3,)
    with pytest.raises(ClosedError, match="'w'"):
        source["w"]
    with pytest.raises(KeyError):
        source["none"]
    assert "closed" in repr(source)


@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_closing_under_a_reader_is_told_as_such(kind: str, tmp_path: Path) -> None:
    class Racing(KINDS[kind]):  # type: ignore[misc]
        """Closed by another thread, between the check and the read."""

        def _read(self, name: str) -> Array:
            self.close()
            return super()._read(name)  # type: ignore[no-any-return]

    with pytest.raises(ClosedError, match="'w'"):
        Racing(MAKERS[kind](tmp_path))["w"]


def test_what_is_unknown_is_refused_with_the_kinds_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (
        b"",
        b"\0",
        b"hello, weights",
        b"\x89HDF\r\n\x1a\n",
        os.urandom(64),
        b"\x80",
        b"{",
    ):
        path.write_bytes(data)
        refused(path)
    path.write_bytes(b"hello, weights")
    refused(path, "safetensors", "onnx", "torch")
    with pytest.raises(WeightsFormatError, match="no regular file"):
        weights.open("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsFormatError, match="no regular file"):
        weights.open(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError):
        weights.open(tmp_path / "nothing")


def test_a_folder_of_several_sets_is_refused_with_their_names(tmp_path: Path) -> None:
    weights.save(WANTED, tmp_path / "a.safetensors")
    same(weights.open(tmp_path), WANTED)
    weights.save(WANTED, tmp_path / "b.safetensors")
    refused(tmp_path, "a.safetensors", "b.safetensors")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "no .npy")


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = _npz(tmp_path)
    with pytest.raises(ValueError, match="'npzz'"):
        weights.open(path, kind="npzz")
    with pytest.raises(ValueError, match="only a torch file"):
        weights.open(path, key="model")


def test_the_error_is_public_and_a_value_error() -> None:
    assert ab.WeightsFormatError is WeightsFormatError
    assert issubclass(WeightsFormatError, ValueError | ab.AclBundleError)
    assert ab.weights is weights


def test_a_bundle_without_first_values_is_refused(tmp_path: Path) -> None:
    path = build.from_onnx(_model(), weights="all", init=False).save(tmp_path / "a.om")
    refused(path, "no weight-init graph")
