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
from numbers import Real
from typing import NamedTuple

from acl_bundle._files import Path_
from acl_bundle._given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights import _peft
from acl_bundle.weights._detect import detect
from acl_bundle.weights._lora_change import Bias, Changes, Product, Rows, Whole, applied
from acl_bundle.weights._lora_names import WEIGHT, Pair, Targets, bare, kinds_of, paired
from acl_bundle.weights._lora_sum import check_shapes
from acl_bundle.weights._patterns import matching
from acl_bundle.weights._report import Report, listed
from acl_bundle.weights._spec import Array, Weights, fetch, is_floating, mapping_of, spec_of
from acl_bundle.weights._view import View, files_of


class LoraRow(NamedTuple):
    """A change of one weight: the adapter's module, its rank, and what is multiplied by what.

    What the adapter holds whole, a weight or rows of one, has neither rank nor factor.
    """

    name: str
    module: str
    rank: int | None
    factor: float | None


class Merged(View):
    """A base model's weights with an adapter merged in.

    Attributes:
        changed: The names of the weights that the adapter changes:
            ``select(merged, merged.changed)`` is the partial update that puts the
            adapter in, ``select(base, merged.changed)`` the one that takes it out.
    """

    def __init__(self, base: Weights, adapter: Weights, changes: Changes) -> None:
        super().__init__(base)
        self._adapter, self._changes = adapter, changes
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
        return applied(self._changes.get(name, ()), super().__getitem__(name), self._adapter, name)

    def report(self) -> Report[LoraRow]:
        """List the weights that change."""
        changes = [(name, one) for name in self.changed for one in self._changes[name]]
        rows = tuple(LoraRow(name, one.module, one.rank, one.factor) for name, one in changes)
        return Report(f"the adapter changes {len(self.changed)} of {len(self)} weights", rows)


