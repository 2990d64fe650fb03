"""Which constants of an ONNX model can be 2:4 sparse, and along which axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from acl_bundle._files import Path_
from acl_bundle.weights._detect import detect
from acl_bundle.weights._extra import need
from acl_bundle.weights._file import bad, map_file
from acl_bundle.weights._groups import Layout
from acl_bundle.weights._onnx import Onnx


def layouts_of(model: Path_) -> dict[str, Layout]:
    """Find the weights of MatMul, Gemm and Conv that 2:4 sparsity is for.

    Those are floating-point constants that are the second operand of MatMul or
    of Gemm without transA, or the kernel of a two-dimensional Conv, and are
    read along one axis only.

    Args:
        model: An ONNX model.

    Returns:
        What `sparsify_2_4` takes, in the order of the model's nodes.

    Raises:
        WeightsFormatError: It is no ONNX model, or damaged.
        UnsupportedError: onnx is not installed.
        OSError: It cannot be opened.
    """
    reader, _ = detect(model)
    if reader is not Onnx:
        kind = getattr(reader, "kind", "")
        raise bad(model, f"this is of kind {kind!r}; an ONNX model tells how its weights are read")
    onnx = need("onnx", "build", "an ONNX model")
    with Onnx(model) as constants:
        graph = onnx.load_model_from_string(bytes(map_file(constants.file))).graph
        ranks = {name: len(spec.shape) for name, spec in _floating(constants)}
    found: dict[str, set[Layout | None]] = {}
    for node in graph.node:
        layout = _layout(node, ranks)
        for at, name in enumerate(node.input):
            if name in ranks:
                found.setdefault(name, set()).add(layout if at == 1 else None)
    sparse: dict[str, Layout] = {}
    for name, layouts in found.items():
        (only, *others) = layouts
        if only is not None and not others:
            sparse[name] = only
    return sparse


def _floating(constants: Onnx) -> Iterator[tuple[str, Any]]:
    for name in constants:
        spec = constants.spec(name)
        if spec.dtype.name in ("float32", "float64"):
            yield name, spec


def _layout(node: Any, ranks: dict[str, int]) -> Layout | None:
    """How a node reads its second input, None where it is no such node."""
    rank = ranks.get(node.input[1], 0) if len(node.input) > 1 else 0
    flags = {one.name: one.i for one in node.attribute if one.name in ("transA", "transB")}
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "MatMul" and rank >= 2:
        return "kn"
    if node.op_type == "Gemm" and not flags.get("transA"):
        return "nk" if flags.get("transB") else "kn"
    return "oihw" if node.op_type == "Conv" and rank == 4 else None
