"""aclmdlDesc: what a model says about its inputs and outputs (facts 1.9)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from acl_bundle.om import Gears
from acl_bundle.om._container import inout

from .. import codes, files
from ..face import FLOAT16, INT32, Acl
from ..programs import DEFINITION, NULL, Linear, Tensor, null_model, program

A = Tensor("a", (2, 3), FLOAT16)
B = Tensor("b", (5,), INT32, format=1)
C = Tensor("c", (7, 1), format=0)
DATA = null_model([A, B], [C])


@pytest.fixture
def desc(ready: Acl) -> Any:
    """The description of a model with inputs a and b and output c."""
    return ready.describe(ready.load_model(DATA))


def index(acl: Acl, function: str, desc: Any, name: bytes) -> tuple[int, int]:
    answer = acl.new("size_t *", 99)
    return int(getattr(acl, function)(desc, name, answer)), int(answer[0])


def test_counts_facts_1_9(ready: Acl, desc: Any) -> None:
    assert ready.aclmdlGetNumInputs(desc) == 2
    assert ready.aclmdlGetNumOutputs(desc) == 1


def test_sizes_are_exact_facts_1_9(ready: Acl, desc: Any) -> None:
    assert [ready.aclmdlGetInputSizeByIndex(desc, one) for one in (0, 1)] == [12, 20]
    assert ready.aclmdlGetOutputSizeByIndex(desc, 0) == 28


def test_names_facts_1_9(ready: Acl, desc: Any) -> None:
    assert ready.ffi.string(ready.aclmdlGetInputNameByIndex(desc, 1)) == b"b"
    assert ready.ffi.string(ready.aclmdlGetOutputNameByIndex(desc, 0)) == b"c"


def test_types_and_formats_facts_1_9(ready: Acl, desc: Any) -> None:
    assert [ready.aclmdlGetInputDataType(desc, one) for one in (0, 1)] == [FLOAT16, INT32]
    assert ready.aclmdlGetOutputDataType(desc, 0) == 0
    assert [ready.aclmdlGetInputFormat(desc, one) for one in (0, 1)] == [2, 1]
    assert ready.aclmdlGetOutputFormat(desc, 0) == 0


@pytest.mark.parametrize("side", ["Input", "Output"])
@pytest.mark.parametrize("at", [2, 2**64 - 1, None])
def test_out_of_range_and_null_facts_1_9(ready: Acl, desc: Any, side: str, at: int | None) -> None:
    given = (ready.NULL, 0) if at is None else (desc, at)
    assert getattr(ready, f"aclmdlGet{side}SizeByIndex")(*given) == 0
    name = getattr(ready, f"aclmdlGet{side}NameByIndex")(*given)
    assert ready.ffi.string(name) == b"", "never NULL"
    assert getattr(ready, f"aclmdlGet{side}Format")(*given) == -1
    assert getattr(ready, f"aclmdlGet{side}DataType")(*given) == -1
    dims = ready.new("aclmdlIODims *")
    assert getattr(ready, f"aclmdlGet{side}Dims")(*given, dims) == codes.INVALID_PARAM


def test_null_has_no_inputs_facts_1_9(acl: Acl) -> None:
    assert acl.aclmdlGetNumInputs(acl.NULL) == 0
    assert acl.aclmdlGetNumOutputs(acl.NULL) == 0
    assert acl.aclmdlDestroyDesc(acl.NULL) == codes.INVALID_PARAM


def test_a_new_description_is_empty_facts_1_9(acl: Acl) -> None:
    desc = acl.aclmdlCreateDesc()
    assert acl.aclmdlGetNumInputs(desc) == acl.aclmdlGetNumOutputs(desc) == 0
    assert acl.aclmdlDestroyDesc(desc) == codes.SUCCESS


def test_index_by_name_facts_1_9(ready: Acl, desc: Any) -> None:
    assert index(ready, "aclmdlGetInputIndexByName", desc, b"b") == (0, 1)
    assert index(ready, "aclmdlGetOutputIndexByName", desc, b"c") == (0, 0)


@pytest.mark.parametrize("name", [b"", b"c", b"B", b"a "])
def test_index_of_a_name_that_is_not_there_facts_1_9(ready: Acl, desc: Any, name: bytes) -> None:
    status, _ = index(ready, "aclmdlGetInputIndexByName", desc, name)
    assert status == codes.INVALID_PARAM


@pytest.mark.parametrize("side", ["Input", "Output"])
def test_index_by_name_with_null_facts_1_9(ready: Acl, desc: Any, side: str) -> None:
    call, answer = getattr(ready, f"aclmdlGet{side}IndexByName"), ready.new("size_t *")
    assert call(ready.NULL, b"a", answer) == codes.INVALID_PARAM
    assert call(desc, ready.NULL, answer) == codes.INVALID_PARAM
    assert call(desc, b"a", ready.NULL) == codes.INVALID_PARAM


def test_get_desc_order_of_checks_facts_1_9(acl: Acl) -> None:
    """NULL, then aclInit, then the id."""
    desc = acl.aclmdlCreateDesc()
    assert acl.aclmdlGetDesc(acl.NULL, 77) == codes.INVALID_PARAM
    assert acl.aclmdlGetDesc(desc, 77) == codes.GE_EXEC_NOT_INIT
    acl.aclInit(acl.NULL)
    assert acl.aclmdlGetDesc(desc, 77) == codes.GE_MODEL_ID_INVALID


def test_a_description_can_be_filled_again_facts_1_9(ready: Acl, desc: Any) -> None:
    other = ready.load_model(null_model([C]))
    assert ready.aclmdlGetDesc(desc, other) == codes.SUCCESS
    assert ready.aclmdlGetNumInputs(desc) == 1
    assert ready.aclmdlGetNumOutputs(desc) == 0
    assert index(ready, "aclmdlGetInputIndexByName", desc, b"c") == (0, 0)
    assert index(ready, "aclmdlGetInputIndexByName", desc, b"a")[0] == codes.INVALID_PARAM


def test_it_is_cleared_before_an_unknown_id_is_noticed_facts_1_9(ready: Acl, desc: Any) -> None:
    assert ready.aclmdlGetDesc(desc, 77) == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlGetNumInputs(desc) == 0


def test_it_outlives_its_model_facts_3(ready: Acl) -> None:
    model = ready.load_model(DATA)
    desc = ready.describe(model)
    assert ready.aclmdlUnload(model) == codes.SUCCESS
    assert ready.aclmdlGetInputSizeByIndex(desc, 0) == 12
    assert ready.ffi.string(ready.aclmdlGetInputNameByIndex(desc, 0)) == b"a"


@pytest.mark.parametrize("way", ["file", "memory"])
def test_without_loading_facts_1_9(acl: Acl, tmp_path: Path, way: str) -> None:
    """Only the list of inputs and outputs is read."""
    acl.aclInit(acl.NULL)
    desc = acl.aclmdlCreateDesc()
    if way == "file":
        (tmp_path / "model.om").write_bytes(DATA)
        status = acl.aclmdlGetDescFromFile(desc, os.fsencode(tmp_path / "model.om"))
    else:
        status = acl.aclmdlGetDescFromMem(desc, acl.hold(DATA), len(DATA))
    assert status == codes.SUCCESS
    assert acl.aclmdlGetNumInputs(desc) == 2
    assert acl.ffi.string(acl.aclmdlGetOutputNameByIndex(desc, 0)) == b"c"


def test_a_file_without_the_list_has_none_facts_1_9(acl: Acl) -> None:
    acl.aclInit(acl.NULL)
    desc, data = acl.aclmdlCreateDesc(), null_model()
    assert acl.aclmdlGetDescFromMem(desc, acl.hold(data), len(data)) == codes.SUCCESS
    assert acl.aclmdlGetNumInputs(desc) == acl.aclmdlGetNumOutputs(desc) == 0


def told(acl: Acl, way: str, data: bytes, folder: Path) -> tuple[int, int]:
    """Status of the description of a file, and how many inputs it has."""
    desc = acl.aclmdlCreateDesc()
    if way == "memory":
        status = acl.aclmdlGetDescFromMem(desc, acl.hold(data), len(data))
    else:
        (folder / "model.om").write_bytes(data)
        status = acl.aclmdlGetDescFromFile(desc, os.fsencode(folder / "model.om"))
    return int(status), int(acl.aclmdlGetNumInputs(desc))


@pytest.mark.parametrize("way", ["file", "memory"])
def test_without_a_definition_facts_1_9(ready: Acl, tmp_path: Path, way: str) -> None:
    """GetModelDescInfoFromMem, graph_loader.cc, opens MODEL_INOUT_INFO alone."""
    listed = inout.write([A.info, B.info], [C.info])
    data = files.resized(files.container([(8, listed)], null_model()[:256]))
    assert told(ready, way, data, tmp_path) == (codes.SUCCESS, 2)


@pytest.mark.parametrize("way", ["file", "memory"])
@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("a",), codes.SUCCESS),
        (("a", "b"), codes.GE_FAILURE),
        (("a", "bcd"), codes.SUCCESS),
        (("aa", "bb", "ccc"), codes.GE_FAILURE),
        (("aaaa", "bbbb"), codes.SUCCESS),
    ],
)
def test_short_names_of_gears_facts_1_9(
    ready: Acl, tmp_path: Path, way: str, names: tuple[str, ...], code: int
) -> None:
    """GetListStrInfo, model_parser_base.cc:310: n names of less than 4n - 4 bytes.

    A loaded model is not asked in that way.
    """
    gears = Gears("dims", ((1,) * len(names), (2,) * len(names)), (), names)
    inputs = [Tensor(name, (-1,)) for name in names]
    extra = Tensor("ascend_mbatch_shape_data", (len(names),), 9)
    listed = inout.write([one.info for one in (*inputs, extra)], [], gears)
    parts = [(8, listed), (0, DEFINITION), (2, program(NULL))]
    data = files.resized(files.container(parts, null_model()[:256]))
    assert told(ready, way, data, tmp_path)[0] == code
    assert ready.aclmdlGetNumInputs(ready.describe(ready.load_model(data))) == len(inputs) + 1


def test_descriptions_of_the_three_graphs_facts_1_9_4_1(ready: Acl, linear: Linear) -> None:
    _, (infer, init, update) = ready.load_bundle(linear.to_bytes())
    desc = ready.describe(infer)
    assert ready.aclmdlGetNumInputs(desc) == ready.aclmdlGetNumOutputs(desc) == 1
    assert ready.aclmdlGetInputSizeByIndex(desc, 0) == 24
    desc = ready.describe(init)
    assert ready.aclmdlGetNumInputs(desc) == ready.aclmdlGetNumOutputs(desc) == 0
    desc = ready.describe(update)
    assert (ready.aclmdlGetNumInputs(desc), ready.aclmdlGetNumOutputs(desc)) == (2, 0)


def test_inputs_of_the_update_graph_facts_1_9(ready: Acl, linear: Linear) -> None:
    """Rank unknown, size 0, no ranges, the weight's own type."""
    _, (_, _, update) = ready.load_bundle(linear.to_bytes())
    desc, dims = ready.describe(update), ready.new("aclmdlIODims *")
    ranges = ready.new("aclmdlIODimsRange *")
    for at, name in enumerate([b"w_var_data", b"b_var_data"]):
        assert ready.ffi.string(ready.aclmdlGetInputNameByIndex(desc, at)) == name
        assert ready.aclmdlGetInputSizeByIndex(desc, at) == 0
        assert ready.aclmdlGetInputDataType(desc, at) == 0
        assert ready.aclmdlGetInputDims(desc, at, dims) == codes.SUCCESS
        assert (dims.dimCount, dims.dims[0]) == (1, -2)
        assert ready.aclmdlGetInputDimsRange(desc, at, ranges) == codes.SUCCESS
        assert (ranges.rangeCount, list(ranges.range[0])) == (1, [-2, -2])


def test_use_after_destroy_is_seen_design_7(ready: Acl, desc: Any) -> None:
    assert ready.aclmdlDestroyDesc(desc) == codes.SUCCESS
    assert ready.aclmdlGetNumInputs(desc) == 0
    assert ready.aclmdlDestroyDesc(desc) != codes.SUCCESS
    assert ready.violations() == ["AB-RT-0002", "AB-RT-0004"]
