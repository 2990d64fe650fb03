"""Pages for who comes from elsewhere: both sides run, but for MindSpore Lite's, which is parsed."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import onnx.parser
import pytest

from acl_bundle import compat

from .page import Page, small_policy

POLICY = """
    <ir_version: 8, opset_import: ["": 17]>
    policy (float[1, 4] x) => (float[1, 2] y)
    <float[4, 2] w = {1, 1, 1, 1, 1, 1, 1, 1}, float[2] b = {0, 0}> { y = Gemm(x, w, b) }
"""
PAGES = ("docs/from_pyacl.md", "docs/from_ais_bench.md", "docs/from_mindspore_lite.md")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages speak of."""
    small_policy(tmp_path / "policy.om")
    onnx.save(onnx.parser.parse_model(POLICY), tmp_path / "policy.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", PAGES)
def test_the_page_runs(
    path: str, folder: Path, fake_acl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ais_bench's side runs on the class that takes its place: the page shows the same answers."""
    assert fake_acl.pyacl is sys.modules["acl"]
    theirs = ModuleType("ais_bench.infer.interface")
    theirs.InferSession = compat.InferSession  # type: ignore[attr-defined]
    for name in ("ais_bench", "ais_bench.infer"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, theirs.__name__, theirs)
    page = Page(path)
    page.run({})
    page.check_links()
    for block in re.findall(r"^```py\n(.*?)^```$", page.text, re.MULTILINE | re.DOTALL):
        ast.parse(block)


def test_all_that_the_page_says_a_session_has_is_there() -> None:
    text = Page("docs/from_ais_bench.md").text.partition("## What is as in")[2]
    names = re.findall(r"`([a-z_]+)`", text.partition("(`name`")[0])
    assert len(names) > 3
    assert all(hasattr(compat.InferSession, name) for name in names), names
