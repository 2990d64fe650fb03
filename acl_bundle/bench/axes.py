"""Axes of a sweep: a name, its sizes, and the open dims it stands for.

A dim of an input is named by the ONNX model (``seq_len``), by its place, with the
words ``batch`` for the first and ``length`` for the second dim of every input, or
as ``input[axis]``. In this order: the model's own names win.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

WORDS = {"batch": 0, "length": 1}
_PLACE = re.compile(r"(.+)\[(\d+)\]")

Dim: TypeAlias = int | str
"""A size; for an open dim its name, which may be empty."""
Dims: TypeAlias = Mapping[str, Sequence[Dim]]
Shapes: TypeAlias = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Axis:
    """Sizes to try.

    Attributes:
        name: Which dims.
        sizes: At least one, each positive.
    """

    name: str
    sizes: tuple[int, ...]


def parse(text: str) -> Axis:
    """Read ``batch=1,8,16``.

    Raises:
        ValueError: It is not of this form.
    """
    name, _, sizes = text.partition("=")
    found = sizes.split(",")
    if not name or not all(one.isdecimal() and int(one) for one in found):
        raise ValueError(f"axis {text!r}; a name and positive sizes are right: batch=1,8,16")
    return Axis(name, tuple(dict.fromkeys(map(int, found))))


def grid(axes: Sequence[Axis], inputs: Dims) -> Iterator[tuple[dict[str, int], Shapes]]:
    """Return every combination of sizes, with the inputs' shapes in it.

    An open first dim that no axis names is 1.

    Args:
        axes: None where nothing is open.
        inputs: Each input's dims.

    Raises:
        ValueError: An axis fits no open dim, two fit one, or an open dim has none.
    """
    places = _places(axes, inputs)
    names = [axis.name for axis in axes]
    combinations = itertools.product(*(axis.sizes for axis in axes))
    made = [dict(zip(names, sizes, strict=True)) for sizes in combinations]
    return iter([(sizes, _shapes(sizes, places, inputs)) for sizes in made])


def _places(axes: Sequence[Axis], inputs: Dims) -> dict[tuple[str, int], str]:
    """Say which axis each open dim has."""
    found: dict[tuple[str, int], str] = {}
    for axis in axes:
        places = _of(axis.name, inputs)
        if not places:
            raise ValueError(f"axis {axis.name!r} is no open dim; {_open(inputs)}")
        for place in places:
            if place in found:
                raise ValueError(
                    f"axes {found[place]!r} and {axis.name!r} are both {place[0]}[{place[1]}]"
                )
            found[place] = axis.name
    for name, dims in inputs.items():
        for at, dim in enumerate(dims):
            if isinstance(dim, str) and at > 0 and (name, at) not in found:
                raise ValueError(f"{name}[{at}] is open and has no axis; {_open(inputs)}")
    return found


def _of(name: str, inputs: Dims) -> list[tuple[str, int]]:
    every = [(one, at) for one, dims in inputs.items() for at, dim in enumerate(dims)]
    opened = [(one, at) for one, at in every if isinstance(inputs[one][at], str)]
    named = [(one, at) for one, at in opened if inputs[one][at] == name]
    if named:
        return named
    if name in WORDS:
        return [(one, at) for one, at in opened if at == WORDS[name]]
    match = _PLACE.fullmatch(name)
    wanted = (match[1], int(match[2])) if match else None
    return [place for place in opened if place == wanted]


def _shapes(sizes: Mapping[str, int], places: dict[tuple[str, int], str], inputs: Dims) -> Shapes:
    return {
        name: tuple(
            dim if isinstance(dim, int) else sizes.get(places.get((name, at), ""), 1)
            for at, dim in enumerate(dims)
        )
        for name, dims in inputs.items()
    }


def _open(inputs: Dims) -> str:
    """List the open dims, each with the words that name it."""
    found = [
        f"{name}[{at}]" + (f" ({dim})" if dim else "")
        for name, dims in inputs.items()
        for at, dim in enumerate(dims)
        if isinstance(dim, str)
    ]
    if not found:
        return "all dims of the inputs are fixed"
    return f"open are {', '.join(found)}; batch and length are the first and the second dim of all"


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
