"""Inputs: read from files, or made up.

Made-up numbers are those of a seed, so that everybody can have them again: normal
numbers where they are floating-point, any bytes of int8 and uint8, 0 or 1 of other
integers (any table has these rows) and of booleans, and ones where the name says that
it is a mask. Each input has a stream of its own, so that its numbers depend on the
seed, its name and its shape, and on nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from acl_bundle.answers.saved import arrays_of
from acl_bundle.answers.side import Array, Arrays, Side
from acl_bundle.spec import TensorSpec
from acl_bundle.weights._base.spec import is_floating

RANDOM: Final = "random"
_BYTES: Final = ("int8", "uint8")
Dims = tuple[int, ...]


@dataclass(frozen=True)
class InputChoice:
    """Where inputs come from.

    Attributes:
        files: Files of arrays by name.
        named: A file for one input.
        seed: Of the numbers that are made up for all others; None for none.
        shapes: Of inputs with open dims that are made up.
        batch: The first dim of those, where it is open; None for the least.
    """

    files: tuple[Path, ...] = ()
    named: Mapping[str, Path] = field(default_factory=dict)
    seed: int | None = 0
    shapes: Mapping[str, Dims] = field(default_factory=dict)
    batch: int | None = None

    @classmethod
    def parsed(
        cls, texts: Sequence[str], shapes: Sequence[str] = (), batch: int | None = None
    ) -> InputChoice:
        """Read what a person typed.

        Args:
            texts: ``in.npz``, ``NAME=file.npy``, ``random``, ``random:7``; none for ``random``.
            shapes: ``NAME=2x3``.
            batch: As above.

        Raises:
            ValueError: A text is of another form, or a name comes twice.
        """
        files: list[Path] = []
        named: dict[str, Path] = {}
        seed = None if texts else 0
        for text in texts:
            name, sign, rest = text.partition("=")
            if text.partition(":")[0] == RANDOM and not sign:
                seed = _seed(text)
            elif sign and name and rest and not Path(text).exists():
                if named.setdefault(name, Path(rest)) != Path(rest):
                    raise ValueError(f"--inputs has two files for {name!r}; one is right")
            else:
                files.append(Path(text))
        return cls(tuple(files), named, seed, dict(map(_shape, shapes)), batch)

    def __str__(self) -> str:
        parts = [*map(str, self.files), *(f"{name}={path}" for name, path in self.named.items())]
        if self.seed is not None:
            parts.append(f"{RANDOM}:{self.seed}")
        return ", ".join(parts)


def made(choice: InputChoice, specs: Sequence[TensorSpec], batches: Sequence[int] = ()) -> Arrays:
    """Return the inputs of a graph.

    Args:
        choice: Where they come from.
        specs: What the graph takes.
        batches: The sizes of its dynamic batch, the first of which is taken.

    Raises:
        ValueError: An input is missing, is none of the graph's, comes twice, or has open dims
            and no shape. A given array's own dtype and shape are checked where it is run.
        WeightsFormatError: A file is damaged, or of no known format.
        OSError: A file cannot be opened.
    """
    found = given(choice)
    known = {spec.name: spec for spec in specs}
    for name in (*found, *choice.shapes):
        if name not in known:
            raise ValueError(f"there is no input {name!r}; the inputs are {_listed(known)}")
    for name in choice.shapes:
        if name in found:
            raise ValueError(f"--shape is for inputs that are made up, and {name!r} is given")
    own = {*found, *choice.shapes}
    if choice.batch is not None and not any(
        spec.shape[:1] == (-1,) and spec.name not in own for spec in specs
    ):
        taken = ", ".join(map(str, specs)) or "none"
        raise ValueError(
            f"--batch is for inputs that are made up and whose first dim is open; the inputs are"
            f" {taken}"
        )
    return {
        spec.name: found[spec.name]
        if spec.name in found
        else _made_up(spec, choice, batches, found)
        for spec in specs
    }


def shared(choice: InputChoice, sides: Sequence[Side]) -> list[Arrays]:
    """Return the inputs of each of two sides, or of one: the same numbers, in each one's dtypes.

    Outputs that were saved are given nothing.

    Raises:
        ValueError, OSError: As for `made` and `merged`.
    """
    takes = [side for side in sides if side.inputs is not None]
    if not takes:
        return [{} for _ in sides]
    first, last = takes[0].inputs or (), takes[-1].inputs or ()
    batches = takes[0].batches or takes[-1].batches
    both = [size for size in batches if size in takes[-1].batches] or batches
    given = made(choice, merged(first, last) if len(takes) > 1 else first, both)
    fits = {id(takes[0]): fitted(given, first, last), id(takes[-1]): fitted(given, last, first)}
    return [fits.get(id(side), {}) for side in sides]


def merged(a: Sequence[TensorSpec], b: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Return what two graphs take that are to be given the same: open dims of one are the other's.

    Raises:
        ValueError: They have other names or shapes, or dtypes that are not both floating-point.
    """
    others = {spec.name: spec for spec in b}
    if {spec.name for spec in a} != {*others}:
        names = [_listed({spec.name: spec for spec in one}) for one in (a, b)]
        raise ValueError(f"the inputs have other names: a takes {names[0]}, b takes {names[1]}")
    return [_both(spec, others[spec.name]) for spec in a]


