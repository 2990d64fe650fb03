"""Ways to load a plain model: with memory, a configuration, weights outside (facts 1.8)."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from .. import codes, programs
from ..face import Acl
from ..programs import INPUT, ONNX, Tensor, model, null_model, onnx_program, program, record
from ..streams import new_stream

PRIORITY, LOAD_TYPE, PATH, MEM_ADDR, MEM_SIZE, WEIGHT_ADDR, WEIGHT_SIZE = range(7)
WORK_ADDR, WORK_SIZE, IN_NUM, IN_ADDR, OUT_NUM, OUT_ADDR, OPTIMIZE, WEIGHT_PATH = range(7, 15)
WITHOUT_GRAPH = 28
FILE, FILE_WITH_MEM, MEM, MEM_WITH_MEM, FILE_WITH_Q, MEM_WITH_Q = range(1, 7)

X, Y = Tensor("x", (4,)), Tensor("y", (4,))
NEGATE = model(onnx_program([("Neg", "x", "y")], [X], [Y]), [X], [Y])
NEEDY = null_model([X], [Y], work=4096, weights=b"w" * 256)
DYNAMIC = null_model([X], [Y], dynamic=True, work=4096, weights=b"w" * 256)


class Config:
    """An aclmdlConfigHandle."""

    def __init__(self, acl: Acl) -> None:
        self.acl, self.handle = acl, acl.aclmdlCreateConfigHandle()

    def set(self, attr: int, value: Any) -> int:
        """Set an attribute in the type that it has (facts 1.12)."""
        acl = self.acl
        if attr in (PRIORITY, WITHOUT_GRAPH):
            made = acl.new("int32_t *", value)
        elif attr in (PATH, MEM_ADDR, WEIGHT_ADDR, WORK_ADDR, IN_ADDR, OUT_ADDR, WEIGHT_PATH):
            held = acl.hold(value) if isinstance(value, bytes) else value
            made = acl.new("void **", acl.ffi.cast("void *", held))
        else:
            made = acl.new("size_t *", value)
        size = acl.ffi.sizeof(acl.ffi.typeof(made).item)
        return int(acl.aclmdlSetConfigOpt(self.handle, attr, made, size))

    def load(self) -> tuple[int, int]:
        """Status and id."""
        to = self.acl.new("uint32_t *")
        return int(self.acl.aclmdlLoadWithConfig(self.handle, to)), int(to[0])


def text(path: Path) -> bytes:
    return str(path).encode() + b"\0"


def config(acl: Acl, **values: Any) -> Config:
    made = Config(acl)
    for name, value in values.items():
        assert made.set(globals()[name], value) == codes.SUCCESS, name
    return made


def run(acl: Acl, loaded: int) -> bytes:
    inputs, outputs = acl.dataset(np.float32([1, 2, 3, 4]).tobytes()), acl.dataset(16)
    assert acl.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.SUCCESS
    return outputs.read(0)


NEGATED = (-np.float32([1, 2, 3, 4])).tobytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "model.om"
    file.write_bytes(NEGATE)
    return file


def with_mem(acl: Acl, way: str, data: bytes, folder: Path, *memory: Any) -> tuple[int, int]:
    to = acl.new("uint32_t *")
    if way == "memory":
        status = acl.aclmdlLoadFromMemWithMem(acl.hold(data), len(data), to, *memory)
    else:
        (folder / "m.om").write_bytes(data)
        status = acl.aclmdlLoadFromFileWithMem(text(folder / "m.om"), to, *memory)
    return int(status), int(to[0])


@pytest.mark.parametrize("way", ["file", "memory"])
class TestWithMem:
    """aclmdlLoadFromFileWithMem and aclmdlLoadFromMemWithMem."""

    def test_the_users_memory_is_used_facts_1_8(self, ready: Acl, way: str, tmp_path: Path) -> None:
        weights = ready.malloc(256)
        status, loaded = with_mem(
            ready, way, NEEDY, tmp_path, ready.malloc(4096), 4096, weights, 256
        )
        assert status == codes.SUCCESS
        assert ready.download(weights, 256) == b"w" * 256
        assert ready.aclmdlUnload(loaded) == codes.SUCCESS
        assert ready.aclrtFree(weights) == codes.SUCCESS, "it is still the user's"

    def test_none_given_facts_1_8(self, ready: Acl, way: str, tmp_path: Path) -> None:
        memory = (ready.NULL, 0, ready.NULL, 0)
        status, loaded = with_mem(ready, way, NEGATE, tmp_path, *memory)
        assert status == codes.SUCCESS
        assert run(ready, loaded) == NEGATED

    @pytest.mark.parametrize(("work", "weight"), [(4095, 256), (4096, 255)])
    def test_too_small_facts_1_8(
        self, ready: Acl, way: str, tmp_path: Path, work: int, weight: int
    ) -> None:
        memory = (ready.malloc(4096), work, ready.malloc(256), weight)
        assert with_mem(ready, way, NEEDY, tmp_path, *memory)[0] == codes.GE_PARAM_INVALID

    def test_a_dynamic_model_ignores_work_memory_facts_1_7(
        self, ready: Acl, way: str, tmp_path: Path
    ) -> None:
        memory = (ready.malloc(1), 1, ready.NULL, 0)
        assert with_mem(ready, way, DYNAMIC, tmp_path, *memory)[0] == codes.SUCCESS

    def test_no_room_for_the_id_facts_1_8(self, ready: Acl, way: str, path: Path) -> None:
        memory = (ready.NULL, 0, ready.NULL, 0)
        if way == "file":
            status = ready.aclmdlLoadFromFileWithMem(text(path), ready.NULL, *memory)
        else:
            data = ready.hold(NEGATE)
            status = ready.aclmdlLoadFromMemWithMem(data, len(NEGATE), ready.NULL, *memory)
        assert status == codes.INVALID_PARAM


@pytest.mark.parametrize("load_type", [FILE, FILE_WITH_MEM])
def test_config_from_a_file_facts_1_8(ready: Acl, path: Path, load_type: int) -> None:
    made = config(ready, LOAD_TYPE=load_type, PATH=text(path))
    status, loaded = made.load()
    assert status == codes.SUCCESS
    assert run(ready, loaded) == NEGATED
    assert ready.aclmdlDestroyConfigHandle(made.handle) == codes.SUCCESS


@pytest.mark.parametrize("load_type", [MEM, MEM_WITH_MEM])
def test_config_from_memory_facts_1_8(ready: Acl, load_type: int) -> None:
    made = config(ready, LOAD_TYPE=load_type, MEM_ADDR=NEGATE, MEM_SIZE=len(NEGATE))
    status, loaded = made.load()
    assert status == codes.SUCCESS
    assert run(ready, loaded) == NEGATED


def test_a_path_is_copied_when_it_is_set(ready: Acl, path: Path) -> None:
    """The caller's text may go, as in the library's own handle."""
    name = bytearray(text(path))
    made = config(ready, LOAD_TYPE=FILE, PATH=ready.hold(name))
    name[:] = b"?" * len(name)
    assert made.load()[0] == codes.SUCCESS


@pytest.mark.parametrize(
    ("load_type", "status"), [(MEM, codes.SUCCESS), (MEM_WITH_MEM, codes.GE_PARAM_INVALID)]
)
def test_only_types_with_mem_take_memory_facts_1_8(ready: Acl, load_type: int, status: int) -> None:
    """Memory that is too small is refused by those that use it."""
    made = config(
        ready, LOAD_TYPE=load_type, MEM_ADDR=NEEDY, MEM_SIZE=len(NEEDY),
        WORK_ADDR=ready.malloc(1), WORK_SIZE=1,
    )  # fmt: skip
    assert made.load()[0] == status


def test_config_null_facts_0_2(ready: Acl, path: Path) -> None:
    made = config(ready, LOAD_TYPE=FILE, PATH=text(path))
    assert ready.aclmdlLoadWithConfig(ready.NULL, ready.new("uint32_t *")) == codes.INVALID_PARAM
    assert ready.aclmdlLoadWithConfig(made.handle, ready.NULL) == codes.INVALID_PARAM


def test_config_without_a_source_facts_0_2(ready: Acl) -> None:
    for values in ({"LOAD_TYPE": FILE}, {"MEM_ADDR": NEGATE}, {"MEM_SIZE": 300}):
        assert config(ready, **values).load()[0] == codes.INVALID_PARAM


def test_the_router_looks_at_the_path_first_facts_0_2(ready: Acl, tmp_path: Path) -> None:
    gone = text(tmp_path / "gone.om")
    assert config(ready, PATH=gone).load()[0] == codes.GE_MODEL_PATH_INVALID
    assert config(ready, MEM_ADDR=b"PK", MEM_SIZE=2).load()[0] == codes.GE_MODEL_DATA_SIZE_INVALID
    zip_file = config(ready, MEM_ADDR=b"PK\3\4", MEM_SIZE=4)
    assert zip_file.load()[0] == codes.API_NOT_SUPPORT


@pytest.mark.parametrize("load_type", [FILE, MEM])
def test_an_empty_path_is_no_path_facts_0_2(ready: Acl, load_type: int) -> None:
    """acl_model_router.cpp:76-101 asks loadPath.empty(), then the memory."""
    made = config(ready, LOAD_TYPE=load_type, PATH=b"\0")
    assert made.load()[0] == codes.INVALID_PARAM


def test_load_type_never_set_facts_1_8(ready: Acl, path: Path) -> None:
    assert config(ready, PATH=text(path)).load()[0] == codes.INVALID_PARAM


@pytest.mark.parametrize("load_type", [FILE, FILE_WITH_MEM, FILE_WITH_Q])
def test_a_file_type_needs_a_path_facts_1_8(ready: Acl, load_type: int) -> None:
    made = config(ready, LOAD_TYPE=load_type, MEM_ADDR=NEGATE, MEM_SIZE=len(NEGATE))
    assert made.load()[0] == codes.INVALID_PARAM


@pytest.mark.parametrize("load_type", [MEM, MEM_WITH_MEM, MEM_WITH_Q])
def test_a_memory_type_needs_memory_facts_1_8(ready: Acl, path: Path, load_type: int) -> None:
    made = config(ready, LOAD_TYPE=load_type, PATH=text(path))
    assert made.load()[0] == codes.INVALID_PARAM
    made.set(MEM_ADDR, NEGATE)
    assert made.load()[0] == codes.INVALID_PARAM


def test_types_with_queues_facts_1_8(ready: Acl, path: Path) -> None:
    """Their attributes are asked for; then they are not simulated."""
    made = config(ready, LOAD_TYPE=FILE_WITH_Q, PATH=text(path))
    queue = ready.hold(bytearray(8))
    for attr, value in ((IN_ADDR, queue), (IN_NUM, 1), (OUT_ADDR, queue), (OUT_NUM, 1)):
        assert made.load()[0] == codes.INVALID_PARAM
        assert made.set(attr, value) == codes.SUCCESS
    assert made.load()[0] == codes.API_NOT_SUPPORT
    assert "not simulated" in (ready.message() or "")


# Constants in files of their own.

C, D = Tensor("c", (4,)), Tensor("d", (4,))
CONST, SHIFT = np.float32([1, 10, 100, 1000]), np.float32([0.5, 0.25, 0, -1])


def external(constant: int, name: str) -> bytes:
    """An EXTERNAL record."""
    return record(8, struct.pack("<II", constant, len(name)) + name.encode())


def outside(*names: str, offsets: tuple[int, int] = (0, 0)) -> bytes:
    """y = x * c + d; c lies in the first file and d in the second, or both in one."""

    def stub(one: Tensor) -> TensorProto:
        tensor = TensorProto(name=one.name, data_type=1, dims=one.dims)
        tensor.data_location = TensorProto.EXTERNAL
        where = {"location": "WEIGHTS_DATA", "offset": "0", "length": "16"}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=value)
        return tensor

    nodes = [helper.make_node("Mul", ["x", "c"], ["h"]), helper.make_node("Add", ["h", "d"], ["y"])]
    ends = [[helper.make_tensor_value_info(n, 1, [4])] for n in ("x", "y")]
    graph = helper.make_graph(nodes, "g", *ends, [stub(C), stub(D)])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    files = names if len(names) == 2 else (names[0], names[0])
    records = [
        programs.constant(C, offsets[0]), programs.constant(D, offsets[1]),
        external(0, files[0]), external(1, files[1]),
        programs.onnx_model(proto.SerializeToString()), programs.feed(INPUT, 0, "x"),
        programs.feed(2, 0, "c"), programs.feed(2, 1, "d"), programs.fetch(0, "y"),
    ]  # fmt: skip
    return model(program(ONNX, *records), [X], [Y])


WANTED = (np.float32([1, 2, 3, 4]) * CONST + SHIFT).tobytes()


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A model of two files of weights, which stand beside it."""
    (tmp_path / "weight").mkdir()
    (tmp_path / "weight" / "c.bin").write_bytes(CONST.tobytes())
    (tmp_path / "weight" / "d.bin").write_bytes(SHIFT.tobytes())
    (tmp_path / "model.om").write_bytes(outside("c.bin", "d.bin"))
    return tmp_path / "model.om"


