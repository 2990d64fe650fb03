"""Weights under their own names, where a model's parameters have several.

Tied parameters are one weight with two names or more. A trainer that gives both
gives the same value twice; two values would leave it to chance which one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from acl_bundle._arrays import as_array
from acl_bundle.errors import WeightError
from acl_bundle.weight_program import WeightProgram


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


def own_names(program: WeightProgram, weights: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    """Return what is given, each weight under its own name alone.

    Args:
        program: Whose aliases count.
        weights: What is given; anything but a mapping is returned as it is.
        label: The graph, for the message.

    Raises:
        WeightError: Two names of one weight come with two values.
    """
    aliases = program.aliases
    if not aliases or not isinstance(weights, Mapping):
        return weights
    names: dict[str, str] = {}
    specs = {spec.name: spec for spec in program.sources}
    for name in weights:
        own = aliases.get(name, name)
        other = names.setdefault(own, name)
        if other == name:
            continue
        what = f"weight {own!r}"
        one, two = weights[other], weights[name]
        if one is not two and not np.array_equal(
            as_array(one, what, specs[own]), as_array(two, what, specs[own]), equal_nan=True
        ):
            raise WeightError(
                f"{label}: {other!r} and {name!r} are two names of one weight and come with two"
                " values; give one of them; nothing was changed"
            )
    if all(own == name for own, name in names.items()):
        return weights
    if isinstance(weights, dict):
        return {own: weights[name] for own, name in names.items()}
    return _Renamed(weights, names)
