"""Write a bundle that soak.c runs: y = x @ w, all of w 1.

``python tests/soak/soak_bundles.py onnx|callback|failing FILE``
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from contract import programs

X, Y = programs.Tensor("x", (1, 4)), programs.Tensor("y", (1, 2))
W = programs.Tensor("w_var", (4, 2))


def graph() -> bytes:
    """The ONNX model of y = x @ w."""
    return programs.graph_bytes([("MatMul", "x w_var", "y")], [X, W], [Y])


def tasks(kind: str) -> bytes:
    """The program of the inference: on ONNX Runtime, or callback 1 or 2."""
    if kind == "onnx":
        return programs.onnx_program([("MatMul", "x w_var", "y")], [X], [Y], [W])
    (offset,), total = programs.places([W])
    records = (programs.variable(W, offset), programs.callback(2 if kind == "failing" else 1))
    return programs.program(programs.CALLBACK, *records, variables=total)


def bundle(kind: str) -> bytes:
    """The whole file: infer, init, update."""
    ones = np.ones(W.dims, np.float32).tobytes()
    return programs.bundle(
        programs.model(tasks(kind), [X], [Y]),
        programs.init_model([W], [ones]),
        programs.update_model([W]),
        variables=programs.places([W])[1],
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(bundle(sys.argv[1]))
