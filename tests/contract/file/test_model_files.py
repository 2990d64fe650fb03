"""Plain models: which file is refused with which code (facts 1.8, 5.3)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from acl_bundle.om._container import inout

from .. import codes, files
from ..face import Acl
from ..programs import (
    ASSIGN,
    DEFINITION,
    NULL,
    Tensor,
    assign,
    bundle,
    constant,
    feed,
    fetch,
    model,
    null_model,
    program,
    variable,
)
from ..threads import elsewhere

X, Y = Tensor("x", (4,)), Tensor("y", (4,))
STATIC = null_model([X], [Y])
DYNAMIC = null_model([X], [Y], dynamic=True)
KINDS = {"static": STATIC, "dynamic": DYNAMIC}
INOUT = inout.write([X.info], [Y.info])
TASKS = program(NULL)
NEEDY = program(NULL, constant(Tensor("c", (1,)), 0))


def load(acl: Acl, data: bytes) -> int:
    status = acl.aclmdlLoadFromMem(acl.hold(data), len(data), acl.new("uint32_t *"))
    return int(status)


def made_of(*parts: tuple[int, bytes], like: bytes = STATIC) -> bytes:
    """A model of any partitions, with a header that fits."""
    rows, at = b"", 0
    for kind, payload in parts:
        rows += struct.pack("<I4xQQ", kind, at, len(payload))
        at += len(payload)
    table = struct.pack("<I4x", len(parts)) + rows
    return files.resized(like[:256] + table + b"".join(payload for _, payload in parts))


@pytest.mark.parametrize("kind", KINDS)
def test_the_models_below_are_the_builders(kind: str) -> None:
    data = KINDS[kind]
    assert made_of((8, INOUT), (0, DEFINITION), (2, TASKS), like=data) == data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", files.MODELS)
def test_good_ones_facts_1_8(ready: Acl, tmp_path: Path, kind: str, function: str) -> None:
    assert files.MODELS[function](ready, KINDS[kind], tmp_path) == codes.SUCCESS


@pytest.mark.parametrize("function", files.MODELS)
def test_no_place_for_the_id_facts_1_8(ready: Acl, tmp_path: Path, function: str) -> None:
    (tmp_path / "model.om").write_bytes(STATIC)
    path = str(tmp_path / "model.om").encode()
    assert ready.aclmdlLoadFromFile(path, ready.NULL) == codes.INVALID_PARAM
    status = ready.aclmdlLoadFromMem(ready.hold(STATIC), len(STATIC), ready.NULL)
    assert status == codes.INVALID_PARAM


@pytest.mark.parametrize("size", [4, 100, 255])
def test_less_than_a_header_facts_1_8(ready: Acl, size: int) -> None:
    assert load(ready, STATIC[:size]) == codes.INVALID_PARAM


@pytest.mark.parametrize("size", [4, 100, 255])
@pytest.mark.parametrize("data", [STATIC, bundle(STATIC)], ids=["model", "bundle"])
def test_a_file_of_less_than_a_header_facts_1_8(
    ready: Acl, tmp_path: Path, data: bytes, size: int
) -> None:
    """gert::IsDynamicModel(path), api.cc:233, whose code leaves unmapped."""
    status = files.MODELS["aclmdlLoadFromFile"](ready, data[:size], tmp_path)
    assert status == codes.GE_MODEL_DATA_SIZE_INVALID


@pytest.mark.parametrize("function", files.MODELS)
def test_a_bundle_is_no_model_facts_1_8(ready: Acl, tmp_path: Path, function: str) -> None:
    status = files.MODELS[function](ready, bundle(STATIC, STATIC), tmp_path)
    assert status == codes.GE_FAILURE


def broken(data: bytes) -> dict[str, tuple[bytes, int]]:
    """Files with one defect, and the code that both executors have for it."""
    return {
        "magic": (files.put(data, files.MAGIC, "I", 0x12345678), codes.GE_PARAM_INVALID),
        "length too long": (
            files.put(data, files.MODEL_LENGTH, "Q", len(data)), codes.GE_PARAM_INVALID
        ),
        "length too short": (
            files.put(data, files.MODEL_LENGTH, "Q", 1), codes.GE_PARAM_INVALID
        ),
        "bytes behind the end": (data + b"garbage", codes.GE_PARAM_INVALID),
        "cut short": (data[:-8], codes.GE_PARAM_INVALID),
        "no partitions": (files.put(data, files.TABLE, "I", 0), codes.GE_PARAM_INVALID),
        "9 partitions": (files.put(data, files.TABLE, "I", 9), codes.GE_PARAM_INVALID),
        "too many partitions": (
            files.put(data, files.TABLE, "I", 2**32 - 1), codes.GE_PARAM_INVALID
        ),
        "partition past the end": (
            files.put(data, files.size_of(1), "Q", len(data)), codes.GE_MODEL_DATA_SIZE_INVALID
        ),
        "partition that wraps": (
            files.put(data, files.size_of(1), "Q", 2**64 - 8), codes.GE_MODEL_DATA_SIZE_INVALID
        ),
        "table past the end": (
            files.resized(data[: files.TABLE + 8 + 24]), codes.GE_MODEL_DATA_SIZE_INVALID
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", broken(STATIC))
@pytest.mark.parametrize("kind", KINDS)
def test_defects_facts_1_8(ready: Acl, kind: str, name: str) -> None:
    data, code = broken(KINDS[kind])[name]
    assert load(ready, data) == code


def test_dynamic_tables_must_end_at_the_end_facts_1_8(ready: Acl) -> None:
    data = files.resized(DYNAMIC + bytes(16))
    assert load(ready, data) == codes.GE_FAILURE


@pytest.mark.parametrize("kind", KINDS)
def test_offsets_in_the_table_are_ignored_facts_5_3(ready: Acl, kind: str) -> None:
    data = files.put(KINDS[kind], files.offset_of(1), "Q", 2**50)
    assert load(ready, data) == codes.SUCCESS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [files.ENCRYPTED, files.CHECKED, files.CHECKSUM, files.IR_VERSION])
def test_fields_that_nobody_verifies_facts_5_3(ready: Acl, kind: str, at: int) -> None:
    assert load(ready, files.put(KINDS[kind], at, "B", 1)) == codes.SUCCESS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", files.MODELS)
@pytest.mark.parametrize(
    "parts",
    [
        ((8, INOUT), (2, TASKS)),
        ((8, INOUT), (0, DEFINITION)),
        ((8, INOUT), (0, DEFINITION), (2, NEEDY)),
        ((8, INOUT), (0, DEFINITION), (2, TASKS[:-1])),
        ((8, INOUT), (0, DEFINITION), (2, b"\x0a\x04chip")),
    ],
    ids=["no MODEL_DEF", "no TASK_INFO", "no WEIGHTS_DATA", "cut", "chip"],
)
def test_no_code_of_a_partition_leaves_a_load_facts_1_8(
    ready: Acl, tmp_path: Path, kind: str, function: str, parts: tuple[tuple[int, bytes], ...]
) -> None:
    """500002 on both paths: GE_ASSERT_SUCCESS takes 545002-545005 away (model_helper.cc:1286)."""
    data = made_of(*parts, like=KINDS[kind])
    assert files.MODELS[function](ready, data, tmp_path) == codes.GE_FAILURE


@pytest.mark.parametrize("function", files.LOADS)
def test_nor_the_load_of_a_bundle_facts_1_8(ready: Acl, tmp_path: Path, function: str) -> None:
    data = bundle(STATIC, made_of((8, INOUT), (2, TASKS)))
    assert files.LOADS[function](ready, data, tmp_path) == codes.GE_FAILURE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("extra", [1, 3, 4, 5, 12, 26])
def test_optional_partitions_facts_5_3(ready: Acl, kind: str, extra: int) -> None:
    parts = (8, INOUT), (0, DEFINITION), (extra, bytes(64)), (2, TASKS)
    assert load(ready, made_of(*parts, like=KINDS[kind])) == codes.SUCCESS


@pytest.mark.parametrize("kind", KINDS)
def test_without_inputs_and_outputs_facts_5_4(ready: Acl, kind: str) -> None:
    data = made_of((0, DEFINITION), (2, TASKS), like=KINDS[kind])
    desc = ready.describe(ready.load_model(data))
    assert ready.aclmdlGetNumInputs(desc) == ready.aclmdlGetNumOutputs(desc) == 0


def test_an_unknown_block_of_inputs_and_outputs_facts_5_4(ready: Acl) -> None:
    unknown = struct.pack("<II", 77, 4) + bytes(4)
    data = made_of((8, INOUT + unknown), (0, DEFINITION), (2, TASKS))
    assert load(ready, data) == codes.GE_FAILURE


@pytest.mark.parametrize("kind", KINDS)
def test_8_partitions_are_not_too_many_facts_5_3(ready: Acl, kind: str) -> None:
    extra = [(one, bytes(64)) for one in (1, 3, 4, 5, 12)]
    data = made_of((8, INOUT), (0, DEFINITION), *extra, (2, TASKS), like=KINDS[kind])
    assert load(ready, data) == codes.SUCCESS


@pytest.mark.parametrize("cut", [1, 8, len(INOUT) // 2 + 4])
def test_damaged_list_of_inputs_and_outputs_facts_0_1(ready: Acl, cut: int) -> None:
    """An assertion inside the graph engine reaches the user as 500002."""
    data = made_of((8, INOUT[:-cut]), (0, DEFINITION), (2, TASKS))
    assert load(ready, data) == codes.GE_FAILURE


@pytest.mark.parametrize("tasks", [b"\x08\x01chip tasks", bytes(64), b"ACLPROG"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_compiled_for_a_chip_design_7(ready: Acl, kind: str, tasks: bytes) -> None:
    """It cannot run here, and the message says why."""
    parts = (8, INOUT), (0, DEFINITION), (2, tasks)
    assert load(ready, made_of(*parts, like=KINDS[kind])) != codes.SUCCESS
    message = ready.message()
    assert message is not None
    assert "chip" in message


@pytest.mark.parametrize(
    ("kind", "record", "name"),
    [
        (ASSIGN, feed(1, 2**30, "w"), "FEED"),
        (ASSIGN, fetch(2**30, "y"), "FETCH"),
        (NULL, assign(2**30, 0, 0), "ASSIGN"),
        (NULL, feed(1, 2**30, "w"), "FEED"),
    ],
)
def test_records_of_another_kind_of_program(
    ready: Acl, kind: int, record: bytes, name: str
) -> None:
    """Nobody would check their numbers; the memory of the variables is the test's."""
    w = Tensor("w", (4,))
    tasks = program(kind, variable(w, 0), record, variables=1536)
    data = bundle(model(tasks, [X], [Y]), variables=1536)
    made = ready.init_bundle(data, ready.malloc(1536), 1536)
    assert ready.aclmdlBundleLoadModel(made, 0, ready.new("uint32_t *")) == codes.GE_FAILURE
    assert f"a program of kind {kind} has no {name} records" in (ready.message() or "")


