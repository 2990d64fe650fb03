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
CONTROLS = re.compile(r"aclfake[A-Z]")
ANSWER_OF = {"aclError": "ERROR", "void": "NOTHING", "size_t": "NUMBER"}


def exported(library: Path) -> list[str]:
    """The functions that a client's linker and the dynamic loader see."""
    command = ["nm", "-D", "--defined-only", library]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"\b(acl\w+)$", shown, re.MULTILINE)


def test_the_list_is_whole() -> None:
    assert len(CANN) > 600
    assert {"aclInit", "aclmdlExecute", "aclrtMalloc", "aclopLoad", "acltdtSendTensor"} <= {*CANN}


@pytest.mark.parametrize("library", ["libascendcl.so", *FORWARDS])
def test_each_library_exports_what_cann_declares_and_its_controls_facts_0(
    acl: Acl, library: str
) -> None:
    names = exported(acl.path.parent / library)
    assert {name for name in names if not CONTROLS.match(name)} == {*CANN}


def test_the_shim_declares_functions_as_cann_does_facts_0() -> None:
    ours = parse((ROOT / "csrc" / "acl" / "acl_api.h").read_text(encoding="utf-8"))
    assert len(ours) > 150
    assert ours == {name: CANN[name] for name in ours}


def answer_of(result: str) -> str:
    """What a function of this result answers with when it is not simulated."""
    return "POINTER" if result.endswith("*") else ANSWER_OF.get(result, "NUMBER")


def test_what_is_not_simulated_answers_in_its_own_type_facts_0_1() -> None:
    told = {name: "NOTHING" if kind == "SILENCE" else kind for name, kind in ANSWERS.items()}
    assert told == {name: answer_of(CANN[name].result) for name in ANSWERS}
