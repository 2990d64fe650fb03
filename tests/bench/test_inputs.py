"""Given arrays: how they are named, and what they settle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acl_bundle.bench import inputs
from acl_bundle.bench.axes import Dim

DIMS: dict[str, list[Dim]] = {"ids": ["batch", "seq"], "mask": ["batch", "seq"], "scale": [4]}


def test_archives_and_single_arrays_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a=b.npz", ids=np.ones((2, 3), np.int64), scale=np.zeros(4))
    np.save(tmp_path / "m.npy", np.ones((2, 3)))
    found = inputs.read([str(tmp_path / "a=b.npz"), f"mask={tmp_path / 'm.npy'}"])
    assert {name: (one.shape, one.dtype.name) for name, one in found.items()} == {
        "ids": ((2, 3), "int64"), "scale": ((4,), "float64"), "mask": ((2, 3), "float64"),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["in.txt", "=x.npy", "x.npy", "name=", "name=x.npz.gz", ""])
def test_what_is_no_input_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"in\.npz or NAME=file\.npy is right"):
        inputs.read([text])


def test_an_input_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.ones(2))
    one = f"mask={tmp_path / 'm.npy'}"
    with pytest.raises(ValueError, match="input 'mask' was given before"):
        inputs.read([one, one])


@pytest.mark.parametrize("name", ["x.npz", "x.npy"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x93NUMPY", b"text"])
def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: this is no .np. file of arrays"):
        inputs.read([str(path) if name == "x.npz" else f"m={path}"])


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "o.npz", x=np.array([{}], object))
    with pytest.raises(ValueError, match=r"o\.npz: this is no \.npz file of arrays"):
        inputs.read([str(tmp_path / "o.npz")])


def test_an_array_settles_its_dims_and_those_of_the_same_name() -> None:
    found = inputs.settled(DIMS, {"ids": np.zeros((2, 3))})
    assert found == {"ids": [2, 3], "mask": [2, 3], "scale": [4]}
    assert inputs.settled(DIMS, {}) == DIMS
    unnamed: dict[str, list[Dim]] = {"a": ["", 3], "b": ["", 5]}
    assert inputs.settled(unnamed, {"a": np.zeros((7, 3))}) == {"a": [7, 3], "b": ["", 5]}


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"idx": (1, 2)}, "there is no input 'idx'; the model has 'ids', 'mask', 'scale'"),
        ({"ids": (3,)}, r"'ids' has shape \[3\]; the model takes batch×seq"),
        ({"scale": (5,)}, r"'scale' has shape \[5\]; the model takes 4"),
        ({"ids": (2, 3), "mask": (2, 4)}, "dim 'seq' is 3 in 'ids' and 4 in 'mask'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(shapes: dict[str, tuple[int, ...]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        inputs.settled(DIMS, {name: np.zeros(one) for name, one in shapes.items()})
