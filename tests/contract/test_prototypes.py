"""The exports against what CANN's headers declare, one by one (facts 0, 2).

A program that CANN links has to link here, so a name that is lost breaks it. The list of names is
CANN's alone: no header of the fake takes part in it.
"""

from __future__ import annotations

import re
import subprocess

from .face import ROOT, Acl
from .prototypes import declared, parse
from .test_unsimulated import ANSWERS

CANN = declared()
CONTROL = re.compile(r"aclfake[A-Z]\w*")
ANSWER_OF = {"aclError": "ERROR", "void": "NOTHING", "size_t": "NUMBER"}


def answer_of(result: str) -> str:
    """What a function of this result answers with when it is not simulated."""
    return "POINTER" if result.endswith("*") else ANSWER_OF.get(result, "NUMBER")


def test_every_function_of_cann_is_exported_and_no_other(acl: Acl) -> None:
    shown = subprocess.run(
        ["nm", "-D", "--defined-only", acl.path], capture_output=True, text=True, check=True
    )
    exported = {line.split()[-1].split("@")[0] for line in shown.stdout.splitlines()}
    assert {name for name in exported if not CONTROL.fullmatch(name)} == {*CANN}


def test_the_shim_declares_them_as_cann_does() -> None:
    ours = parse((ROOT / "csrc" / "acl_api.h").read_text(encoding="utf-8"))
    assert len(ours) > 150
    assert ours == {name: CANN[name] for name in ours}


def test_what_is_not_simulated_answers_in_its_own_type() -> None:
    told = {name: "NOTHING" if kind == "SILENCE" else kind for name, kind in ANSWERS.items()}
    assert told == {name: answer_of(CANN[name].result) for name in ANSWERS}
