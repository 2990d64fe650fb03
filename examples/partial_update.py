"""New weights for part of a model that keeps running; the others stay as they are.

This is the whole flow of AscendCL's weight update: load a bundle, run its init
graph, infer, update, infer again, unload. The first update changes one weight of
four, the second two others; what is not named keeps its value, without a byte of
it being sent. An update that does not fit is refused, and nothing has changed.

Runs on the fake AscendCL: python examples/partial_update.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import fake

Array = NDArray[Any]
RNG = np.random.default_rng(7)


def normal(*shape: int) -> Array:
    """Float32 values as a layer has them."""
    return RNG.standard_normal(shape).astype(np.float32) * np.float32(0.1)


def policy(x: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> dict[str, Array]:
    """The model. A function stands for a compiled graph, as the fake allows."""
    return {"action": np.tanh(x @ w1 + b1) @ w2 + b2}


def check(bundle: ab.Bundle, weights: dict[str, Array], x: Array) -> None:
    """Infer, and compare with the same arithmetic on the host."""
    out = bundle.infer.run({"x": x})
    np.testing.assert_allclose(out["action"], policy(x, **weights)["action"], rtol=1e-5, atol=1e-6)
    print(f"  version {out.version}: action {np.round(out['action'][0], 3)}")


def main(path: Path) -> None:
    """Run the flow on a bundle file."""
    weights = {"w1": normal(8, 16), "b1": normal(16), "w2": normal(16, 3), "b2": normal(3)}
    x = normal(4, 8)
    fake.from_function(policy, inputs={"x": x}, weights=weights).save(path)

    with ab.Bundle.load(path) as bundle:
        bundle.init()
        print(f"loaded {path.name}: {', '.join(map(str, bundle.update.weights))}")
        check(bundle, weights, x)

        for names in (["b2"], ["w1", "w2"]):
            new = {name: normal(*weights[name].shape) for name in names}
            report = bundle.update(new)
            print(f"changed {report.changed}, kept {report.kept}, {report.nbytes} bytes sent")
            weights |= new
            check(bundle, weights, x)

        try:
            bundle.update({"b1": normal(16), "w2": normal(3, 16)})
        except ab.WeightError as error:
            print(f"refused: {error}")
        check(bundle, weights, x)
        print(f"kept since version 0: {[n for n, s in bundle.weights.items() if s.version == 0]}")


if __name__ == "__main__":
    fake.activate()
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder, "policy.om"))
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")