def test_weights_beside_the_file_facts_6_5(ready: Acl, beside: Path) -> None:
    to = ready.new("uint32_t *")
    assert ready.aclmdlLoadFromFile(text(beside), to) == codes.SUCCESS
    assert run(ready, to[0]) == WANTED
    assert ready.aclmdlUnload(to[0]) == codes.SUCCESS
    status, loaded = config(ready, LOAD_TYPE=FILE, PATH=text(beside)).load()
    assert status == codes.SUCCESS
    assert run(ready, loaded) == WANTED


def test_two_constants_in_one_file(ready: Acl, tmp_path: Path) -> None:
    (tmp_path / "weight").mkdir()
    (tmp_path / "weight" / "all").write_bytes(SHIFT.tobytes() + CONST.tobytes())
    (tmp_path / "m.om").write_bytes(outside("all", offsets=(16, 0)))
    to = ready.new("uint32_t *")
    assert ready.aclmdlLoadFromFile(text(tmp_path / "m.om"), to) == codes.SUCCESS
    assert run(ready, to[0]) == WANTED


def test_weights_are_not_found_from_memory_facts_6_5(ready: Acl, beside: Path) -> None:
    data, to = beside.read_bytes(), ready.new("uint32_t *")
    assert ready.aclmdlLoadFromMem(ready.hold(data), len(data), to) == codes.GE_FAILURE
    assert "c.bin" in (ready.message() or "")


