"""Operators that compute values: element by element, over axes, as products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from acl_bundle.build._fold.operators.call import Call, Translation, axis_of
from acl_bundle.build._fold.values import NotFoldableError


def _where(call: Call) -> list[str]:
    return [call.emit("where", [call.value(at) for at in range(3)])]


def _elementwise(op: str) -> Translation:
    def translation(call: Call) -> list[str]:
        found = call.value(0)
        if call.count == 1:
            return [call.emit(op, [found])] if op not in ("add", "max", "min") else [found]
        for at in range(1, call.count):
            found = call.emit(op, [found, call.value(at)])
        return [found]

    return translation


def _power(call: Call) -> list[str]:
    if call.array(0).dtype != call.array(1).dtype:
        raise NotFoldableError("a power of two dtypes")
    return [call.emit("pow", [call.value(0), call.value(1)])]


def _reduce(op: str) -> Translation:
    def translation(call: Call) -> list[str]:
        rank = call.array(0).ndim
        axes = call.numbers("axes", 1)
        if not axes:
            if call.attributes.get("noop_with_empty_axes", 0):
                return [call.value(0)]
            axes = list(range(rank))
        found = sorted(axis_of(axis, rank) for axis in axes)
        keep = bool(call.attributes.get("keepdims", 1))
        return [call.emit(op, [call.value(0)], axes=found, keepdims=keep)]

    return translation


def _matmul(call: Call) -> list[str]:
    return [call.emit("matmul", [call.value(0), call.value(1)])]


def _gemm(call: Call) -> list[str]:
    sides = [call.value(0), call.value(1)]
    for at, name in enumerate(("transA", "transB")):
        if call.attributes.get(name, 0):
            sides[at] = call.emit("transpose", [sides[at]], perm=[1, 0])
    found = _scaled(call, call.emit("matmul", sides), call.attributes.get("alpha", 1.0))
    if call.has(2):
        found = call.emit(
            "add", [found, _scaled(call, call.value(2), call.attributes.get("beta", 1.0))]
        )
    return [found]


def _scaled(call: Call, value: str, factor: float) -> str:
    if factor == 1.0:
        return value
    return call.emit("mul", [value, call.note(np.array(factor, call.array(0).dtype))])


def _einsum(call: Call) -> list[str]:
    parts = [call.value(at) for at in range(call.count)]
    return [call.emit("einsum", parts, equation=call.attributes["equation"].decode())]


TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pow": _power,
    "Where": _where,
    **{
        name: _elementwise(op)
        for name, op in {
            "Abs": "abs", "Add": "add", "Ceil": "ceil", "Div": "div", "Exp": "exp",
            "Floor": "floor", "Log": "log", "Max": "max", "Min": "min", "Mul": "mul",
            "Neg": "neg", "Reciprocal": "reciprocal", "Round": "round", "Sigmoid": "sigmoid",
            "Sign": "sign", "Sqrt": "sqrt", "Sub": "sub", "Sum": "add", "Tanh": "tanh",
        }.items()
    },
    **{
        name: _reduce(op)
        for name, op in {
            "ReduceL1": "sum_of_magnitudes", "ReduceL2": "norm", "ReduceMax": "amax",
            "ReduceMean": "mean", "ReduceMin": "amin", "ReduceProd": "prod",
            "ReduceSum": "sum", "ReduceSumSquare": "sum_of_squares",
        }.items()
    },
}  # fmt: skip
