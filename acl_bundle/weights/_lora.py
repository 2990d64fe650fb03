"""Merging LoRA adapters: a base weight plus the product of two thin matrices.

``W + scale * (alpha / r) * B @ A``, where A is ``[r, in]`` and B ``[out, r]``, or
their convolutional forms. Two ways of naming them are known:

- peft: ``base_model.model.<module>.lora_A.weight`` and ``lora_B`` (also with the
  adapter's name between, ``lora_A.default.weight``). Alpha is not among the
  weights; it stands in ``adapter_config.json``.
- kohya: ``lora_unet_<module>.lora_down.weight``, ``lora_up`` and ``alpha``, where
  the module is written with ``_`` for ``.``.

The product is taken in float32, or float64 where the base is, added there, and
rounded to the base's dtype once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from acl_bundle.errors import WeightError
from acl_bundle.weights._patterns import matching
from acl_bundle.weights._report import Report, listed
from acl_bundle.weights._spec import Array, Spec, Weights, fetch, is_floating, spec_of
from acl_bundle.weights._view import View, files_of

_PART: Final = re.compile(
    r"(?P<module>.+?)\.(?:(?P<kind>lora_[AB]|lora_down|lora_up)(?:\.[^.]+)??\.weight|(?P<alpha>alpha))"
)
_DOWN: Final = ("lora_A", "lora_down")
_PEFT_PREFIX: Final = "base_model.model."
_KOHYA_PREFIX: Final = re.compile(r"lora_[a-z0-9]+_")
_WEIGHT: Final = ".weight"


class LoraRow(NamedTuple):
    """One merged weight: the adapter's module, its rank, and what the product is multiplied by."""

    name: str
    module: str
    rank: int
    factor: float


@dataclass
class _Pair:
    """The entries of one module in an adapter, by their names there."""

    down: str = ""
    up: str = ""
    alpha: str = ""
    target: str = field(default="", compare=False)
    rank: int = 0
    factor: float = 0.0


class Merged(View):
    """A base model's weights with an adapter merged in.

    Attributes:
        changed: The names of the weights that the adapter changes:
            ``select(merged, merged.changed)`` is the partial update that puts the
            adapter in, ``select(base, merged.changed)`` the one that takes it out.
    """

    def __init__(
        self, base: Weights, adapter: Weights, pairs: Mapping[str, _Pair], turned: set[str]
    ) -> None:
        super().__init__(base)
        self._adapter, self._turned = adapter, turned
        self._pairs = {pair.target: (module, pair) for module, pair in pairs.items()}
        self.changed: tuple[str, ...] = tuple(name for name in base if name in self._pairs)

    @property
    def files(self) -> tuple[str, ...]:
        """All files that values are read from in the end."""
        return (*super().files, *files_of(self._adapter))

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values: a new array for one that the adapter changes."""
        array = super().__getitem__(name)
        if name not in self._pairs:
            return array
        pair = self._pairs[name][1]
        wide = np.float64 if array.dtype == np.float64 else np.float32
        down, up = (fetch(self._adapter, one).astype(wide) for one in (pair.down, pair.up))
        delta = up.reshape(len(up), -1) @ down.reshape(len(down), -1)
        delta *= wide(pair.factor)
        if name in self._turned:
            delta = delta.T
        merged: Array = (array.astype(wide) + delta.reshape(array.shape)).astype(array.dtype)
        return merged

    def report(self) -> Report[LoraRow]:
        """List the weights that change."""
        rows = tuple(
            LoraRow(
                name, self._pairs[name][0], self._pairs[name][1].rank, self._pairs[name][1].factor
            )
            for name in self.changed
        )
        return Report(f"the adapter changes {len(rows)} of {len(self)} weights", rows)


def merge_lora(
    base: Weights,
    adapter: Weights,
    scale: float = 1.0,
    *,
    alpha: float | None = None,
    names: Mapping[str, str] | None = None,
    transposed: Iterable[str] = (),
) -> Merged:
    """See a base model with a LoRA adapter merged into it.

    Args:
        base: The base model's weights, floating-point.
        adapter: The adapter's entries, in peft's or kohya's names.
        scale: A strength on top of ``alpha / r``; 1 is what the adapter was
            trained with, 0 is the base, a negative one takes it away.
        alpha: For adapters that do not hold it; None for alpha = r. What the
            adapter holds wins.
        names: Module in the adapter -> weight of the base, for those whose
            names do not lead there.
        transposed: Names or patterns of base weights that are kept as
            ``[in, out]``, as an ONNX MatMul does.

    Returns:
        A view; ``changed`` names the weights that differ from the base.

    Raises:
        WeightError: An entry is of no known kind or lacks its other half, a
            module leads to no weight of the base, or shapes do not fit.
    """
    pairs = _paired(adapter)
    turned = matching(base, transposed, "transposed")
    given = dict(names or {})
    unknown = [module for module in given if module not in pairs]
    if unknown:
        raise WeightError(f"names: the adapter has no module {listed(unknown)}; {_some(pairs)}")
    search = _Targets(base)
    for module, pair in pairs.items():
        pair.target = given.get(module) or search.find(module)
        _check(module, pair, base, adapter, pair.target in turned)
        pair.rank = spec_of(adapter, pair.down).shape[0]
        pair.factor = scale * _alpha(adapter, pair, alpha) / pair.rank
    _check_once(pairs)
    return Merged(base, adapter, pairs, turned)


def _paired(adapter: Weights) -> dict[str, _Pair]:
    pairs: dict[str, _Pair] = {}
    odd = []
    for name in adapter:
        found = _PART.fullmatch(name)
        if found is None:
            odd.append(name)
            continue
        pair = pairs.setdefault(found["module"], _Pair())
        kind = "alpha" if found["alpha"] else "down" if found["kind"] in _DOWN else "up"
        if getattr(pair, kind):
            raise WeightError(f"the adapter has both {getattr(pair, kind)!r} and {name!r}")
        setattr(pair, kind, name)
    if odd:
        raise WeightError(
            f"the adapter holds {listed(odd)}; only lora_A, lora_B, lora_down, lora_up and alpha"
            " can be merged, so leave the others out with select, or merge them yourself"
        )
    half = [module for module, pair in pairs.items() if not (pair.down and pair.up)]
    if half or not pairs:
        raise WeightError(
            f"the adapter lacks one of the two matrices of {listed(half)}"
            if half
            else "the adapter is empty"
        )
    return pairs


class _Targets:
    """The weights of a base, found by the names of an adapter's modules."""

    def __init__(self, base: Weights) -> None:
        self._names = set(base)
        self._flat: dict[str, list[str]] = {}
        for name in base:
            self._flat.setdefault(name.removesuffix(_WEIGHT).replace(".", "_"), []).append(name)

    def find(self, module: str) -> str:
        for candidate in self._candidates(module):
            if candidate in self._names:
                return candidate
        flat = self._flat.get(_KOHYA_PREFIX.sub("", module, count=1), [])
        if len(flat) == 1:
            return flat[0]
        raise WeightError(
            f"adapter module {module!r} leads to {f'both {listed(flat)}' if flat else 'no weight'}"
            f" of the base; say which is meant: names={{{module!r}: ...}}"
        )

    @staticmethod
    def _candidates(module: str) -> Iterator[str]:
        for start in (_PEFT_PREFIX, "base_model.", "model.", ""):
            if module.startswith(start):
                yield module.removeprefix(start) + _WEIGHT
                yield module.removeprefix(start)