def test_a_folder_for_a_model_in_memory_facts_1_8(ready: Acl, beside: Path) -> None:
    data = beside.read_bytes()
    folder = text(beside.parent / "weight")
    values = {"LOAD_TYPE": MEM, "MEM_ADDR": data, "MEM_SIZE": len(data), "WEIGHT_PATH": folder}
    status, loaded = config(ready, **values).load()
    assert status == codes.SUCCESS
    assert run(ready, loaded) == WANTED


@pytest.mark.parametrize("load_type", [FILE, FILE_WITH_MEM])
def test_no_folder_for_a_model_in_a_file_facts_1_8(
    ready: Acl, beside: Path, load_type: int
) -> None:
    folder = text(beside.parent / "weight")
    made = config(ready, LOAD_TYPE=load_type, PATH=text(beside), WEIGHT_PATH=folder)
    assert made.load()[0] == codes.INVALID_PARAM


def test_weights_on_the_device_facts_1_8(ready: Acl, beside: Path) -> None:
    """Both given by the user, who keeps them until after the unload (facts 3.6)."""
    data = beside.read_bytes()
    made = config(ready, LOAD_TYPE=MEM, MEM_ADDR=data, MEM_SIZE=len(data))
    memory = {}
    for name, value in (("c.bin", CONST), ("d.bin", SHIFT)):
        memory[name] = ready.malloc(32)
        ready.upload(memory[name], value.tobytes())
        status = ready.aclmdlSetExternalWeightAddress(made.handle, name.encode(), memory[name], 32)
        assert status == codes.SUCCESS
    status, loaded = made.load()
    assert status == codes.SUCCESS
    assert run(ready, loaded) == WANTED
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS
    for pointer in memory.values():
        assert ready.aclrtFree(pointer) == codes.SUCCESS


