"""Where the output channels of a layer are, after its output was moved.

A model that keeps the channels last has transposes around each convolution,
one of one dimension an axis that comes and goes, a dense layer on sequences a
Reshape behind the product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from onnx import NodeProto, helper

from acl_bundle.build._fold.layers import count_of
from acl_bundle.build._fold.values import NotFoldableError, Values, integers


class Channels(NamedTuple):
    """The axis of the channels in a tensor.

    Attributes:
        rank: The tensor's; None where nobody knows: behind a MatMul.
        axis: Counted from the end, -1 the last.
    """

    rank: int | None
    axis: int


def of_layer(node: NodeProto, values: Values, ranks: Mapping[str, int]) -> Channels:
    """The axis of the output channels in what a layer makes.

    Args:
        node: It.
        values: The known tensors.
        ranks: Of tensors, as far as they are known.

    Raises:
        NotFoldableError: Its kernel has another rank than such a layer's.
    """
    count_of(node, values)
    if node.op_type == "MatMul":
        return Channels(ranks.get(node.input[0]), -1)
    rank = values.array(node.input[1]).ndim
    return Channels(rank, 1 - rank)


def moved(before: Channels, node: NodeProto, count: int, values: Values) -> Channels:
    """The axis of the channels behind a node.

    Args:
        before: Before it.
        node: One of `MOVES`.
        count: How many channels there are.
        values: The known tensors.

    Raises:
        NotFoldableError: It does more to them than move them.
    """
    if node.op_type == "Reshape":
        return _reshaped(before, _numbers(node, "shape", values), count)
    if before.rank is None:
        raise NotFoldableError("nobody knows the rank")
    if node.op_type == "Identity":
        return before
    rank = before.rank
    at = before.axis + rank
    axes = _numbers(node, "perm" if node.op_type == "Transpose" else "axes", values)
    return _MOVED[node.op_type](rank, at, axes)


def _reshaped(before: Channels, shape: Sequence[int], count: int) -> Channels:
    """The last axis stays what it is where it keeps its size: the numbers keep their order."""
    if before.axis != -1 or not shape or shape[-1] != count:
        raise NotFoldableError("the channels are parted")
    return Channels(len(shape), -1)


def _transposed(rank: int, at: int, perm: Sequence[int]) -> Channels:
    order = list(perm) or list(range(rank))[::-1]
    return Channels(rank, order.index(at) - rank)


def _squeezed(rank: int, at: int, axes: Sequence[int]) -> Channels:
    gone = {axis % rank for axis in axes}
    if not gone or at in gone:
        raise NotFoldableError("the channels may be gone")
    return Channels(rank - len(gone), at - rank + sum(axis > at for axis in gone))


def _unsqueezed(rank: int, at: int, axes: Sequence[int]) -> Channels:
    new = rank + len(axes)
    come = {axis % new for axis in axes}
    place = [axis for axis in range(new) if axis not in come][at]
    return Channels(new, place - new)


_MOVED: Final[Mapping[str, Callable[[int, int, Sequence[int]], Channels]]] = {
    "Squeeze": _squeezed,
    "Transpose": _transposed,
    "Unsqueeze": _unsqueezed,
}
MOVES: Final = frozenset(("Identity", "Reshape", *_MOVED))


def _numbers(node: NodeProto, name: str, values: Values) -> list[int]:
    """An attribute that is the second input in later versions; nothing where it is not given."""
    for one in node.attribute:
        if one.name == name:
            return list(helper.get_attribute_value(one))
    if len(node.input) < 2 or not node.input[1]:
        return []
    if not values.knows(node.input[1]) or values.depends(node.input[1]):
        raise NotFoldableError(f"{name} is not fixed")
    return integers(values.array(node.input[1]))
