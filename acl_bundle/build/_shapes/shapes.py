"""Static shapes: dynamic inputs are pinned, and everything else follows.

A static graph has one shape per tensor. Inputs take theirs from the model or,
where it leaves a dim open, from the caller. Shapes the model declares for
anything else are dropped, because exporters leave stale ones behind, and
worked out anew by ONNX's shape inference.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from operator import index as as_index
from typing import NamedTuple

from onnx import (
    GraphProto,
    ModelProto,
    TensorProto,
    TensorShapeProto,
    ValueInfoProto,
    helper,
    shape_inference,
)

from acl_bundle._base.arguments import ArgumentError
from acl_bundle.build._onnx import element_types, walk

Shapes = Mapping[str, Sequence[int]] | str


class Known(NamedTuple):
    """What inference found out about a tensor; ``dims`` is None for an unknown rank."""

    elem: int
    dims: tuple[int, ...] | None

    @property
    def is_static(self) -> bool:
        """Whether every dim is known."""
        return self.dims is not None and all(dim >= 0 for dim in self.dims)


def pin(graph: GraphProto, shapes: Shapes | None, *, leave_open: bool = False) -> None:
    """Give every input of the graph a static shape, in place.

    Args:
        graph: Its inputs must not include initializers.
        shapes: Shapes by input name, at least for the inputs that need one; or a text
            as ``atc --input_shape`` takes it, ``"ids:1,128;image:-1,3,224,224"``.
        leave_open: Inputs without a shape may stay as they are, and -1 leaves a dim open.

    Raises:
        ValueError: An input is no tensor of a plain type or has no usable
            name; a shape is given for no input, does not fit what the model
            fixes, or is missing.
        TypeError: The shapes are neither a mapping nor a text.
    """
    if not isinstance(shapes, str | Mapping | None):
        raise TypeError(
            f"input_shapes is {shapes!r:.80}; a mapping of input to shape, or a text as ATC's, is"
            " right"
        )
    wanted = parsed(shapes) if isinstance(shapes, str) else dict(shapes or {})
    names = [one.name for one in graph.input]
    for name in wanted:
        if name not in names:
            raise ArgumentError(
                f"input_shapes names {name!r}, which is no input; {_inputs(name, names)}",
                "input_shapes",
            )
    open_inputs = []
    for one in graph.input:
        _check(one)
        if one.name in wanted:
            set_dims(one, _fitting(one, wanted[one.name], leave_open))
        elif not (leave_open or known(one).is_static):
            open_inputs.append(one)
    if open_inputs:
        raise ArgumentError(_missing(open_inputs), "input_shapes")


def parsed(text: str) -> dict[str, tuple[int, ...]]:
    """Read shapes as ``atc --input_shape`` takes them.

    Raises:
        ValueError: It is no such text, or a dim has a range.
    """
    found: dict[str, tuple[int, ...]] = {}
    for part in filter(None, text.split(";")):
        name, colon, dims = part.rpartition(":")
        if "~" in dims:
            raise ArgumentError(
                f"input_shapes has {part!r}; a dim with a range is dynamic_shape's,"
                f" dynamic_shape={{{name!r}: [(1, 8), ...]}} say",
                "dynamic_shape",
                "input_shapes",
            )
        try:
            found[name.strip()] = tuple(int(dim) for dim in dims.split(",") if dim.strip())
        except ValueError:
            colon = ""
        if not colon:
            raise ArgumentError(
                f"input_shapes has {part!r}; 'name:dim,dim', apart by ';', is right", "input_shapes"
            ) from None
    return found


def known(one: ValueInfoProto) -> Known:
    """Return what a declaration says; dims that are 0, negative or named are unknown (-1)."""
    tensor = one.type.tensor_type
    if not tensor.HasField("shape"):
        return Known(tensor.elem_type, None)
    dims = tuple(dim.dim_value if dim.dim_value > 0 else -1 for dim in tensor.shape.dim)
    return Known(tensor.elem_type, dims)


def infer(model: ModelProto) -> dict[str, Known]:
    """Return what shape inference says about every tensor of the main graph.

    Tensors it says nothing about are left out.
    """
    graph = inferred(model)
    found = (*graph.value_info, *graph.output, *graph.input)
    return {one.name: _inferred(one) for one in found if one.type.HasField("tensor_type")}


def inferred(model: ModelProto) -> GraphProto:
    """Return a copy of the main graph with every type and shape that inference finds.

    Large constants count as unknown values, and stand among the inputs.
    """
    light = ModelProto()
    light.CopyFrom(model)
    _open_large(light.graph)
    _spell_out(light.graph)
    for data_propagation in (True, False):
        try:
            return shape_inference.infer_shapes(light, data_prop=data_propagation).graph
        except Exception:  # inference is a help: what it cannot do a trial run does
            continue
    return light.graph


def forget(graph: GraphProto) -> None:
    """Drop the shapes declared for anything but the inputs, in place; types stay."""
    for one in walk.graphs(graph):
        for declared in (*one.value_info, *one.output):
            if declared.type.HasField("tensor_type"):
                declared.type.tensor_type.ClearField("shape")


def declare(name: str, elem: int, dims: Sequence[int]) -> ValueInfoProto:
    """Return a declaration of a tensor with a static shape."""
    info = ValueInfoProto(name=name)
    info.type.tensor_type.elem_type = elem
    set_dims(info, dims)
    return info


def set_dims(one: ValueInfoProto, dims: Sequence[int]) -> None:
    """Declare the dims of a tensor, in place; -1 leaves one open."""
    shape = one.type.tensor_type.shape
    shape.SetInParent()
    del shape.dim[:]
    for dim in dims:
        added = shape.dim.add()
        if dim >= 0:
            added.dim_value = dim


def _inferred(one: ValueInfoProto) -> Known:
    tensor = one.type.tensor_type
    if not tensor.HasField("shape"):
        return Known(tensor.elem_type, None)
    dims = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
    return Known(tensor.elem_type, tuple(dims))


def _open_large(graph: GraphProto) -> None:
    large = [one for one in graph.initializer if one.data_location == TensorProto.EXTERNAL]
    small = [one for one in graph.initializer if one.data_location != TensorProto.EXTERNAL]
    copies = [TensorProto.FromString(one.SerializeToString()) for one in small]
    graph.input.extend(declare(one.name, one.data_type, one.dims) for one in large)
    del graph.initializer[:]
    graph.initializer.extend(copies)


def _spell_out(graph: GraphProto) -> None:
    """Write down a default that inference gets wrong: without it, STFT is one-sided."""
    for one in walk.graphs(graph):
        for node in one.node:
            if node.op_type == "STFT" and all(has.name != "onesided" for has in node.attribute):
                node.attribute.append(helper.make_attribute("onesided", 1))


def _check(one: ValueInfoProto) -> None:
    if not one.name or "\0" in one.name:
        raise ValueError(f"an input is called {one.name!r}; it needs a name without NUL")
    kind = one.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ValueError(f"input {one.name!r} is a {kind or 'nothing'}; only tensors can be inputs")
    elem = one.type.tensor_type.elem_type
    if not element_types.is_plain(elem):
        raise ValueError(
            f"input {one.name!r} has type {element_types.name(elem)};"
            f" one of {element_types.names()} is right"
        )


def _fitting(one: ValueInfoProto, shape: Sequence[int], leave_open: bool) -> tuple[int, ...]:
    try:
        dims = tuple(as_index(dim) for dim in shape)
    except TypeError:
        raise ArgumentError(
            f"input_shapes[{one.name!r}] is {shape!r}; a sequence of integers is right",
            "input_shapes",
        ) from None
    declared = known(one).dims
    if any(dim <= 0 and not (leave_open and dim == -1) for dim in dims):
        hint = "" if leave_open else " (-1 leaves one open, for a dynamic_... option)"
        raise ArgumentError(
            f"input_shapes[{one.name!r}] is {list(dims)}; every dim must be positive{hint}",
            "input_shapes",
        )
    if declared is None:
        return dims
    fits = len(declared) == len(dims) and all(
        fixed in (-1, dim) for fixed, dim in zip(declared, dims, strict=True)
    )
    if not fits:
        raise ArgumentError(
            f"input_shapes[{one.name!r}] is {list(dims)}, but the model has {_written(one)}",
            "input_shapes",
        )
    return dims


def _written(one: ValueInfoProto) -> str:
    if not one.type.tensor_type.HasField("shape"):
        return "a shape of unknown rank"
    return "[" + ", ".join(map(_said, one.type.tensor_type.shape.dim)) + "]"


def _said(dim: TensorShapeProto.Dimension) -> str:
    """A dim as the model gives it: a number, 0 too, a name, or nothing."""
    return str(dim.dim_value) if dim.HasField("dim_value") else dim.dim_param or "?"


def _missing(inputs: Sequence[ValueInfoProto]) -> str:
    said = "; ".join(f"{one.name!r} has {_written(one)}" for one in inputs)
    example = ", ".join(f"{one.name!r}: (...)" for one in inputs)
    return f"a graph is static, but input {said}; pass input_shapes={{{example}}}"


def _inputs(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=len(names), cutoff=0.5)
    ordered = [*close, *(one for one in names if one not in close)]
    return f"the inputs are {', '.join(map(repr, ordered))}" if ordered else "there are no inputs"
