"""A small policy and its trainer, for the images of this folder.

python policy.py build policy.om              makes the file that is served
python policy.py train redis://localhost:6379 learns y = x @ w + b, and publishes what it has learnt
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, follow

INPUTS, OUTPUTS = 4, 2
EVERY = 1.0
"""Seconds from one version to the next."""


def start() -> dict[str, Any]:
    """The weights before the first step."""
    return {"w": np.zeros((INPUTS, OUTPUTS), np.float32), "b": np.zeros(OUTPUTS, np.float32)}


def build_file(path: str) -> None:
    """Write the bundle file: batches of 1, 4 and 16, refreshable w and b."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "policy",
        [value("x", TensorProto.FLOAT, ["n", INPUTS])],
        [value("y", TensorProto.FLOAT, ["n", OUTPUTS])],
        [numpy_helper.from_array(array, name) for name, array in start().items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.from_onnx(model, weights=["w", "b"], dynamic_batch=[1, 4, 16]).save(Path(path))


def train(server: str) -> None:
    """Go down the gradient for ever, a version each second."""
    rng, weights = np.random.default_rng(0), start()
    goal = rng.standard_normal((INPUTS, OUTPUTS)).astype(np.float32)
    version = int(time.time())  # so that a trainer that starts again goes on
    while True:
        for _ in range(20):
            x = rng.standard_normal((64, INPUTS)).astype(np.float32)
            error = x @ weights["w"] + weights["b"] - x @ goal - 1
            weights["w"] -= 0.01 * x.T @ error / len(x)
            weights["b"] -= 0.01 * error.mean(axis=0)
        version += 1
        follow.publish_redis(server, weights, version, key="policy")
        print(f"version {version}: loss {float((error**2).mean()):.4f}", flush=True)
        time.sleep(EVERY)


def main() -> None:
    """Do what the arguments say."""
    what, place = sys.argv[1:]
    {"build": build_file, "train": train}[what](place)


if __name__ == "__main__":
    main()
