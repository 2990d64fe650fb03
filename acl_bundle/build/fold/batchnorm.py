"""Folding a BatchNormalization into the convolution or product before it.

With ``s = scale / sqrt(variance + epsilon)`` the two together are the first with
weight ``W * s`` and bias ``(b - mean) * s + B``, per output channel. All of it is
worked out from weights, so it becomes steps of the weight program, in float32
or wider, whatever the model's precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from onnx import NodeProto, helper

from acl_bundle.build import walk
from acl_bundle.build.fold.values import NotFoldableError, Values

_WIDE: Final = ("float32", "float64")


class _Fold:
    """One fold, its values in a wide dtype."""

    def __init__(self, values: Values, name: str, dtype: np.dtype[Any]) -> None:
        self._values, self._name, self._dtype = values, name, dtype
        self._wide = dtype if dtype.name in _WIDE else np.dtype(np.float32)

    def shape(self, value: str) -> tuple[int, ...]:
        return self._values.array(value).shape

    def wide(self, tensor: str) -> str:
        value = self._values.value_of(tensor)
        if self._values.array(value).dtype == self._wide:
            return value
        return self.emit("cast", value, dtype=self._wide.name)

    def number(self, number: float) -> str:
        return self._values.fixed(self._name, np.array(number, self._wide))

    def emit(self, op: str, *inputs: str, **options: Any) -> str:
        return self._values.emit(self._name, op, inputs, **options)

    def narrow(self, value: str) -> str:
        if self._dtype == self._wide:
            return value
        return self.emit("cast", value, dtype=self._dtype.name)


def fold(first: NodeProto, norm: NodeProto, values: Values, names: walk.Names) -> bool:
    """Fold a BatchNormalization into the node that makes its input.

    Args:
        first: That node, of which nobody else reads the output; changed in place.
        norm: The BatchNormalization, in inference mode.
        values: The known tensors; gets the steps.
        names: The graph's; gets two new ones.

    Returns:
        Whether it could be; if not nothing was changed.
    """
    scaled = _SCALED.get(first.op_type)
    tensors = [*first.input[1:], *norm.input[1:]]
    if (
        scaled is None
        or first.domain not in ("", "ai.onnx")
        or not all(values.knows(one) for one in tensors if one)
        or not any(values.depends(one) for one in tensors if one)
    ):
        return False
    try:
        weight, bias = _folded(first, norm, values, scaled)
    except NotFoldableError:
        return False
    inputs = [first.input[0]]
    for name, value in ((first.input[1], weight), (norm.input[2], bias)):
        inputs.append(names.fresh(f"{name}_folded"))
        values.bind(inputs[-1], value)
    if first.op_type == "MatMul":
        first.op_type = "Gemm"
    for at in range(len(first.attribute) - 1, -1, -1):
        if first.attribute[at].name == "beta":
            del first.attribute[at]
    del first.input[:]
    first.input.extend(inputs)
    first.output[0] = norm.output[0]
    return True


def _folded(
    first: NodeProto, norm: NodeProto, values: Values, scaled: Callable[..., str]
) -> tuple[str, str]:
    dtype = values.array(first.input[1]).dtype
    if dtype.kind != "f" and dtype.name != "bfloat16":
        raise NotFoldableError("a weight of whole numbers")
    attributes = {one.name: helper.get_attribute_value(one) for one in norm.attribute}
    one = _Fold(values, norm.output[0], dtype)
    scale, shift, mean, variance = (one.wide(tensor) for tensor in norm.input[1:5])
    spread = one.emit(
        "sqrt", one.emit("add", variance, one.number(attributes.get("epsilon", 1e-5)))
    )
    factor = one.emit("div", scale, spread)
    weight = one.narrow(scaled(one, first, one.wide(first.input[1]), factor))
    bias = _bias(one, first)
    centred = one.emit("neg", mean) if bias is None else one.emit("sub", bias, mean)
    return weight, one.narrow(one.emit("add", one.emit("mul", centred, factor), shift))


def _bias(one: _Fold, first: NodeProto) -> str | None:
    """The bias that the node adds before, one number per channel or one for all."""
    if len(first.input) < 3 or not first.input[2]:
        return None
    found = one.wide(first.input[2])
    shape = one.shape(found)
    if len(shape) > 1:
        if max(shape[:-1]) > 1:
            raise NotFoldableError("a bias of several rows")
        found = one.emit("reshape", found, shape=[shape[-1]])
    beta = _attribute(first, "beta", 1.0)
    return found if beta == 1.0 else one.emit("mul", found, one.number(beta))


def _attribute(node: NodeProto, name: str, default: float) -> Any:
    for one in node.attribute:
        if one.name == name:
            return helper.get_attribute_value(one)
    return default


def _along(one: _Fold, factor: str, rank: int, axis: int) -> str:
    shape = [1] * rank
    shape[axis] = one.shape(factor)[0]
    return one.emit("reshape", factor, shape=shape)


def _conv(one: _Fold, _: NodeProto, weight: str, factor: str) -> str:
    rank = len(one.shape(weight))
    return one.emit("mul", weight, _along(one, factor, rank, 0))


def _conv_transpose(one: _Fold, node: NodeProto, weight: str, factor: str) -> str:
    """The weight is ``[inputs, outputs / groups, ...]``; each group has outputs of its own."""
    shape, groups = one.shape(weight), int(_attribute(node, "group", 1))
    if groups == 1:
        return one.emit("mul", weight, _along(one, factor, len(shape), 1))
    apart: Sequence[int] = [groups, shape[0] // groups, *shape[1:]]
    beside = [groups, 1, shape[1], *[1] * (len(shape) - 2)]
    found = one.emit(
        "mul",
        one.emit("reshape", weight, shape=list(apart)),
        one.emit("reshape", factor, shape=beside),
    )
    return one.emit("reshape", found, shape=list(shape))


def _gemm(one: _Fold, node: NodeProto, weight: str, factor: str) -> str:
    return one.emit(
        "mul", weight, _along(one, factor, 2, 0 if _attribute(node, "transB", 0) else 1)
    )


def _matmul(one: _Fold, node: NodeProto, weight: str, factor: str) -> str:
    if len(one.shape(weight)) != 2:
        raise NotFoldableError("a stack of matrices")
    return _gemm(one, node, weight, factor)


_SCALED: Final[Mapping[str, Callable[..., str]]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
