"""Folding a scale or a shift per output channel into the layer before it.

A batch normalisation comes so from Keras: as Mul and Add, by values that were
made of its weights before. ``Mul`` and ``Div`` enter the kernel and the bias,
``Add`` and ``Sub`` the bias.
"""

from __future__ import annotations

from typing import Final

from onnx import NodeProto

from acl_bundle.build._fold.channels import Channels
from acl_bundle.build._fold.layers import LayerChange, Work
from acl_bundle.build._fold.values import NotFoldableError, Values

OPS: Final = {"Add": "add", "Div": "div", "Mul": "mul", "Sub": "sub"}


def known_side(node: NodeProto, tensor: str, values: Values) -> int | None:
    """Which input is the known value that a tensor is changed by; None for none."""
    if node.op_type not in OPS or node.domain not in ("", "ai.onnx") or len(node.input) != 2:
        return None
    at = 1 - list(node.input).index(tensor)
    if not values.knows(node.input[at]) or (at == 0 and node.op_type in ("Div", "Sub")):
        return None
    return at


def check(shape: tuple[int, ...], where: Channels, count: int) -> None:
    """Refuse a value that is not one number per channel, or one for all.

    Args:
        shape: The value's.
        where: The channels of the tensor that it changes.
        count: How many there are.

    Raises:
        NotFoldableError: It is not.
    """
    if len(shape) > (1 if where.rank is None else where.rank):
        raise NotFoldableError("the result has more axes than the tensor")
    at = len(shape) + where.axis
    if any(dim != 1 and (axis != at or dim != count) for axis, dim in enumerate(shape)):
        raise NotFoldableError("not one number per output channel")


def change(work: Work, node: NodeProto, known: str) -> LayerChange:
    """What a layer becomes that does the work of a scale or a shift as well.

    Args:
        work: The layer's.
        node: The scale or shift.
        known: The tensor by which, which was checked.

    Raises:
        NotFoldableError: No steps express it.
    """
    op, row, bias = OPS[node.op_type], work.row(work.wide(known)), work.bias()
    if op in ("mul", "div"):
        if work.is_half:  # what the product may be, the kernel alone may be too large or small for
            raise NotFoldableError("a scale of a float16 kernel")
        return LayerChange(
            work.scaled(op, row), None if bias is None else work.emit(op, bias, row), known
        )
    if bias is not None:
        return LayerChange(None, work.emit(op, bias, row), known)
    return LayerChange(None, row if op == "add" else work.emit("neg", row), known)
