"""An older CANN: functions that cannot be found (facts 0: look optional symbols up)."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..face import Acl

BUNDLE_INIT = ("aclmdlBundleInitFromFile", "aclmdlBundleInitFromMem")
BINDING = """
import sys
from acl_bundle import fake
from acl_bundle._binding import library
fake.activate()
print([library.has(name) for name in sys.argv[1:]])
"""
CLIENT = """
#include <stdio.h>
#include <stdint.h>
int aclInit(const char *path);
int aclmdlBundleUnloadModel(uint32_t bundle, uint32_t model);
int main(void)
{
    printf("%d\\n", aclInit(NULL));
    fflush(stdout);
    return aclmdlBundleUnloadModel(0, 0) == 0;
}
"""


def found(path: Path, name: str) -> bool:
    """Whether dlsym finds it, asked anew."""
    return hasattr(ctypes.CDLL(str(path)), name)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ACL_", "LD_L"))}
    return subprocess.run(
        command, env={**inherited, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("library", ["libascendcl.so", "libacl_mdl.so", "libacl_rt.so"])
def test_hidden_functions_are_not_found_under_any_name_facts_0(acl: Acl, library: str) -> None:
    path = acl.path.parent / library
    acl.set("hide", "aclmdlBundleInit*")
    assert not any(found(path, name) for name in BUNDLE_INIT)
    assert found(path, "aclmdlBundleLoadFromFile")
    acl.set("hide", "")
    assert all(found(path, name) for name in BUNDLE_INIT)


def test_a_list_of_names_and_patterns(acl: Acl) -> None:
    acl.set("hide", "aclrtMallocAlign32,aclop*")
    assert not any(found(acl.path, name) for name in ("aclrtMallocAlign32", "aclopLoad"))
    assert found(acl.path, "aclrtMalloc")
    acl.set("hide", "aclrtMalloc")
    assert found(acl.path, "aclrtMallocAlign32")
    assert not found(acl.path, "aclrtMalloc")


@pytest.mark.parametrize("pattern", ["aclNothing", "aclInit,aclNothing*", "aclfake*", "malloc"])
def test_patterns_that_match_nothing_are_refused(acl: Acl, pattern: str) -> None:
    acl.set("hide", "aclopLoad")
    assert acl.aclfakeSet(b"hide", pattern.encode()) == -1
    text = acl.message()
    assert text is not None
    assert "patterns that match" in text
    assert not found(acl.path, "aclopLoad")
    assert found(acl.path, "aclInit")


def test_reset_brings_them_back(acl: Acl) -> None:
    acl.set("hide", "acl*")
    assert not found(acl.path, "aclInit")
    assert found(acl.path, "aclfakeReset")
    acl.reset()
    assert found(acl.path, "aclInit")


def test_who_found_it_before_keeps_it(acl: Acl) -> None:
    held = ctypes.CDLL(str(acl.path)).aclrtGetDeviceCount
    acl.set("hide", "aclrtGetDeviceCount")
    assert held(ctypes.byref(ctypes.c_uint32())) == 0


def test_the_binding_sees_an_older_cann_facts_0() -> None:
    done = run(sys.executable, "-c", BINDING, *BUNDLE_INIT, "aclmdlBundleLoadFromMem",
               ACL_FAKE_HIDE="aclmdlBundleInit*")  # fmt: skip
    assert done.stdout == "[False, False, True]\n", done.stderr


def test_a_linked_client_ends_where_it_calls_what_is_not_there_facts_0(
    acl: Acl, tmp_path: Path
) -> None:
    """As under an older CANN: the loader names the symbol."""
    source, program = tmp_path / "client.c", tmp_path / "client"
    source.write_text(CLIENT)
    command = [os.environ.get("CC", "cc"), "-Wl,-z,lazy", source, "-o", program,
               "-L", acl.path.parent, "-lacl_rt", "-lacl_mdl"]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    place = str(acl.path.parent)
    assert run(program, LD_LIBRARY_PATH=place).returncode == 0
    done = run(program, LD_LIBRARY_PATH=place, ACL_FAKE_HIDE="aclmdlBundleUnloadModel")
    assert done.returncode == 127
    assert done.stdout == "0\n"
    assert "undefined symbol: aclmdlBundleUnloadModel" in done.stderr
