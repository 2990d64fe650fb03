"""Every name that CANN's headers declare is exported (facts 0), whatever this project's lists say.

cann_names.txt was copied from the headers; it knows nothing of functions.h and unsimulated.h, so a
row that gets lost there is found here.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .face import Acl
from .test_forwards import NAMES as FORWARDS

LINES = Path(__file__).with_name("cann_names.txt").read_text(encoding="utf-8").splitlines()
CANN = [line for line in LINES if not line.startswith("#")]
CONTROLS = re.compile(r"aclfake[A-Z]")


def exported(library: Path) -> list[str]:
    """The functions that a client's linker and the dynamic loader see."""
    command = ["nm", "-D", "--defined-only", library]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"\b(acl\w+)$", shown, re.MULTILINE)


def test_the_list_is_whole() -> None:
    assert len(CANN) == len({*CANN})
    assert len(CANN) > 600
    assert {"aclInit", "aclmdlExecute", "aclrtMalloc", "aclopLoad", "acltdtSendTensor"} <= {*CANN}


@pytest.mark.parametrize("library", ["libascendcl.so", *FORWARDS])
def test_each_library_exports_what_cann_declares_and_its_controls_facts_0(
    acl: Acl, library: str
) -> None:
    names = exported(acl.path.parent / library)
    assert {name for name in names if not CONTROLS.match(name)} == {*CANN}