def test_weights_freed_too_early_facts_3_6(ready: Acl, beside: Path) -> None:
    made = config(ready, LOAD_TYPE=FILE, PATH=text(beside))
    pointer = ready.on_device(CONST.tobytes() + b"\0" * 16)
    ready.aclmdlSetExternalWeightAddress(made.handle, b"c.bin", pointer, 32)
    status, loaded = made.load()
    assert status == codes.SUCCESS
    assert ready.aclrtFree(pointer) == codes.SUCCESS
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert ready.violations() == ["AB-RT-0010"]


def test_weights_written_and_freed_beside_a_run(ready: Acl, beside: Path) -> None:
    """New bytes count between runs; during one they are a race, and the end of them too."""
    made = config(ready, LOAD_TYPE=FILE, PATH=text(beside))
    pointer = ready.on_device(CONST.tobytes() + b"\0" * 16)
    ready.aclmdlSetExternalWeightAddress(made.handle, b"c.bin", pointer, 32)
    status, loaded = made.load()
    assert status == codes.SUCCESS
    ready.upload(pointer, (CONST * 2).tobytes())
    inputs, outputs = ready.dataset(np.float32([1, 2, 3, 4]).tobytes()), ready.dataset(16)
    stream = new_stream(ready)
    execute = ready.aclmdlExecuteAsync
    assert execute(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtMemset(pointer, 16, 0, 16) == codes.RT_PARAM_INVALID
    assert ready.aclrtFree(pointer) == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004", "AB-STR-0002"]
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    wanted = np.float32([1, 2, 3, 4]) * CONST * 2 + SHIFT
    assert outputs.read(0) == wanted.tobytes()


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_sizes_of_external_weights_facts_1_8(ready: Acl, size: int) -> None:
    made, pointer = Config(ready), ready.malloc(64)
    status = ready.aclmdlSetExternalWeightAddress(made.handle, b"w", pointer, size)
    assert status == codes.INVALID_PARAM


def test_null_for_external_weights_facts_1_8(ready: Acl) -> None:
    made, pointer = Config(ready), ready.malloc(64)
    for given in (
        (ready.NULL, b"w", pointer), (made.handle, ready.NULL, pointer),
        (made.handle, b"w", ready.NULL),
    ):  # fmt: skip
        assert ready.aclmdlSetExternalWeightAddress(*given, 32) == codes.INVALID_PARAM


@pytest.mark.parametrize("trouble", ["missing", "short", "name"])
def test_files_of_weights_in_trouble(ready: Acl, beside: Path, trouble: str) -> None:
    """Nothing stays behind, and the text says which file it is."""
    if trouble == "missing":
        (beside.parent / "weight" / "d.bin").unlink()
    elif trouble == "short":
        (beside.parent / "weight" / "d.bin").write_bytes(b"123")
    else:
        beside.write_bytes(outside("c.bin", "../weight/d.bin"))
    before = ready.live()
    status = ready.aclmdlLoadFromFile(text(beside), ready.new("uint32_t *"))
    assert status == (codes.GE_PARAM_INVALID if trouble == "short" else codes.GE_FAILURE)
    assert "d.bin" in (ready.message() or "")
    assert ready.live() == before


def test_a_bundle_finds_weights_only_from_its_file_facts_6_5(ready: Acl, beside: Path) -> None:
    data = programs.bundle(beside.read_bytes())
    file, bundle, to = beside.with_name("b.om"), ready.new("uint32_t *"), ready.new("uint32_t *")
    file.write_bytes(data)
    assert ready.aclmdlBundleLoadFromFile(text(file), bundle) == codes.SUCCESS
    assert ready.aclmdlBundleGetModelId(bundle[0], 0, to) == codes.SUCCESS
    assert run(ready, to[0]) == WANTED
    status = ready.aclmdlBundleLoadFromMem(ready.hold(data), len(data), bundle)
    assert status == codes.GE_FAILURE
    init = (text(file), ready.NULL, 0, bundle)
    assert ready.aclmdlBundleInitFromFile(*init) == codes.SUCCESS
    assert ready.aclmdlBundleLoadModel(bundle[0], 0, to) == codes.GE_FAILURE
