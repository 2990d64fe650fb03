"""What many tensors are, read at once: the same as `TensorDesc` says of each of them."""

from __future__ import annotations

import numpy as np

from acl_bundle import dtypes
from acl_bundle.om import _ge
from acl_bundle.om._rows import Rows
from acl_bundle.om.tensor import KINDS, MANY, dims_of, value_of

_DIMS = (0, _ge.LIST_I)  # a list of nothing says no kind
_MAYBE = (_ge.LIST_F, _ge.LIST_B, _ge.LIST_DT)  # may be of numbers, or empty


def dtypes_of(descs: Rows) -> list[int]:
    """Return the ``aclDataType`` of each."""
    stored = map(dtypes.from_proto, descs.values(_ge.DESC_DTYPE))
    overrides = integers(descs, _ge.DESC_ATTR, _ge.DTYPE_OVERRIDE)
    return [one if other is None else other for one, other in zip(stored, overrides, strict=True)]


def shapes_of(descs: Rows) -> list[tuple[int, ...]]:
    """Return the stored dims of each."""
    return descs.last(_ge.DESC_SHAPE).lists(_ge.SHAPE_DIM)


def formats_of(descs: Rows) -> list[int]:
    """Return the stored ``aclFormat`` of each."""
    layouts = map(dtypes.format_number, descs.last(_ge.DESC_LAYOUT).texts())
    numbers = integers(descs, _ge.DESC_ATTR, _ge.FORMAT_FOR_INT)
    return [one if other is None else other for one, other in zip(layouts, numbers, strict=True)]


def origins_of(descs: Rows) -> list[tuple[int, ...] | None]:
    """Return the dims that the author of the graph wrote, None where they are not there."""
    attrs = descs.entry(_ge.DESC_ATTR, _ge.ORIGIN_SHAPE)
    listed = attrs.first(*KINDS).numbers == _ge.ATTR_LIST
    lists = attrs.last(_ge.ATTR_LIST)
    kinds = np.where(listed, lists.first(*MANY).numbers, -1)
    found: list[tuple[int, ...] | None] = [None] * len(descs)
    plain = np.flatnonzero(np.isin(kinds, _DIMS))
    for index, dims in zip(plain.tolist(), lists.take(plain).lists(_ge.LIST_I), strict=True):
        found[index] = dims
    for index in np.flatnonzero(np.isin(kinds, _MAYBE)).tolist():
        found[index] = dims_of(value_of(attrs.message(index)))
    return found


def ranges_of(descs: Rows) -> list[tuple[tuple[int, int], ...]]:
    """Return (least, most) per dim of each, empty where the file has none."""
    attrs = descs.entry(_ge.DESC_ATTR, _ge.SHAPE_RANGE)
    listed = np.flatnonzero(attrs.first(*KINDS).numbers == _ge.ATTR_LIST_LIST_INT)
    lists = attrs.take(listed).last(_ge.ATTR_LIST_LIST_INT)
    found: list[tuple[tuple[int, int], ...]] = [()] * len(descs)
    pairs = lists.pairs(_ge.LIST_LIST_INT, _ge.LIST_INT)
    for index, one in zip(listed.tolist(), pairs, strict=True):
        found[index] = one
    return found


def integers(owners: Rows, field: int, name: str) -> list[int | None]:
    """Return an attribute of each owner, None where it is absent or holds no integer."""
    attrs = owners.entry(field, name)
    kinds = attrs.first(*KINDS).numbers
    found: list[int | None] = [None] * len(owners)
    plain = np.flatnonzero(kinds == _ge.ATTR_I)
    for index, number in zip(plain.tolist(), attrs.take(plain).values(_ge.ATTR_I), strict=True):
        found[index] = number
    for index in np.flatnonzero(np.isin(kinds, (_ge.ATTR_B, _ge.ATTR_DT))).tolist():
        found[index] = value_of(attrs.message(index))
    return found