def merge_lora(
    base: Given,
    adapter: Given | Path_,
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
        adapter: The adapter's entries, in peft's, kohya's or loralib's names; or the
            file or folder that holds them.
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
    base, entries = mapping_of(base), _opened(adapter)
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
        merge.add(changes, module, pair, given.get(module) or merge.targets.of_module(module))
    return Merged(base, entries, changes)


def _check_finite(what: str, number: object) -> None:
    if not isinstance(number, Real) or not math.isfinite(number):
        raise ValueError(f"{what} is {number!r}; a finite number is right")


def _opened(adapter: Given | Path_) -> Weights:
    """Return an adapter's entries, those of a file or folder read as they are asked for."""
    if isinstance(adapter, str | os.PathLike):
        reader, path = detect(adapter)
        return reader(path)
    if not isinstance(adapter, Iterable):
        raise TypeError(
            "give the adapter as a mapping of name to array, or as its file or folder, not"
            f" {type(adapter).__name__}"
        )
    return mapping_of(adapter)


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
        if self._config is None and alpha is None:
            _peft.check_metadata(getattr(adapter, "metadata", {}), getattr(adapter, "file", ""))
        self._all_turned = transposed is None and self._config is not None and self._config.turned
        self._turned = matching(base, transposed or (), "transposed")
        self.targets = Targets(base)

    def wholes(self, entries: Iterable[str]) -> Changes:
        """Return the changes of what the adapter holds whole, by weight.

        Raises:
            WeightError: An entry is nothing of that kind, or a scale leaves no room for it.
        """
        changes, odd = Changes(), []
        for entry in entries:
            target, table = self.targets.of_whole(entry), self.targets.of_rows(entry)
            if target is not None and self._same_shape(entry, target):
                changes.put(target, Whole(entry))
            elif table is not None:
                for name in self._names_of(table):
                    changes.put(name, Rows(entry, self._indices(entry, table)))
            else:
                odd.append(entry)
        if odd:
            kinds = kinds_of(odd)
            raise WeightError(
                f"the adapter holds {listed(odd)}{f' ({kinds})' if kinds else ''}; only lora_A,"
                " lora_B, lora_down, lora_up and alpha can be merged, so merge it with the library"
                " that made it, or leave out with select what does not matter"
            )
        if changes and self._scale != 1:
            found = [one.module for several in changes.values() for one in several]
            raise WeightError(
                f"the adapter holds {listed(found)}, which take the place of the base's, so"
                f" scale is {self._scale:g} of nothing; 1 is right, or leave them out with select"
            )
        return changes

    def _names_of(self, table: str) -> list[str]:
        """All names in the base of one table, which peft keeps tied."""
        aliases: Mapping[str, str] = getattr(self._base, "aliases", None) or {}
        first = aliases.get(table, table)
        return [name for name in self._base if aliases.get(name, name) == first]

    def _indices(self, entry: str, table: str) -> tuple[int, ...]:
        """Which rows of a table an entry has.

        Raises:
            WeightError: Nothing says so, or the rows do not fit.
        """
        rows, weight = spec_of(self._adapter, entry), spec_of(self._base, table)
        module = table.removesuffix(WEIGHT)
        indices = () if self._config is None else self._config.rows_of(module)
        if not indices:
            raise WeightError(
                f"{entry!r} holds rows of {table!r}, and no trainable_token_indices of an"
                f" {_peft.NAME} beside it says which; give the adapter's folder"
            )
        fits = rows.shape == (len(indices), *weight.shape[1:]) and len(weight.shape) == 2
        if not fits or max(indices) >= weight.shape[0]:
            raise WeightError(
                f"{entry!r} is {rows}, for rows {listed(list(map(str, indices)))} of {table!r},"
                f" which is {weight}"
            )
        return indices

    def _same_shape(self, entry: str, target: str) -> bool:
        here, there = spec_of(self._adapter, entry), spec_of(self._base, target)
        return here.shape == there.shape and is_floating(here.dtype) and is_floating(there.dtype)

    def add(self, changes: Changes, module: str, pair: Pair, target: str) -> None:
        """Add the changes that a module makes.

        Raises:
            WeightError: The matrices do not fit the weight, or the module has a bias and
                the base has none there.
        """
        if target not in self._base:
            raise WeightError(f"names: {module!r} is to change {target!r}, which the base lacks")
        down, up = spec_of(self._adapter, pair.down), spec_of(self._adapter, pair.up)
        weight = spec_of(self._base, target)
        if self._config is not None and self._config.experts and len(weight.shape) == 3:
            raise WeightError(
                f"{self._config.file}: target_parameters has experts, {target!r} {weight}, whose"
                " products lie side by side; merge it with peft and take the merged model's weights"
            )
        matrix = len(weight.shape) == 2
        turned = target in self._turned or pair.table or (self._all_turned and matrix)
        check_shapes(module, (pair, down, up), target, weight, turned)
        rank = down.shape[0]
        factor = self._scale * self._factor(module, pair, rank)
        changes.put(target, Product(module, pair, rank, factor, turned))
        if pair.bias:
            bias = f"{target.removesuffix(WEIGHT)}.bias"
            if bias not in self._base or not self._same_shape(pair.bias, bias):
                raise WeightError(
                    f"{pair.bias!r} is {spec_of(self._adapter, pair.bias)}, to be added to"
                    f" {bias!r}, which the base lacks or has in another shape; peft cannot merge"
                    " it either"
                )
            changes.put(bias, Bias(pair.bias, rank, factor))

    def _factor(self, module: str, pair: Pair, rank: int) -> float:
        alpha = self._alpha
        if pair.alpha:
            value = fetch(self._adapter, pair.alpha)
            if value.size != 1:
                raise WeightError(f"{pair.alpha!r} has shape {value.shape}; one number is right")
            alpha = float(value.reshape(()))
        if self._config is not None:
            return self._config.factor(bare(module), rank, alpha)
        return 1.0 if alpha is None else alpha / rank
