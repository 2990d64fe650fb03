"""Operators that move values and leave them as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from acl_bundle.build._fold.operators.call import Call, Translation, axis_of
from acl_bundle.build._fold.values import NotFoldableError


def _reshaped(call: Call, shape: Sequence[int]) -> list[str]:
    if tuple(call.array(0).shape) == tuple(shape):
        return [call.value(0)]
    return [call.emit("reshape", [call.value(0)], shape=list(shape))]


def _identity(call: Call) -> list[str]:
    return [call.value(0)]


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
        gone = {axis_of(axis, len(shape)) for axis in axes}
    return _reshaped(call, [dim for at, dim in enumerate(shape) if at not in gone])


def _unsqueeze(call: Call) -> list[str]:
    shape, axes = call.array(0).shape, call.numbers("axes", 1) or []
    rank = len(shape) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    rest = iter(shape)
    return _reshaped(call, [1 if at in new else next(rest) for at in range(rank)])


def _slice(call: Call) -> list[str]:
    shape = call.array(0).shape
    starts, ends = call.numbers("starts", 1) or [], call.numbers("ends", 2) or []
    axes = call.numbers("axes", 3) or range(len(starts))
    steps = (call.fixed(4) if call.has(4) else None) or [1] * len(starts)
    cuts: list[tuple[int, int | None, int]] = [(0, dim, 1) for dim in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = axis_of(axis, len(shape))
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
    axis = axis_of(call.attributes.get("axis", 0), len(shape))
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
    axis = axis_of(call.attributes["axis"], call.array(0).ndim)
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
    axis = axis_of(call.attributes.get("axis", 0), call.array(0).ndim)
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
        at = axis_of(axis, array.ndim)
        before[at], after[at] = widths[number], widths[number + len(axes)]
    fill = call.attributes.get("value", 0)
    value = call.value(2) if call.has(2) else call.note(np.array(fill, array.dtype))
    return [call.emit("pad", [call.value(0), value], before=before, after=after)]


def _shape(call: Call) -> list[str]:
    dims = call.array(0).shape[call.attributes.get("start", 0) : call.attributes.get("end")]
    return [call.note(np.array(dims, np.int64))]


def _size(call: Call) -> list[str]:
    return [call.note(np.array(call.array(0).size, np.int64))]


TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "Concat": _concat,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": _identity,
    "Pad": _pad,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
