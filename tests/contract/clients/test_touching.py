"""The host touches device memory: the process ends as on a device, and is told why."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from acl_bundle import fake

from ..face import Acl
from .program import compiled


@pytest.fixture(scope="module")
def program(_library: Acl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("touching"), "touching", _library, "-rdynamic")


def touched(program: Path, what: str, report: str = "live") -> tuple[int, str, list[str]]:
    """The status, stdout, and stderr without numbers."""
    done = subprocess.run(
        [program, what],
        env={"LD_LIBRARY_PATH": str(fake.library_path().parent), "ACL_FAKE_REPORT": report},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    text = re.sub(r"acl fake \d+", "acl fake", re.sub(r"0x[0-9a-f]+", "0x", done.stderr))
    return done.returncode, done.stdout, text.splitlines()


MEMORY = "device memory, made by aclrtMalloc (call 3)"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("memory", f"{MEMORY}; only the device can: aclrtMemcpy copies it"),
        (
            "freed",
            f"{MEMORY}, ended by aclrtFree (call 4); only the device can: aclrtMemcpy copies it",
        ),
        ("handle", "a handle, which is no pointer"),
    ],
)
def test_it_is_told_what_was_touched_and_where(program: Path, what: str, said: str) -> None:
    status, out, lines = touched(program, what)
    assert (status, out) == (-signal.SIGSEGV, "touches\n")
    assert lines[0] == f"acl fake: SIGSEGV: the host touched 0x, {said}"
    assert [line.split("+")[0] for line in lines[1:]] == ["    at touch", "    at main"]


@pytest.mark.parametrize("report", ["exit", "off"])
def test_only_where_violations_are_told_as_they_happen(program: Path, report: str) -> None:
    assert touched(program, "memory", report) == (-signal.SIGSEGV, "touches\n", [])


@pytest.mark.parametrize("what", ["null", "sent"])
def test_a_fault_that_is_none_of_the_fakes(program: Path, what: str) -> None:
    assert touched(program, what) == (-signal.SIGSEGV, "touches\n", [])


def test_a_programs_own_handler_stays(program: Path) -> None:
    status, out, _ = touched(program, "own")
    assert (status, out) == (3, "touches\nown handler\n")
