"""Masks of 2:4 sparsity, and the record file that keeps them.

A mask says which elements of a weight may differ from zero. They are decided
once, when a model is made sparse, and every later set of weights is put under
the same masks (`enforce`), because the compiled model relies on the pattern.

The record is JSON and packed bits, in one file that any safetensors reader opens:
under ``acl_bundle.masks`` in the header's metadata a JSON object, name -> layout
and shape; then one ``U8`` tensor per weight, its mask packed eight elements to a
byte, the first in the lowest bit, in C order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.files import Path_
from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.file import bad
from acl_bundle.weights._base.json import parse
from acl_bundle.weights._base.pieces import place
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.spec import Array, Spec, Weights, fetch, mapping_of, spec_of
from acl_bundle.weights._base.view import View
from acl_bundle.weights._sources.safetensors.file import Safetensors
from acl_bundle.weights._transforms.sparse.groups import broken, check_layout
from acl_bundle.weights._write import save

RECORD = "acl_bundle.masks"


@dataclass(frozen=True)
class Mask:
    """The mask of one weight.

    Attributes:
        layout: Which axis it runs along, as `sparsify_2_4` was told.
        shape: The weight's shape.
        bits: The mask, packed.
    """

    layout: str
    shape: tuple[int, ...]
    bits: NDArray[np.uint8]

    @property
    def array(self) -> NDArray[np.bool_]:
        """The mask as booleans of the weight's shape."""
        count = int(np.prod(self.shape, dtype=np.int64))
        flat = np.unpackbits(self.bits, count=count, bitorder="little")
        return flat.view(np.bool_).reshape(self.shape)


def pack(layout: str, mask: NDArray[np.bool_]) -> Mask:
    """Make the mask of a weight from booleans of its shape."""
    return Mask(layout, mask.shape, np.packbits(mask.reshape(-1), bitorder="little"))


