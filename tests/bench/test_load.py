"""Several threads, replicas, a duration, parts, given inputs, and updates beside inferences."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import bench, build
from acl_bundle.bench import told
from acl_bundle.errors import AclError
from acl_bundle.testing import FakeAcl, MakeBundle

pytestmark = pytest.mark.usefixtures("fake_acl")


def linear() -> onnx.ModelProto:
    """y = x @ w, of an open batch."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 32])],
        [numpy_helper.from_array(np.eye(32, dtype=np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def model(tmp_path: Path) -> bench.MeasuredModel:
    onnx.save(linear(), tmp_path / "linear.onnx")
    return bench.open(tmp_path / "linear.onnx")


def one(model: bench.MeasuredModel, effort: bench.Effort, dtype: str = "float32") -> bench.Timing:
    (cell,) = bench.cells(model, [], [dtype])
    done = list(bench.measure(model, cell, effort))
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)
    return cell.timings[0]


def test_threads_run_so_often_as_asked_together(model: bench.MeasuredModel) -> None:
    timing = one(model, bench.Effort(rounds=37, warmup=1, concurrency=3, replicas=2))
    assert timing.count == 37
    assert timing.nbytes > 0


@pytest.mark.timed
def test_replicas_execute_at_once(model: bench.MeasuredModel, fake_acl: FakeAcl) -> None:
    """One execution takes long enough for the other thread to begin another, on another id."""
    for replicas in (1, 2):
        fake_acl.latency("aclmdlExecute", 0)
        (cell,) = bench.cells(model, [], ["float32"])
        effort = bench.Effort(rounds=20, warmup=0, concurrency=2, replicas=replicas)
        running = bench.measure(model, cell, effort)
        next(running)
        fake_acl.latency("aclmdlExecute", 0.01)
        fake_acl.set("trace", "on")
        before = len(fake_acl.trace)
        assert list(running)
        calls = [one for one in fake_acl.trace[before:] if one["function"] == "aclmdlExecute"]
        fake_acl.set("trace", "off")
        used = {one["args"].partition(",")[0] for one in calls}  # modelId
        assert len(used) == replicas


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_duration_is_kept_to(model: bench.MeasuredModel, concurrency: int) -> None:
    timing = one(model, bench.Effort(seconds=0.1, warmup=0, concurrency=concurrency))
    assert timing.busy_ns >= 0.1 * 1e9
    assert timing.count >= 1


def test_a_failure_in_a_thread_is_told_and_ends_the_others(
    model: bench.MeasuredModel, fake_acl: FakeAcl
) -> None:
    (cell,) = bench.cells(model, [], ["float32"])
    effort = bench.Effort(rounds=10_000_000, warmup=0, concurrency=3)
    running = bench.measure(model, cell, effort)
    fake_acl.fail("aclmdlExecute", nth=500)
    with pytest.raises(AclError, match="aclmdlExecute"):
        next(running)
    assert cell.timings[0].count > 0, "what was measured is kept"


@pytest.mark.timed
def test_parts_are_those_of_the_calls(model: bench.MeasuredModel, fake_acl: FakeAcl) -> None:
    fake_acl.latency("aclmdlExecute", 0.02)
    fake_acl.latency("aclrtMemcpy", 0.01)
    parts = one(model, bench.Effort(rounds=2, warmup=0)).parts
    assert (parts.copy_in.count, parts.execute.count, parts.copy_out.count) == (2, 2, 2)
    assert parts.copy_in.min_ms >= 10
    assert parts.copy_out.min_ms >= 10
    assert parts.execute.min_ms >= 20


def test_given_arrays_are_what_the_graph_gets(model: bench.MeasuredModel) -> None:
    x = np.ones((5, 32), np.float32)
    (cell,) = bench.cells(model, [], ["float32"], {"x": x})
    assert cell.shapes == {"x": (5, 32)}
    list(bench.measure(model, cell, bench.Effort(rounds=1), {"x": x}))
    assert cell.measured
    with pytest.raises(ValueError, match="axis 'N' is no open dim"):
        bench.cells(model, [bench.parse("N=1,2")], ["float32"], {"x": x})
    (cell,) = bench.cells(model, [], ["float32"], {"x": x.astype(np.float64)})
    with pytest.raises(TypeError, match="float64"):
        list(bench.measure(model, cell, bench.Effort(rounds=1), {"x": x.astype(np.float64)}))


@pytest.mark.parametrize("concurrency", [1, 2])
def test_updates_beside_inferences_in_place_and_in_a_pair(
    model: bench.MeasuredModel, concurrency: int
) -> None:
    effort = bench.Effort(rounds=10, warmup=1, concurrency=concurrency, updates=True)
    timing = one(model, effort, "float16")
    assert [row.how for row in timing.beside] == ["in place", "pair"]
    for row in timing.beside:
        assert row.measured
        assert row.alone.count == 10
        assert row.inferences.count >= 10
        assert row.updates.count >= 5, "one in each turn at least"


def test_updates_of_a_bundle_with_and_without_init(make_bundle: MakeBundle) -> None:
    for init in (True, False):
        file = make_bundle(linear(), ["w"], input_shapes={"x": (2, 32)}, init=init)
        timing = one(bench.open(file), bench.Effort(rounds=5, updates=True), "as it is")
        assert all(row.measured for row in timing.beside)


def test_updates_of_what_has_no_weights_are_refused(tmp_path: Path) -> None:
    file = build.model(linear(), input_shapes={"x": (2, 32)}).save(tmp_path / "plain.om")
    plain = bench.open(file)
    (cell,) = bench.cells(plain, [], ["as it is"])
    with pytest.raises(ValueError, match="--updates: the model has no weights"):
        list(bench.measure(plain, cell, bench.Effort(rounds=2, updates=True)))
    assert cell.measured, "what was measured before is kept"


def test_a_failing_update_is_told(model: bench.MeasuredModel, fake_acl: FakeAcl) -> None:
    effort = bench.Effort(rounds=2, warmup=0, updates=True)
    (cell,) = bench.cells(model, [], ["float32"])

    def updating(running: Iterator[float]) -> None:
        for _ in running:
            if cell.timings[0].beside:
                fake_acl.fail("aclmdlExecute", nth=0)

    with pytest.raises(AclError):
        updating(bench.measure(model, cell, effort))


def test_a_csv_file_has_every_number_and_says_what_it_ran_on(
    model: bench.MeasuredModel, tmp_path: Path
) -> None:
    where, effort = bench.use(model), bench.Effort(rounds=4, warmup=0, updates=True)
    table = bench.cells(model, [bench.parse("N=1,2")], ["float32", "float16"])
    for cell in table:
        list(bench.measure(model, cell, effort))
    told.write_csv(table, "linear.onnx", where, effort, tmp_path / "o.csv")
    with (tmp_path / "o.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["size_N"], line["dtype"]) for line in lines] == [
        ("1", "float32"), ("1", "float16"), ("2", "float32"), ("2", "float16"),
    ]  # fmt: skip
    for line, row in zip(lines, told.rows(table), strict=True):
        assert (line["fake"], line["profile"], line["model"]) == ("true", "none", "linear.onnx")
        assert float(line["p99_ms"]) == row["p99_ms"]
        assert float(line["execute_p50_ms"]) == row["parts"]["execute"]["p50_ms"]
        assert float(line["pair_updates_p99_ms"]) == row["updates"][1]["updates"]["p99_ms"]
        assert all(line.values()), "nothing is empty"


def test_notes_say_when_a_percentile_is_the_largest(model: bench.MeasuredModel) -> None:
    cells = bench.cells(model, [], ["float32"])
    list(bench.measure(model, cells[0], bench.Effort(rounds=99)))
    (note,) = told.notes(cells)
    assert note.startswith("p99 of fewer than 100 samples is the largest of them; here are 99")
    cells = bench.cells(model, [], ["float32"])
    list(bench.measure(model, cells[0], bench.Effort(rounds=100)))
    assert told.notes(cells) == []
