"""ONNX nodes as steps of a weight program.

Every shape, axis and bound is worked out here, for the values of a weight
program have fixed shapes; so the steps know nothing of ONNX's versions. A node
that has no translation stays in the graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from onnx import NodeProto, helper

from acl_bundle.build._fold.values import NotFoldableError, Values, integers
from acl_bundle.build._onnx import element_types
from acl_bundle.weight_program import Step

Attributes: TypeAlias = Mapping[str, Any]


class Call:
    """One node, its inputs known.

    Attributes:
        attributes: The node's, by name.
    """

    def __init__(self, node: NodeProto, values: Values, opset: int) -> None:
        self._node, self._values = node, values
        self.opset: int = opset
        self.attributes: Attributes = {
            one.name: helper.get_attribute_value(one) for one in node.attribute
        }

    @property
    def count(self) -> int:
        """How many inputs it has."""
        return len(self._node.input)

    @property
    def outputs(self) -> list[str]:
        """The names of its outputs."""
        return list(self._node.output)

    def has(self, at: int) -> bool:
        """Whether an input is given."""
        return at < len(self._node.input) and bool(self._node.input[at])

    def value(self, at: int) -> str:
        """The value that an input is."""
        return self._values.value_of(self._node.input[at])

    def array(self, at: int) -> Any:
        """What an input is now."""
        return self._values.array(self.value(at))

    def fixed(self, at: int) -> list[int]:
        """The numbers of an input that no source may change.

        Raises:
            NotFoldableError: One may.
        """
        if self._values.depends(self._node.input[at]):
            raise NotFoldableError(f"input {at} of {self._node.op_type} depends on a weight")
        return integers(self.array(at))

    def numbers(self, name: str, at: int) -> list[int] | None:
        """An attribute that is an input in later versions; None where it is not given."""
        if name in self.attributes:
            return list(self.attributes[name])
        return self.fixed(at) if self.has(at) else None

    def emit(self, op: str, inputs: Sequence[str], **options: Any) -> str:
        """Note one step towards the first output."""
        return self._values.emit(self._node.output[0], op, inputs, **options)

    def emit_as(self, wish: str, op: str, inputs: Sequence[str], **options: Any) -> str:
        """The same towards another output."""
        return self._values.emit(wish, op, inputs, **options)

    def step(self, value: str) -> Step | None:
        """The step that makes a value, if one does."""
        return self._values.steps.get(value)

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value."""
        return self._values.array(value).shape

    def note(self, array: Any) -> str:
        """Note a fixed value."""
        return self._values.fixed(self._node.output[0], np.asarray(array))


Translation: TypeAlias = Callable[[Call], list[str]]


def translate(node: NodeProto, values: Values, opset: int) -> None:
    """Bind a node's outputs to values.

    Raises:
        NotFoldableError: It has no translation.
    """
    translation = _TRANSLATIONS.get(node.op_type)
    if translation is None or node.domain not in ("", "ai.onnx"):
        raise NotFoldableError(node.op_type)
    for tensor, value in zip(node.output, translation(Call(node, values, opset)), strict=True):
        values.bind(tensor, value)


def is_translated(node: NodeProto) -> bool:
    """Whether there is a translation for a node of this type."""
    return node.op_type in _TRANSLATIONS and node.domain in ("", "ai.onnx")


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < max(rank, 1):
        raise NotFoldableError(f"axis {axis} of rank {rank}")
    return axis % rank if rank else 0


def _reshaped(call: Call, shape: Sequence[int]) -> list[str]:
    if tuple(call.array(0).shape) == tuple(shape):
        return [call.value(0)]
    return [call.emit("reshape", [call.value(0)], shape=list(shape))]


def _identity(call: Call) -> list[str]:
    return [call.value(0)]


def _cast(call: Call) -> list[str]:
    return _to(call, element_types.to_numpy(call.attributes["to"]))


def _cast_like(call: Call) -> list[str]:
    return _to(call, call.array(1).dtype)


def _to(call: Call, dtype: Any) -> list[str]:
    if call.array(0).dtype == dtype:
        return [call.value(0)]
    return [call.emit("cast", [call.value(0)], dtype=dtype.name)]


def _transpose(call: Call) -> list[str]:
    rank = call.array(0).ndim
    perm = list(call.attributes.get("perm", range(rank)[::-1]))
    if perm == list(range(rank)):
        return [call.value(0)]
    return [call.emit("transpose", [call.value(0)], perm=perm)]


def _reshape(call: Call) -> list[str]:
    old, new = call.array(0).shape, call.numbers("shape", 1) or []
    if not call.attributes.get("allowzero", 0):
        new = [old[at] if dim == 0 and at < len(old) else dim for at, dim in enumerate(new)]
    if -1 in new:
        rest = math.prod(dim for dim in new if dim != -1)
        new[new.index(-1)] = math.prod(old) // rest if rest else 0
    return _reshaped(call, new)


