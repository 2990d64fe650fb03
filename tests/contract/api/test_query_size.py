"""aclmdlQuerySize and aclmdlQuerySizeFromMem (facts 1.8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .. import codes, files, programs
from ..face import Acl
from ..programs import DEFINITION, Tensor, null_model, program

MODEL = null_model([Tensor("x", (2,))], [], work=4096, weights=b"w" * 100)


@pytest.fixture(params=["file", "memory"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def query(acl: Acl, way: str, data: bytes, folder: Path) -> tuple[int, int, int]:
    """Status, work size, weight size."""
    work, weights = acl.new("size_t *"), acl.new("size_t *")
    if way == "memory":
        status = acl.aclmdlQuerySizeFromMem(acl.hold(data), len(data), work, weights)
    else:
        path = folder / "model.om"
        path.write_bytes(data)
        status = acl.aclmdlQuerySize(str(path).encode(), work, weights)
    return int(status), int(work[0]), int(weights[0])


def test_sizes_facts_1_8(ready: Acl, way: str, tmp_path: Path) -> None:
    assert query(ready, way, MODEL, tmp_path) == (codes.SUCCESS, 4096, 100)


def test_what_is_told_is_enough_to_load_facts_1_8(ready: Acl, tmp_path: Path) -> None:
    _, work, weights = query(ready, "memory", MODEL, tmp_path)
    model = ready.new("uint32_t *")
    status = ready.aclmdlLoadFromMemWithMem(
        ready.hold(MODEL), len(MODEL), model,
        ready.malloc(work), work, ready.malloc(weights), weights,
    )  # fmt: skip
    assert status == codes.SUCCESS


def test_a_dynamic_model_needs_no_work_memory_facts_1_8(
    ready: Acl, way: str, tmp_path: Path
) -> None:
    data = null_model([Tensor("x", (-1,))], [], dynamic=True, work=4096, weights=b"w")
    assert query(ready, way, data, tmp_path) == (codes.SUCCESS, 0, 1)


def test_no_device_is_needed_facts_3(acl: Acl, way: str, tmp_path: Path) -> None:
    acl.aclInit(acl.NULL)
    assert query(acl, way, MODEL, tmp_path)[0] == codes.SUCCESS


def test_without_aclinit_facts_1_1(acl: Acl, way: str, tmp_path: Path) -> None:
    assert query(acl, way, MODEL, tmp_path)[0] == codes.GE_EXEC_NOT_INIT


def test_null_facts_1_8(ready: Acl, tmp_path: Path) -> None:
    path, size = tmp_path / "model.om", ready.new("size_t *")
    path.write_bytes(MODEL)
    name, data = str(path).encode(), ready.hold(MODEL)
    for given in ((ready.NULL, size, size), (name, ready.NULL, size), (name, size, ready.NULL)):
        assert ready.aclmdlQuerySize(*given) == codes.INVALID_PARAM
    for given in (
        (ready.NULL, 300, size, size), (data, 0, size, size),
        (data, 300, ready.NULL, size), (data, 300, size, ready.NULL),
    ):  # fmt: skip
        assert ready.aclmdlQuerySizeFromMem(*given) == codes.INVALID_PARAM


def test_the_router_comes_first_facts_0_2(acl: Acl, tmp_path: Path) -> None:
    """Before the pointers, and before aclInit."""
    gone = str(tmp_path / "gone.om").encode()
    assert acl.aclmdlQuerySize(gone, acl.NULL, acl.NULL) == codes.GE_MODEL_PATH_INVALID
    short = acl.hold(b"PK\3")
    status = acl.aclmdlQuerySizeFromMem(short, 3, acl.NULL, acl.NULL)
    assert status == codes.GE_MODEL_DATA_SIZE_INVALID
    size = acl.new("size_t *")
    status = acl.aclmdlQuerySizeFromMem(acl.hold(b"PK\3\4"), 4, size, size)
    assert status == codes.API_NOT_SUPPORT


@pytest.mark.parametrize("data", [b"x" * 300, MODEL[:-1], MODEL + b"x", programs.bundle(MODEL)])
def test_what_cannot_be_taken_apart_facts_1_8(
    ready: Acl, way: str, tmp_path: Path, data: bytes
) -> None:
    assert query(ready, way, data, tmp_path)[0] == codes.GE_PARAM_INVALID


HEADER = files.resized(MODEL)[:256]
NEEDY = program(programs.NULL, programs.constant(Tensor("c", (1,)), 0), work=64)
PARTIAL: dict[str, tuple[list[tuple[int, bytes]], tuple[int, int]]] = {
    "no WEIGHTS_DATA": ([(0, DEFINITION), (2, NEEDY)], (64, 0)),
    "no TASK_INFO": ([(0, DEFINITION), (1, b"w")], (0, 1)),
    "no MODEL_DEF": ([(1, b"w"), (2, NEEDY)], (64, 1)),
    "a damaged MODEL_INOUT_INFO": ([(8, b"\xff" * 9), (2, NEEDY)], (64, 0)),
    "nothing at all": ([(3, b"")], (0, 0)),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_every_partition_is_optional_facts_1_8(
    ready: Acl, way: str, tmp_path: Path, name: str
) -> None:
    """om_file_helper.cc:114-124; neither MODEL_DEF nor MODEL_INOUT_INFO is looked at."""
    parts, sizes = PARTIAL[name]
    data = files.resized(files.container(parts, HEADER))
    assert query(ready, way, data, tmp_path) == (codes.SUCCESS, *sizes)


@pytest.mark.parametrize("tasks", [b"\x0a\x04chip", b"ACLPROG", NEEDY[:30]])
def test_tasks_that_cannot_be_read_facts_1_8(
    ready: Acl, way: str, tmp_path: Path, tasks: bytes
) -> None:
    """The one case of 545004 (model_manager.cc:2361); a program is what is read here."""
    data = files.resized(files.container([(2, tasks)], HEADER))
    assert query(ready, way, data, tmp_path)[0] == codes.GE_LOAD_TASK_PARTITION_FAILED


def test_a_static_models_tables_end_at_the_end_facts_1_8(
    ready: Acl, way: str, tmp_path: Path
) -> None:
    """A load of the same file takes it: only the query always reads as of several models."""
    data = files.resized(MODEL + bytes(16))
    assert query(ready, way, data, tmp_path)[0] == codes.GE_FAILURE
    ready.load_model(data)
