"""Layers: nodes that multiply by a kernel and add a bias, all of it known.

What multiplies, or adds, per output channel right behind a layer can be worked
into its kernel and its bias. All of that is worked out from weights, so it
becomes steps of the weight program, in float32 or wider, whatever the model's
precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from onnx import NodeProto, helper

from acl_bundle.build._fold.values import NotFoldableError, Values
from acl_bundle.build._onnx import walk

_WIDE: Final = ("float32", "float64")


class LayerChange(NamedTuple):
    """What a layer is to become.

    Attributes:
        kernel: The new kernel, a wide value; None if it stays.
        bias: The new bias, one number per output channel, likewise.
        wish: The tensor after which a new bias is named.
    """

    kernel: str | None
    bias: str | None
    wish: str


class Layer:
    """One of them.

    Attributes:
        node: A Conv, ConvTranspose, Gemm or MatMul.
        adder: The Add that gives a MatMul its bias, the input of it that is the bias,
            and how many axes stand behind the channels there; None if there is none.
    """

    def __init__(self, node: NodeProto) -> None:
        self.node = node
        self.adder: tuple[NodeProto, int, int] | None = None
        self._own: set[str] = set()

    @property
    def is_bare(self) -> bool:
        """Whether it has no place for a bias: a MatMul, and no Add behind it."""
        return self.node.op_type == "MatMul" and self.adder is None

    @property
    def tensors(self) -> list[str]:
        """The kernel, and the bias if there is one."""
        bias = [] if self.adder is None else [self.adder[0].input[self.adder[1]]]
        return [name for name in (*self.node.input[1:], *bias) if name]

    def take(self, change: LayerChange, values: Values, names: walk.FreshNames) -> None:
        """Read a new kernel and a new bias from now on.

        Raises:
            NotFoldableError: A constant would take much more room than its sources, or no weight
                decides it; nothing is changed.
        """
        dtype = values.array(self.node.input[1]).dtype
        work = Work(self, values, change.wish)
        new = [None if one is None else work.narrow(one, dtype) for one in change[:2]]
        _check(new, values)
        kernel, bias = new
        if kernel is not None:
            self.node.input[1] = self._bound(self.node.input[1], kernel, values, names)
        if bias is not None and self.adder is not None:
            adder, at, behind = self.adder
            shaped = work.emit("reshape", bias, shape=[-1, *[1] * behind]) if behind else bias
            adder.input[at] = self._bound(adder.input[at], shaped, values, names)
        elif bias is not None:
            self._put_bias(change.wish, bias, values, names)

    def _put_bias(self, wish: str, bias: str, values: Values, names: walk.FreshNames) -> None:
        node = self.node
        if node.op_type == "MatMul":
            node.op_type = "Gemm"
        for at in range(len(node.attribute) - 1, -1, -1):
            if node.attribute[at].name == "beta":
                del node.attribute[at]
        there = node.input[2] if len(node.input) > 2 else ""
        name = self._bound(there if there in self._own else wish, bias, values, names)
        del node.input[2:]
        node.input.append(name)

    def _bound(self, tensor: str, value: str, values: Values, names: walk.FreshNames) -> str:
        """A tensor of this layer alone that is a value."""
        name = tensor if tensor in self._own else names.fresh(f"{tensor}_folded")
        self._own.add(name)
        values.bind(name, value)
        return name


def is_layer(node: NodeProto, values: Values) -> bool:
    """Whether a node is a layer: one of the four, whose kernel and bias alone are known."""
    return (
        node.op_type in _SCALED
        and node.domain in ("", "ai.onnx")
        and len(node.input) > 1
        and not values.knows(node.input[0])
        and all(values.knows(one) for one in node.input[1:] if one)
    )


def _check(new: Sequence[str | None], values: Values) -> None:
    for value in new:
        if value is not None and not values.depends(value):
            raise NotFoldableError("no weight decides it, and the graph has no such constant")
        if value is not None and values.is_too_much(value):
            raise NotFoldableError("more room than the weights take")


class Work:
    """Steps with a layer's kernel and bias, in a wide dtype.

    Attributes:
        is_half: Whether the kernel is float16, whose range is small.
    """

    def __init__(self, layer: Layer, values: Values, wish: str) -> None:
        """Start; the steps are named after ``wish``.

        Raises:
            NotFoldableError: The kernel is not of floating point.
        """
        dtype = values.array(layer.node.input[1]).dtype
        if dtype.kind != "f" and dtype.name != "bfloat16":
            raise NotFoldableError("a kernel of whole numbers")
        self._layer, self._values, self._name = layer, values, wish
        self._wide = dtype if dtype.name in _WIDE else np.dtype(np.float32)
        self.is_half: bool = dtype == np.float16

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value."""
        return self._values.array(value).shape

    def wide(self, tensor: str) -> str:
        """A known tensor in the wide dtype."""
        return self.narrow(self._values.value_of(tensor), self._wide)

    def narrow(self, value: str, dtype: np.dtype[Any]) -> str:
        """A value in another dtype."""
        if self._values.array(value).dtype == dtype:
            return value
        return self.emit("cast", value, dtype=dtype.name)

    def number(self, number: float) -> str:
        """A fixed number."""
        return self._values.fixed(self._name, np.array(number, self._wide))

    def emit(self, op: str, *inputs: str, **options: Any) -> str:
        """Note one step."""
        return self._values.emit(self._name, op, inputs, **options)

    def row(self, value: str) -> str:
        """A value with one number per output channel, or one for all, as the former."""
        count, shape = count_of(self._layer.node, self._values), self.shape(value)
        flat = value if len(shape) == 1 else self.emit("reshape", value, shape=[-1])
        if self.shape(flat) == (count,):
            return flat
        return self.emit("expand", flat, shape=[count])

    def scaled(self, op: str, factor: str) -> str:
        """The kernel times (``"mul"``) or by (``"div"``) one number per output channel."""
        node = self._layer.node
        return _SCALED[node.op_type](self, node, op, self.wide(node.input[1]), factor)

    def bias(self) -> str | None:
        """The bias so far, one number per output channel; None for none.

        Raises:
            NotFoldableError: It differs from row to row.
        """
        node = self._layer.node
        if self._layer.adder is not None:
            return self.row(self.wide(self._layer.adder[0].input[self._layer.adder[1]]))
        if len(node.input) < 3 or not node.input[2]:
            return None
        found = self.wide(node.input[2])
        if max(self.shape(found)[:-1], default=1) > 1:
            raise NotFoldableError("a bias of several rows")
        beta = _attribute(node, "beta", 1.0)
        row = self.row(found)
        return row if beta == 1.0 else self.emit("mul", row, self.number(beta))