def _flatten(call: Call) -> list[str]:
    shape = call.array(0).shape
    axis = call.attributes.get("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return _reshaped(call, [math.prod(shape[:axis]), math.prod(shape[axis:])])


def _squeeze(call: Call) -> list[str]:
    shape = call.array(0).shape
    axes = call.numbers("axes", 1)
    if axes is None:
        gone = {at for at, dim in enumerate(shape) if dim == 1}
    else:
        gone = {_axis(axis, len(shape)) for axis in axes}
    return _reshaped(call, [dim for at, dim in enumerate(shape) if at not in gone])


def _unsqueeze(call: Call) -> list[str]:
    shape, axes = call.array(0).shape, call.numbers("axes", 1) or []
    rank = len(shape) + len(axes)
    new = {_axis(axis, rank) for axis in axes}
    rest = iter(shape)
    return _reshaped(call, [1 if at in new else next(rest) for at in range(rank)])


def _slice(call: Call) -> list[str]:
    shape = call.array(0).shape
    starts, ends = call.numbers("starts", 1) or [], call.numbers("ends", 2) or []
    axes = call.numbers("axes", 3) or range(len(starts))
    steps = (call.fixed(4) if call.has(4) else None) or [1] * len(starts)
    cuts: list[tuple[int, int | None, int]] = [(0, dim, 1) for dim in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = _axis(axis, len(shape))
        first, last, by = slice(start, end, step).indices(shape[at])
        cuts[at] = first, (None if last < 0 else last), by
    if all(cut == (0, dim, 1) for cut, dim in zip(cuts, shape, strict=True)):
        return [call.value(0)]
    first_, last_, by_ = zip(*cuts, strict=True)
    return [
        call.emit("slice", [call.value(0)], starts=list(first_), stops=list(last_), steps=list(by_))
    ]


def _split(call: Call) -> list[str]:
    shape = call.array(0).shape
    axis = _axis(call.attributes.get("axis", 0), len(shape))
    count, dim = len(call.outputs), shape[axis]
    sizes = call.numbers("split", 1)
    if sizes is None:
        size = -(-dim // call.attributes.get("num_outputs", count))
        sizes = [min(size, dim - size * at) for at in range(count)]
    made, start = [], 0
    for name, size in zip(call.outputs, sizes, strict=True):
        starts, stops = [0] * len(shape), list(shape)
        starts[axis], stops[axis] = start, start + size
        made.append(
            call.emit_as(
                name, "slice", [call.value(0)], starts=starts, stops=stops, steps=[1] * len(shape)
            )
        )
        start += size
    return made


def _concat(call: Call) -> list[str]:
    parts = [call.value(at) for at in range(call.count)]
    if len(parts) == 1:
        return parts
    axis = _axis(call.attributes["axis"], call.array(0).ndim)
    return [_rejoined(call, parts, axis) or call.emit("concat", parts, axis=axis)]


def _rejoined(call: Call, parts: Sequence[str], axis: int) -> str | None:
    """The value whose slices along an axis the parts are, all of them and in order; else None."""
    cuts = [call.step(part) for part in parts]
    sources = {cut.inputs[0] if cut is not None and cut.op == "slice" else "" for cut in cuts}
    if len(sources) > 1 or "" in sources:
        return None
    (source,) = sources
    shape = call.shape(source)
    at = 0
    for cut in filter(None, cuts):
        end: Any = cut.options["stops"]
        starts, stops = [0] * len(shape), list(shape)
        starts[axis], stops[axis] = at, end[axis]
        whole = {"starts": starts, "stops": stops, "steps": [1] * len(shape)}
        if cut.options != whole:
            return None
        at = end[axis]
    return source if at == shape[axis] else None


def _gather(call: Call) -> list[str]:
    axis = _axis(call.attributes.get("axis", 0), call.array(0).ndim)
    indices = call.array(1)
    call.fixed(1)
    positive = call.note(np.where(indices < 0, indices + call.array(0).shape[axis], indices))
    return [call.emit("gather", [call.value(0), positive], axis=axis)]


def _expand(call: Call) -> list[str]:
    old, shape = call.array(0).shape, call.fixed(1)
    new = list(np.broadcast_shapes(old, tuple(shape)))
    if tuple(new) == old:
        return [call.value(0)]
    return [call.emit("expand", [call.value(0)], shape=new)]


def _tile(call: Call) -> list[str]:
    return [call.emit("tile", [call.value(0)], repeats=call.fixed(1))]


def _pad(call: Call) -> list[str]:
    if call.attributes.get("mode", b"constant") != b"constant":
        raise NotFoldableError("only constant padding has a step")
    array, widths = call.array(0), call.numbers("pads", 1) or []
    axes = call.fixed(3) if call.has(3) else range(array.ndim)
    before, after = [0] * array.ndim, [0] * array.ndim
    for number, axis in enumerate(axes):
        at = _axis(axis, array.ndim)
        before[at], after[at] = widths[number], widths[number + len(axes)]
    fill = call.attributes.get("value", 0)
    value = call.value(2) if call.has(2) else call.note(np.array(fill, array.dtype))
    return [call.emit("pad", [call.value(0), value], before=before, after=after)]


def _shape(call: Call) -> list[str]:
    dims = call.array(0).shape[call.attributes.get("start", 0) : call.attributes.get("end")]
    return [call.note(np.array(dims, np.int64))]


def _size(call: Call) -> list[str]:
    return [call.note(np.array(call.array(0).size, np.int64))]


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
        found = sorted(_axis(axis, rank) for axis in axes)
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


def _scale_axis(call: Call) -> int:
    if call.attributes.get("block_size", 0):
        raise NotFoldableError("scales of blocks have no step")
    return int(call.attributes.get("axis", 1)) if call.array(1).size > 1 else 0


def _dequantize(call: Call) -> list[str]:
    zero = call.value(2) if call.has(2) else call.note(np.zeros((), call.array(0).dtype))
    return [call.emit("dequantize", [call.value(0), call.value(1), zero], axis=_scale_axis(call))]


def _quantize(call: Call) -> list[str]:
    zero = call.value(2) if call.has(2) else call.note(np.zeros((), np.uint8))
    return [call.emit("quantize", [call.value(0), call.value(1), zero], axis=_scale_axis(call))]


_TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "Cast": _cast,
    "CastLike": _cast_like,
    "Concat": _concat,
    "DequantizeLinear": _dequantize,
    "Einsum": _einsum,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "Identity": _identity,
    "MatMul": _matmul,
    "Pad": _pad,
    "Pow": _power,
    "QuantizeLinear": _quantize,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
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
