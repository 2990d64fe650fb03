"""Batches as runs of gears: any sizes, each request its own rows, and a failure of its own run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.serve._batches import RowsRequest, run_batch
from acl_bundle.server._batch.rows import Rows
from tests.server.models import GEARED, W, answer, rows

pytestmark = pytest.mark.usefixtures("fake_acl")
GEARS = 1, 4, 8


@pytest.fixture
def graph(tmp_path: Path) -> Any:
    build.from_onnx(GEARED, weights=["w"], dynamic_batch=GEARS).save(tmp_path / "net.om")
    with ab.Bundle.load(tmp_path / "net.om") as bundle:
        bundle.init()
        bundle.update({"w": W}, version=3)
        yield bundle.infer


def requests_of(counts: list[int]) -> list[RowsRequest]:
    return [RowsRequest({"x": rows(count, at)}, count) for at, count in enumerate(counts)]


@given(st.lists(st.integers(1, 8), min_size=1, max_size=12))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_request_has_its_own_rows(graph: Any, counts: list[int]) -> None:
    given_, sizes = requests_of(counts), []

    def run(inputs: Any) -> Any:
        sizes.append(len(inputs["x"]))
        return graph.run(inputs)

    for one, (good, outputs) in zip(given_, run_batch(run, Rows(graph), given_), strict=True):
        assert good
        assert outputs.version == 3
        np.testing.assert_allclose(outputs["y"], answer(one.inputs["x"]), rtol=1e-4, atol=1e-5)
    assert set(sizes) <= set(GEARS)
    assert len(sizes) <= 1 + 2 * sum(counts) // 8  # two neighbours never fit one run


def test_what_a_run_raises_is_of_its_requests_alone(graph: Any) -> None:
    runs = []

    def run(inputs: Any) -> Any:
        runs.append(len(inputs["x"]))
        if len(runs) == 2:
            raise ab.AclError("aclmdlExecute", 507899)
        return graph.run(inputs)

    found = run_batch(run, Rows(graph), requests_of([8, 3, 4, 8]))
    assert runs == [8, 8, 8]
    assert [good for good, _ in found] == [True, False, False, True]
    assert found[1][1] is found[2][1]
    assert isinstance(found[1][1], ab.AclError)
