"""The arrays that inferences are given: from files, or made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.files import open_regular
from acl_bundle.bench.axes import Dim, Dims
from acl_bundle.spec import TensorSpec

Arrays: TypeAlias = dict[str, NDArray[Any]]


def read(texts: Iterable[str]) -> Arrays:
    """Read ``in.npz``, whose arrays have the inputs' names, or ``NAME=file.npy``.

    Raises:
        ValueError: A text is neither, an input is given twice, or a file holds no array.
        OSError: A file cannot be read.
    """
    found: Arrays = {}
    for text in texts:
        for name, array in _read(text):
            if name in found:
                raise ValueError(f"--inputs {text}: input {name!r} was given before")
            found[name] = array
    return found


def _read(text: str) -> list[tuple[str, NDArray[Any]]]:
    name, _, file = text.partition("=")
    if not text.endswith(".npz") and not (name and file.endswith(".npy")):
        raise ValueError(f"--inputs is {text!r}; a file in.npz or NAME=file.npy is right")
    path = Path(text if text.endswith(".npz") else file)
    try:
        with open_regular(path) as opened:
            loaded: Any = np.load(opened, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return [(name, _one(loaded, text))]
            return [(one, loaded[one]) for one in _several(loaded, text).files]
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        kind = path.suffix
        raise ValueError(f"--inputs {path}: this is no {kind} file of arrays: {error}") from None


def _one(loaded: NDArray[Any], text: str) -> NDArray[Any]:
    if text.endswith(".npz"):
        raise ValueError("it holds one array without a name")
    return loaded


def _several(loaded: Any, text: str) -> Any:
    if not text.endswith(".npz"):
        raise ValueError("it holds several arrays")
    return loaded


def settled(inputs: Dims, given: Mapping[str, NDArray[Any]]) -> dict[str, list[Dim]]:
    """Return each input's dims with those that given arrays settle as sizes.

    A named open dim is settled for every input that has it.

    Raises:
        ValueError: There is no such input, an array does not fit its dims, or two arrays
            say different sizes of one open dim.
    """
    names: dict[str, tuple[int, str]] = {}
    for name, array in given.items():
        if name not in inputs:
            raise ValueError(f"--inputs: there is no input {name!r}; the model has {_list(inputs)}")
        dims = inputs[name]
        fits = len(dims) == array.ndim and all(
            isinstance(dim, str) or dim == size
            for dim, size in zip(dims, array.shape, strict=False)
        )
        if not fits:
            right = "×".join(str(dim) or "?" for dim in dims) or "a scalar"
            raise ValueError(
                f"--inputs: {name!r} has shape {list(array.shape)}; the model takes {right}"
            )
        for dim, size in zip(dims, array.shape, strict=True):
            if isinstance(dim, str) and dim and names.setdefault(dim, (size, name))[0] != size:
                raise ValueError(
                    f"--inputs: dim {dim!r} is {names[dim][0]} in {names[dim][1]!r} and {size}"
                    f" in {name!r}"
                )
    return {
        name: list(given[name].shape)
        if name in given
        else [names[dim][0] if isinstance(dim, str) and dim in names else dim for dim in dims]
        for name, dims in inputs.items()
    }


def _list(inputs: Dims) -> str:
    return ", ".join(map(repr, inputs)) or "none"


def made(spec: TensorSpec, shape: tuple[int, ...] | None, seed: int = 0) -> NDArray[Any]:
    """Make an input: normal numbers; as integers zeros, which any table holds; masks of ones.

    Args:
        spec: The input.
        shape: Its shape; None for the spec's own.
        seed: Which numbers.
    """
    dims = spec.shape if shape is None else shape
    if spec.dtype.kind in "biu":
        masks = spec.dtype.kind == "b" or "mask" in spec.name.lower()
        return (np.ones if masks else np.zeros)(dims, spec.dtype)
    values: NDArray[Any] = np.random.default_rng(seed).standard_normal(dims)
    return values.astype(spec.dtype)
