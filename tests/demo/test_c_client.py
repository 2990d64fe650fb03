"""The demo's bundle in a C program: nothing in the fake needs Python (design 7)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime as ort

from acl_bundle import build, fake
from acl_bundle.demo import digits
from acl_bundle.demo.network import INPUT, model
from acl_bundle.demo.weights import Weights, untrained

ROOT = Path(__file__).parents[2]
BATCH = 16


def compiled(folder: Path) -> Path:
    """The program, linked by the library's name as any client is."""
    program = folder / "client"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror",
         "-I", ROOT / "csrc", Path(__file__).with_name("client.c"), "-o", program,
         "-L", fake.library_path().parent, "-lascendcl"],
        check=True, timeout=60,
    )  # fmt: skip
    return program


def onnxruntimes_answer(weights: Weights, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model(weights, BATCH).SerializeToString())
    return np.asarray(session.run(None, {INPUT: x})[0])


def test_the_demos_bundle_runs_in_a_c_program(tmp_path: Path) -> None:
    weights = untrained()
    built = build.from_onnx(model(weights, BATCH), weights=list(weights))
    path = built.save(tmp_path / "digits.om")
    x = np.ascontiguousarray(digits.load().test_x[:BATCH])
    new = np.linspace(-3, 3, 10, dtype=np.float32)
    where = next(Path(ort.__file__).parent.glob("capi/libonnxruntime.so.1.*"))
    done = subprocess.run(
        [compiled(tmp_path), path, "intercepts.1_var_data", str(new.size)],
        input=x.tobytes() + new.tobytes(),
        env={**os.environ, "LD_LIBRARY_PATH": str(fake.library_path().parent),
             "ACL_FAKE_ONNXRUNTIME": str(where)},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    before, after = (
        np.array(line.split(), np.float32).reshape(BATCH, 10)
        for line in done.stdout.decode().splitlines()
    )
    changed = {**weights, "intercepts.1": new}
    np.testing.assert_allclose(before, onnxruntimes_answer(weights, x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(after, onnxruntimes_answer(changed, x), rtol=1e-5, atol=1e-5)
    assert done.stderr == b"", "a leak report would stand here"
