"""What may be given for weights: a mapping, nested mappings, pairs of name and value.

One function decides, `by_name`, for updates, files, publishers and transforms. A
mapping is taken as it is. Of nested dicts, as flax has them, the names are
joined: with "/" or ".", whichever gives names that the graph has; where there is
no graph to ask, with ".".

Pairs, as a state dict's ``items()`` and generators for weight synchronisation
give them, are gone through once. What can be gone through only once may write
the next tensor where the last one was, so each of its tensors is copied when it
comes; those of a list or of ``items()`` are not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np

from acl_bundle._base.arrays import as_array
from acl_bundle.errors import WeightError

Given: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
SEPARATORS = (".", "/")
RIGHT = (
    "give the weights as a mapping of name to array, as dicts of dicts, or as an iterable of"
    " (name, array)"
)


def host_copy(value: Any, what: str) -> Any:
    """A copy on the host of a tensor that may be written again."""
    return np.array(as_array(value, what))


def by_name(
    weights: Given,
    known: Collection[str] = (),
    copied: Callable[[Any, str], Any] = host_copy,
) -> Mapping[str, Any]:
    """Return weights by name; a mapping that is not nested is returned as it is.

    Args:
        weights: What was given.
        known: The names that there may be, to choose how nested ones are joined.
        copied: Copies what an iterator gives; the second argument says what it is.

    Raises:
        TypeError: It is neither a mapping nor an iterable of pairs.
        WeightError: A name is no text or comes twice, or both ways of joining fit.
    """
    found = weights if isinstance(weights, Mapping) else _of_pairs(weights, copied)
    return _flat(found, known) if _is_nested(found, known) else found


def without(weights: Mapping[str, Any], patterns: Iterable[str]) -> Mapping[str, Any]:
    """Return a mapping without the names that match one of the patterns; values stay unfetched."""
    left = [name for name in weights if not matches(name, patterns)] if patterns else weights
    if len(left) == len(weights):
        return weights
    if isinstance(weights, dict):
        return {name: weights[name] for name in left}
    return Part(weights, left)


def matches(name: object, patterns: Iterable[str]) -> bool:
    """Say whether a name fits one of some patterns, which are a shell's."""
    return isinstance(name, str) and any(fnmatchcase(name, pattern) for pattern in patterns)


def check_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return patterns as a tuple.

    Raises:
        TypeError: It is one text, or something in it is none.
    """
    listed = isinstance(patterns, Iterable) and not isinstance(patterns, str | np.ndarray)
    found = tuple(patterns) if listed else ()
    if not listed or not all(isinstance(one, str) for one in found):
        raise TypeError(
            f"ignore is {patterns!r}; a list of names or patterns is right, such as"
            " ['*.num_batches_tracked']"
        )
    return found


class Part(Mapping[str, Any]):
    """Some of a mapping's weights; nothing is fetched before it is asked for."""

    def __init__(self, whole: Mapping[str, Any], names: Iterable[str]) -> None:
        self._whole, self._names = whole, dict.fromkeys(names)
        for tell in ("spec", "unconverted", "files", "aliases"):
            if hasattr(whole, tell):
                setattr(self, tell, getattr(whole, tell))

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._whole[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


def _of_pairs(weights: object, copied: Callable[[Any, str], Any]) -> dict[str, Any]:
    if isinstance(weights, str | bytes | np.ndarray) or not isinstance(weights, Iterable):
        way = (
            "its state_dict() is one"
            if callable(getattr(weights, "state_dict", None))
            else "weights.open(path) makes one of a file"
        )
        raise TypeError(f"{RIGHT}, not {type(weights).__name__}; {way}")
    once, found = isinstance(weights, Iterator), dict[str, Any]()
    for number, pair in enumerate(weights):
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise TypeError(f"{RIGHT}; number {number} of them is {_shown(pair)}")
        name, value = pair
        if name in found:
            raise WeightError(f"weight {name!r} comes twice; nothing was changed")
        found[name] = copied(value, f"weight {name!r}") if once else value
    return found


def _shown(value: object) -> str:
    return f"a {type(value).__name__}" if hasattr(value, "__array__") else f"{value!r:.60}"


def _is_nested(weights: Mapping[str, Any], known: Collection[str]) -> bool:
    """Say whether values are mappings. Of a lazy one at most one value is fetched."""
    if isinstance(weights, dict):
        return any(issubclass(kind, Mapping) for kind in {*map(type, weights.values())})
    if hasattr(weights, "spec"):  # a file or a view of one
        return False
    if any(name in known for name in weights):
        return False
    first = next(iter(weights), None)
    return first is not None and isinstance(weights[first], Mapping)


def _flat(weights: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    leaves = list(_leaves(weights, ()))
    deep = [path for path, _ in leaves if len(path) > 1]
    fits = {one: [name for name in map(one.join, deep) if name in known] for one in SEPARATORS}
    if all(fits.values()):
        one, two = (names[0] for names in fits.values())
        raise WeightError(
            f"nested weights fit when they are joined with '.' and with '/': {one!r}, {two!r};"
            " give a flat mapping; nothing was changed"
        )
    joint = "/" if fits["/"] else "."
    flat: dict[str, Any] = {}
    for path, value in leaves:
        name = joint.join(path)
        if name in flat:
            raise WeightError(f"weight {name!r} comes twice, once nested; nothing was changed")
        flat[name] = value
    return flat


def _leaves(
    weights: Mapping[Any, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in weights.items():
        if not isinstance(name, str):
            raise WeightError(f"a weight cannot be called {name!r}; a text is right")
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value
