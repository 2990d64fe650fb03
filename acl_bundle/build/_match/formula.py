"""The formula of a batch normalization, and the vectors that it is made of.

Which four vectors belong together is told by their names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.build._match import expr
from acl_bundle.build._match.digest import is_uniform
from acl_bundle.build._match.expr import Expr, apply, number, source

Array = NDArray[Any]

EPSILONS: Final = (1e-5, 1e-3, 1e-6, 1e-4)
"""What frameworks add to a variance."""
_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "gamma": ("gamma", "weight", "scale"),
    "beta": ("beta", "bias", "offset"),
    "mean": ("running_mean", "moving_mean", "mean"),
    "variance": ("running_var", "moving_variance", "variance", "var"),
}
_LEAVES: Final = "|".join(name for names in _ROLES.values() for name in names)
_NAMED: Final = re.compile(
    rf"(?:(?:params|batch_stats)[./])?(.*?)(?:(?<=[./_])|^)({_LEAVES})(?::\d+)?"
)


@dataclass(frozen=True)
class Norm:
    """The vectors of one normalization, by name; some have no gamma, or no beta."""

    mean: str
    variance: str
    gamma: str | None
    beta: str | None


def norms(arrays: Mapping[str, Array]) -> list[Norm]:
    """Return what normalizations there are, by the names and shapes of sources."""
    roles = {name: role for role, names in _ROLES.items() for name in names}
    groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, array in arrays.items():
        named = _NAMED.fullmatch(name)
        if named and array.ndim == 1:
            groups[named[1]].setdefault(roles[named[2]], name)
    return [
        Norm(group["mean"], group["variance"], group.get("gamma"), group.get("beta"))
        for group in groups.values()
        if {"mean", "variance"} <= group.keys()
        and len({arrays[name].shape for name in group.values()}) == 1
    ]


class Factors:
    """What may scale the channels of a weight, of one number of channels.

    Attributes:
        made: Each factor's expression.
        factor: Their values, a row each.
    """

    def __init__(self, arrays: Mapping[str, Array], made: Sequence[Expr]) -> None:
        self._arrays = arrays
        self.made: Sequence[Expr] = made
        self.factor: Array = np.stack([self.value(one).astype(np.float64) for one in made])

    def value(self, one: Expr) -> Array:
        """Compute an expression."""
        return expr.evaluate(one, self._arrays.__getitem__)

    def wide(self, name: str) -> Expr:
        """A source in float32 or wider."""
        return _wide(self._arrays, name)


class Scales(Factors):
    """The factors and shifts of all normalizations of one size, for one epsilon."""

    def __init__(self, arrays: Mapping[str, Array], norms: Sequence[Norm], epsilon: float) -> None:
        super().__init__(arrays, [_factor_of(arrays, one, epsilon) for one in norms])
        self.norms: Sequence[Norm] = norms
        self.mean: Array = np.stack([arrays[one.mean].astype(np.float64) for one in norms])
        self.beta: Array = np.stack(
            [
                np.zeros(self.mean.shape[1])
                if one.beta is None
                else arrays[one.beta].astype(np.float64)
                for one in norms
            ]
        )

    def shift_of(self, at: int, bias: str | None) -> Expr:
        """``(bias - mean) * factor + beta`` of a row."""
        norm = self.norms[at]
        mean = self.wide(norm.mean)
        centred = apply("neg", mean) if bias is None else apply("sub", self.wide(bias), mean)
        shift = apply("mul", centred, self.made[at])
        return shift if norm.beta is None else apply("add", shift, self.wide(norm.beta))


def plain_factors(arrays: Mapping[str, Array], least: int) -> dict[int, Factors]:
    """Return the vectors that may be factors themselves, by size, from a size on."""
    sizes: defaultdict[int, list[str]] = defaultdict(list)
    for name, one in arrays.items():
        if one.ndim == 1 and one.size >= least and not is_uniform(one):
            sizes[one.size].append(name)
    return {
        size: Factors(arrays, [_wide(arrays, name) for name in names])
        for size, names in sizes.items()
    }


def _wide(arrays: Mapping[str, Array], name: str) -> Expr:
    dtype = arrays[name].dtype
    return expr.cast(source(name), dtype, np.promote_types(dtype, np.float32))


def _factor_of(arrays: Mapping[str, Array], norm: Norm, epsilon: float) -> Expr:
    """``gamma / sqrt(variance + epsilon)``."""
    dtype = np.promote_types(arrays[norm.variance].dtype, np.float32)
    spread = apply("sqrt", apply("add", _wide(arrays, norm.variance), number(epsilon, dtype)))
    if norm.gamma is None:
        return apply("reciprocal", spread)
    return apply("div", _wide(arrays, norm.gamma), spread)
