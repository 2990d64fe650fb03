"""What an update of one weight costs does not depend on how many weights there are.

Cost is what Python does: the lines that run, and the most memory that is taken at one time.
(`python -m benchmarks.update partial` has the times.)
"""

from __future__ import annotations

import json
import pickle
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Constant, Step, WeightProgram

from ..lazy import Made

pytestmark = pytest.mark.usefixtures("fake_acl")
FEW, MANY = 200, 2000
FLOAT = np.dtype(np.float32)
VALUE = np.ones(4, np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A bundle of few weights and one of many."""
    folder, x = tmp_path_factory.mktemp("many"), {"x": ("float32", (1,))}
    return {
        count: build.null(
            x, {"y": x["x"]}, weights={f"w{i}": np.zeros(4, np.float32) for i in range(count)}
        ).save(folder / f"{count}.om")
        for count in (FEW, MANY)
    }


def program(count: int) -> WeightProgram:
    """Each weight is the sum of two of a trainer's; each has another name as well."""
    numbers = range(count)
    return WeightProgram(
        sources=tuple(WeightSpec(f"{end}{i}", (4,), FLOAT) for i in numbers for end in "ab"),
        constants=tuple(Constant(f"w{i}", f"s{i}", FLOAT, (4,)) for i in numbers),
        steps=tuple(Step("add", (f"a{i}", f"b{i}"), f"s{i}") for i in numbers),
        first={f"{end}{i}": VALUE for i in numbers for end in "ab"},
        aliases={f"also{i}": f"a{i}" for i in numbers},
        unused=("*.step",),
    )


def lines(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs."""
    count = 0

    def trace(_frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def room(call: Callable[[], object]) -> int:
    """How many bytes a call takes at the most, beyond those that are taken before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def least(cost: Callable[[Callable[[], object]], int], call: Callable[[], object]) -> int:
    return min(cost(call) for _ in range(5))


def one(give: Callable[[dict[str, Any]], Any], **options: Any) -> Callable[[Any], object]:
    """What updates the weight w3."""
    return lambda bundle: bundle.update(give({"w3": VALUE}), **options)


def pairs(weights: Mapping[str, Any]) -> Any:
    return iter(weights.items())


WAYS: dict[str, Callable[[Any], object]] = {
    "update": one(dict),
    "lazy": one(Made),
    "pairs": one(pairs),
    "tokens": lambda bundle: bundle.update({"w3": VALUE}, tokens={"w3": object()}),
    "digests": one(dict, skip_unchanged=True),
    "nothing saved": one(dict, rollback="none"),
    "saved on the host": one(dict, rollback="host"),
    "given up in time": one(dict, timeout_ms=10_000),
    "unknown": lambda bundle: bundle.update({"w3": VALUE, "fc.weight": VALUE}, unknown="ignore"),
    "ignored": lambda bundle: bundle.update({"w3": VALUE, "step": VALUE}, ignore=["step"]),
    "plan": lambda bundle: bundle.update.plan({"w3": VALUE}),
    "an entry": lambda bundle: bundle.weights["w3"],
}
SOURCE: dict[str, Callable[[Any], object]] = {
    "update": lambda bundle: bundle.update({"a3": VALUE, "b3": VALUE}),
    "half": lambda bundle: bundle.update({"a3": VALUE}),
    "another name": lambda bundle: bundle.update({"also3": VALUE}),
    "unused": lambda bundle: bundle.update({"a3": VALUE, "x.step": VALUE}),
    "plan": lambda bundle: bundle.update.plan({"a3": VALUE}),
    "an entry": lambda bundle: bundle.weights["also3"],
    "nothing kept": lambda bundle: bundle.update({"a3": VALUE, "b3": VALUE}, keep="none"),
}


def check(load: Callable[[int], Any], ways: Mapping[str, Callable[[Any], object]]) -> None:
    """Each way runs as many lines, and takes as much memory, of few weights as of many."""
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in ways}
    for count in (FEW, MANY):
        with ExitStack() as stack:
            bundle = stack.enter_context(load(count))
            bundle.init()
            for name, way in ways.items():
                for _ in range(3):
                    way(bundle)
                call = partial(way, bundle)  # what else is collected or waited for only adds
                found[name].append((least(lines, call), least(room, call)))
    for name, ((few_lines, few_bytes), (many_lines, many_bytes)) in found.items():
        assert many_lines == few_lines, name
        assert many_bytes < few_bytes + MANY, (name, few_bytes, many_bytes)


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_one_of_many(files: dict[int, Path], flow: Any) -> None:
    saved = "nothing saved", "saved on the host"
    ways = {name: way for name, way in WAYS.items() if flow == "owned" or name not in saved}
    check(lambda count: ab.Bundle.load(files[count], variables=flow), ways)


def test_one_of_many_that_nobody_keeps(files: dict[int, Path]) -> None:
    """After it a commit that fails cannot be undone; it is none of this test."""
    ways = {"nothing kept": WAYS["nothing saved"]}
    check(lambda count: ab.Bundle.load(files[count], variables="library"), ways)


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_one_source_of_many(files: dict[int, Path], flow: Any) -> None:
    check(
        lambda count: ab.Bundle.load(files[count], variables=flow, program=program(count)), SOURCE
    )


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_one_of_a_pair_of_many(files: dict[int, Path], flow: Any) -> None:
    check(lambda count: ab.Pair.load(files[count], variables=flow), {"update": WAYS["update"]})


def test_a_report_lists_what_was_kept_when_it_is_asked(files: dict[int, Path]) -> None:
    with ab.Bundle.load(files[FEW]) as bundle:
        bundle.init()
        report = bundle.update({"w3": VALUE})
        assert report.kept == tuple(f"w{i}" for i in range(FEW) if i != 3)
        plan = bundle.update.plan({"w5": VALUE})
        assert plan.kept == plan.missing == tuple(f"w{i}" for i in range(FEW) if i != 5)
        before = bundle.weights
        bundle.update({"w3": VALUE}, version="later")
        assert (before["w3"].version, bundle.weights["w3"].version) == (1, "later")


def test_a_report_can_be_sent_and_logged(files: dict[int, Path]) -> None:
    with ab.Bundle.load(files[FEW]) as bundle:
        bundle.init()
        reports = bundle.update.plan({"w3": VALUE}), bundle.update({"w3": VALUE})
        weights = bundle.weights
        assert dict(pickle.loads(pickle.dumps(weights))) == dict(weights)
    for report in reports:
        assert pickle.loads(pickle.dumps(report)) == report
        assert pickle.loads(pickle.dumps(report)).kept == report.kept
        assert json.loads(json.dumps(asdict(report)))["changed"] == ["w3"]
