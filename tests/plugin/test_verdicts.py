"""What passes, what fails, and what the report says."""

from __future__ import annotations

import pytest

from .conftest import Run

BUNDLE = """
from acl_bundle import build

NULL = build.null({"x": ("f4", (1, 4))}, {"y": ("f4", (1, 2))}, weights={"w": X.T})

@pytest.fixture
def om(tmp_path):
    return NULL.save(tmp_path / "null.om")
"""

MISUSE = """
def misuse():
    ctypes.CDLL("libascendcl.so").aclrtFree(ctypes.c_void_p(0x1234))
"""


def test_what_is_given_back_passes(run: Run) -> None:
    result = run(
        BUNDLE
        + """
def test_it(fake_acl, om):
    with ab.Bundle.load(om) as bundle:
        bundle.init()
        bundle.infer(X)
        assert fake_acl.calls["aclmdlExecute"] == 2
        assert fake_acl.calls["aclrtCreateStream"] == 0
        assert fake_acl.live
    assert fake_acl.live == [] and fake_acl.violations == []
    assert "destroyed" in fake_acl.report
"""
    )
    result.assert_outcomes(passed=1)


def test_a_leak_fails_with_the_table(run: Run) -> None:
    result = run(
        BUNDLE
        + """
KEPT = []

def test_it(fake_acl, om):
    KEPT.append(ab.Bundle.load(om))

def test_the_next_one(fake_acl, om):
    assert fake_acl.live == []
    with pytest.raises(ab.ClosedError):
        KEPT[0].init()
    KEPT.clear()
    with ab.Bundle.load(om) as bundle:
        bundle.init()
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_it*",
            "fake_acl found * objects that were not given back",
            "",
            "<Bundle *> (* objects), made by aclrtSetDevice (call *) at *.py:19 in test_it",
            "",
            '*@pytest.mark.acl(leaks="ignore")',
        ]
    )


def test_a_violation_fails_the_test_itself_with_the_table(run: Run) -> None:
    result = run(
        MISUSE
        + """
def test_it(fake_acl):
    misuse()
    misuse()
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "fake_acl saw 2 violations",
            "id *call *what",
            "AB-RT-0006  aclrtFree (call 1)  devPtr 0x1234: *",
            "            at *test_user.py:9 in misuse",
            "AB-RT-0006  aclrtFree (call 2)  devPtr 0x1234: *",
        ]
    )


