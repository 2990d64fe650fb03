"""The weights as key and value, the language that trainer and bundle share.

Keys are called as the attributes of scikit-learn's classifier that hold the
values: ``coefs.0`` is ``coefs_[0]``. Values are float32 arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = dict[str, Array]

PIXELS, HIDDEN, DIGITS = 64, 64, 10
LAYERS = ((PIXELS, HIDDEN), (HIDDEN, DIGITS))


def name(coefs: Sequence[Array], intercepts: Sequence[Array]) -> Weights:
    """Give a network's parameters their keys.

    Args:
        coefs: A matrix per layer, [from, to].
        intercepts: A bias per layer, [to].
    """
    kinds = (("coefs", coefs), ("intercepts", intercepts))
    return {f"{kind}.{index}": value for kind, all_ in kinds for index, value in enumerate(all_)}


def coefs(weights: Weights) -> list[Array]:
    """The matrices, layer by layer."""
    return [weights[f"coefs.{index}"] for index in range(len(LAYERS))]


def intercepts(weights: Weights) -> list[Array]:
    """The biases, layer by layer."""
    return [weights[f"intercepts.{index}"] for index in range(len(LAYERS))]


def untrained() -> Weights:
    """Draw the weights of a network that has learnt nothing."""
    rng = np.random.default_rng(0)

    def draw(layer: tuple[int, int], *shape: int) -> Array:
        bound = np.sqrt(6 / sum(layer))
        return rng.uniform(-bound, bound, shape).astype(np.float32)

    return name([draw(at, *at) for at in LAYERS], [draw(at, at[1]) for at in LAYERS])