class Masks(Mapping[str, NDArray[np.bool_]]):
    """Masks by weight, as booleans of each weight's shape."""

    def __init__(self, masks: Mapping[str, Mask]) -> None:
        """Keep packed masks."""
        self._masks = dict(masks)

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        return self._masks[name].array

    def __iter__(self) -> Iterator[str]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def __contains__(self, name: object) -> bool:
        return name in self._masks

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Masks):
            return NotImplemented
        mine, theirs = self._masks, other._masks
        return mine.keys() == theirs.keys() and all(
            (one.layout, one.shape) == (theirs[name].layout, theirs[name].shape)
            and np.array_equal(one.bits, theirs[name].bits)
            for name, one in mine.items()
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def layouts(self) -> dict[str, str]:
        """Which axis each mask runs along."""
        return {name: one.layout for name, one in self._masks.items()}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of the weight that a mask is for."""
        return self._masks[name].shape

    def save(self, path: Path_) -> None:
        """Write the record, whole or not at all.

        Raises:
            OSError: The file cannot be written; what was there still is.
        """
        kept = {n: {"layout": m.layout, "shape": m.shape} for n, m in self._masks.items()}
        bits = {name: one.bits for name, one in self._masks.items()}
        save(bits, path, metadata={RECORD: json.dumps(kept)})

    @classmethod
    def load(cls, path: Path_) -> Masks:
        """Read a record.

        Raises:
            WeightsFormatError: It is no record of masks, or damaged.
            OSError: It cannot be opened.
        """
        with Safetensors(path) as file:
            if RECORD not in file.metadata:
                raise bad(file.file, f"it is no record of masks: its metadata lacks {RECORD!r}")
            kept = parse(file.metadata[RECORD].encode(), file.file, RECORD)
            if not isinstance(kept, dict) or set(kept) != set(file):
                raise bad(file.file, f"{RECORD} and the tensors do not name the same weights")
            return cls({name: _mask(name, entry, file) for name, entry in kept.items()})


def _mask(name: str, entry: object, file: Safetensors) -> Mask:
    layout = entry.get("layout") if isinstance(entry, dict) else None
    shape = entry.get("shape") if isinstance(entry, dict) else None
    whole = isinstance(shape, list) and all(
        type(dim) is int and 0 <= dim < 1 << 48 for dim in shape
    )
    if not isinstance(layout, str) or not whole:
        raise bad(file.file, f"mask {name!r} is {entry!r}; a layout and a shape are right")
    size = Spec(tuple(shape or ()), np.dtype(bool)).size
    wanted = Spec(((size + 7) // 8,), np.dtype(np.uint8))
    if file.spec(name) != wanted:
        raise bad(
            file.file, f"mask {name!r} for shape {shape} is {file.spec(name)}; {wanted} is right"
        )
    return _checked(name, Mask(layout, tuple(shape or ()), file[name]), file.file)


def _checked(name: str, mask: Mask, file: str) -> Mask:
    """Return a mask that keeps two of four; the bits of a damaged record would not."""
    try:
        check_layout(name, mask.layout, mask.shape)
    except WeightError as error:
        raise bad(file, str(error)) from None
    _, wrong, first = broken(mask.array, mask.layout, 1)
    if wrong:
        raise bad(file, f"mask {name!r} keeps more than two of the four from {list(first[0])} on")
    return mask


class MaskRow(NamedTuple):
    """A weight under a mask: its elements, those that must be zero, and those that are not."""

    name: str
    size: int
    masked: int
    violations: int
    first: tuple[tuple[int, ...], ...]


class Enforced(View):
    """Weights with zeros where their masks say so."""

    def __init__(self, weights: Weights, masks: Masks) -> None:
        super().__init__(weights)
        self._masks = masks
        for name in self:
            if name in masks:
                check_shape(name, spec_of(weights, name).shape, masks)

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values: a new array for one that has a mask."""
        array = super().__getitem__(name)
        if name not in self._masks:
            return array
        return np.where(self._masks[name], array, np.zeros((), array.dtype))

    def report(self) -> Report[MaskRow]:
        """Count what is set to zero; reads every weight that has a mask."""
        rows = mask_rows(self._base, self._masks, 3)
        return Report(f"{sum(row.violations for row in rows)} elements are set to zero", rows)


def enforce(weights: Given, masks: Masks) -> Enforced:
    """Put new weights under the masks of a sparse model, for each update.

    Args:
        weights: Any part of the model's weights; those without a mask pass.
        masks: From `sparsify_2_4`, or `Masks.load`.

    Returns:
        A view; what a mask rules out is zero there.

    Raises:
        WeightError: A weight has another shape than its mask.
        TypeError: ``masks`` are no `Masks`.
    """
    if not isinstance(masks, Masks):
        raise TypeError(
            f"masks are a {type(masks).__name__}; Masks of sparsify_2_4 or Masks.load are right"
        )
    return Enforced(mapping_of(weights), masks)


def check_shape(name: str, shape: tuple[int, ...], masks: Masks) -> None:
    """Refuse a weight of another shape than its mask.

    Raises:
        WeightError: It is.
    """
    if shape != masks.shape(name):
        raise WeightError(
            f"weight {name!r} has shape {shape}, but its mask is for {masks.shape(name)}"
        )


def mask_rows(weights: Weights, masks: Masks, most: int) -> tuple[MaskRow, ...]:
    """Count, for every weight with a mask, what differs from zero where it may not."""
    rows = []
    for name in weights:
        if name in masks:
            mask, array = masks[name], fetch(weights, name)
            check_shape(name, array.shape, masks)
            wrong = np.flatnonzero((array != 0) & ~mask)
            first = tuple(place(int(index), array.shape) for index in wrong[:most])
            masked = int(mask.size - np.count_nonzero(mask))
            rows.append(MaskRow(name, mask.size, masked, len(wrong), first))
    return tuple(rows)
