"""What a host without memory is told: a C client whose allocators give nothing (starved.c)."""

from __future__ import annotations

import json
from pathlib import Path

from ..face import ROOT, Acl
from .program import compiled, run


def test_without_memory_every_call_says_so(acl: Acl, tmp_path: Path) -> None:
    program = compiled(tmp_path, "starved", acl, "-D_GNU_SOURCE", "-I", ROOT / "fakes")
    lines = run(program, acl, ACL_FAKE_REPORT="off").splitlines()
    told = [line.split(" ", 2) for line in lines if not line.startswith("{")]
    failed = [(function, text) for function, status, text in told if int(status) != 0]
    assert len(failed) >= 5
    assert all(text.startswith(f"{function}: ") for function, text in failed)
    assert [json.loads(line) for line in lines if line.startswith("{")] == []
