"""Which changes an adapter makes to which weights of a base, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import matching
from acl_bundle.weights._base.report import listed
from acl_bundle.weights._base.spec import Weights, fetch, is_floating, spec_of
from acl_bundle.weights._base.view import files_of
from acl_bundle.weights._transforms.lora import peft
from acl_bundle.weights._transforms.lora.change import (
    Bias,
    ChangeLists,
    Product,
    RowsReplaced,
    Whole,
)
from acl_bundle.weights._transforms.lora.names import WEIGHT, FactorPair, Targets, bare, kinds_of
from acl_bundle.weights._transforms.lora.sum import check_shapes


class Merge:
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
        self._config = peft.beside(files_of(adapter))
        if self._config is None and alpha is None:
            peft.check_metadata(getattr(adapter, "metadata", {}), getattr(adapter, "file", ""))
        self._all_turned = transposed is None and self._config is not None and self._config.turned
        self._turned = matching(base, () if transposed is None else transposed, "transposed")
        self.targets = Targets(base)

    def wholes(self, entries: Iterable[str]) -> ChangeLists:
        """Return the changes of what the adapter holds whole, by weight.

        Raises:
            WeightError: An entry is nothing of that kind, or a scale leaves no room for it.
        """
        changes, odd = ChangeLists(), []
        for entry in entries:
            target, table = self.targets.of_whole(entry), self.targets.of_rows(entry)
            if target is not None and self._same_shape(entry, target):
                changes.put(target, Whole(entry))
            elif table is not None:
                for name in self._names_of(table):
                    changes.put(name, RowsReplaced(entry, self._indices(entry, table)))
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
                f" {peft.NAME} beside it says which; give the adapter's folder"
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

    def add(self, changes: ChangeLists, module: str, pair: FactorPair, target: str) -> None:
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

    def _factor(self, module: str, pair: FactorPair, rank: int) -> float:
        alpha = self._alpha
        if pair.alpha:
            value = fetch(self._adapter, pair.alpha)
            if value.size != 1:
                raise WeightError(f"{pair.alpha!r} has shape {value.shape}; one number is right")
            alpha = float(value.reshape(()))
        if self._config is not None:
            return self._config.factor(bare(module), rank, alpha)
        return 1.0 if alpha is None else alpha / rank
