"""No refusal without a text: aclGetRecentErrMsg is what a user has to go by (facts 1.1).

Every status leaves the fake through one place, which demands a text (fakes/call/refusal.h).
What left none gets the meaning of its code and is listed as "unexplained"; the fixture `acl`
fails every test that ends with such a list, so the whole contract suite is the test of the places.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .. import codes
from ..face import ROOT, Acl
from ..threads import elsewhere

CODES = {
    name: int(number)
    for name, number in re.findall(
        r"(\w+) = (-?\d+)", (ROOT / "fakes/base/codes.h").read_text(encoding="utf-8").split("}")[0]
    )
}
ANSWERS = {"aclrtGetLastError", "aclrtPeekAtLastError"}
API = (ROOT / "csrc/acl/acl_api.h").read_text(encoding="utf-8")
STATUSES = sorted({*re.findall(r"^aclError (\w+)\(", API, re.MULTILINE)} - ANSWERS)
COMPILER = [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-I", ROOT / "csrc",
            "-I", ROOT / "fakes"]  # fmt: skip
RT_CODES = [107000, 107001, 107002, 207001, 507899, 507015]


def compiled(program: Path, *sources: str | Path) -> Path:
    subprocess.run([*COMPILER, *sources, "-o", program], check=True, timeout=60)
    return program


def output(program: Path, acl: Acl) -> list[str]:
    env = {**os.environ, "LD_LIBRARY_PATH": str(acl.path.parent)}
    done = subprocess.run(
        [program], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()


def test_every_code_of_the_fake_has_a_meaning_facts_1_13(acl: Acl, tmp_path: Path) -> None:
    assert len(CODES) > 40
    source = tmp_path / "meanings.c"
    source.write_text(
        '#include <stdio.h>\n#include "call/code_meaning.h"\nint main(void) {\n'
        + "".join(f'puts(code_meaning({number}));\n' for name, number in CODES.items() if number)
        + "}\n"
    )  # fmt: skip
    table = ROOT / "fakes/call/code_meaning.c"
    meanings = output(compiled(tmp_path / "meanings", source, table), acl)
    assert len(meanings) == len(CODES) - 1
    assert len({*meanings}) == len(meanings), "two codes mean the same"
    assert all(len(meaning) > 10 for meaning in meanings)


@pytest.mark.parametrize("name", STATUSES)
def test_a_fault_in_any_function_has_a_text(acl: Acl, name: str) -> None:
    """No argument is looked at: the fault comes first."""
    acl.fail(name, 1, 500000)
    arguments = acl.ffi.typeof(getattr(acl.lib, name)).args
    zeros = [
        acl.new(f"{kind.cname} *")[0] if kind.kind == "struct" else acl.ffi.cast(kind, 0)
        for kind in arguments
    ]
    assert getattr(acl.lib, name)(*zeros) == 500000
    assert acl.message() == f"{name}: status 500000 injected by aclfakeFail"


def test_nothing_failed_yet_facts_1_1(acl: Acl) -> None:
    assert acl.aclrtGetLastError(0) == codes.SUCCESS
    assert acl.aclrtPeekAtLastError(0) == codes.SUCCESS
    assert acl.message() is None


@pytest.mark.parametrize("code", RT_CODES)
def test_the_last_error_is_the_runtimes_and_taken_once(acl: Acl, code: int) -> None:
    """CANN's sample 1_error_handling: Peek leaves it, Get clears it."""
    acl.fail("aclrtGetRunMode", 1, code)
    assert acl.aclrtGetRunMode(acl.new("aclrtRunMode *")) == code
    assert acl.message()
    assert acl.aclrtGetRunMode(acl.new("aclrtRunMode *")) == codes.SUCCESS
    assert acl.aclrtPeekAtLastError(0) == code
    assert acl.aclrtPeekAtLastError(0) == code
    assert acl.aclrtGetLastError(0) == code
    assert acl.aclrtGetLastError(0) == codes.SUCCESS
    assert acl.message() is None, "an answer is no failure"


def test_checks_of_the_acl_layer_are_no_runtime_errors(acl: Acl) -> None:
    """They return before the runtime is called, which alone keeps a last error."""
    assert acl.aclrtGetRunMode(acl.NULL) == codes.INVALID_PARAM
    assert acl.aclrtPeekAtLastError(0) == codes.SUCCESS


def test_every_thread_has_its_last_error(acl: Acl) -> None:
    assert acl.aclrtSetDevice(99) == codes.RT_INVALID_DEVICEID
    assert elsewhere(lambda: acl.aclrtPeekAtLastError(0)) == codes.SUCCESS
    assert acl.aclrtGetLastError(0) == codes.RT_INVALID_DEVICEID


def test_there_is_one_level(acl: Acl) -> None:
    for function in (acl.aclrtGetLastError, acl.aclrtPeekAtLastError):
        assert function(1) == codes.INVALID_PARAM
        assert "level 1 is not ACL_RT_THREAD_LEVEL (0)" in (acl.message() or "")


def test_a_reset_forgets_the_last_error(acl: Acl) -> None:
    assert acl.aclrtSetDevice(99) == codes.RT_INVALID_DEVICEID
    acl.reset()
    assert acl.aclrtGetLastError(0) == codes.SUCCESS
