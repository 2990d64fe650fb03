"""What the loader of bundles looks at in a file, and what it does not (facts 5.1, 5.6)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from .. import codes, files
from ..face import Acl
from ..programs import Linear, Tensor, bundle, null_model

STATIC = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
DYNAMIC = null_model([Tensor("x", (-1,))], [Tensor("y", (-1,))], dynamic=True)
GOOD = bundle(STATIC, DYNAMIC, variables=0)
MODEL_INFO, VAR_INFO = 24, 25
HEADER = GOOD[:256]


def packed(*parts: tuple[int, bytes]) -> bytes:
    """A bundle of any partitions."""
    return files.container(parts, HEADER)


def test_the_container_below_is_the_builders() -> None:
    """So that what the tests vary is one field at a time."""
    size = struct.pack("<Q", 0)
    again = packed((VAR_INFO, size), (MODEL_INFO, STATIC), (MODEL_INFO, DYNAMIC))
    assert again[256:] == GOOD[256:]


def test_example_of_the_facts_5_1(linear: Linear) -> None:
    """Three models: the size of the variables at 360, the first model at 368."""
    data = linear.to_bytes()
    assert struct.unpack_from("<Q", data, 360)[0] == linear.variable_size
    assert data[368:372] == b"IMOD"


ACCEPTED = {
    "magic": files.put(GOOD, files.MAGIC, "I", 0x12345678),
    "head size": files.put(GOOD, files.HEADSIZE, "I", 99),
    "version": files.put(GOOD, files.VERSION, "I", 0x20000000),
    "checksum": files.put(GOOD, files.CHECKSUM, "Q", 2**64 - 1),
    "old length": files.put(GOOD, files.LENGTH, "I", 7),
    "is encrypted": files.put(GOOD, files.ENCRYPTED, "B", 1),
    "is checked": files.put(GOOD, files.CHECKED, "B", 1),
    "ir version": files.put(GOOD, files.IR_VERSION, "I", 9),
    "model_num too small": files.put(GOOD, files.MODEL_NUM, "I", 0),
    "model_num too large": files.put(GOOD, files.MODEL_NUM, "I", 1000),
    "model_length 0": files.put(GOOD, files.MODEL_LENGTH, "Q", 0),
    "model_length huge": files.put(GOOD, files.MODEL_LENGTH, "Q", 2**64 - 1),
    "mem_offset of a model": files.put(GOOD, files.offset_of(1), "Q", 2**63),
    "mem_offset of the variables": files.put(GOOD, files.offset_of(0), "Q", 0),
    "bytes behind the end": GOOD + b"trailing garbage",
    "unknown partitions": packed(
        (99, b"first"), (VAR_INFO, bytes(8)), (MODEL_INFO, STATIC), (7, bytes(50)),
        (MODEL_INFO, DYNAMIC), (2**32 - 1, b""),
    ),
    "no VAR_INFO": packed((MODEL_INFO, STATIC), (MODEL_INFO, DYNAMIC)),
    "VAR_INFO at the end": packed(
        (MODEL_INFO, STATIC), (MODEL_INFO, DYNAMIC), (VAR_INFO, bytes(8))
    ),
}  # fmt: skip


@pytest.mark.parametrize("function", files.BUNDLES)
@pytest.mark.parametrize("name", ACCEPTED)
def test_not_looked_at_facts_5_6(ready: Acl, tmp_path: Path, name: str, function: str) -> None:
    assert files.BUNDLES[function](ready, ACCEPTED[name], tmp_path) == codes.SUCCESS


@pytest.mark.parametrize("name", ["model_num too small", "model_num too large", "no VAR_INFO"])
def test_the_table_says_how_many_models_facts_5_6(ready: Acl, name: str) -> None:
    _, models = ready.load_bundle(ACCEPTED[name])
    inputs = [ready.aclmdlGetNumInputs(ready.describe(model)) for model in models]
    assert inputs == [1, 1]


@pytest.mark.parametrize(
    ("name", "size"), [("no VAR_INFO", 0), ("unknown partitions", 0), ("VAR_INFO at the end", 0)]
)
def test_size_of_the_variables_facts_5_6(ready: Acl, name: str, size: int) -> None:
    info, answer = ready.aclmdlBundleCreateQueryInfo(), ready.new("size_t *", 99)
    data = ACCEPTED[name]
    assert ready.aclmdlBundleQueryInfoFromMem(ready.hold(data), len(data), info) == 0
    assert ready.aclmdlBundleGetVarWeightSize(info, answer) == codes.SUCCESS
    assert answer[0] == size


REFUSED = {
    **{f"{size} bytes": GOOD[:size] for size in (4, 255, 256, 263)},
    "table cut short": GOOD[:300],
    "size of the variables cut off": GOOD[:335],
    "first model cut short": GOOD[: 336 + 8 + 100],
    "last byte cut off": GOOD[:-1],
    "one partition too many": files.put(GOOD, files.TABLE, "I", 4),
    "no end of partitions": files.put(GOOD, files.TABLE, "I", 2**32 - 1),
    "a model one byte longer": files.put(GOOD, files.size_of(2), "Q", len(DYNAMIC) + 1),
    "a model of 1 TiB": files.put(GOOD, files.size_of(1), "Q", 1 << 40),
    "modeltype of a model": files.put(GOOD, files.MODELTYPE, "B", 0),
    "modeltype 4": files.put(GOOD, files.MODELTYPE, "B", 4),
    "modeltype 255": files.put(GOOD, files.MODELTYPE, "B", 255),
    "a plain model": STATIC,
    "zeros": bytes(4096),
}


@pytest.mark.parametrize("function", files.BUNDLES)
@pytest.mark.parametrize("name", REFUSED)
def test_refused_facts_5_6(ready: Acl, tmp_path: Path, name: str, function: str) -> None:
    assert files.BUNDLES[function](ready, REFUSED[name], tmp_path) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", files.BUNDLES)
@pytest.mark.parametrize("size", [2**64 - 1, 2**64 - 256, 2**64 - 64])
def test_sizes_whose_sum_overflows_facts_1_7(
    ready: Acl, tmp_path: Path, function: str, size: int
) -> None:
    data = files.put(GOOD, files.size_of(1), "Q", size)
    assert files.BUNDLES[function](ready, data, tmp_path) == codes.FAILURE


@pytest.mark.parametrize("function", files.BUNDLES)
@pytest.mark.parametrize("payload", [b"", b"1234", b"1234567"])
def test_a_short_size_of_the_variables_facts_5_6(
    ready: Acl, tmp_path: Path, function: str, payload: bytes
) -> None:
    """The device's library reads past the end here; whatever comes, this one does not."""
    at_the_end = packed((MODEL_INFO, DYNAMIC), (VAR_INFO, payload))
    before = packed((VAR_INFO, payload), (MODEL_INFO, DYNAMIC))
    for data in (at_the_end, before):
        assert files.BUNDLES[function](ready, data, tmp_path) in (0, codes.INVALID_PARAM)


