"""Which inputs of an operator shape the graph instead of feeding it data.

The values of these inputs (axes, sizes, target shapes, bounds) are read while
shapes are worked out, or by a kernel that wants them fixed. A static graph is
compiled for their values, so they make no refreshable weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from acl_bundle.build._onnx.walk import TensorUse

_REDUCE: Final = frozenset((1,))

SHAPING: Final[Mapping[str, frozenset[int]]] = {
    "AffineGrid": frozenset((1,)),
    "BlackmanWindow": frozenset((0,)),
    "CenterCropPad": frozenset((1,)),
    "Clip": frozenset((1, 2)),
    "Col2Im": frozenset((1, 2)),
    "ConstantOfShape": frozenset((0,)),
    "CumSum": frozenset((1,)),
    "DFT": frozenset((1, 2)),
    "DequantizeLinear": frozenset((1, 2)),
    "Dropout": frozenset((1, 2)),
    "Expand": frozenset((1,)),
    "HammingWindow": frozenset((0,)),
    "HannWindow": frozenset((0,)),
    "Loop": frozenset((0,)),
    "MaxUnpool": frozenset((2,)),
    "MelWeightMatrix": frozenset(range(5)),
    "NonMaxSuppression": frozenset((2, 3, 4)),
    "OneHot": frozenset((1, 2)),
    "Pad": frozenset((1, 2, 3)),
    "QLinearConv": frozenset((1, 2, 4, 5, 6, 7)),
    "QLinearMatMul": frozenset((1, 2, 4, 5, 6, 7)),
    "QuantizeLinear": frozenset((1, 2)),
    "Range": frozenset((0, 1, 2)),
    "Reshape": frozenset((1,)),
    "Resize": frozenset((1, 2, 3)),
    "STFT": frozenset((1, 3)),
    "Slice": frozenset((1, 2, 3, 4)),
    "Split": frozenset((1,)),
    "SplitToSequence": frozenset((1,)),
    "Squeeze": frozenset((1,)),
    "Tile": frozenset((1, 2)),
    "TopK": frozenset((1,)),
    "Trilu": frozenset((1,)),
    "Unsqueeze": frozenset((1,)),
    "Upsample": frozenset((1,)),
    "ReduceL1": _REDUCE,
    "ReduceL2": _REDUCE,
    "ReduceLogSum": _REDUCE,
    "ReduceLogSumExp": _REDUCE,
    "ReduceMax": _REDUCE,
    "ReduceMean": _REDUCE,
    "ReduceMin": _REDUCE,
    "ReduceProd": _REDUCE,
    "ReduceSum": _REDUCE,
    "ReduceSumSquare": _REDUCE,
}

# Of these inputs the values are taken, but a changed one changes no shape.
_BOUNDS: Final[Mapping[str, frozenset[int]]] = {
    "Clip": frozenset((1, 2)),
    "DequantizeLinear": frozenset((1, 2)),
    "Dropout": frozenset((1,)),
    "NonMaxSuppression": frozenset((3, 4)),
    "OneHot": frozenset((2,)),
    "Pad": frozenset((2,)),
    "QLinearConv": SHAPING["QLinearConv"],
    "QLinearMatMul": SHAPING["QLinearMatMul"],
    "QuantizeLinear": frozenset((1, 2)),
}

_FIXED: Final = {op: at - _BOUNDS.get(op, frozenset()) for op, at in SHAPING.items()}

_FORWARD: Final = frozenset(("Identity", "Cast"))


def shaping_use(name: str, uses: Mapping[str, Sequence[TensorUse]]) -> TensorUse | None:
    """Return a place where a tensor is no data, behind Identity and Cast too."""
    return _find(name, uses, SHAPING)


def fixed_use(name: str, uses: Mapping[str, Sequence[TensorUse]]) -> TensorUse | None:
    """Return a place where another value of a tensor would change a shape."""
    return _find(name, uses, _FIXED)


def _find(
    name: str, uses: Mapping[str, Sequence[TensorUse]], table: Mapping[str, frozenset[int]]
) -> TensorUse | None:
    waiting, seen = [name], {name}
    while waiting:
        for use in uses.get(waiting.pop(), ()):
            node = use.node
            if node.domain in ("", "ai.onnx") and use.at in table.get(node.op_type, ()):
                return use
            if node.op_type in _FORWARD:
                behind = [one for one in node.output if one not in seen]
                waiting += behind
                seen.update(behind)
    return None