def test_broken_files_come_before_the_missing_context_facts_1_8(ready: Acl) -> None:
    defective = files.put(STATIC, files.MAGIC, "I", 0)
    assert elsewhere(lambda: load(ready, defective)) == codes.GE_PARAM_INVALID
    assert elsewhere(lambda: load(ready, STATIC)) == codes.RT_CONTEXT_NULL


def test_dynamic_model_without_a_context_facts_1_8(ready: Acl) -> None:
    status = elsewhere(lambda: load(ready, DYNAMIC))
    assert status in (codes.RT_CONTEXT_NULL, codes.INVALID_PARAM, codes.GE_FAILURE)


def test_without_init_facts_1_8(acl: Acl) -> None:
    """Only the static executor asks for it."""
    assert acl.aclrtSetDevice(0) == codes.SUCCESS
    assert load(acl, STATIC) == codes.GE_EXEC_NOT_INIT
    assert load(acl, DYNAMIC) == codes.SUCCESS


@pytest.mark.parametrize(
    ("kind", "code"), [("static", codes.GE_MEMORY_ALLOCATION), ("dynamic", codes.GE_FAILURE)]
)
def test_out_of_device_memory_facts_1_8(acl: Acl, kind: str, code: int) -> None:
    acl.set("memory", 1 << 20)
    acl.start()
    data = null_model([X], [Y], dynamic=kind == "dynamic", weights=bytes(2 << 20))
    assert load(acl, data) == code
    assert load(acl, KINDS[kind]) == codes.SUCCESS


def test_out_of_memory_for_work_facts_1_8(acl: Acl) -> None:
    acl.set("memory", 1 << 20)
    acl.start()
    assert load(acl, null_model([X], [Y], work=2 << 20)) == codes.GE_MEMORY_ALLOCATION


def test_a_model_takes_and_gives_back_memory_facts_1_8(ready: Acl) -> None:
    left, total = ready.new("size_t *"), ready.new("size_t *")

    def free() -> int:
        assert ready.aclrtGetMemInfo(1, left, total) == codes.SUCCESS
        return int(left[0])

    before = free()
    loaded = ready.load_model(null_model([X], [Y], work=1 << 20, weights=bytes(1 << 20)))
    assert before - free() >= 2 << 20
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS
    assert free() == before


@pytest.mark.parametrize("function", files.MODELS)
def test_the_bytes_are_needed_only_during_the_call_facts_3(
    ready: Acl, tmp_path: Path, function: str
) -> None:
    data = bytearray(model(program(NULL), [X], [Y]))
    loaded = ready.load_model(data)
    data[:] = bytes(len(data))
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.SUCCESS