@pytest.mark.parametrize("function", {**files.LOADS, **files.QUERIES})
@pytest.mark.parametrize("size", [1, 100, 255])
def test_a_model_of_less_than_256_bytes_facts_5_6(
    ready: Acl, tmp_path: Path, function: str, size: int
) -> None:
    data = packed((VAR_INFO, bytes(8)), (MODEL_INFO, STATIC[:size]))
    assert files.BUNDLES[function](ready, data, tmp_path) == codes.INVALID_PARAM


@pytest.mark.parametrize("size", [1, 100, 255])
def test_a_registered_model_of_less_than_256_bytes_facts_5_6(ready: Acl, size: int) -> None:
    """It is noticed at the latest when the model is loaded."""
    data, made = packed((VAR_INFO, bytes(8)), (MODEL_INFO, STATIC[:size])), ready.new("uint32_t *")
    status = ready.aclmdlBundleInitFromMem(ready.hold(data), len(data), ready.NULL, 0, made)
    if status == codes.SUCCESS:
        status = ready.aclmdlBundleLoadModel(made[0], 0, ready.new("uint32_t *"))
    assert status == codes.INVALID_PARAM


BROKEN_MODELS = {
    "magic": (files.put(STATIC, files.MAGIC, "I", 0), codes.GE_PARAM_INVALID),
    "model_length": (
        files.put(STATIC, files.MODEL_LENGTH, "Q", len(STATIC)), codes.GE_PARAM_INVALID
    ),
    "partition size": (
        files.put(STATIC, files.size_of(1), "Q", len(STATIC)), codes.GE_MODEL_DATA_SIZE_INVALID
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_MODELS)
@pytest.mark.parametrize("function", {**files.LOADS, **files.QUERIES})
def test_a_broken_model_inside_facts_5_6(
    ready: Acl, tmp_path: Path, function: str, name: str
) -> None:
    model, code = BROKEN_MODELS[name]
    assert files.BUNDLES[function](ready, bundle(model), tmp_path) == code


@pytest.mark.parametrize("name", BROKEN_MODELS)
@pytest.mark.parametrize("function", files.INITS)
def test_registering_does_not_notice_a_broken_model_facts_5_6(
    ready: Acl, tmp_path: Path, function: str, name: str
) -> None:
    model, code = BROKEN_MODELS[name]
    data = bundle(model)
    assert files.INITS[function](ready, data, tmp_path) == codes.SUCCESS
    made = ready.init_bundle(data)
    assert ready.aclmdlBundleLoadModel(made, 0, ready.new("uint32_t *")) == code


@pytest.mark.parametrize("name", ["VAR_INFO", "none"])
def test_a_bundle_without_models_facts_5_1(ready: Acl, name: str) -> None:
    """No text speaks of it: it may be refused or be empty, but nothing else."""
    data = packed((VAR_INFO, bytes(8))) if name == "VAR_INFO" else packed()
    made = ready.new("uint32_t *")
    status = ready.aclmdlBundleInitFromMem(ready.hold(data), len(data), ready.NULL, 0, made)
    assert status in (codes.SUCCESS, codes.INVALID_PARAM)
    if status == codes.SUCCESS:
        load = ready.aclmdlBundleLoadModel(made[0], 0, ready.new("uint32_t *"))
        assert load == codes.INVALID_PARAM
