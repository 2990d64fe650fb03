"""What an adapter does to one weight: a list of changes, each made to what the one before gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from acl_bundle.errors import WeightError
from acl_bundle.weights._base.spec import Array, Weights, fetch
from acl_bundle.weights._transforms.lora.names import FactorPair
from acl_bundle.weights._transforms.lora.sum import rounded


@dataclass(frozen=True)
class Product:
    """The product of a module's two matrices is added.

    Attributes:
        module: The module's name in the adapter.
        pair: Its entries.
        rank: Their r.
        factor: What the product is multiplied by.
        turned: Whether the weight is kept as ``[in, out]``.
    """

    module: str
    pair: FactorPair
    rank: int | None
    factor: float | None
    turned: bool

    def apply(self, array: Array, adapter: Weights, name: str) -> Array:
        """Return the sum, in the weight's dtype.

        Raises:
            WeightError: It overflows that.
        """
        wide = np.float64 if array.dtype == np.float64 else np.float32
        down, up = (fetch(adapter, one).astype(wide) for one in (self.pair.down, self.pair.up))
        delta = up.reshape(len(up), -1) @ down.reshape(len(down), -1)
        delta *= wide(self.factor or 0)
        delta = (delta.T if self.turned else delta).reshape(array.shape)
        return rounded(array.astype(wide) + delta, array.dtype, name)


@dataclass(frozen=True)
class Bias:
    """The bias of a module's second matrix is added to the base's (peft's ``lora_bias``)."""

    module: str
    rank: int | None
    factor: float | None

    def apply(self, array: Array, adapter: Weights, name: str) -> Array:
        """Return the sum, in the bias's dtype.

        Raises:
            WeightError: It overflows that.
        """
        wide = np.float64 if array.dtype == np.float64 else np.float32
        added = fetch(adapter, self.module).astype(wide) * wide(self.factor or 0)
        return rounded(array.astype(wide) + added, array.dtype, name)


@dataclass(frozen=True)
class Whole:
    """An entry takes the weight's place."""

    module: str
    rank: None = None
    factor: None = None

    def apply(self, array: Array, adapter: Weights, name: str) -> Array:
        """Return the entry, in the weight's dtype.

        Raises:
            WeightError: A value overflows that.
        """
        return rounded(fetch(adapter, self.module), array.dtype, name)


@dataclass(frozen=True)
class RowsReplaced:
    """Some rows of a table are replaced (peft's ``trainable_token_indices``)."""

    module: str
    indices: tuple[int, ...]
    rank: None = None
    factor: None = None

    def apply(self, array: Array, adapter: Weights, name: str) -> Array:
        """Return a copy of the table with other rows.

        Raises:
            WeightError: A value overflows the table's dtype.
        """
        result: Array = array.copy()
        result[list(self.indices)] = rounded(fetch(adapter, self.module), array.dtype, name)
        return result


Change: TypeAlias = Product | Bias | Whole | RowsReplaced


class ChangeLists(dict[str, list[Change]]):
    """The changes of each weight, in the order in which they are made."""

    def put(self, name: str, change: Change) -> None:
        """Add a change.

        Raises:
            WeightError: Two modules of an adapter do the same to one weight.
        """
        before = self.setdefault(name, [])
        for one in before:
            if type(one) is type(change):
                raise WeightError(
                    f"adapter modules {one.module!r} and {change.module!r} both change {name!r}"
                )
        before.append(change)


def applied(changes: Sequence[Change], array: Array, adapter: Weights, name: str) -> Array:
    """Return what all changes make of a weight."""
    for change in changes:
        array = change.apply(array, adapter, name)
    return array
