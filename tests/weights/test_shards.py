"""Sharded safetensors: the index, and what it may and may not name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError

from .samples import arrays, refused, same

numpy_side = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")

INDEX = "model.safetensors.index.json"


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A folder of two shards and their index, as the hub's tools write it."""
    folder = tmp_path / "model"
    folder.mkdir()
    values = arrays()
    names = list(values)
    places = {}
    for number, part in enumerate((names[:7], names[7:]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        numpy_side.save_file({name: values[name] for name in part}, folder / file)
        places |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index, indent=2))
    return folder


def change(folder: Path, **places: Any) -> Path:
    path = folder / INDEX
    index = json.loads(path.read_text())
    index["weight_map"].update(places)
    path.write_text(json.dumps(index))
    return path


def test_folder_and_index_both_open(sharded: Path) -> None:
    for path in (sharded, sharded / INDEX):
        with weights.open(path) as source:
            assert source.kind == "safetensors index"
            same(source, arrays())


def test_no_shard_can_be_written_over(sharded: Path) -> None:
    with weights.open(sharded) as source:
        for path in sharded.iterdir():
            with pytest.raises(ValueError, match="is the input"):
                weights.save(weights.select(source, ["scalar"]), path)
        same(source, arrays())


def test_a_cache_of_links_opens(sharded: Path, tmp_path: Path) -> None:
    """Caches keep the files under their digests, and a folder of links to them."""
    links = tmp_path / "snapshot"
    links.mkdir()
    for one in list(sharded.iterdir()):
        blob = sharded / f"blob-{one.name[:8]}-{one.stat().st_size}"
        one.rename(blob)
        (links / one.name).symlink_to(blob)
    same(weights.open(links), arrays())


def test_what_the_index_leaves_out_is_listed(sharded: Path) -> None:
    path = sharded / INDEX
    index = json.loads(path.read_text())
    del index["weight_map"]["large"]
    path.write_text(json.dumps(index))
    source = weights.open(sharded)
    assert "large" not in source
    assert list(source.skipped) == ["large"]


def test_damaged_indices_are_refused(sharded: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.safetensors"
    weights.save({"scalar": np.ones(1, "f4")}, outside)
    (sharded / "link.safetensors").symlink_to(outside)
    (sharded / "cut.safetensors").write_bytes(outside.read_bytes()[:-1])
    good = (sharded / INDEX).read_text()
    for place, parts in {
        "../outside.safetensors": ("'scalar'", "inside the folder"),
        str(outside): ("inside the folder",),
        "..\\outside.safetensors": ("inside the folder",),
        "link.safetensors": ("leads out",),
        "none.safetensors": ("is no file",),
        "": ("inside the folder",),
        ".": ("inside the folder",),
    }.items():
        refused(change(sharded, scalar=place), *parts)
        (sharded / INDEX).write_text(good)
    refused(change(sharded, scalar=5), "'scalar' is 5")
    (sharded / INDEX).write_text(good)
    refused(change(sharded, nothing="model-00001-of-00002.safetensors"), "'nothing'", "lacks it")
    np.savez(sharded / "torch.npz", scalar=np.ones(2))  # an archive, as torch's shards are
    change(sharded, scalar="torch.npz")
    with pytest.raises(WeightsFormatError, match=r"torch\.npz: it is a ZIP archive"):
        weights.open(sharded / INDEX)
    for text in ("{", "[]", '{"weight_map": {}}', '{"weight_map": {"a": "b", "a": "c"}}'):
        (sharded / INDEX).write_text(text)
        refused(sharded / INDEX, kind="safetensors index")
    (sharded / INDEX).write_text(good)
    change(sharded, scalar="cut.safetensors")
    with pytest.raises(WeightsFormatError, match=r"cut\.safetensors"):
        weights.open(sharded)