def test_a_violation_of_a_fixtures_end_fails_too(run: Run) -> None:
    result = run(
        MISUSE
        + """
@pytest.fixture
def late():
    yield
    misuse()

def test_it(late, fake_acl):
    pass
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["fake_acl saw 1 violation", "AB-RT-0006 *"])


def test_a_failure_of_the_test_comes_first(run: Run) -> None:
    result = run(
        BUNDLE
        + MISUSE
        + """
def test_it(fake_acl, om):
    bundle = ab.Bundle.load(om)
    misuse()
    assert 1 == 2

def test_the_next_one(fake_acl):
    assert fake_acl.live == []
"""
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "*fake_acl*", "fake_acl saw 1 violation"])


@pytest.mark.parametrize("order", ["held, fake_acl", "fake_acl, held"])
def test_what_a_fixture_holds_is_no_leak_whatever_the_order(run: Run, order: str) -> None:
    result = run(
        BUNDLE
        + f"""
@pytest.fixture
def held(om):
    with ab.Bundle.load(om) as bundle:
        bundle.init()
        yield bundle

def test_it({order}):
    held.infer(X)
    assert fake_acl.live
"""
    )
    result.assert_outcomes(passed=1)


def test_what_is_dropped_unclosed_is_no_leak_but_a_warning(run: Run) -> None:
    source = (
        BUNDLE
        + """
def test_it(fake_acl, om):
    bundle = ab.Bundle.load(om)
    bundle.cycle = bundle
"""
    )
    result = run(source, "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*ResourceWarning: unclosed Bundle*"])


def test_a_warning_that_is_an_error_falls_on_the_test_that_earned_it(run: Run) -> None:
    result = run(
        BUNDLE
        + """
def test_it(fake_acl, om):
    bundle = ab.Bundle.load(om)
    bundle.cycle = bundle

def test_the_next_one(fake_acl):
    pass
""",
        "-W",
        "error",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_it*", "*ResourceWarning: unclosed *"])


def test_the_marker_lets_pass_what_it_names(run: Run) -> None:
    result = run(
        BUNDLE
        + MISUSE
        + """
KEPT = []

@pytest.mark.acl(violations="ignore")
def test_misuse(fake_acl):
    misuse()
    assert [row["id"] for row in fake_acl.violations] == ["AB-RT-0006"]

@pytest.mark.acl(leaks="ignore")
def test_leak(fake_acl, om):
    KEPT.append(ab.Bundle.load(om))

@pytest.mark.acl(leaks="ignore")
class TestNearest:
    @pytest.mark.acl(leaks="fail")
    def test_leak(self, fake_acl, om):
        KEPT.append(ab.Bundle.load(om))

    @pytest.mark.acl(violations="ignore")
    def test_both(self, fake_acl, om):
        KEPT.append(ab.Bundle.load(om))
        misuse()
""",
        "--strict-markers",
    )
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of TestNearest.test_leak*"])


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('leak="ignore"', "*marker acl knows leaks and violations, not 'leak'*"),
        ('leaks="no"', '*acl(leaks=\'no\'): "fail" or "ignore" is right*'),
        ('"leaks"', "*marker acl takes leaks and violations by name*not 'leaks'*"),
    ],
)
def test_a_wrong_marker_is_refused(run: Run, marker: str, message: str) -> None:
    result = run(f"""
@pytest.mark.acl({marker})
def test_it(fake_acl):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_what_was_alive_before_is_not_taken_away_silently(run: Run) -> None:
    result = run(
        BUNDLE
        + """
from acl_bundle import fake

@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    fake.activate()
    with ab.Bundle.load(NULL.save(tmp_path_factory.mktemp("om") / "null.om")) as bundle:
        yield bundle

def test_before(wide):
    wide.init()

def test_it(fake_acl, wide):
    pass

def test_after(wide):
    wide.infer(X)
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["fake_acl found * made before it began", "bundle *"])


def test_faults_latency_and_settings_end_with_the_test(run: Run) -> None:
    result = run(
        BUNDLE
        + """
import time

def test_change(fake_acl, om):
    fake_acl.devices, fake_acl.memory, fake_acl.soc, fake_acl.mode = 2, 1 << 30, "Chip", "faithful"
    assert (fake_acl.devices, fake_acl.memory) == (2, 1 << 30)
    assert (fake_acl.soc, fake_acl.mode) == ("Chip", "faithful")
    fake_acl.set("trace", "on")
    fake_acl.fail("aclmdlExecute", nth=2, code=507011)
    fake_acl.latency("aclmdlExecute", 0.05)
    with ab.Bundle.load(om, device=1) as bundle:
        start = time.perf_counter()
        bundle.init()
        assert time.perf_counter() - start >= 0.05
        with pytest.raises(ab.AclInternalError) as caught:
            bundle.infer(X)
    assert caught.value.code == 507011
    assert {"aclInit", "aclmdlExecute"} < {row["function"] for row in fake_acl.trace}
    with fake_acl.settings(devices=4):
        assert fake_acl.devices == 4
    assert fake_acl.devices == 2

def test_gone(fake_acl, om):
    assert fake_acl.devices == 8 and fake_acl.soc == "Ascend910B3" and fake_acl.mode == "strict"
    with ab.Bundle.load(om) as bundle:
        bundle.init()
        bundle.infer(X)
    assert fake_acl.trace == []
    with pytest.raises(ValueError, match="no function"):
        fake_acl.fail("aclNothing")
    with pytest.raises(ValueError, match="65"):
        fake_acl.devices = 65
    assert repr(fake_acl) == "<fake_acl 0 live, 0 violations>"
"""
    )
    result.assert_outcomes(passed=2)
