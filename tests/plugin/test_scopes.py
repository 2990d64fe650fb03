"""fake_acl_module and fake_acl_session: what is judged when, and what does not go together."""

from __future__ import annotations

import pytest

from .conftest import Run

POLICY = """
from acl_bundle import build

@pytest.fixture(scope="SCOPE")
def policy(fake_acl_SCOPE, tmp_path_factory):
    model = build.null({"x": ("f4", (1, 4))}, {"y": ("f4", (1, 2))}, weights={"w": X.T})
    with ab.Bundle.load(model.save(tmp_path_factory.mktemp("om") / "null.om")) as bundle:
        bundle.init()
        yield bundle

def misuse():
    ctypes.CDLL("libascendcl.so").aclrtFree(ctypes.c_void_p(0x1234))
"""
SCOPES = pytest.mark.parametrize("scope", ["module", "session"])


def source(scope: str, text: str) -> str:
    return (POLICY + text).replace("SCOPE", scope)


@SCOPES
def test_one_fake_for_many_tests(run: Run, scope: str) -> None:
    run(
        source(
            scope,
            """
@pytest.mark.parametrize("time", [2, 3])
def test_it(policy, fake_acl_SCOPE, time):
    policy.infer(X)
    assert fake_acl_SCOPE.calls["aclmdlExecute"] == time
    assert fake_acl_SCOPE.live and not fake_acl_SCOPE.violations
    assert repr(fake_acl_SCOPE).startswith("<fake_acl_SCOPE ")
    with pytest.raises(AttributeError, match="fake_acl_SCOPE has no 'fial'"):
        fake_acl_SCOPE.fial
""",
        )
    ).assert_outcomes(passed=2)


@SCOPES
def test_a_violation_fails_the_test_that_did_it(run: Run, scope: str) -> None:
    result = run(
        source(
            scope,
            """
def test_before(policy):
    policy.infer(X)

def test_misuse(policy):
    misuse()

def test_without_any_fixture():
    misuse()

@pytest.mark.acl(violations="ignore")
def test_on_purpose(policy):
    misuse()

@pytest.fixture
def late():
    yield
    misuse()

def test_fixture(policy, late):
    pass

def test_fails_by_itself(policy):
    misuse()
    assert 1 == 2

def test_after(policy):
    policy.infer(X)
""",
        )
    )
    result.assert_outcomes(passed=4, failed=3, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_fixture*", f"fake_acl_{scope} saw 1 violation",
            "*_ test_misuse _*", f"fake_acl_{scope} saw 1 violation",
            "*_ test_without_any_fixture _*", f"fake_acl_{scope} saw 1 violation",
            "*_ test_fails_by_itself _*", "*assert 1 == 2*", f"fake_acl_{scope} saw 1 violation",
        ]
    )  # fmt: skip


@SCOPES
def test_leaks_are_judged_at_the_end_with_the_line_that_made_them(run: Run, scope: str) -> None:
    result = run(
        source(
            scope,
            """
def test_leak(policy):
    ctypes.CDLL("libascendcl.so").aclrtMalloc(
        ctypes.byref(ctypes.c_void_p()), ctypes.c_size_t(64), 0
    )

def test_after(policy):
    policy.infer(X)
""",
        )
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_after*",
            f"fake_acl_{scope} found 1 object that was not given back",
            "device memory * of 64 bytes, made by aclrtMalloc (call *) at *.py:* in test_leak",
        ]
    )


@SCOPES
def test_what_a_body_sets_is_put_back(run: Run, scope: str) -> None:
    """So that each test passes alone and in any order."""
    text = source(
        scope,
        """
@pytest.fixture(scope="SCOPE", autouse=True)
def slow(fake_acl_SCOPE):
    fake_acl_SCOPE.latency("aclrtMemcpy", 0.001)
    fake_acl_SCOPE.soc = "Chip"

def check(fake):
    fake.set("trace", "on")
    ctypes.CDLL("libascendcl.so").aclrtSetDevice(1)
    assert fake.soc == "Chip" and fake.devices == 8
    (call,) = [row for row in fake.trace if row["function"] == "aclrtSetDevice"][-1:]
    assert call["status"] == 0 and call["ns"] < 10**8
    ctypes.CDLL("libascendcl.so").aclrtResetDevice(1)

def test_change(policy, fake_acl_SCOPE):
    check(fake_acl_SCOPE)
    fake_acl_SCOPE.soc, fake_acl_SCOPE.profile = "Other", "910b"
    fake_acl_SCOPE.fail("aclrtSetDevice", nth=0)
    fake_acl_SCOPE.latency("aclrtSetDevice", 1.0)

def test_change_and_fail(policy, fake_acl_SCOPE):
    check(fake_acl_SCOPE)
    fake_acl_SCOPE.devices = 2
    fake_acl_SCOPE.fail("aclrtSetDevice", nth=0)
    assert 1 == 2

def test_gone(policy, fake_acl_SCOPE):
    check(fake_acl_SCOPE)
    assert fake_acl_SCOPE.profile == "none"
""",
    )
    run(text).assert_outcomes(passed=2, failed=1)


MIXED = """
def test_wide(policy):
    policy.infer(X)

def test_narrow(fake_acl):
    pass

def test_both(policy, fake_acl):
    pass

def test_while_it_runs(request):
    request.getfixturevalue("fake_acl")
"""


@SCOPES
@pytest.mark.parametrize("chosen", [(), ("-k", "narrow or wide or both")])
def test_a_mixture_is_refused(run: Run, scope: str, chosen: tuple[str, ...]) -> None:
    result = run(source(scope, MIXED), *chosen)
    result.assert_outcomes(passed=1, errors=2, failed=not chosen, deselected=len(chosen) // 2)
    lines = [x for x in result.outlines if x.startswith("fake_acl cannot be fresh here: ")]
    where = {"module": "this module", "session": "the session"}[scope]
    assert lines[0].startswith(
        f"fake_acl cannot be fresh here: test_user.py::test_wide uses fake_acl_{scope}, which"
        f" {where} has until its end"
    )


def test_a_mixture_is_refused_whatever_the_order_or_the_worker(run: Run) -> None:
    tests = "def test_narrow(fake_acl):\n    pass\n\ndef test_wide(policy):\n    pass\n"
    narrow_first = source("module", tests)
    run(narrow_first).assert_outcomes(passed=1, errors=1)
    run(narrow_first, "-n", "2", fresh=True).assert_outcomes(passed=1, errors=1)
    run(narrow_first, "-k", "narrow").assert_outcomes(passed=1, deselected=1)


def test_modules_may_differ(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_narrow="def test_it(fake_acl):\n    assert fake_acl.live == []\n",
        test_z_narrow="def test_it(fake_acl):\n    assert fake_acl.live == []\n",
    )
    text = source("module", "def test_it(policy):\n    policy.infer(X)\n")
    run(text, ".").assert_outcomes(passed=3)


def test_the_session_excludes_all_narrower_ones(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_a="def test_it(fake_acl_module):\n    pass\n",
        test_z="def test_it(fake_acl):\n    pass\n",
    )
    text = source("session", "def test_it(policy):\n    policy.infer(X)\n")
    run(text, ".").assert_outcomes(passed=1, errors=2)


@SCOPES
def test_workers_have_one_each(run: Run, scope: str) -> None:
    text = source(
        scope,
        """
@pytest.mark.parametrize("number", range(6))
def test_it(policy, number):
    assert policy.infer(X).shape == (1, 2)
""",
    )
    run(text, "-n", "2", fresh=True).assert_outcomes(passed=6)
