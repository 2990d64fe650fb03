"""Which constants of an ONNX model can be 2:4 sparse, and along which axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from acl_bundle._base.extra import need
from acl_bundle._base.files import Path_
from acl_bundle.weights._base.file import bad, map_file
from acl_bundle.weights._sources.detect import detect
from acl_bundle.weights._sources.onnx.model import Onnx
from acl_bundle.weights._transforms.sparse.groups import KEPT, Layout, along

_FLOATS: Final = (1, 10, 11, 16)  # TensorProto's float, float16, double and bfloat16
_SIZES: Final = ("Shape", "Size")


class Layouts(dict[str, Layout]):
    """Layouts by weight, as `sparsify_2_4` takes them.

    Attributes:
        left_out: Weights that a MatMul, Gemm or Conv multiplies by and that have no
            layout, and why.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left_out: dict[str, str] = {}


@dataclass(frozen=True)
class _Turned:
    """A tensor with a weight's elements: axis i of it is axis ``axes[i]`` of the weight."""

    weight: str
    axes: tuple[int, ...]


def layouts_of(model: Path_) -> Layouts:
    """Find the weights of MatMul, Gemm and Conv that 2:4 sparsity is for.

    Those are floating-point constants that are the second operand of MatMul or
    of Gemm without transA, or the kernel of a two-dimensional Conv, also behind
    Transpose, Identity and Cast, and are read along one axis only. What reads a
    shape alone does not count. Weights of which nothing can be pruned, such as a
    depthwise convolution's, are left out.

    Args:
        model: An ONNX model.

    Returns:
        What `sparsify_2_4` takes, in the order of the model's nodes; ``left_out``
        says what is not in it, and why.

    Raises:
        WeightsFormatError: It is no ONNX model, or damaged.
        UnsupportedError: onnx is not installed.
        OSError: It cannot be opened.
    """
    reader, _ = detect(model)
    if reader is not Onnx:
        kind = getattr(reader, "kind", "")
        raise bad(model, f"this is of kind {kind!r}; an ONNX model tells how its weights are read")
    onnx = need("onnx", "build", "reading an ONNX model")
    with Onnx(model) as constants:
        graph = onnx.load_model_from_string(bytes(map_file(constants.file))).graph
        shapes = dict(_floating(constants))
    found = Layouts()
    for name, layouts in _reads(graph, shapes).items():
        (only, *others) = layouts
        if others and layouts != {None}:
            found.left_out[name] = "it is read along several axes, or by other nodes as well"
        elif only is not None and along(shapes[name], only) <= KEPT:
            found.left_out[name] = (
                f"its input axis has {along(shapes[name], only)}, and of so few none is pruned"
            )
        elif only is not None:
            found[name] = only
    return found


def _reads(graph: Any, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, set[Layout | None]]:
    """How the nodes read each weight: None for a node that 2:4 sparsity is not for."""
    from acl_bundle.build._onnx import walk  # noqa: PLC0415  needs onnx

    tensors = {name: _Turned(name, tuple(range(len(one)))) for name, one in shapes.items()}
    found: dict[str, set[Layout | None]] = {}
    for node in graph.node:
        plain = node.domain in ("", "ai.onnx")
        if plain and node.op_type in _SIZES:
            continue
        passed = _passed(node, tensors) if plain else None
        if passed is not None:
            tensors[node.output[0]] = passed
            continue
        for at, name in enumerate((*node.input, *walk.captured(node))):
            if name in tensors:
                layout = _layout(node, tensors[name]) if plain and at == 1 else None
                found.setdefault(tensors[name].weight, set()).add(layout)
    for end in graph.output:
        if end.name in tensors:
            found.setdefault(tensors[end.name].weight, set()).add(None)
    return found


def _floating(constants: Onnx) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name in constants:
        spec = constants.spec(name)
        if spec.dtype.name in ("float32", "float64"):
            yield name, spec.shape


def _passed(node: Any, tensors: Mapping[str, _Turned]) -> _Turned | None:
    """What a node hands on of a weight, in other order at most; None for another node."""
    below = tensors.get(node.input[0]) if node.input else None
    if below is None:
        return None
    attributes = {one.name: one for one in node.attribute}
    if node.op_type == "Transpose":
        order = list(attributes["perm"].ints) if "perm" in attributes else []
        order = order or list(range(len(below.axes)))[::-1]
        if sorted(order) != list(range(len(below.axes))):
            return None
        return _Turned(below.weight, tuple(below.axes[at] for at in order))
    if node.op_type == "Identity" or (node.op_type == "Cast" and attributes["to"].i in _FLOATS):
        return below
    return None


def _layout(node: Any, tensor: _Turned) -> Layout | None:
    """How a node reads its second input, None where it is no such node."""
    rank = len(tensor.axes)
    flags = {one.name: one.i for one in node.attribute if one.name in ("transA", "transB")}
    if node.op_type == "Conv" and rank == 4:
        return {1: "oihw", 2: "hwio"}.get(tensor.axes[1])  # type: ignore[return-value]
    if node.op_type == "MatMul" and rank >= 2:
        axis = tensor.axes[-2]
    elif node.op_type == "Gemm" and rank == 2 and not flags.get("transA"):
        axis = tensor.axes[-1 if flags.get("transB") else -2]
    else:
        return None
    return {rank - 2: "kn", rank - 1: "nk"}.get(axis)  # type: ignore[return-value]
