"""A host that touches device memory faults, as on the far side of a bus (design 7)."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from ..face import Acl

PROGRAM = """
import ctypes, signal, sys
signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # a sanitizer would end the program its own way
acl = ctypes.CDLL(sys.argv[1])
assert acl.aclInit(None) == 0 and acl.aclrtSetDevice(0) == 0
pointer = ctypes.c_void_p()
assert acl.aclrtMalloc(ctypes.byref(pointer), ctypes.c_size_t(1 << 20), 0) == 0
if "freed" in sys.argv:
    assert acl.aclrtFree(pointer) == 0
print("reached", flush=True)
if "read" in sys.argv:
    ctypes.string_at(pointer.value + 100, 1)
if "write" in sys.argv:
    ctypes.memset(pointer.value + 100, 0, 1)
"""


def run(acl: Acl, *words: str) -> tuple[int, str]:
    child = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, acl.path, *words],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return child.returncode, child.stdout


@pytest.mark.parametrize("words", [("read",), ("write",), ("read", "freed")])
def test_touching_device_memory_faults_design_7(acl: Acl, words: tuple[str, ...]) -> None:
    assert run(acl, *words) == (-signal.SIGSEGV, "reached\n")


def test_not_touching_it_does_not_design_7(acl: Acl) -> None:
    assert run(acl) == (0, "reached\n")


@pytest.mark.parametrize("words", [("read",), ("write",)])
def test_a_program_on_the_device_itself_touches_it_facts_1_2(
    acl: Acl, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACL_FAKE_RUN_MODE", "device")
    assert run(acl, *words) == (0, "reached\n")
