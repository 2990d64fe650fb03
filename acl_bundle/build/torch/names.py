"""Which names of a state dict an exported graph knows, and what becomes of the others.

Tensors are compared by identity, never by value: equal values are not one
weight, and two names of one tensor are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple


class ParameterNames(NamedTuple):
    """What each name of a module is to its graph.

    Attributes:
        first: Initializer -> the first of the tensor's names, where the
            exporter took another one.
        weights: Names of refreshable tensors, in the module's order.
        aliases: Other name of a tied tensor -> its first.
        unused: Entries of the state dict that the graph does not need.
        missing: Weights that the state dict does not have.
    """

    first: Mapping[str, str]
    weights: tuple[str, ...]
    aliases: Mapping[str, str]
    unused: tuple[str, ...]
    missing: tuple[str, ...]


def tensors(module: Any) -> dict[str, Any]:
    """Return all parameters and buffers by each of their names."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def names(module: Any, initializers: Collection[str]) -> ParameterNames:
    """Say what each name of a module is to a graph with these initializers."""
    named = tensors(module)
    state = module.state_dict(keep_vars=True)
    used = {id(named[one]) for one in initializers if one in named}
    lasting = {id(one) for one in (*module.parameters(), *state.values())}
    first: dict[int, str] = {}
    aliases, unused, missing = {}, [], set()
    for name, tensor in {**state, **named}.items():
        key = id(tensor)
        if key not in used:
            if name in state:
                unused.append(name)
        elif key in first:
            aliases[name] = first[key]
        elif key in lasting or name in state:  # the others are buffers that no file holds
            first[key] = name
            missing.add(key)
        if name in state:
            missing.discard(key)
    exporter = {one: first.get(id(named[one]), one) for one in initializers if one in named}
    return ParameterNames(
        {old: new for old, new in exporter.items() if old != new},
        tuple(first.values()),
        aliases,
        tuple(unused),
        tuple(name for key, name in first.items() if key in missing),
    )
