"""Merging LoRA adapters: a base weight plus the product of two thin matrices.

``W + scale * (alpha / r) * B @ A``, where A is ``[r, in]`` and B ``[out, r]``, or
their convolutional forms. `_lora_names` knows what the entries are called,
`_peft` what peft's configuration says of alpha.

The product is taken in float32, or float64 where the base is, added there, and
rounded to the base's dtype once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np

from acl_bundle._files import Path_
from acl_bundle.errors import WeightError
from acl_bundle.weights import _peft
from acl_bundle.weights._detect import detect
from acl_bundle.weights._lora_names import PEFT_PREFIX, Pair, Targets, paired
from acl_bundle.weights._lora_sum import check_shapes, rounded
from acl_bundle.weights._patterns import matching
from acl_bundle.weights._report import Report, listed
from acl_bundle.weights._spec import Array, Weights, fetch, is_floating, spec_of
from acl_bundle.weights._view import View, files_of


class LoraRow(NamedTuple):
    """One merged weight: the adapter's module, its rank, and what the product is multiplied by.

    A weight that the adapter holds whole has neither rank nor factor.
    """

    name: str
    module: str
    rank: int | None
    factor: float | None


@dataclass(frozen=True)
class _Change:
    """What happens to one weight: a product is added, or (``pair`` is None) it is replaced."""

    module: str
    pair: Pair | None = None
    rank: int | None = None
    factor: float | None = None
    turned: bool = False


class Merged(View):
    """A base model's weights with an adapter merged in.

    Attributes:
        changed: The names of the weights that the adapter changes:
            ``select(merged, merged.changed)`` is the partial update that puts the
            adapter in, ``select(base, merged.changed)`` the one that takes it out.
    """

    def __init__(self, base: Weights, adapter: Weights, changes: Mapping[str, _Change]) -> None:
        super().__init__(base)
        self._adapter, self._changes = adapter, dict(changes)
        self.changed: tuple[str, ...] = tuple(name for name in base if name in changes)

    @property
    def files(self) -> tuple[str, ...]:
        """All files that values are read from in the end."""
        return (*super().files, *files_of(self._adapter))

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values: a new array for one that the adapter changes.

        Raises:
            KeyError: There is no such weight.
            WeightError: The sum overflows the base's dtype.
        """
        array = super().__getitem__(name)
        change = self._changes.get(name)
        if change is None:
            return array
        if change.pair is None:
            return rounded(fetch(self._adapter, change.module), array.dtype, name)
        wide = np.float64 if array.dtype == np.float64 else np.float32
        down, up = (
            fetch(self._adapter, one).astype(wide) for one in (change.pair.down, change.pair.up)
        )
        delta = up.reshape(len(up), -1) @ down.reshape(len(down), -1)
        delta *= wide(change.factor or 0)
        delta = (delta.T if change.turned else delta).reshape(array.shape)
        return rounded(array.astype(wide) + delta, array.dtype, name)

    def report(self) -> Report[LoraRow]:
        """List the weights that change."""
        changes = [(name, self._changes[name]) for name in self.changed]
        rows = tuple(LoraRow(name, one.module, one.rank, one.factor) for name, one in changes)
        return Report(f"the adapter changes {len(rows)} of {len(self)} weights", rows)


def merge_lora(
    base: Weights,
    adapter: Weights | Path_,
    scale: float = 1.0,
    *,
    alpha: float | None = None,
    names: Mapping[str, str] | None = None,
    transposed: Iterable[str] | None = None,
) -> Merged:
    """See a base model with a LoRA adapter merged into it.

    Where the adapter is a peft folder, or a file of one, ``adapter_config.json``
    beside it says what alpha is, whether rank stabilised, and ``fan_in_fan_out``.

    Args:
        base: The base model's weights, floating-point.
        adapter: The adapter's entries, in peft's or kohya's names; or the file
            or folder that holds them.
        scale: A strength on top of ``alpha / r``; 1 is what the adapter was
            trained with, 0 is the base, a negative one takes it away.
        alpha: In place of peft's; None for what the configuration says, and r
            where there is none. What stands among the weights wins.
        names: Module in the adapter -> weight of the base, for those whose
            names do not lead there.
        transposed: Names or patterns of base weights that are kept as
            ``[in, out]``, as an ONNX MatMul does; None for what ``fan_in_fan_out``
            says.

    Returns:
        A view; ``changed`` names the weights that differ from the base.

    Raises:
        WeightError: An entry is of no known kind or lacks its other half, a
            module leads to no weight of the base, shapes do not fit, or the
            adapter is of a kind that cannot be added, such as DoRA.
        ValueError: ``scale`` or ``alpha`` is no finite number.
        TypeError: ``base`` or ``adapter`` is no mapping, or holds what is no array.
        WeightsFormatError: A file is damaged.
        OSError: A file cannot be opened.
    """
    _check_finite("scale", scale)
    _check_finite("alpha", 1 if alpha is None else alpha)
    entries = _opened(adapter)
    pairs, others = paired(entries)
    given = dict(names or {})
    unknown = [module for module in given if module not in pairs]
    if unknown:
        raise WeightError(
            f"names: the adapter has no module {listed(unknown)}; it has {listed(list(pairs))}"
        )
    merge = _Merge(base, entries, float(scale), alpha, transposed)
    changes = merge.wholes(others)
    for module, pair in pairs.items():
        target = given.get(module) or merge.targets.of_module(module)
        if target in changes:
            other = changes[target].module
            raise WeightError(f"adapter modules {other!r} and {module!r} both change {target!r}")
        changes[target] = merge.change(module, pair, target)
    return Merged(base, entries, changes)


