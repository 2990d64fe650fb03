"""What many tensors are, read at once: the same as `TensorDesc` says of each of them."""

from __future__ import annotations

import numpy as np

from acl_bundle import dtypes
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.tensor import KINDS, MANY, dims_of, value_of
from acl_bundle.om._proto.rows import Rows

_DIMS = (0, ge.LIST_I)  # a list of nothing says no kind
_MAYBE = (ge.LIST_F, ge.LIST_B, ge.LIST_DT)  # may be of numbers, or empty


def dtypes_of(descs: Rows) -> list[int]:
    """Return the ``aclDataType`` of each."""
    stored = map(dtypes.from_proto, descs.values(ge.DESC_DTYPE))
    overrides = integers(descs, ge.DESC_ATTR, ge.DTYPE_OVERRIDE)
    return [one if other is None else other for one, other in zip(stored, overrides, strict=True)]


def shapes_of(descs: Rows) -> list[tuple[int, ...]]:
    """Return the stored dims of each."""
    return descs.last(ge.DESC_SHAPE).lists(ge.SHAPE_DIM)


def formats_of(descs: Rows) -> list[int]:
    """Return the stored ``aclFormat`` of each."""
    layouts = map(dtypes.format_number, descs.last(ge.DESC_LAYOUT).texts())
    numbers = integers(descs, ge.DESC_ATTR, ge.FORMAT_FOR_INT)
    return [one if other is None else other for one, other in zip(layouts, numbers, strict=True)]


def origins_of(descs: Rows) -> list[tuple[int, ...] | None]:
    """Return the dims that the author of the graph wrote, None where they are not there."""
    attrs = descs.entry(ge.DESC_ATTR, ge.ORIGIN_SHAPE)
    listed = attrs.first(*KINDS).numbers == ge.ATTR_LIST
    lists = attrs.last(ge.ATTR_LIST)
    kinds = np.where(listed, lists.first(*MANY).numbers, -1)
    found: list[tuple[int, ...] | None] = [None] * len(descs)
    plain = np.flatnonzero(np.isin(kinds, _DIMS))
    for index, dims in zip(plain.tolist(), lists.take(plain).lists(ge.LIST_I), strict=True):
        found[index] = dims
    for index in np.flatnonzero(np.isin(kinds, _MAYBE)).tolist():
        found[index] = dims_of(value_of(attrs.message(index)))
    return found


def ranges_of(descs: Rows) -> list[tuple[tuple[int, int], ...]]:
    """Return (least, most) per dim of each, empty where the file has none."""
    attrs = descs.entry(ge.DESC_ATTR, ge.SHAPE_RANGE)
    listed = np.flatnonzero(attrs.first(*KINDS).numbers == ge.ATTR_LIST_LIST_INT)
    lists = attrs.take(listed).last(ge.ATTR_LIST_LIST_INT)
    found: list[tuple[tuple[int, int], ...]] = [()] * len(descs)
    pairs = lists.pairs(ge.LIST_LIST_INT, ge.LIST_INT)
    for index, one in zip(listed.tolist(), pairs, strict=True):
        found[index] = one
    return found


def integers(owners: Rows, field: int, name: str) -> list[int | None]:
    """Return an attribute of each owner, None where it is absent or holds no integer."""
    attrs = owners.entry(field, name)
    kinds = attrs.first(*KINDS).numbers
    found: list[int | None] = [None] * len(owners)
    plain = np.flatnonzero(kinds == ge.ATTR_I)
    for index, number in zip(plain.tolist(), attrs.take(plain).values(ge.ATTR_I), strict=True):
        found[index] = number
    for index in np.flatnonzero(np.isin(kinds, (ge.ATTR_B, ge.ATTR_DT))).tolist():
        found[index] = value_of(attrs.message(index))
    return found