def _alpha(adapter: Weights, pair: _Pair, given: float | None) -> float:
    if pair.alpha:
        value = fetch(adapter, pair.alpha)
        if value.size != 1:
            raise WeightError(f"{pair.alpha!r} has shape {value.shape}; one number is right")
        return float(value.reshape(()))
    return float(pair.rank if given is None else given)


def _check(module: str, pair: _Pair, base: Weights, adapter: Weights, turned: bool) -> None:
    if pair.target not in base:
        raise WeightError(f"names: {module!r} is to change {pair.target!r}, which the base lacks")
    weight = spec_of(base, pair.target)
    if not is_floating(weight.dtype):
        raise WeightError(f"weight {pair.target!r} is {weight}; floating-point ones can be merged")
    down, up = spec_of(adapter, pair.down), spec_of(adapter, pair.up)
    if turned and len(weight.shape) != 2:
        raise WeightError(f"transposed: weight {pair.target!r} is {weight}; only matrices can be")
    made = _product(down, up)
    if made is None:
        raise WeightError(
            f"adapter module {module!r}: {pair.down!r} is {down} and {pair.up!r} is {up}; [r, in]"
            " and [out, r] are right, or convolutions of that kind"
        )
    wanted = weight.shape[::-1] if turned else weight.shape
    if made != _flat(wanted):
        hint = f"; say transposed=[{pair.target!r}]" if made[::-1] == weight.shape else ""
        raise WeightError(
            f"adapter module {module!r} makes a {list(made)} matrix, but weight {pair.target!r} has"
            f" shape {list(weight.shape)}{hint}"
        )


def _product(down: Spec, up: Spec) -> tuple[int, int] | None:
    """The shape of up @ down as matrices, None where they do not fit.

    Of two convolutions only the first may have a kernel; else the product of
    the matrices would not be that of the convolutions.
    """
    plain = len(down.shape) >= 2 and len(up.shape) >= 2 and down.shape[0] > 0
    if not plain or up.shape[1] != down.shape[0] or any(dim != 1 for dim in up.shape[2:]):
        return None
    return up.shape[0], Spec(down.shape[1:], down.dtype).size


def _flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], int(np.prod(shape[1:], dtype=np.int64))) if len(shape) > 1 else shape


def _check_once(pairs: Mapping[str, _Pair]) -> None:
    first: dict[str, str] = {}
    for module, pair in pairs.items():
        other = first.setdefault(pair.target, module)
        if other != module:
            raise WeightError(
                f"adapter modules {other!r} and {module!r} both change {pair.target!r}"
            )


def _some(pairs: Mapping[str, Any]) -> str:
    return f"it has {listed(list(pairs))}"