def count_of(node: NodeProto, values: Values) -> int:
    """How many output channels a layer has.

    Raises:
        NotFoldableError: Its kernel has another rank than such a layer's.
    """
    shape = values.array(node.input[1]).shape
    if len(shape) < 2 or (node.op_type == "MatMul" and len(shape) > 2):
        raise NotFoldableError("a vector or a stack of matrices")
    at = {"Conv": 0, "Gemm": 1 - bool(_attribute(node, "transB", 0))}.get(node.op_type, 1)
    groups = _attribute(node, "group", 1) if node.op_type == "ConvTranspose" else 1
    return int(shape[at]) * int(groups)


def _attribute(node: NodeProto, name: str, default: float) -> Any:
    for one in node.attribute:
        if one.name == name:
            return helper.get_attribute_value(one)
    return default


def _along(work: Work, factor: str, rank: int, axis: int) -> str:
    shape = [1] * rank
    shape[axis] = work.shape(factor)[0]
    return work.emit("reshape", factor, shape=shape)


def _conv(work: Work, _: NodeProto, op: str, kernel: str, factor: str) -> str:
    return work.emit(op, kernel, _along(work, factor, len(work.shape(kernel)), 0))


def _conv_transpose(work: Work, node: NodeProto, op: str, kernel: str, factor: str) -> str:
    """The kernel is ``[inputs, outputs / groups, ...]``; each group has outputs of its own."""
    shape, groups = work.shape(kernel), int(_attribute(node, "group", 1))
    if groups == 1:
        return work.emit(op, kernel, _along(work, factor, len(shape), 1))
    apart: Sequence[int] = [groups, shape[0] // groups, *shape[1:]]
    beside = [groups, 1, shape[1], *[1] * (len(shape) - 2)]
    found = work.emit(
        op,
        work.emit("reshape", kernel, shape=list(apart)),
        work.emit("reshape", factor, shape=beside),
    )
    return work.emit("reshape", found, shape=list(shape))


def _product(work: Work, node: NodeProto, op: str, kernel: str, factor: str) -> str:
    axis = 0 if _attribute(node, "transB", 0) else 1
    return work.emit(op, kernel, _along(work, factor, 2, axis))


_SCALED: Final[Mapping[str, Callable[..., str]]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _product,
    "MatMul": _product,
}
