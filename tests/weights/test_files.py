"""Files as files: what is no path, what is replaced or cut short while it is open, odd links."""

from __future__ import annotations

import gc
import json
import os
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError

from .samples import graph_def, refused, same

W = {"w": np.arange(6, dtype="f4").reshape(3, 2)}
SAVERS: dict[str, Callable[[Path], object]] = {
    "safetensors": lambda path: weights.save(W, path),
    "npz": lambda path: np.savez(path, **W),
    "npy": lambda path: np.save(path, W["w"]),
    "tensorflow graph": lambda path: path.write_bytes(graph_def()),
}


@pytest.mark.parametrize("path", [b"w.safetensors", None, 3, ["w"]])
def test_what_is_no_path_is_refused_with_what_would_be(path: object, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=f"str or Path, not {type(path).__name__}"):
        weights.open(path)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="str or Path"):
        weights.freeze(W, path, tmp_path / "out")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["safetensors", "npz", "npy", "torch", "tensorflow graph"])
def test_a_folder_in_place_of_a_file_is_named_and_keeps_nothing_open(
    kind: str, tmp_path: Path
) -> None:
    gc.collect()  # what earlier tests mapped
    before = os.listdir("/proc/self/fd")
    with pytest.raises(IsADirectoryError) as caught:
        weights.open(tmp_path, kind=kind)
    assert caught.value.filename == os.fspath(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize("kind", SAVERS)
def test_a_file_that_was_cut_short_is_refused_not_touched(kind: str, tmp_path: Path) -> None:
    """Reading beyond the end of a mapped file would end the process."""
    path = tmp_path / f"file.{kind}"
    SAVERS[kind](path)
    with weights.open(path) as source:
        name = next(iter(source))
        os.truncate(path, 0)
        with pytest.raises(WeightsFormatError, match="has 0 now; replace"):
            source[name]


@pytest.mark.parametrize("kind", SAVERS)
def test_a_file_that_was_replaced_stays_what_it_was(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"file.{kind}"
    SAVERS[kind](path)
    with weights.open(path) as source:
        (tmp_path / "new").write_bytes(b"")
        os.replace(tmp_path / "new", path)
        assert next(iter(source.values())).tolist() == next(iter(W.values())).tolist()


def test_a_folder_never_gives_values_of_two_versions(tmp_path: Path) -> None:
    """Not even where the new file holds as much as the old one."""
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.ones(4))
    source = weights.open(tmp_path)
    np.save(tmp_path / "new", np.zeros(4))
    os.replace(tmp_path / "new.npy", tmp_path / "b.npy")
    assert source["a"].all()
    with pytest.raises(WeightsFormatError, match=r"b\.npy: it is not what it was"):
        source["b"]
    same(weights.open(tmp_path), {"a": np.ones(4), "b": np.zeros(4)})


def test_links_in_a_circle_and_impossible_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    refused(tmp_path, "loop.npy")
    index = tmp_path / "x.json"
    for name in ("loop.npy", "a" * 300, "\ud800"):
        index.write_text(json.dumps({"weight_map": {"w": name}}))
        refused(index, "'w'", repr(name))


def test_a_file_of_zeros_is_refused_at_once(tmp_path: Path) -> None:
    """What a writer leaves that made room for its file and died."""
    path = tmp_path / "zeros"
    path.touch()
    os.truncate(path, 8 << 20)
    tracemalloc.start()
    try:
        refused(path, "no known format")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


INDEX_END = bytes.fromhex("57fb808b247547db")  # the last bytes of a checkpoint's index


@pytest.mark.parametrize("kind", [None, "tensorflow checkpoint"])
def test_an_index_of_a_checkpoint_under_another_name_says_what_is_right(
    kind: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "downloaded"
    path.write_bytes(b"\0" * 40 + INDEX_END)
    refused(path, ".index file", "'downloaded.index'", "data", kind=kind)
    longest = tmp_path / ("a" * 250)  # has no room for a suffix
    longest.write_bytes(b"\0" * 40 + INDEX_END)
    refused(longest, ".index file", kind=kind)


def test_what_is_no_prefix_of_a_checkpoint_is_told_by_the_path_that_was_given(
    tmp_path: Path,
) -> None:
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"values")
    for path in (tmp_path, tmp_path / "m.data-00000-of-00001"):
        refused(path, "no prefix of a checkpoint", kind="tensorflow checkpoint")
    with pytest.raises(FileNotFoundError) as caught:
        weights.open(tmp_path / "other", kind="tensorflow checkpoint")
    assert caught.value.filename == os.fspath(tmp_path / "other")


def _broken(part: Path) -> Iterator[str]:
    """Put in the place of a part what cannot be opened, one after the other."""
    part.symlink_to("nowhere")
    yield "a link to nothing"
    part.unlink()
    part.symlink_to(part.name)
    yield "a link to itself"
    part.unlink()
    part.mkdir()
    yield "a folder"


@pytest.mark.parametrize(
    "part",
    ["w.safetensors", "x.safetensors.index.json", "w.npy", "adapter_model.bin", "model.index"],
)
def test_what_a_folder_leads_to_and_is_no_file_is_refused(part: str, tmp_path: Path) -> None:
    """The path of an OSError is one that the user gave."""
    for what in _broken(tmp_path / part):
        with pytest.raises(WeightsFormatError, match=re.escape(os.fspath(tmp_path))):
            weights.open(tmp_path)
        assert what


def test_a_part_of_a_checkpoint_that_is_no_file_is_refused(tmp_path: Path) -> None:
    prefix = tmp_path / "model"
    (tmp_path / "model.index").write_bytes(b"\0" * 40 + INDEX_END)
    for _ in _broken(tmp_path / "model.data-00000-of-00001"):
        refused(prefix, "model.data-00000-of-00001")


def test_a_configuration_beside_an_adapter_that_is_no_file_is_refused(tmp_path: Path) -> None:
    adapter = {"a.lora_A.weight": W["w"].T, "a.lora_B.weight": W["w"]}
    weights.save(adapter, tmp_path / "a.safetensors")
    (tmp_path / "adapter_config.json").mkdir()
    with pytest.raises(WeightsFormatError, match=r"adapter_config\.json"):
        weights.merge_lora({"a.weight": np.ones((3, 3), "f4")}, tmp_path)["a.weight"]


def test_a_wrong_prefix_is_told_the_right_ones(tmp_path: Path) -> None:
    for name in ("model.ckpt-2.index", "model.ckpt-1.index", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(
        FileNotFoundError, match=r"checkpoints in .* are 'model.ckpt-1', 'model\.ck"
    ):
        weights.open(tmp_path / "model.ckpt-3")


def test_what_begins_as_an_archive_may_be_any_of_them(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 and no more")
    refused(
        tmp_path / "model.keras", "archive (.npz, .keras, torch's .pt and .pt2), but is damaged"
    )
