"""2:4 sparse weights that stay sparse: masks in a record file, enforced at every update.

Of every four weights along a layer's input two are zero; a model that is compiled
for this pattern relies on where the zeros are. So the masks are decided once, from
the trained weights, and kept in a file. A trainer knows nothing of them: its new
weights are put under the masks on their way into the model, and checked.

Runs on the fake AscendCL: python examples/sparse_updates.py
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import fake, weights
from acl_bundle.weights import Masks

Array = NDArray[Any]
LAYOUTS = {"fc.weight": "kn", "conv.weight": "oihw"}
SHAPES = {"conv.weight": (8, 4, 1, 1), "fc.weight": (8, 6), "fc.bias": (6,)}
UPDATES = 5


def trained(step: int) -> dict[str, Array]:
    """What a trainer would hand out: dense, and different at every step."""
    rng = np.random.default_rng(step)
    return {name: rng.standard_normal(one).astype(np.float32) for name, one in SHAPES.items()}


def network(x: Array, conv: Array, weight: Array, bias: Array) -> dict[str, Array]:
    """A 1×1 convolution over the pixels of x, their mean, and a linear layer."""
    pixels = np.einsum("nchw,oc->nohw", x, conv[:, :, 0, 0])
    return {"y": np.maximum(pixels, 0).mean(axis=(2, 3)) @ weight + bias}


def in_order(values: Mapping[str, Array]) -> tuple[Array, ...]:
    """The weights as `network` takes them."""
    return tuple(values[name] for name in SHAPES)


def create(record: Path) -> weights.View:
    """Decide on the masks and write them down."""
    sparse = weights.sparsify_2_4(trained(0), LAYOUTS)
    print(sparse.report())
    sparse.masks.save(record)
    print(f"masks kept in {record.name}, {record.stat().st_size} bytes")
    return sparse


def main(folder: Path) -> None:
    """Run a sparse model through several updates."""
    record = folder / "masks.safetensors"
    sparse = create(record)
    x = np.random.default_rng(9).standard_normal((2, 4, 3, 3)).astype(np.float32)
    fake.from_function(
        network,
        inputs={"x": x},
        weights=dict(zip(("conv", "weight", "bias"), in_order(sparse), strict=True)),
    ).save(folder / "sparse.om")

    masks = Masks.load(record)
    names = {"conv.weight": "conv", "fc.weight": "weight", "fc.bias": "bias"}
    with ab.Bundle.load(folder / "sparse.om") as bundle:
        bundle.init()
        for step in range(1, UPDATES + 1):
            dense = trained(step)
            print(f"step {step}: {weights.check(dense, masks).title} before,", end=" ")
            new = weights.enforce(dense, masks)
            found = weights.check(new, masks)
            assert not any(row.violations for row in found)
            assert not any(row.violations for row in weights.check(new, LAYOUTS))
            bundle.update(weights.rename(new, names), version=step)
            out = bundle.infer.run({"x": x})
            want = network(x, *in_order(new))["y"]
            np.testing.assert_allclose(out["y"], want, rtol=1e-5, atol=1e-6)
            print(f"{found.title} in the model, version {out.version}")


if __name__ == "__main__":
    fake.activate()
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")
