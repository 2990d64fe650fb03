"""Tests that open the fake without asking for it: judged, refused or left alone, never unseen."""

from __future__ import annotations

import pytest

from acl_bundle import fake

from .conftest import Run

MISUSE = """
from acl_bundle import fake

def misuse():
    ctypes.CDLL(str(fake.library_path())).aclrtFree(ctypes.c_void_p(0x1234))
"""
SAW = "the fake saw 1 violation"

EVERYWHERE = """
import threading, unittest

def test_clean():
    ctypes.CDLL(str(fake.library_path())).aclrtSetDevice(0)
    ctypes.CDLL(str(fake.library_path())).aclrtResetDevice(0)

def test_body():
    misuse()

def test_thread():
    thread = threading.Thread(target=misuse)
    thread.start()
    thread.join()

@pytest.fixture(scope="module")
def wide():
    misuse()

def test_setup(wide):
    pass

def test_setup_was_told(wide):
    pass

@pytest.fixture
def late():
    yield
    misuse()

def test_teardown(late):
    pass

class TestCase(unittest.TestCase):
    def setUp(self):
        self.addCleanup(misuse)

    def test_it(self):
        misuse()

@pytest.mark.acl(violations="ignore")
def test_on_purpose():
    misuse()

@pytest.mark.anyio
async def test_async():
    misuse()

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_asked(fake_acl):
    assert fake_acl.violations == []

def test_after():
    pass
"""


def test_violations_fail_the_test_that_they_fall_on(run: Run) -> None:
    result = run(MISUSE + EVERYWHERE)
    result.assert_outcomes(passed=6, failed=5, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_teardown*", SAW,
         *[line for name in ("test_body", "test_thread", "test_setup", "TestCase.test_it",
                             "test_async") for line in (f"*_ {name} _*",)]]
    )  # fmt: skip
    assert sum(line.startswith("the fake saw ") for line in result.outlines) == 6


def test_refuse_names_the_fixture(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfake_acl_without_fixture = refuse\n")
    result = run(
        MISUSE
        + """
def test_nothing():
    pass

def test_opens():
    misuse()

def test_after():
    misuse()

def test_asks(fake_acl):
    pass
""",
        fresh=True,
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*_ test_opens _*",
            "this test opened the fake without asking for fake_acl, and fake_acl_without_fixture is"
            " refuse",
            SAW,
            "*_ test_after _*",
            SAW,
        ]
    )


def test_ignore_leaves_them_alone(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfake_acl_without_fixture = ignore\n")
    result = run(MISUSE + EVERYWHERE + "\nmisuse()\n")
    result.assert_outcomes(passed=11)
    assert result.ret == 0


def test_a_wrong_choice_is_refused(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfake_acl_without_fixture = never\n")
    result = run("def test_it():\n    pass\n", fresh=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*fake_acl_without_fixture = 'never': judge, refuse or ignore is right"]
    )


@pytest.mark.parametrize("where", ["a conftest.py", "a module", "the end of the session"])
def test_outside_of_tests_the_session_fails(
    run: Run, pytester: pytest.Pytester, where: str
) -> None:
    head = "import ctypes, pytest\n" + MISUSE
    if where == "a conftest.py":
        pytester.makeconftest(head + "misuse()\n")
    if where == "the end of the session":
        pytester.makeconftest(head + "def pytest_sessionfinish():\n    misuse()\n")
    text = MISUSE + ("misuse()\n" if where == "a module" else "")
    result = run(text + "def test_it():\n    pass\n\ndef test_fresh(fake_acl):\n    pass\n")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*= acl_bundle =*", "outside of tests the fake saw 1 violation", "AB-RT-0006 *"]
    )


def test_what_is_alive_at_the_end_fails_the_session(run: Run) -> None:
    result = run(
        MISUSE
        + """
def test_it():
    fake.set("lines", "on")
    ctypes.CDLL(str(fake.library_path())).aclrtSetDevice(0)
""",
        fresh=True,
    )
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*= acl_bundle =*",
            "the fake found 1 object that was not given back",
            "device 0x0, made by aclrtSetDevice (call 1) at test_user.py:* in test_it",
        ]
    )


def test_a_program_that_knows_nothing_of_acl_bundle(
    run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    """As after ``acl-bundle fake env``."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(fake.library_path().parent))
    pytester.makepyfile(
        test_foreign="import ctypes\ndef test_it():\n"
        '    ctypes.CDLL("libascendcl.so").aclrtFree(ctypes.c_void_p(16))\n'
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([SAW, "*at test_foreign.py:3 in test_it"])


def test_workers_judge_too(run: Run) -> None:
    result = run(MISUSE + "def test_it():\n    misuse()\n", "-n", "1", fresh=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([SAW])


def test_a_conftest_may_name_the_plugin(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["acl_bundle.testing.plugin"]\n')
    source = MISUSE + "def test_it(fake_acl):\n    pass\n"
    run(source, "-p", "no:acl_bundle").assert_outcomes(passed=1)


def test_workers_tell_what_their_sessions_end_finds(run: Run) -> None:
    source = """
def test_it():
    ctypes.CDLL(str(fake.library_path())).aclrtSetDevice(0)
"""
    result = run(MISUSE + source, "-n", "1", fresh=True)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gw0: the fake found 1 object that was not given back"])


def test_refuse_looks_at_each_test(run: Run, pytester: pytest.Pytester) -> None:
    """Also where the library is open already."""
    pytester.makeini("[pytest]\nfake_acl_without_fixture = refuse\n")
    source = """
def test_asked(fake_acl):
    pass

@pytest.mark.parametrize("which", [1, 2])
def test_unasked(which):
    ctypes.CDLL(str(fake.library_path())).aclrtGetDeviceCount(ctypes.byref(ctypes.c_uint32()))

def test_of_nothing():
    pass
"""
    run(MISUSE + source).assert_outcomes(passed=2, failed=2)
