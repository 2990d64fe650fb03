"""Sharded safetensors: the index, and what it may and may not name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError

from ..samples import arrays, refused, same

numpy_side = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")

INDEX = "model.safetensors.index.json"
TORCH_INDEX = "pytorch_model.bin.index.json"


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


@pytest.fixture
def torch_shards(tmp_path: Path) -> Path:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    values = {name: torch.from_numpy(value) for name, value in arrays().items()}
    names, places = list(values), {}
    for number, part in enumerate((names[:7], names[7:]), 1):
        file = f"pytorch_model-{number:05}-of-00002.bin"
        torch.save({name: values[name] for name in part}, tmp_path / file)
        places |= dict.fromkeys(part, file)
    torch.save({"lr": 0.1}, tmp_path / "training_args.bin")
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (tmp_path / TORCH_INDEX).write_text(json.dumps(index))
    return tmp_path


def test_shards_of_torch_open_by_folder_and_index(torch_shards: Path) -> None:
    for path in (torch_shards, torch_shards / TORCH_INDEX):
        with weights.open(path) as source:
            assert source.kind == "torch index"
            same(source, arrays())
            assert len(source.files) == 3
    renamed = torch_shards / "what.json"
    (torch_shards / TORCH_INDEX).rename(renamed)
    assert weights.open(renamed).kind == "torch index"  # by the shards, not by its name
    with pytest.raises(ValueError, match="only a torch file has one"):
        weights.open(renamed, key="model")


def test_shards_of_torch_are_trusted_no_more_than_others(torch_shards: Path) -> None:
    path = torch_shards / TORCH_INDEX
    index = json.loads(path.read_text())
    good = dict(index["weight_map"])
    for file, said in (("../x.bin", "a path inside"), ("no.bin", "is no file")):
        for name in ("scalar", next(iter(good))):
            path.write_text(json.dumps({"weight_map": {**good, name: file}}))
            refused(path, said)
    path.write_text(json.dumps({"weight_map": {**good, "more": next(iter(good.values()))}}))
    refused(path, "'more' lies in", "lacks it")
    path.write_text(json.dumps({"weight_map": good}))
    numpy_side.save_file({"scalar": arrays()["scalar"]}, torch_shards / good["scalar"])
    with pytest.raises(WeightsFormatError, match=good["scalar"]):
        weights.open(path)


def test_safetensors_come_before_torch(torch_shards: Path) -> None:
    numpy_side.save_file(arrays(), torch_shards / "model.safetensors")
    assert weights.open(torch_shards).kind == "safetensors"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "diffusion_pytorch_model.bin"])
def test_a_folder_of_one_torch_file(tmp_path: Path, name: str) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    torch.save({"w": torch.ones(2)}, tmp_path / name)
    torch.save({"lr": 0.1}, tmp_path / "training_args.bin")
    with weights.open(tmp_path) as source:
        assert source.kind == "torch"
        same(source, {"w": np.ones(2, "f4")})


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
