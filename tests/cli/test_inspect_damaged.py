"""``acl-bundle inspect`` on damaged files: an answer, or one sentence and status 2."""

from __future__ import annotations

import io
import json
import struct
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import onnx
import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from acl_bundle import om
from acl_bundle.build._program.program import Program
from acl_bundle.cli.app import app
from acl_bundle.om import PartitionType
from acl_bundle.om._container.program import read
from acl_bundle.om._modeldef.define import Desc
from tests.property.test_om_mutations import NASTY, mutated, sample

from .conftest import Run

VIEWS: list[list[str]] = [
    [], ["--tree"], ["--partitions"], ["--json"], ["--extract", "1", "one.om"],
    ["--onnx", "out.onnx"], ["--onnx", "out.onnx", "--graph", "1"],
]  # fmt: skip
"""Every way to look into a file."""

COMMAND: Any = typer.main.get_command(app)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def look(folder: Path, data: bytes) -> list[int]:
    """Look into a file in every way; return the statuses."""
    path = folder / "m.om"
    path.write_bytes(data)
    return [_look(folder, path, view) for view in VIEWS]


def _look(folder: Path, path: Path, view: list[str]) -> int:
    words = [str(folder / word) if "." in word else word for word in view]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        COMMAND.main(args=["inspect", str(path), *words])
    status, told = ended.value.code, err.getvalue()
    assert "Traceback" not in told, (view, told)
    assert status in (0, 2), view
    assert isinstance(status, int)
    if status == 2:
        assert told.startswith("acl-bundle: "), view
    if view == ["--json"]:
        assert ("error" in json.loads(out.getvalue())) == (status == 2)
    return status


def test_what_the_others_spoil_is_good(folder: Path) -> None:
    assert look(folder, sample()) == [0] * len(VIEWS)


@settings(max_examples=30, deadline=None)
@given(data=mutated())
def test_bytes_overwritten_and_ends_cut_off(folder: Path, data: bytes) -> None:
    look(folder, data)


def program(graph: int) -> bytes:
    """What the fake is to do for a graph of the sample."""
    part = om.open_bundle(sample()).models[graph].partition(PartitionType.TASK_INFO)
    assert part is not None
    return bytes(part.data)


def with_program(graph: int, task: bytes) -> bytes:
    """The sample with another program, and tables that fit."""
    read = om.open_bundle(sample())
    old = read.models[graph]
    parts = [
        (PartitionType(part.type), [task if part.type == PartitionType.TASK_INFO else part.data])
        for part in old.partitions
    ]
    models: list[Any] = [*read.models]
    models[graph] = om.write_model(parts, name=old.name, dynamic=old.header.is_dynamic)
    return om.write_bundle(models, read.variable_size).to_bytes()


@settings(max_examples=30, deadline=None)
@example(graph=0, cut=8, at=0, layout="<B", value=ord("A"))
@example(graph=1, cut=9, at=0, layout="<B", value=ord("A"))
@given(
    graph=st.sampled_from([0, 1, 2]),
    cut=st.integers(0, 1 << 12),
    at=st.integers(0, 1 << 12),
    layout=st.sampled_from(["<B", "<I", "<Q"]),
    value=NASTY | st.integers(0, (1 << 64) - 1),
)
def test_programs_cut_off_and_overwritten(
    folder: Path, graph: int, cut: int, at: int, layout: str, value: int
) -> None:
    task = bytearray(program(graph) * (1 + cut % 2))[: cut or None]
    size = struct.calcsize(layout)
    if at % (len(task) + 1) + size <= len(task):
        number = value & ((1 << 8 * size) - 1)
        struct.pack_into(layout, task, at % (len(task) + 1), number)
    look(folder, with_program(graph, bytes(task)))


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 1 << 12), value=st.integers(0, 255))
def test_the_model_in_the_program_overwritten(folder: Path, at: int, value: int) -> None:
    task = bytearray(program(0))
    start = task.index(b"acl_bundle") - 2
    task[start + at % (len(task) - start)] = value
    look(folder, with_program(0, bytes(task)))


def test_a_program_that_is_cut_short_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.om"
    for size in range(8, len(program(1)), 9):
        path.write_bytes(with_program(1, program(1)[:size]))
        done = run("inspect", path, "--onnx", tmp_path / "out.onnx", "--graph", "1")
        assert (done.status, done.out) == (2, ""), size
        assert f"acl-bundle: {path}: at byte " in done.err.replace("\n", " ") or size == 8
    path.write_bytes(with_program(1, program(1)[:11]))
    done = run("inspect", path)
    assert done.status == 2
    assert "the head of the fake's program needs 32 bytes, but 11 are left" in done.err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: made.graph.node[0].input.append("nowhere"), "is not valid"),
        (lambda made: made.graph.ClearField("output"), "has no output 'y'"),
        (lambda made: made.graph.ClearField("input"), "no input 'w' for a variable"),
    ],
    ids=["input", "output", "variable"],
)
def test_a_model_in_the_program_that_is_none(
    run: Run, tmp_path: Path, spoil: Any, said: str
) -> None:
    task = om.open_bundle(sample()).models[0].partition(PartitionType.TASK_INFO)
    assert task is not None
    found = read(task.span, 1, 1)
    assert found.onnx is not None
    made = onnx.ModelProto.FromString(bytes(found.onnx.view))
    spoil(made)
    written = Program(found.kind, variable_area=4096)
    for one in found.variables:
        written.variable(one.name, Desc(one.dtype, one.dims), one.offset)
    for one in found.constants:
        written.constant(one.name, Desc(one.dtype, one.dims), one.offset)
    written.onnx(made.SerializeToString())
    for feed in found.feeds:
        written.feed(*feed)
    for fetch in found.fetches:
        written.fetch(*fetch)
    path = tmp_path / "m.om"
    path.write_bytes(with_program(0, written.to_bytes()))
    done = run("inspect", path, "--onnx", tmp_path / "out.onnx")
    assert done.status == 2
    assert said in done.err
    assert not (tmp_path / "out.onnx").exists()
