"""The plugin beside other plugins, other libraries and other processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

LOADS_ITSELF = """
def application():
    # What a program that knows nothing of acl_bundle does.
    acl = ctypes.CDLL("libascendcl.so")
    status = acl.aclInit(None)
    status |= acl.aclrtSetDevice(0)
    memory = ctypes.c_void_p()
    status |= acl.aclrtMalloc(ctypes.byref(memory), ctypes.c_size_t(4096), 0)
    assert status == 0
    return acl, memory

def test_clean(fake_acl):
    acl, memory = application()
    assert fake_acl.calls["aclrtMalloc"] == 1
    acl.aclrtFree(memory)
    acl.aclrtResetDevice(0)
    acl.aclFinalize()

def test_leak(fake_acl):
    application()

def test_by_path(fake_acl):
    assert ctypes.CDLL(str(fake_acl.path)).aclInit(None) == 0
    assert fake_acl.calls == {"aclInit": 1}
"""


def test_a_program_that_loads_the_library_itself(run: Run) -> None:
    result = run(LOADS_ITSELF, fresh=True)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["device memory * of 4096 bytes, made by aclrtMalloc (call 3) at *.py:14 in application"]
    )


def test_workers_have_a_fake_each(run: Run) -> None:
    result = run(
        """
import time

@pytest.mark.parametrize("devices", [1, 2, 3, 4])
def test_it(fake_acl, make_bundle, devices, mocker):
    fake_acl.devices = devices
    mocker.patch("time.time", return_value=0)
    om = make_bundle(lambda x: {"y": x * devices}, inputs={"x": X})
    with ab.Bundle.load(om, device=devices - 1) as bundle:
        assert (bundle.infer(X) == X * devices).all()
        assert sum(row["kind"] == "bundle" for row in fake_acl.live) == 1
    assert fake_acl.devices == devices

def test_leak(fake_acl):
    ctypes.CDLL("libascendcl.so").aclrtSetDevice(0)
""",
        "-n",
        "2",
        fresh=True,
    )
    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(
        ["*made by aclrtSetDevice (call 1) at *test_user.py:* in test_leak"]
    )


def test_another_library_that_is_open_is_named(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "other.c").write_text("int aclInit(const char *path) { return !!path; }\n")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", "libother.so", "other.c"], cwd=pytester.path, check=True
    )
    result = run(
        """
ab.load_library("./libother.so")

def test_it(fake_acl):
    pass

def test_other():
    pass
""",
        fresh=True,
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "fake_acl cannot have this process: ./libother.so is already open in this process*",
            "*acl_bundle.fake.activate() at the top of conftest.py*",
        ]
    )


def test_asked_for_while_the_test_runs(run: Run) -> None:
    result = run("""
def test_it(request):
    fake_acl = request.getfixturevalue("fake_acl")
    ctypes.CDLL("libascendcl.so").aclrtSetDevice(0)
    assert fake_acl.live

class TestCase(__import__("unittest").TestCase):
    @pytest.mark.usefixtures("fake_acl")
    def test_it(self):
        ctypes.CDLL("libascendcl.so").aclrtFree(ctypes.c_void_p(16))

@pytest.mark.xfail(strict=True)
def test_expected(fake_acl):
    ctypes.CDLL("libascendcl.so").aclrtFree(ctypes.c_void_p(16))

def test_skipped(fake_acl):
    ctypes.CDLL("libascendcl.so").aclrtFree(ctypes.c_void_p(16))
    pytest.skip("enough")
""")
    result.assert_outcomes(passed=1, errors=1, failed=1, xfailed=1, skipped=1)


QUIET = """
import sys
import pytest

class Look:
    def pytest_unconfigure(self):
        heavy = {"numpy", "onnx", "onnxruntime", "cffi", "_cffi_backend", "ml_dtypes", "rich"}
        print("loaded:", sorted(heavy & set(sys.modules)),
              sorted(name for name in sys.modules if name.startswith("acl_bundle")))

sys.exit(pytest.main(sys.argv[1:], plugins=[Look()]))
"""


@pytest.mark.parametrize("arguments", [("--version",), ("test_foreign.py",)])
def test_a_foreign_project_pays_nothing(
    tmp_path: Path, clean: None, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "test_foreign.py").write_text("def test_it():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-c", QUIET, "-p", "no:hypothesispytest", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    last = [line for line in done.stdout.splitlines() if line.startswith("loaded:")]
    ours = ["acl_bundle", "acl_bundle.testing", "acl_bundle.testing.plugin"]
    light = [f"acl_bundle.testing.{name}" for name in ("marker", "scopes", "unasked")]
    if last:
        assert last[-1] in (
            f"loaded: [] {ours}",
            f"loaded: [] {sorted([*ours, *light])}",
        )
    else:
        assert arguments == ("--version",), done.stdout
