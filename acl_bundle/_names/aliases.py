"""Weights that have several names, as tied ones do: which of those given is which weight.

A table of aliases maps a name to the one it is another name of. A bundle has one
(`UpdateGraph.aliases`), and so may have what is given to it: `weights.Source.aliases`, or
torch's tensors in a dict that share their memory, as in the state dict of a module.
The first says that several names are one weight here, so that two values would leave it
to chance which one counts; the second says that several names are one value there.
A name that torch's wrappers have added to (`wrappers`) is another name as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array
from acl_bundle._names.given import matches
from acl_bundle._names.wrappers import without_wrappers
from acl_bundle.errors import WeightError

Array = NDArray[Any]


class _Renamed(Mapping[str, Any]):
    """A mapping under other names; nothing is fetched before it is asked for."""

    def __init__(self, source: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._source, self._names = source, names
        ask = getattr(source, "unconverted", None)
        if ask is not None:
            self.unconverted = lambda name, dtype: ask(names[name], dtype)

    def __getitem__(self, name: str) -> Any:
        return self._source[self._names[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def own_names(
    weights: Mapping[str, Any],
    aliases: Mapping[str, str],
    known: Mapping[str, Any],
    label: str,
) -> Mapping[str, Any]:
    """Return what is given, each weight under its own name alone.

    Args:
        weights: What is given; anything but a mapping is returned as it is.
        aliases: The graph's.
        known: The graph's weights, by name.
        label: The graph, for the message.

    Raises:
        WeightError: Two names of one weight come with two values.
    """
    if not isinstance(weights, Mapping):
        return weights
    if not getattr(weights, "aliases", None) and all(name in known for name in weights):
        return weights
    names = names_for(weights, aliases, known, label)
    if names is None:
        return weights
    if isinstance(weights, dict):
        return {own: weights[name] for own, name in names.items()}
    return _Renamed(weights, names)


def own_name(name: str, aliases: Mapping[str, str], known: Mapping[str, Any]) -> str | None:
    """Return the weight that a name stands for; None if for none."""
    if name in known:
        return name
    if name not in aliases:
        name = without_wrappers(name, lambda one: one in known or one in aliases)
    return name if name in known else aliases.get(name)


def is_unused(name: str, patterns: Sequence[str]) -> bool:
    """Say whether a name, with or without a wrapper's parts, is of what a model does not use."""
    fits = partial(matches, patterns=patterns)
    return isinstance(name, str) and fits(without_wrappers(name, fits))


def names_for(
    weights: Mapping[str, Any], aliases: Mapping[str, str], known: Mapping[str, Any], label: str
) -> dict[str, str] | None:
    """Return which of the names given is each weight's.

    A name that no weight has stands for itself. One that is another name of a value that is
    given for a weight is left out, if a value is given for every weight: else it may be meant
    for a weight that is not, under a name that an exporter made up.

    Args:
        weights: What is given; it may have ``aliases``.
        aliases: The receiver's.
        known: The receiver's weights, by name.
        label: The receiver, for the message.

    Returns:
        Weight -> name; None when every name is taken as it is.

    Raises:
        WeightError: Two names of one weight come with two values.
    """
    taken = {name: own_name(name, aliases, known) for name in weights}
    theirs: Mapping[str, str] = getattr(weights, "aliases", None) or {}
    tied: set[str] = set()
    if None in taken.values() and known.keys() <= set(taken.values()):
        theirs = theirs or (_of_memory(weights) if isinstance(weights, dict) else {})
        tied = {theirs.get(name, name) for name, own in taken.items() if own is not None}
    found: dict[str, list[str]] = {}
    for name, own in taken.items():
        if own is not None or theirs.get(name, name) not in tied:
            found.setdefault(own or name, []).append(name)
    for own, names in found.items():
        for name in names[1:]:
            one = theirs.get(names[0], names[0]) == theirs.get(name, name)
            if not one and not _equal(weights[names[0]], weights[name], own):
                raise WeightError(
                    f"{label}: {names[0]!r} and {name!r} are two names of one weight, {own!r}, and"
                    " come with two values; give one of them; nothing was changed"
                )
    chosen = {own: own if own in names else names[0] for own, names in found.items()}
    same = len(chosen) == len(taken) and all(own == name for own, name in chosen.items())
    return None if same else chosen


def _of_memory(weights: Mapping[str, Any]) -> dict[str, str]:
    """The aliases of torch's tensors that are one piece of memory."""
    first: dict[object, str] = {}
    found = {}
    for name, value in weights.items():
        if not hasattr(value, "untyped_storage"):
            continue
        try:
            array = as_array(value, f"weight {name!r}")
        except TypeError:  # it has no weight's name, or is refused as what it is
            continue
        if array.size:
            place = array.__array_interface__["data"], array.shape, array.strides, array.dtype
            other = first.setdefault(place, name)
            if other != name:
                found[name] = other
    return found


def _equal(one: Any, two: Any, name: str) -> bool:
    """Whether two values are the same to the bit."""
    if one is two:
        return True
    a, b = (as_array(value, f"weight {name!r}") for value in (one, two))
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    if a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides:
        return True
    return bool(np.array_equal(_bytes(a), _bytes(b)))


def _bytes(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
