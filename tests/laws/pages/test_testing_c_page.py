"""docs/testing_c.md: its programs are compiled and run, and say and do what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from acl_bundle import fake

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "testing_c.md").read_text(encoding="utf-8")
SHIM = (
    '#include <stddef.h>\n#include <stdint.h>\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
    '#include "acl_types.h"\n#include "acl_api.h"\n#ifdef __cplusplus\n}\n#endif\n'
)


def block(language: str, mark: str) -> str:
    """The block of the page that has this text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [one for one in blocks if mark in one]
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The page's files, and what stands for the headers of CANN."""
    headers = tmp_path / "include" / "acl"
    headers.mkdir(parents=True)
    for name in ("acl_types.h", "acl_api.h"):
        shutil.copy(ROOT / "csrc" / "acl" / name, headers)
    (headers / "acl.h").write_text(SHIM)
    (tmp_path / "twice.c").write_text(block("c", "/* twice.c */"))
    (tmp_path / "CMakeLists.txt").write_text(block("cmake", "enable_testing"))
    (tmp_path / "acl_listener.cc").write_text(block("cpp", "// acl_listener.cc"))
    (tmp_path / "acl_test.cc").write_text(block("cpp", "// acl_test.cc"))
    return tmp_path


def run(folder: Path, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    library = str(fake.library_path().parent)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ACL_", "PYTEST_"))}
    return subprocess.run(
        command,
        cwd=folder, env={**clean, "LD_LIBRARY_PATH": library, "LIBRARY_PATH": library,
                         "CPATH": str(folder / "include"), **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def blurred(text: str) -> str:
    """Numbers differ from run to run, and with the compiler."""
    return re.sub(r"0x\w+", "0x", re.sub(r"(?m)^acl fake \d+", "acl fake", text))


def test_the_program_is_told_what_the_page_shows(folder: Path) -> None:
    shown = block("console", "cc -g -rdynamic")
    compiler = os.environ.get("CC", "cc")
    built = run(folder, compiler, "-g", "-rdynamic", "-o", "twice", "twice.c", "-lascendcl")
    assert built.returncode == 0, built.stderr
    done = run(folder, "./twice", ACL_FAKE_REPORT="live", ACL_FAKE_FAIL_ON="error")
    said = f"{done.stderr}status {done.returncode}\n"
    assert blurred(said) == blurred(shown.partition('echo "status $?"\n')[2])


@pytest.mark.skipif(shutil.which("ctest") is None, reason="no cmake here")
def test_ctest_fails_the_program_and_shows_why(folder: Path) -> None:
    done = run(folder, "cmake", "-S", ".", "-B", "build",
               f"-DCMAKE_LIBRARY_PATH={fake.library_path().parent}",
               f"-DCMAKE_INCLUDE_PATH={folder / 'include'}")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert run(folder, "cmake", "--build", "build").returncode == 0
    done = run(folder, "ctest", "--test-dir", "build", "--output-on-failure")
    assert done.returncode != 0
    assert "AB-RT-0007 error in aclrtFree (call 5)" in done.stdout
    assert "0% tests passed, 1 tests failed out of 1" in done.stdout


@pytest.mark.skipif(
    not Path("/usr/include/gtest/gtest.h").exists() or shutil.which("c++") is None,
    reason="no GoogleTest here",
)
def test_googletest_fails_the_test_that_sinned(folder: Path) -> None:
    built = run(folder, "c++", "-std=c++17", "acl_listener.cc", "acl_test.cc", "-o", "tests",
                "-lgtest", "-lascendcl", "-lpthread")  # fmt: skip
    assert built.returncode == 0, built.stderr
    done = run(folder, "./tests", ACL_FAKE_FAIL_ON="leak")
    assert done.returncode == 1
    assert "[  PASSED  ] 1 test." in done.stdout
    assert "[  FAILED  ] Memory.IsGivenBackTwice" in done.stdout.split("1 FAILED TEST")[0]
    assert '"id": "AB-RT-0006"' in done.stdout