def fitted(
    given: Mapping[str, Array], own: Iterable[TensorSpec], other: Iterable[TensorSpec]
) -> Arrays:
    """Return inputs for one of two sides: those of the other's floating-point dtype are cast."""
    mine, theirs = ({spec.name: spec.dtype for spec in side} for side in (own, other))
    return {
        name: array.astype(mine[name])
        if array.dtype == theirs.get(name) and is_floating(array.dtype) and is_floating(mine[name])
        else array
        for name, array in given.items()
    }


def _both(a: TensorSpec, b: TensorSpec) -> TensorSpec:
    floats = is_floating(a.dtype) and is_floating(b.dtype)
    if a.dtype != b.dtype and not floats:
        raise ValueError(f"the inputs have other dtypes: a takes {a}, b takes {b}")
    dtype = min(a.dtype, b.dtype, key=lambda one: one.itemsize)
    if -2 in (*a.shape, *b.shape):
        return TensorSpec(a.name, b.shape if -2 in a.shape else a.shape, dtype, a.format, 0)
    pairs = [*zip(a.shape, b.shape, strict=False)]
    if len(a.shape) != len(b.shape) or any(x >= 0 and y >= 0 and x != y for x, y in pairs):
        raise ValueError(f"the inputs have other shapes: a takes {a}, b takes {b}")
    return TensorSpec(a.name, tuple(max(pair) for pair in pairs), dtype, a.format, 0)


def given(choice: InputChoice) -> Arrays:
    """Return the arrays of the files alone, by name.

    Raises:
        ValueError: An input comes twice, or a file for one input has several arrays.
        WeightsFormatError: A file is damaged, or of no known format.
        OSError: A file cannot be opened.
    """
    found: Arrays = {}
    for path in choice.files:
        for name, array in arrays_of(path).items():
            _add(found, name, array, path)
    for name, path in choice.named.items():
        held = list(arrays_of(path).values())
        if len(held) != 1:
            raise ValueError(f"{path} holds {len(held)} arrays; for {name!r} one is right, a .npy")
        _add(found, name, held[0], path)
    return found


def _add(found: Arrays, name: str, array: Array, path: Path) -> None:
    if name in found:
        raise ValueError(f"input {name!r} comes twice, the second time in {path}")
    found[name] = array


def _made_up(
    spec: TensorSpec, choice: InputChoice, batches: Sequence[int], found: Mapping[str, Any]
) -> Array:
    if choice.seed is None:
        have = f"there are {_listed(found)}" if found else "none is given"
        raise ValueError(
            f"input {spec} is not given, {have}; say {spec.name}=FILE.npy, or random for the rest"
        )
    return made_up(spec, _dims(spec, choice, batches), choice.seed)


def made_up(spec: TensorSpec, dims: Dims, seed: int) -> Array:
    """Make numbers for an input; see the top of this module.

    Args:
        spec: Its name and dtype.
        dims: Its shape.
        seed: Which numbers.
    """
    rng = np.random.default_rng([seed, zlib.crc32(spec.name.encode())])
    kind, mask = spec.dtype.kind, "mask" in spec.name.lower()
    if kind == "b" or kind in "iu":
        if mask:
            return np.ones(dims, spec.dtype)
        if spec.dtype.name in _BYTES:
            return rng.integers(*_range(spec.dtype), dims, spec.dtype, endpoint=True)
        return rng.integers(0, 2, dims).astype(spec.dtype)
    values: Array = rng.standard_normal(dims)
    if kind == "c":
        values = values + 1j * rng.standard_normal(dims)
    return np.ones(dims, spec.dtype) if mask else np.asarray(values, spec.dtype)


def _range(dtype: np.dtype[Any]) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _dims(spec: TensorSpec, choice: InputChoice, batches: Sequence[int]) -> Dims:
    wanted = choice.shapes.get(spec.name)
    if wanted is not None:
        fits = -2 in spec.shape or (
            len(wanted) == len(spec.shape)
            and all(dim in (-1, own) for dim, own in zip(spec.shape, wanted, strict=True))
        )
        if not fits:
            raise ValueError(f"--shape is {'x'.join(map(str, wanted))} for {spec}")
        return wanted
    least = choice.batch or (batches[0] if batches else 1)
    dims = (least if spec.shape[:1] == (-1,) else dim for dim in spec.shape[:1])
    found = (*dims, *spec.shape[1:])
    if min(found, default=0) < 0:
        rank = "its rank" if -2 in found else f"dim {found.index(-1)}"
        raise ValueError(f"input {spec}: {rank} is open; say --shape {spec.name}=2x3 or the like")
    return found


def _seed(text: str) -> int:
    _, sign, seed = text.partition(":")
    if sign and not seed.isdecimal():
        raise ValueError(f"--inputs is {text!r}; random, or random:7 with a seed is right")
    return int(seed or 0)


def _shape(text: str) -> tuple[str, Dims]:
    name, _, dims = text.rpartition("=")
    parts = [] if dims == "" else dims.split("x")
    if not name or not all(one.isdecimal() for one in parts):
        raise ValueError(f"--shape is {text!r}; NAME=2x3 is right")
    return name, tuple(map(int, parts))


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "none"