def _check_finite(what: str, number: object) -> None:
    if not isinstance(number, Real) or not math.isfinite(number):
        raise ValueError(f"{what} is {number!r}; a finite number is right")


def _opened(adapter: Weights | Path_) -> Weights:
    """Return an adapter's entries, those of a file or folder read as they are asked for."""
    if isinstance(adapter, str | os.PathLike):
        reader, path = detect(adapter)
        return reader(path)
    if not isinstance(adapter, Mapping):
        raise TypeError(
            "give the adapter as a mapping of name to array, or as its file or folder, not"
            f" {type(adapter).__name__}"
        )
    return adapter


class _Merge:
    """What all modules of a merge have in common."""

    def __init__(
        self,
        base: Weights,
        adapter: Weights,
        scale: float,
        alpha: float | None,
        transposed: Iterable[str] | None,
    ) -> None:
        self._base, self._adapter, self._scale, self._alpha = base, adapter, scale, alpha
        self._config = _peft.beside(files_of(adapter))
        self._all_turned = transposed is None and self._config is not None and self._config.turned
        self._turned = matching(base, transposed or (), "transposed")
        self.targets = Targets(base)

    def wholes(self, entries: Iterable[str]) -> dict[str, _Change]:
        """Return the changes of what the adapter holds whole, by weight.

        Raises:
            WeightError: An entry is nothing of that kind, or a scale leaves no room for it.
        """
        found = {entry: self.targets.of_whole(entry) for entry in entries}
        odd = [e for e, t in found.items() if t is None or not self._same_shape(e, t)]
        if odd:
            dora = any("lora_magnitude_vector" in entry for entry in odd)
            raise WeightError(
                f"the adapter holds {listed(odd)}{' (DoRA)' if dora else ''}; only lora_A, lora_B,"
                " lora_down, lora_up and alpha can be merged, so merge it with the library that"
                " made it, or leave out with select what does not matter"
            )
        if found and self._scale != 1:
            raise WeightError(
                f"the adapter holds {listed(list(found))}, which take the place of the base's, so"
                f" scale is {self._scale:g} of nothing; 1 is right, or leave them out with select"
            )
        return {target: _Change(entry) for entry, target in found.items() if target}

    def _same_shape(self, entry: str, target: str) -> bool:
        here, there = spec_of(self._adapter, entry), spec_of(self._base, target)
        return here.shape == there.shape and is_floating(here.dtype) and is_floating(there.dtype)

    def change(self, module: str, pair: Pair, target: str) -> _Change:
        """Return the change of one weight.

        Raises:
            WeightError: The matrices do not fit it.
        """
        if target not in self._base:
            raise WeightError(f"names: {module!r} is to change {target!r}, which the base lacks")
        down, up = spec_of(self._adapter, pair.down), spec_of(self._adapter, pair.up)
        weight = spec_of(self._base, target)
        matrix = len(weight.shape) == 2
        turned = target in self._turned or pair.table or (self._all_turned and matrix)
        check_shapes(module, (pair, down, up), target, weight, turned)
        rank = down.shape[0]
        return _Change(module, pair, rank, self._scale * self._factor(module, pair, rank), turned)

    def _factor(self, module: str, pair: Pair, rank: int) -> float:
        alpha = self._alpha
        if pair.alpha:
            value = fetch(self._adapter, pair.alpha)
            if value.size != 1:
                raise WeightError(f"{pair.alpha!r} has shape {value.shape}; one number is right")
            alpha = float(value.reshape(()))
        if self._config is not None:
            return self._config.factor(module.removeprefix(PEFT_PREFIX), rank, alpha)
        return 1.0 if alpha is None else alpha / rank
