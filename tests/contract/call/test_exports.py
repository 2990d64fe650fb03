"""What CANN's headers declare is exported (facts 0), whatever this project's lists say.

cann_prototypes.txt was copied from the headers; it knows nothing of functions.h and unsimulated.h,
so a row that gets lost there is found here.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ..face import ROOT, Acl
from ..prototypes import declared, parse
from .test_forwards import NAMES as FORWARDS
from .test_unsimulated import ANSWERS

CANN = declared()
CONTROL = re.compile(r"^\w[\w ]*?[ *]+(aclfake\w+)\(", re.MULTILINE)
CONTROLS = {*CONTROL.findall((ROOT / "fakes" / "aclfake.h").read_text(encoding="utf-8"))}
ANSWER_OF = {"aclError": "ERROR", "void": "NOTHING", "size_t": "NUMBER"}


def exported(library: Path) -> set[str]:
    """All that a client's linker and the dynamic loader see."""
    command = ["nm", "-D", "--defined-only", library]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].partition("@")[0] for line in shown.splitlines()}


def test_the_list_is_whole() -> None:
    assert len(CANN) > 600
    assert {"aclInit", "aclmdlExecute", "aclrtMalloc", "aclopLoad", "acltdtSendTensor"} <= {*CANN}


@pytest.mark.parametrize("library", ["libascendcl.so", *FORWARDS])
def test_each_library_exports_what_cann_declares_and_its_controls_facts_0(
    acl: Acl, library: str
) -> None:
    """And nothing else, which would be captured by, or capture, other libraries."""
    assert "aclfakeRead" in CONTROLS
    assert exported(acl.path.parent / library) == {*CANN} | CONTROLS


def test_the_shim_declares_functions_as_cann_does_facts_0() -> None:
    headers = [ROOT / "csrc" / "acl" / name for name in ("acl_api.h", "acl_dvpp.h")]
    ours = parse("".join(path.read_text(encoding="utf-8") for path in headers))
    assert len(ours) > 300
    assert ours == {name: CANN[name] for name in ours}
    assert {*ours} | {*ANSWERS} == {*CANN}, "what is not simulated answers"


def test_what_only_answers_is_declared_as_cann_does_facts_0() -> None:
    """So a program that calls it compiles, and is told at run time."""
    headers = [ROOT / "csrc" / "acl" / name for name in ("unsimulated_api.h", "acl_dvpp.h")]
    ours = parse("".join(path.read_text(encoding="utf-8") for path in headers))
    assert {*ANSWERS} <= {*ours}
    assert ours == {name: CANN[name] for name in ours}


def answer_of(result: str) -> str:
    """What a function of this result answers with when it is not simulated."""
    return "POINTER" if result.endswith("*") else ANSWER_OF.get(result, "NUMBER")


def test_what_is_not_simulated_answers_in_its_own_type_facts_0_1() -> None:
    told = {name: "NOTHING" if kind == "SILENCE" else kind for name, kind in ANSWERS.items()}
    assert told == {name: answer_of(CANN[name].result) for name in ANSWERS}
