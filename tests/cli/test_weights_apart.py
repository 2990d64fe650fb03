"""``acl-bundle weights``: what is read is never overwritten, what is written is whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from acl_bundle import build, weights

from .weights_files import Run, left_over, mlp, rng


def aliases(path: Path) -> list[Path]:
    """A file under all its names: its own, a link, a link to a link, a hard link, a long way."""
    folder = path.parent
    link, twice, hard = (folder / f"{kind}{path.suffix}" for kind in ("link", "twice", "hard"))
    link.symlink_to(path.name)
    twice.symlink_to(link)
    os.link(path, hard)
    return [path, link, twice, hard, folder / ".." / folder.name / path.name]


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("command", ["convert", "sparsify", "freeze"])
def test_the_input_is_never_overwritten(run: Run, source: Path, command: str, at: int) -> None:
    before = source.read_bytes()
    out = aliases(source)[at]
    record = source.parent / "masks.safetensors"
    model = source.parent / "m.om"
    build.from_onnx(mlp(), weights=["fc.weight"]).save(model)
    arguments: dict[str, list[str | Path]] = {
        "convert": [source, out],
        "sparsify": [source, out, "--layout", "fc.weight=kn", "--record", record],
        "freeze": [source, model, out, "--select", "fc.weight"],
    }
    done = run("weights", command, *arguments[command])
    assert done.status == 2
    assert f"{out} is the input" in done.err
    assert source.read_bytes() == before
    assert not record.exists()
    assert left_over(source.parent) == []


def test_no_part_of_a_folder_is_overwritten(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "arrays"
    folder.mkdir()
    np.save(folder / "w.npy", np.zeros(2, np.float32))
    (folder / "x.npz").hardlink_to(folder / "w.npy")  # the same file under a name to write to
    done = run("weights", "convert", folder, folder / "x.npz")
    assert done.status == 2
    assert "is the input" in done.err


def test_no_shard_is_overwritten(run: Run, tmp_path: Path) -> None:
    shard = tmp_path / "model-00001-of-00001.safetensors"
    weights.save({"w": np.zeros(2, np.float32)}, shard)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"w": "model-00001-of-00001.safetensors"}}')
    before = shard.read_bytes()
    for source in (index, tmp_path):
        done = run("weights", "convert", source, shard)
        assert done.status == 2
        assert "is the input" in done.err
    assert shard.read_bytes() == before


def test_no_external_data_is_overwritten(run: Run, tmp_path: Path) -> None:
    path, beside = tmp_path / "m.onnx", tmp_path / "data.npz"
    onnx.save(mlp(), path, save_as_external_data=True, location="data.npz", size_threshold=0)
    assert beside.exists()
    done = run("weights", "convert", path, beside)
    assert done.status == 2
    assert "is the input" in done.err


def test_a_source_that_breaks_half_way_leaves_the_output_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    path, out = tmp_path / "z.npz", tmp_path / "out.safetensors"
    np.savez_compressed(path, a=np.arange(1000.0), z=rng(1).standard_normal(5000))
    image = bytearray(path.read_bytes())
    image[-5000] ^= 0xFF
    path.write_bytes(image)
    out.write_bytes(b"before")
    done = run("weights", "convert", path, out)
    assert done.status == 2
    assert str(path) in done.err
    assert out.read_bytes() == b"before"
    assert left_over(tmp_path) == []
