"""The constants of a bundle with a weight program, made of other weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from acl_bundle.errors import WeightError
from acl_bundle.weight_program import WeightProgram, lost, recover
from acl_bundle.weights._base.spec import Array, Weights

_FIRST: Final = "first value of "
"""In front of a source's name, for a constant may have the same; no message shows it."""


def first_values(program: WeightProgram) -> dict[str, Array]:
    """Return the values that a program keeps of sources, each under a name of its own."""
    return {f"{_FIRST}{name}": value for name, value in program.first.items()}


def derived(
    program: WeightProgram, weights: Weights, constants: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the constants and first values that new weights change, by name.

    Args:
        program: The bundle's.
        weights: Sources, some or all.
        constants: What the bundle has now.

    Raises:
        WeightError: A constant needs a source whose value is neither given nor in the file.
    """
    unknown = lost(program)

    def fetch(name: str) -> Array:
        return weights[name] if name in weights else recover(program, name, constants)

    found = {f"{_FIRST}{name}": weights[name] for name in weights if name in program.first}
    for place in sorted({at for name in weights for at in program.readers[name]}):
        piece = program.pieces[place]
        missing = [name for name in piece.sources if name in unknown and name not in weights]
        if missing:
            raise WeightError(
                f"{piece.constant.name!r} is made of {', '.join(map(repr, piece.sources))}, and"
                f" the file has no value of {', '.join(map(repr, missing))}: give all of them"
            )
        found[piece.constant.name] = program.compute(place, fetch)
    return found
