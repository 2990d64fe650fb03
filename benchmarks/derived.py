"""Updates whose constants are computed of the weights, beside plain ones of the same bytes.

Each kind is measured at several sizes: what a program costs must grow with its bytes
and with nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

import acl_bundle as ab
from acl_bundle import build
from benchmarks.rounds import Weights, medians, seconds, table

GOALS = {"transposed": 1.3, "cast to float16": 1.3, "kernels transposed": 1.3}
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
TENSORS = 8


def made(kind: str, parts: list[str], name: str) -> onnx.NodeProto:
    """The node that makes what the graph reads of the parts of one weight."""
    if kind == "transposed":
        return helper.make_node("Transpose", parts, [name])
    if kind == "kernels transposed":
        return helper.make_node("Transpose", parts, [name], perm=[3, 2, 0, 1])
    if kind == "cast to float16":
        return helper.make_node("Cast", parts, [name], to=HALF)
    if kind == "gates":
        return helper.make_node("Concat", [parts[0], *parts[:0:-1]], [name], axis=0)
    return helper.make_node("Mul", [*parts, "factor"], [name])


def network(shape: tuple[int, ...], kind: str) -> tuple[onnx.ModelProto, list[str]]:
    """Weights of one shape, and what the graph reads of them; the names of the weights."""
    node, initializer = helper.make_node, helper.make_tensor
    nodes, values, names, reads = [], [], [], []
    for number in range(TENSORS):
        name = f"w{number}"
        parts = [f"{name}.{part}" for part in range(4)] if kind == "gates" else [name]
        for part in parts:
            dims = (shape[0] // len(parts), *shape[1:])
            raw = np.zeros(dims, np.float32).tobytes()
            values.append(initializer(part, FLOAT, dims, raw, raw=True))
        names += parts
        if kind == "plain":
            reads.append(name)
            continue
        nodes.append(made(kind, parts, f"{name}_t"))
        reads.append(f"{name}_t")
    if kind == "scaled":
        values.append(initializer("factor", FLOAT, (1,), [2.0]))
        names.append("factor")
    nodes += [node("Shape", [one], [f"{one}_shape"]) for one in reads]
    nodes.append(node("Concat", [f"{one}_shape" for one in reads], ["shapes"], axis=0))
    nodes.append(node("Mul", ["shapes", "x"], ["y"]))
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.INT64, (1,))],
        [helper.make_tensor_value_info("y", onnx.TensorProto.INT64, None)], values,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), names


@contextmanager
def loaded(shape: tuple[int, ...], kind: str) -> Iterator[tuple[ab.Bundle, Weights]]:
    """A bundle of such a network, and new weights for it."""
    model, names = network(shape, kind)
    with tempfile.TemporaryDirectory() as folder:
        path = build.from_onnx(model, names, init=False).save(Path(folder) / "net.om")
        with ab.Bundle.load(path) as bundle:
            rng = np.random.default_rng(0)
            specs = {spec.name: spec.shape or () for spec in bundle.update.weights}
            yield (
                bundle,
                {n: rng.standard_normal(one, np.float32) for n, one in specs.items()},
            )


def update(bundle: ab.Bundle, weights: Weights) -> Callable[[], float]:
    """Seconds of a whole update."""
    return lambda: seconds(lambda: bundle.update(weights, keep="none"))


def main(nbytes: int) -> None:
    """Print a table for each of three sizes."""
    for size in (nbytes // 64, nbytes // 8, nbytes):
        side = int((size // TENSORS // 4) ** 0.5) // 32 * 32
        square, kernel = (side, side), (3, 3, side // 3, side // 3)
        kinds: dict[str, Any] = {
            "plain": square, "transposed": square, "kernels transposed": kernel,
            "cast to float16": square, "gates": square, "scaled": square,
        }  # fmt: skip
        figures = {}
        for kind, shape in kinds.items():
            with loaded(square, "plain") as one, loaded(shape, kind) as two:
                both = medians({"plain": update(*one), kind: update(*two)})
            figures[kind] = both[kind] / both["plain"] if kind != "plain" else both["plain"]
        plain = figures["plain"]
        print(f"{size >> 20} MiB in {TENSORS} weights")
        table({k: v if k == "plain" else v * plain for k, v in figures.items()}, "plain", GOALS)
        print()
