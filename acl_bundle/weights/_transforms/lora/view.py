"""Merging LoRA adapters: a base weight plus the product of two thin matrices.

``W + scale * (alpha / r) * B @ A``, where A is ``[r, in]`` and B ``[out, r]``, or
their convolutional forms. `lora_names` knows what the entries are called,
`peft` what peft's configuration says of alpha, `lora_merge` what follows of it.

The product is taken in float32, or float64 where the base is, added there, and
rounded to the base's dtype once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import NamedTuple

from acl_bundle._base.files import Path_
from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.report import Report, listed
from acl_bundle.weights._base.spec import Array, Weights, mapping_of
from acl_bundle.weights._base.view import View, files_of
from acl_bundle.weights._sources.detect import detect
from acl_bundle.weights._transforms.lora.change import ChangeLists, applied
from acl_bundle.weights._transforms.lora.merge import Merge
from acl_bundle.weights._transforms.lora.names import paired


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

    def __init__(self, base: Weights, adapter: Weights, changes: ChangeLists) -> None:
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
    base, entries = _named(base, "base"), _opened(adapter)
    pairs, others = paired(entries)
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(f"names is {names!r:.80}; a mapping of module to weight is right")
    given = dict(names or {})
    unknown = [module for module in given if module not in pairs]
    if unknown:
        raise WeightError(
            f"names: the adapter has no module {listed(unknown)}; it has {listed(list(pairs))}"
        )
    merge = Merge(base, entries, float(scale), alpha, transposed)
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
    return _named(adapter, "adapter")


def _named(given: Given, what: str) -> Weights:
    try:
        return mapping_of(given)
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
