"""``acl-bundle serve --json``: the ports for a program that chose none, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import build, fake

from .terminal import CLEAN
from .weights_files import mlp

pytest.importorskip("starlette")


def test_the_ports_and_the_end_are_lines(tmp_path: Path) -> None:
    path = build.model(mlp()).save(tmp_path / "m.om")
    with subprocess.Popen(
        [sys.executable, "-m", "acl_bundle.cli", "serve", path, "--port", "0", "--json"],
        env={
            **CLEAN,
            "ACL_BUNDLE_LIBRARY": os.fspath(fake.library_path()),
            "ACL_FAKE_ONNXRUNTIME": str(fake.onnxruntime_path()),
        },
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        serving = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
    assert "event" in serving, serving
    assert (serving["schema"], serving["event"], serving["grpc_port"]) == (1, "serving", None)
    assert serving["port"] > 0
    assert json.loads(out) == {"schema": 1, "event": "ended", "exit_status": 0}
    assert process.returncode == 0, err
