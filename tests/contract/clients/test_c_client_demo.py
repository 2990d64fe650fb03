"""The demo's bundle in a C program: nothing in the fake needs Python (design 7)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from acl_bundle import build
from acl_bundle.cli.demo import digits
from acl_bundle.cli.demo.network import INPUT, model
from acl_bundle.cli.demo.weights import Weights, untrained

from ..face import Acl
from .program import compiled, run

BATCH = 16


def onnxruntimes_answer(weights: Weights, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model(weights, BATCH).SerializeToString())
    return np.asarray(session.run(None, {INPUT: x})[0])


def test_the_demos_bundle_runs_in_a_c_program(acl: Acl, tmp_path: Path) -> None:
    weights = untrained()
    built = build.from_onnx(model(weights, BATCH), weights=list(weights))
    path = built.save(tmp_path / "digits.om")
    x = np.ascontiguousarray(digits.load().test_x[:BATCH])
    new = np.linspace(-3, 3, 10, dtype=np.float32)
    given = tmp_path / "given"
    given.write_bytes(x.tobytes() + new.tobytes())
    program = compiled(tmp_path, "client_demo", acl)
    printed = run(program, acl, path, "intercepts.1_var_data", str(new.size), str(given))
    before, after = (
        np.array(line.split(), np.float32).reshape(BATCH, 10) for line in printed.splitlines()
    )
    changed = {**weights, "intercepts.1": new}
    np.testing.assert_allclose(before, onnxruntimes_answer(weights, x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(after, onnxruntimes_answer(changed, x), rtol=1e-5, atol=1e-5)
