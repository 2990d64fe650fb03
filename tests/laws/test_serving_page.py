"""docs/serving.md: its examples run in the order they stand in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"w": np.ones((4, 2), np.float32), "b": np.zeros(2, np.float32)}
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", *weights], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.from_onnx(model, weights=list(weights)).save(tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(EXAMPLES) > 7
    try:
        for number, example in enumerate(EXAMPLES, 1):
            exec(compile(example, f"docs/serving.md, example {number}", "exec"), names)
    finally:
        for one in names.values():
            if isinstance(one, ab.Bundle | ab.Pair):
                one.close()
