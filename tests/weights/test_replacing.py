"""Whatever is written in place of a file keeps its mode, and its name where that is a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build, weights

W = {"w": np.ones((4, 2), "f4")}


def _model() -> onnx.ModelProto:
    return onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1,4] x) => (float[1,2] y)'
        " <float[4,2] w = {1,2,3,4,5,6,7,8}> { y = MatMul(x,w) }"
    )


def _freeze_onnx(path: Path) -> None:
    model = path.with_name("model.onnx")
    onnx.save(_model(), model)
    weights.freeze(W, model, path)


def _freeze_om(path: Path) -> None:
    model = path.with_name("model.om")
    build.from_onnx(_model(), ["w"]).save(model)
    weights.freeze(W, model, path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "weights.save": lambda path: weights.save(W, path),
    "om save": lambda path: build.from_onnx(_model(), ["w"]).save(path),
    "freeze to ONNX": _freeze_onnx,
    "freeze to om": _freeze_om,
}
writers = pytest.mark.parametrize("writer", WRITERS)


@writers
@pytest.mark.parametrize("mode", [0o600, 0o444, 0o664])
def test_the_mode_of_what_is_replaced_stays(writer: str, mode: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    WRITERS[writer](path)
    assert path.read_bytes() != b"old"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@writers
def test_a_new_file_has_the_mode_that_umask_leaves(writer: str, tmp_path: Path) -> None:
    WRITERS[writer](tmp_path / "file")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


@writers
@pytest.mark.parametrize("there", [True, False], ids=["there", "not there yet"])
def test_a_link_stays_and_what_it_leads_to_is_replaced(
    writer: str, there: bool, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    target, link = tmp_path / "data" / "file", tmp_path / "link"
    link.symlink_to("data/file")
    if there:
        target.write_bytes(b"old")
        target.chmod(0o640)
    WRITERS[writer](link)
    assert os.readlink(link) == "data/file"
    assert not target.is_symlink()
    assert target.stat().st_size > 3
    if there:
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [one.name for one in (tmp_path / "data").iterdir()] == ["file"]


@writers
def test_what_is_no_file_is_not_replaced(writer: str, tmp_path: Path) -> None:
    pipe, ring = tmp_path / "pipe", tmp_path / "ring"
    os.mkfifo(pipe)
    ring.symlink_to(ring)
    with pytest.raises(OSError, match="a FIFO; a regular file is right"):
        WRITERS[writer](pipe)
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="ring"):
        WRITERS[writer](ring)
    assert ring.is_symlink()
