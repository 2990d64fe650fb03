"""A test that looks at the clock is marked: `make test` runs it after the others, alone.

Beside the other tests, on a machine with two processors, a wait of 50 ms may last a second.
"""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
SHORT = 1000  # ms: a timeout that a busy machine outlasts
LONG = 0.1  # s: a sleep that counts on what others have done when it is over


def number(node: ast.expr) -> float | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, (int, float)) else None


def short(call: ast.Call) -> bool:
    limits = [number(one.value) for one in call.keywords if one.arg == "timeout_ms"]
    return any(limit is not None and 0 < limit < SHORT for limit in limits)


def measured(claim: ast.Assert) -> bool:
    read = {ast.unparse(node.func) for node in ast.walk(claim) if isinstance(node, ast.Call)}
    return not read.isdisjoint({"time.monotonic", "time.perf_counter"})


def waits(call: ast.Call) -> bool:
    """Whether it gives a function of ACL a latency, or sleeps."""
    if not call.args:
        return False
    last = number(call.args[-1])
    name = ast.unparse(call.func)
    if name.endswith(".latency"):
        return last != 0
    return name == "time.sleep" and last is not None and last >= LONG


def looks_at_the_clock(test: ast.AST) -> bool:
    return any(
        waits(node) or short(node)
        if isinstance(node, ast.Call)
        else isinstance(node, ast.Assert) and measured(node)
        for node in ast.walk(test)
    )


def unmarked(text: str) -> list[str]:
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    clocks = {one.name for one in functions if looks_at_the_clock(one)}
    return [
        one.name
        for one in functions
        if one.name.startswith("test_")
        and not any(ast.unparse(mark) == "pytest.mark.timed" for mark in one.decorator_list)
        and any(isinstance(node, ast.Name) and node.id in clocks for node in ast.walk(one))
        | (one.name in clocks)
    ]


def test_what_looks_at_the_clock_is_marked() -> None:
    found = {
        str(path.relative_to(TESTS)): names
        for path in sorted(TESTS.rglob("test_*.py"))
        if path != Path(__file__) and (names := unmarked(path.read_text(encoding="utf-8")))
    }
    assert found == {}, "mark them with @pytest.mark.timed, or wait for an event instead"


def test_what_counts_as_a_look() -> None:
    text = (
        "def slow(): fake.latency('f', 0.2)\n"
        "def test_given(): slow()\n"
        "def test_none(): fake.latency('f', 0)\n"
        "def test_sleep(): time.sleep(0.1)\n"
        "def test_poll(): time.sleep(0.01)\n"
        "def test_limit(): run(timeout_ms=50)\n"
        "def test_far(): run(timeout_ms=5000)\n"
        "def test_duration(): assert time.monotonic() - start < 1\n"
        "@pytest.mark.timed\n"
        "def test_marked(): time.sleep(1)\n"
    )
    assert unmarked(text) == ["test_given", "test_sleep", "test_limit", "test_duration"]
