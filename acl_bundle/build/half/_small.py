"""Numbers too small for half precision: which tensors of a model stay float32 for their sake.

A model adds 1e-12 before it divides, so that it never divides by zero. In float16
that constant is zero, and a row without variance becomes NaN. So a node that reads
such a constant computes in float32, and so do those behind it that take roots, powers
and reciprocals of what it gives, up to the division or product that ends in the usual range.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import ml_dtypes
import numpy as np
from onnx import NodeProto, TensorProto, numpy_helper

from acl_bundle.build.half._precision import FLOAT

_PASS_ON: Final = frozenset((
    "Sqrt", "Reciprocal", "Pow", "Log", "Abs", "Neg", "Max", "Clip",
    "Identity", "Expand", "Reshape", "Squeeze", "Unsqueeze", "Transpose",
))  # fmt: skip
_END: Final = frozenset(("Div", "Mul"))


def vanishes(tensor: TensorProto, target: int) -> bool:
    """Say whether a float32 constant that is not zero is nothing but zeros in half precision."""
    if tensor.data_type != FLOAT:
        return False
    dtype: Any = np.float16 if target == TensorProto.FLOAT16 else ml_dtypes.bfloat16
    largest = np.abs(numpy_helper.to_array(tensor)).max(initial=0)
    with np.errstate(over="ignore"):
        return bool(largest > 0 and np.array(largest).astype(dtype) == 0)


class Small:
    """The tensors with values too small for half precision, found node by node."""

    def __init__(self, constants: Iterable[TensorProto], target: int) -> None:
        """Take the constants of all graphs, whose names may be read in inner ones."""
        known = list(constants)
        self._target, self._made = target, set[str]()
        self._constants = {one.name for one in known if vanishes(one, target)}
        self._any_constant = {one.name for one in known}

    def stays(self, node: NodeProto) -> bool:
        """Say whether a node computes in float32; to be asked once of each, in their order."""
        filled = node.op_type == "ConstantOfShape" and any(
            vanishes(one.t, self._target) for one in node.attribute if one.name == "value"
        )
        if filled:
            self._constants.update(node.output)
            return True
        if self._constants.intersection(node.input):
            self._made.update(node.output)
            return True
        if not self._made.intersection(node.input):
            return False
        if node.op_type in _PASS_ON:
            self._made.update(node.output)
            return True
        if node.op_type not in _END:
            return False
        if node.op_type == "Div" and node.input[0] in self._any_constant | self._made:
            self._made.update(node.output)
        return True
