"""What cannot be written or compared is refused by name, and what is written reads back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import build, weights
from acl_bundle.errors import WeightError

from .samples import same

numpy_side = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")

W = {"w": np.arange(6, dtype="f4").reshape(2, 3)}
USES: dict[str, Callable[[Any, Path], object]] = {
    "save": lambda given, path: weights.save(given, path / "out"),
    "to_bytes": lambda given, _: weights.to_bytes(given),
    "diff": lambda given, _: weights.diff(given, W),
    "diff with": lambda given, _: weights.diff(W, given),
    "freeze": lambda given, path: weights.freeze(given, path / "m.om", path / "out"),
    "view": lambda given, _: weights.View(given),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x = {"x": ("float32", (1,))}
    build.null(x, {"y": x["x"]}, weights=W).save(tmp_path / "m.om")
    return tmp_path


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("given", ["w.npz", 7, None], ids=repr)
def test_what_is_no_mapping_is_refused(use: str, given: Any, folder: Path) -> None:
    with pytest.raises(TypeError, match=f"mapping of name to array, .* not {type(given).__name__}"):
        USES[use](given, folder)


@pytest.mark.parametrize("use", [use for use in USES if use != "view"])
def test_values_that_are_no_arrays_are_refused_by_name(use: str, folder: Path) -> None:
    with pytest.raises(TypeError, match="'w' is a list; a numpy array is right"):
        USES[use]({"w": [1, 2]}, folder)
    assert [one.name for one in folder.iterdir()] == ["m.om"]


def test_arrays_of_every_layout_are_written_in_native_order(folder: Path) -> None:
    turned = np.arange(6, dtype=">f4").reshape(3, 2).T
    given = {"w": turned, "part": np.arange(10)[::3], "one": np.array(1.5), "none": np.ones((0, 2))}
    wanted = {**given, "w": turned.astype("f4")}
    weights.save(given, folder / "out")
    same(numpy_side.load_file(folder / "out"), wanted)
    assert weights.diff(given, weights.open(folder / "out")).same
    weights.freeze({"w": turned}, folder / "m.om", folder / "out.om")
    same(weights.open(folder / "out.om"), {"w": wanted["w"]})


@pytest.mark.parametrize("name", [5, "\ud800", "__metadata__"], ids=repr)
def test_names_that_the_format_lacks_are_refused(name: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="cannot be called"):
        weights.save({name: np.ones(2)}, tmp_path / "out")


@pytest.mark.parametrize("metadata", [{"step": 5}, {5: "step"}, {"a": "\ud800"}], ids=repr)
def test_metadata_that_no_reader_takes_is_refused(metadata: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="text to text is right"):
        weights.save(W, tmp_path / "out", metadata=metadata)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_the_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        weights.save(W, tmp_path / "none" / "out")
    assert caught.value.filename == str(tmp_path / "none")
    with pytest.raises(IsADirectoryError) as taken:
        weights.save(W, tmp_path)
    assert taken.value.filename == str(tmp_path)
    with pytest.raises(TypeError, match="str or Path"):
        weights.save(W, b"out")  # type: ignore[arg-type]
