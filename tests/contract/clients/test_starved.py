"""What a host without memory is told: a C client whose allocators give nothing (starved.c)."""

from __future__ import annotations

import json
from pathlib import Path

from ..call.test_refusals import compiled, output
from ..face import Acl


def test_without_memory_every_call_says_so(acl: Acl, tmp_path: Path) -> None:
    source = Path(__file__).with_name("starved.c")
    library = ("-L", acl.path.parent, "-lascendcl")
    lines = output(compiled(tmp_path / "starved", source, *library), acl)
    told = [line.split(" ", 2) for line in lines if not line.startswith("{")]
    failed = [(function, text) for function, status, text in told if int(status) != 0]
    assert len(failed) >= 5
    assert all(text.startswith(f"{function}: ") for function, text in failed)
    assert [json.loads(line) for line in lines if line.startswith("{")] == []
