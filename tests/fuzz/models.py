"""Damaged ONNX models for `build.from_onnx`: a documented exception, or a bundle that opens.

Without ONNX Runtime, whose sessions are not what is tried.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from fuzzing import bounded, instrumented, main

with instrumented():
    from acl_bundle import build, om


def one(data: bytes, path: Path) -> None:
    """Build a bundle of a model's bytes, and open it."""
    del path
    with bounded(len(data)), suppress(ValueError):
        made = build.from_onnx(data, weights="all")
        _ = om.open_bundle(made.to_bytes()).variables


if __name__ == "__main__":
    sys.modules["onnxruntime"] = None  # type: ignore[assignment]
    main("models", one)
