"""Random graphs in which weights are computed with before anything else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Array = Any


class WeightGraph:
    """A graph that grows: tensors made of weights alone, and outputs that read them.

    Attributes:
        weights: First values by name.
        inputs: A value for each input of the graph, by name.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._fixed: dict[str, Array] = {}
        self._outputs: list[str] = []
        self.weights: dict[str, Array] = {}
        self.inputs: dict[str, Array] = {"x": np.float32([1.5])}
        self._made: dict[str, Array] = {}  # what each tensor is, with the first values
        self._grow()

    def values(self) -> dict[str, Array]:
        """New values for some of the weights, at random."""
        count = int(self._rng.integers(1, len(self.weights) + 1))
        names = self._rng.choice(sorted(self.weights), count, replace=False)
        return {str(name): self._value(str(name), self.weights[name]) for name in names}

    def model(self) -> onnx.ModelProto:
        """The graph; its weights are initializers, and may be fed as well."""
        kinds = {np.dtype("f4"): onnx.TensorProto.FLOAT}
        every = {**self.weights, **self.inputs}
        declare = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes, "random",
            [declare(name, kinds[one.dtype], one.shape) for name, one in every.items()],
            [declare(name, onnx.TensorProto.FLOAT, None) for name in self._outputs],
            [numpy_helper.from_array(one, name)
             for name, one in {**self.weights, **self._fixed}.items()],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def _value(self, name: str, like: Array) -> Array:
        value = self._rng.uniform(-1, 1, like.shape).astype(like.dtype)
        return np.abs(value) + np.float32(0.5) if name.startswith("var") else value

    def _weight(self, shape: tuple[int, ...], kind: str = "w") -> str:
        name = f"{kind}.{len(self.weights)}"
        self.weights[name] = self._value(name, np.empty(shape, np.float32))
        self._made[name] = self.weights[name]
        return name

    def _node(self, op: str, inputs: list[str], count: int = 1, **attributes: Any) -> list[str]:
        names = [f"t{len(self._nodes)}_{at}" for at in range(count)]
        self._nodes.append(helper.make_node(op, inputs, names, **attributes))
        return names

    def _constant(self, value: Any) -> str:
        name = f"c{len(self._fixed)}"
        self._fixed[name] = np.asarray(value)
        return name

    def _int(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high))

    def _any(self) -> str:
        return str(self._rng.choice(sorted(self._made)))

    def _grow(self) -> None:
        for _ in range(self._int(1, 4)):
            rank = self._int(1, 4)
            self._weight(tuple(int(dim) for dim in self._rng.integers(1, 5, rank)))
        steps: list[Callable[[], None]] = [
            self._transpose, self._reshape, self._slice, self._split, self._gather, self._pad,
            self._concat, self._unary, self._binary, self._reduce, self._expand, self._squeeze,
            self._matmul,
        ]  # fmt: skip
        for _ in range(self._int(0, 7)):
            steps[self._int(0, len(steps))]()
        for _ in range(self._int(0, 3)):
            (self._conv_norm, self._transposed_conv_norm, self._gemm_norm)[self._int(0, 3)]()
        for name in self._rng.choice(sorted(self._made), min(3, len(self._made)), replace=False):
            self._outputs += self._node("Mul", [str(name), "x"])

    def _keep(self, name: str, value: Array) -> None:
        self._made[name] = value

    def _transpose(self) -> None:
        name = self._any()
        perm = [int(one) for one in self._rng.permutation(self._made[name].ndim)]
        self._keep(*self._node("Transpose", [name], perm=perm), self._made[name].transpose(perm))

    def _reshape(self) -> None:
        name = self._any()
        value = self._made[name]
        shape = [[-1], [1, -1], [*value.shape, 1], [0, -1]][self._int(0, 4)]
        wanted = self._constant(np.int64(shape))
        dims = [value.shape[at] if dim == 0 else dim for at, dim in enumerate(shape)]
        self._keep(*self._node("Reshape", [name, wanted]), value.reshape(dims))

    def _slice(self) -> None:
        name = self._any()
        value = self._made[name]
        axis = self._int(-value.ndim, value.ndim)
        start, step = self._int(-4, 4), (1, 2, -1, -2)[self._int(0, 4)]
        end = self._int(-5, 6)
        cut: list[Any] = [slice(None)] * value.ndim
        cut[axis] = slice(start, end, step)
        if not value[tuple(cut)].size:
            return
        rest = [self._constant(np.int64([one])) for one in (start, end, axis, step)]
        self._keep(*self._node("Slice", [name, *rest]), value[tuple(cut)])

    def _split(self) -> None:
        name = self._any()
        value = self._made[name]
        axis = self._int(0, value.ndim)
        if value.shape[axis] < 2:
            return
        at = self._int(1, value.shape[axis])
        sizes = self._constant(np.int64([at, value.shape[axis] - at]))
        parts = np.split(value, [at], axis)
        made = self._node("Split", [name, sizes], 2, axis=axis)
        for one, part in zip(made, parts, strict=True):
            self._keep(one, part)

    def _gather(self) -> None:
        name = self._any()
        value = self._made[name]
        axis = self._int(0, value.ndim)
        indices = self._rng.integers(-value.shape[axis], value.shape[axis], self._int(1, 4))
        made = self._node("Gather", [name, self._constant(indices)], axis=axis)
        self._keep(*made, np.take(value, indices, axis))

    def _pad(self) -> None:
        name = self._any()
        value = self._made[name]
        widths = self._rng.integers(0, 2, 2 * value.ndim)
        pairs = list(zip(widths[: value.ndim], widths[value.ndim :], strict=True))
        self._keep(*self._node("Pad", [name, self._constant(widths)]), np.pad(value, pairs))

    def _concat(self) -> None:
        name = self._any()
        alike = [one for one, v in self._made.items() if v.shape == self._made[name].shape]
        names = [str(one) for one in self._rng.choice(alike, self._int(1, 4))]
        axis = self._int(-self._made[name].ndim, self._made[name].ndim)
        value = np.concatenate([self._made[one] for one in names], axis)
        self._keep(*self._node("Concat", names, axis=axis), value)

    def _unary(self) -> None:
        name = self._any()
        op, function = [("Neg", np.negative), ("Abs", np.abs), ("Tanh", np.tanh), ("Exp", np.exp)][
            self._int(0, 4)
        ]
        self._keep(*self._node(op, [name]), function(self._made[name]))

    def _binary(self) -> None:
        one, two = self._any(), self._any()
        left, right = self._made[one], self._made[two]
        try:
            np.broadcast_shapes(left.shape, right.shape)
        except ValueError:
            return
        op, function = [("Add", np.add), ("Mul", np.multiply), ("Sub", np.subtract)][
            self._int(0, 3)
        ]
        self._keep(*self._node(op, [one, two]), function(left, right))

    def _reduce(self) -> None:
        name = self._any()
        value = self._made[name]
        axis = self._int(0, value.ndim)
        op, function = [("ReduceMean", np.mean), ("ReduceMax", np.max)][self._int(0, 2)]
        made = self._node(op, [name], axes=[axis], keepdims=1)
        self._keep(*made, function(value, axis, keepdims=True))

    def _expand(self) -> None:
        name = self._any()
        shape = (self._int(1, 3), *self._made[name].shape)
        made = self._node("Expand", [name, self._constant(np.int64(shape))])
        self._keep(*made, np.broadcast_to(self._made[name], shape))

    def _squeeze(self) -> None:
        name = self._any()
        axis = self._constant(np.int64([0]))
        if self._made[name].shape[0] == 1 and self._made[name].ndim > 1:
            self._keep(*self._node("Squeeze", [name, axis]), self._made[name][0])
        else:
            self._keep(*self._node("Unsqueeze", [name, axis]), self._made[name][None])

    def _matmul(self) -> None:
        flat = [one for one, value in self._made.items() if value.ndim == 2]
        for one in flat:
            for two in flat:
                if self._made[one].shape[1] == self._made[two].shape[0]:
                    self._keep(*self._node("MatMul", [one, two]), self._made[one] @ self._made[two])
                    return

    def _norm(self, tensor: str, channels: int) -> None:
        kinds = ("scale", "shift", "mean", "var")
        rest = [self._weight((channels,), kind) for kind in kinds]
        epsilon = (1e-5, 1e-3)[self._int(0, 2)]
        self._outputs += self._node("BatchNormalization", [tensor, *rest], epsilon=epsilon)

    def _behind(self, tensor: str, dims: list[int], axis: int) -> None:
        """What may stand behind a layer whose output channels are an axis."""
        if self._int(0, 2):
            self._norm(tensor, dims[1])
            return
        perm = [int(one) for one in self._rng.permutation(len(dims))]
        turned = bool(self._int(0, 2))
        if turned:
            (tensor,) = self._node("Transpose", [tensor], perm=perm)
            dims, axis = [dims[at] for at in perm], perm.index(axis)
        for _ in range(self._int(1, 4)):
            if not self._int(0, 6):
                self._outputs.append(tensor)  # somebody else reads it as well
            tensor = self._change(tensor, dims, axis)
        if self._int(0, 2):
            (tensor,) = self._node("Relu", [tensor])
        if turned:
            (tensor,) = self._node("Transpose", [tensor], perm=[int(a) for a in np.argsort(perm)])
        self._outputs.append(tensor)

    def _change(self, tensor: str, dims: list[int], axis: int) -> str:
        """A scale or a shift, mostly by one number per channel."""
        shape = [1] * len(dims)
        along = axis if self._int(0, 5) else self._int(0, len(dims))
        if self._int(0, 5):
            shape[along] = dims[along]
        while len(shape) > 1 and shape[0] == 1 and self._int(0, 3):
            shape = shape[1:]
        op = ("Add", "Div", "Mul", "Sub")[self._int(0, 4)]
        by = self._weight(tuple(shape), "var" if op == "Div" else "w")
        if op != "Div" and self._int(0, 2):
            (by,) = self._node("Tanh", [by])
        sides = [by, tensor] if op != "Div" and self._int(0, 2) else [tensor, by]
        return self._node(op, sides)[0]

    def _data(self, shape: tuple[int, ...]) -> str:
        name = f"x{len(self.inputs)}"
        self.inputs[name] = self._rng.uniform(-1, 1, shape).astype(np.float32)
        return name

    def _bias(self, channels: int) -> list[str]:
        return [self._weight((channels,))] if self._int(0, 2) else []

    def _conv_norm(self) -> None:
        groups, each, out = self._int(1, 3), self._int(1, 3), self._int(1, 3)
        weight = self._weight((groups * out, each, 2, 2))
        x = self._data((2, groups * each, 4, 3))
        bias = self._bias(groups * out)
        (made,) = self._node("Conv", [x, weight, *bias], group=groups)
        self._behind(made, [2, groups * out, 3, 2], 1)

    def _transposed_conv_norm(self) -> None:
        groups, each, out = self._int(1, 3), self._int(1, 3), self._int(1, 3)
        weight = self._weight((groups * each, out, 2, 2))
        x = self._data((2, groups * each, 4, 3))
        bias = self._bias(groups * out)
        (made,) = self._node("ConvTranspose", [x, weight, *bias], group=groups)
        self._behind(made, [2, groups * out, 5, 4], 1)

    def _gemm_norm(self) -> None:
        rows, columns, flip = self._int(1, 5), self._int(1, 5), self._int(0, 2)
        weight = self._weight((columns, rows) if flip else (rows, columns))
        x = self._data((3, rows))
        if self._int(0, 2):
            options = {"alpha": 0.5, "beta": 2.0, "transB": flip}
            (made,) = self._node("Gemm", [x, weight, *self._bias(columns)], **options)
        elif flip:
            (turned,) = self._node("Transpose", [weight], perm=[1, 0])
            (made,) = self._node("MatMul", [x, turned])
        else:
            (made,) = self._node("MatMul", [x, weight])
        self._behind(made, [3, columns], 1)
