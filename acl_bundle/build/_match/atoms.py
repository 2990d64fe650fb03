"""What a constant may be made of: the sources, and sums of two that belong together.

Each is read once and digested in every dtype that the model's constants have. Values
are kept as they were given: views of a mapped file stay views.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array
from acl_bundle.build._match import expr
from acl_bundle.build._match.digest import Digest, digest, is_uniform
from acl_bundle.build._match.expr import Expr
from acl_bundle.spec import WeightSpec

Array = NDArray[Any]

_TWIN: Final = re.compile(r"(?<![a-zA-Z])ih(?![a-zA-Z])")
_FLOATS: Final = ("float32", "float16", "bfloat16", "float64")


@dataclass(frozen=True, eq=False)
class Atom:
    """A source, or the sum of two, in the dtype of a constant.

    Attributes:
        made: Its expression.
        array: Its value, in its own dtype.
        dtype: The dtype it is compared in.
    """

    made: Expr
    array: Array
    dtype: np.dtype[Any]

    @property
    def value(self) -> Array:
        """The value in that dtype; a copy where its own is another."""
        with np.errstate(all="ignore"):
            return self.array.astype(self.dtype, copy=False)

    @cached_property
    def digest(self) -> Digest:
        """Its digest in that dtype."""
        return digest(self.value)

    def cast(self, one: Expr) -> Expr:
        """An expression that moves its elements, in that dtype."""
        return expr.cast(one, self.array.dtype, self.dtype)


class Sources:
    """The weights that were given.

    Attributes:
        arrays: Floating-point ones with elements, by name, tied ones once.
        aliases: Other names of those: the name, and the one that it is.
        others: Names of what no constant can be made of.
    """

    def __init__(self, weights: Mapping[str, Any]) -> None:
        """Read them.

        Raises:
            TypeError: They are no mapping of names to arrays.
        """
        if not isinstance(weights, Mapping):
            raise TypeError(
                f"weights is a {type(weights).__name__}; a mapping of names to arrays is right"
            )
        self.arrays: dict[str, Array] = {}
        self.aliases: dict[str, str] = {}
        self.others: list[str] = []
        told: Mapping[str, str] = getattr(weights, "aliases", None) or {}
        seen: dict[tuple[Any, ...], str] = {}
        alive = []  # so that no two of them get one address
        for name in weights:
            if not isinstance(name, str):
                raise TypeError(f"weights has the key {name!r}; a name is right")
            array = as_array(weights[name], f"weight {name!r}")
            alive.append(array)
            if array.dtype.name not in _FLOATS or not array.size:
                self.others.append(name)
                continue
            memory = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
            own = told.get(name) or seen.setdefault(memory, name)
            if own != name and own in weights:
                self.aliases[name] = own
            else:
                self.arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)

    def spec(self, name: str) -> WeightSpec:
        """Return a source's name, shape and dtype."""
        array = self.arrays[name]
        return WeightSpec(name, array.shape, array.dtype)

    @cached_property
    def uniform(self) -> frozenset[str]:
        """Those that are one number throughout."""
        return frozenset(name for name, array in self.arrays.items() if is_uniform(array))

    def atoms(self, dtype: np.dtype[Any], *, sums: bool = True) -> list[Atom]:
        """Return the sources, and the sums of two biases that an exporter may add."""
        single = [Atom(expr.source(name), one, dtype) for name, one in self.arrays.items()]
        return [*single, *(self._sums(dtype) if sums else ())]

    def _sums(self, dtype: np.dtype[Any]) -> Sequence[Atom]:
        found = []
        for name, left in self.arrays.items():
            twin = _TWIN.sub("hh", name)
            right = self.arrays.get(twin)
            if twin == name or right is None or left.ndim != 1:
                continue
            if (left.shape, left.dtype) != (right.shape, right.dtype):
                continue
            made = expr.apply("add", expr.source(name), expr.source(twin))
            fetch = {name: left, twin: right}.__getitem__
            found.append(Atom(made, expr.evaluate(made, fetch), dtype))
        return found
