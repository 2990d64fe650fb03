"""Each call of a program fails once: the program is told by ret, and nothing else happens."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build, fake

DOUBLE = onnx.parser.parse_model("""
    <ir_version: 8, opset_import: ["": 17]>
    double (float[2, 3] x) => (float[2, 3] y) { y = Add(x, x) }
""")
PROGRAM = Path(__file__).parent / "programs" / "static.py"


@pytest.mark.acl(leaks="ignore", violations="ignore")
@pytest.mark.filterwarnings("ignore:acl.util:Warning")
def test_every_call_may_fail(
    fake_acl: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fake_acl.pyacl is sys.modules["acl"]
    build.model(DOUBLE).save(tmp_path / "double.om")
    np.save(tmp_path / "x.npy", np.zeros((2, 3), np.float32))
    words = ["double.om", "x.npy", "y.npy"]
    monkeypatch.setattr(sys, "argv", ["static.py", *(str(tmp_path / word) for word in words)])
    for nth in range(1, 100):
        fake.reset()
        fake.fail("*", nth, 507899)
        ended = _end()
        if ended is None:
            break
        assert " failed: " in ended, (nth, ended)
    assert 25 < nth < 99


def _end() -> str | None:
    """What the program says when it gives up; None when it comes to its end."""
    try:
        runpy.run_path(str(PROGRAM), run_name="__main__")
    except SystemExit as ended:
        return str(ended)
    return None
