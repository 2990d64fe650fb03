"""A trained checkpoint baked into a model file: the file starts with the new weights.

A trainer's checkpoint has its own names and holds the optimiser's state as well.
Its weights go, under the model's names, into the init graph of a bundle, which can
still be updated later, and into a plain ONNX model, where they are constants. The
answers of both are those of the checkpoint; the files they came from are untouched.

Runs on the fake AscendCL: python examples/freeze_model.py [checkpoint]
The checkpoint may be of any format that acl_bundle.weights reads.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, parser

import acl_bundle as ab
from acl_bundle import build, fake, weights

Array = NDArray[Any]
SHAPES = {"fc1_weight": (8, 16), "fc1_bias": (16,), "fc2_weight": (16, 3), "fc2_bias": (3,)}
GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
classifier (float[2, 8] x) => (float[2, 3] y) {
    a = Gemm(x, fc1_weight, fc1_bias)
    b = Tanh(a)
    y = Gemm(b, fc2_weight, fc2_bias)
}
"""


def random(seed: int) -> dict[str, Array]:
    """Weights for the model."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(one).astype(np.float32) for name, one in SHAPES.items()}


def model() -> onnx.ModelProto:
    """The model as it was exported, before it was trained."""
    proto = parser.parse_model(GRAPH)
    tensors = [numpy_helper.from_array(value, name) for name, value in random(0).items()]
    proto.graph.initializer.extend(tensors)
    return proto


def train(path: Path) -> None:
    """Stand in for a trainer: write a checkpoint as one does."""
    state = {f"model.{name}": value for name, value in random(1).items()}
    momenta = {f"optimizer.{name}": np.zeros_like(value) for name, value in state.items()}
    weights.save({**state, **momenta}, path)


def answer(file: Path | bytes, x: Array) -> Array:
    """Load a bundle, give the weights their first values, and infer."""
    with ab.Bundle.load(file) as bundle:
        if any(graph.role == "init" for graph in bundle.graphs):
            bundle.init()
        result: Array = bundle.infer(x)
        return result


def main(folder: Path, checkpoint: Path) -> None:
    """Freeze a checkpoint into two kinds of models."""
    onnx.save(model(), folder / "policy.onnx")
    build.from_onnx(model(), weights=list(SHAPES)).save(folder / "policy.om")
    x = np.random.default_rng(2).standard_normal((2, 8)).astype(np.float32)
    before = answer(folder / "policy.om", x)

    with weights.open(checkpoint) as trained:
        print(trained)
        chosen = weights.select(trained, ["model.*"])
        new = weights.rename(chosen, strip_prefix="model.")
        print(new.report())
        for name in ("policy.om", "policy.onnx"):
            report = weights.freeze(new, folder / name, folder / f"frozen-{name}")
            print(f"{name}: {report.title}")

    from_init = answer(folder / "frozen-policy.om", x)
    from_constants = answer(build.model(folder / "frozen-policy.onnx").to_bytes(), x)
    np.testing.assert_allclose(from_init, from_constants, rtol=1e-5)
    assert not np.allclose(from_init, before)
    np.testing.assert_array_equal(answer(folder / "policy.om", x), before)
    print(f"before: {np.round(before[0], 3)}, frozen: {np.round(from_init[0], 3)}, from both files")
    with (
        weights.open(folder / "policy.om") as old,
        weights.open(folder / "frozen-policy.om") as now,
    ):
        print(f"weights diff: {weights.diff(old, now).title}")


if __name__ == "__main__":
    fake.activate()
    with tempfile.TemporaryDirectory() as made:
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made, "step-1000.safetensors")
        if len(sys.argv) == 1:
            train(given)
        main(Path(made), given)
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")
