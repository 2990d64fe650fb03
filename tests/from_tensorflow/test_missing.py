"""Without TensorFlow: importing the builder asks for nothing, and the door says what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import build, weights
from acl_bundle.errors import UnsupportedError


def test_the_builder_imports_neither_tensorflow_nor_tf2onnx() -> None:
    program = (
        "import sys, acl_bundle.build, acl_bundle.weights;"
        "assert not {'tensorflow', 'tf2onnx', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_door_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    path = tmp_path / "graph.pb"
    path.write_bytes(b"\x0a\x00")
    wanted = r"build.from_tensorflow needs tensorflow, .*pip install '\.\[tensorflow\]'"
    with pytest.raises(UnsupportedError, match=wanted):
        build.from_tensorflow(path)
    with pytest.raises(UnsupportedError, match=wanted):
        weights.freeze({}, path, tmp_path / "frozen.pb")


def test_what_is_not_there_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        build.from_tensorflow(tmp_path / "nothing.pb")
