"""A page of documentation, of which every example runs.

A ``python`` block is a program; a block without a language right behind it is
what it prints. The programs of a page run in the order they stand in, in one
namespace, as a reader would type them.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build

ROOT = Path(__file__).parents[3]
PROGRAM = re.compile(r"^```python\n(.*?)^```$(?:\n\n```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


class Page:
    """A page, by its path from the project's folder.

    Attributes:
        text: All of it.
        programs: Each program, and what it prints.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.text = (ROOT / path).read_text(encoding="utf-8")
        self.programs: list[tuple[str, str]] = PROGRAM.findall(self.text)

    def run(self, names: dict[str, Any]) -> None:
        """Run all programs in a namespace, and compare what they print with what is shown.

        Bundles and whatever else can be closed are closed in the end.
        """
        assert self.programs
        assert len(self.programs) == self.text.count("```python")
        with contextlib.ExitStack() as stack:
            stack.callback(_close, names)
            for number, (program, shown) in enumerate(self.programs, 1):
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(compile(program, f"{self._path}, example {number}", "exec"), names)
                if shown:
                    assert printed.getvalue() == shown, f"{self._path}, example {number}"

    def check_links(self) -> None:
        """Find every file of the project that the page names."""
        for name in LINK.findall(self.text):
            assert ((ROOT / self._path).parent / name).exists(), name


def _close(names: dict[str, Any]) -> None:
    for one in reversed(list(names.values())):
        if hasattr(type(one), "close") and not isinstance(one, ModuleType | type):
            one.close()


def small_policy(path: Path) -> None:
    """Write the bundle that some pages speak of: y = x @ w + b, w (4 x 2) of ones, b of zeros."""
    weights = {"w": np.ones((4, 2), np.float32), "b": np.zeros(2, np.float32)}
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", *weights], ["y"])],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.from_onnx(model, weights=list(weights)).save(path)
