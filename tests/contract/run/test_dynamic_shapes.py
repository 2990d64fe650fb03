"""Plain models with dynamic shapes (facts 1.9, 1.11, 6.18-6.23); more in test_execute_dynamic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import Acl, Dataset
from ..programs import Tensor, model, null_model, onnx_program

OPEN = Tensor("x", (-1,)), Tensor("y", (-1,))
LONG = "a" * 127, "b" * 128


def dynamic(nodes: Any, inputs: list[Tensor], outputs: list[Tensor]) -> bytes:
    return model(onnx_program(nodes, inputs, outputs), inputs, outputs, dynamic=True)


def floats(*values: float) -> bytes:
    return np.float32(values).tobytes()


def given(acl: Acl, *values: float) -> Dataset:
    inputs = acl.dataset(floats(*values))
    inputs.describe(0, (len(values),))
    return inputs


@pytest.mark.parametrize(
    ("dims", "ranges", "size"),
    [
        ((-1, 4), (), 0),
        ((-1, 4), ((1, 8), (4, 4)), 128),
        ((-1, 4), ((1, -1), (4, 4)), 0),
        ((-1, -1), ((0, 3), (0, 5)), 60),
        ((-1, 4), ((0, 0), (4, 4)), 0),
        ((-1, -1), ((1, 2**62), (1, 2**62)), 0),
        ((2, 4), (), 32),
        ((-2,), (), 0),
    ],
)
def test_size_by_index_facts_1_9(ready: Acl, dims: Any, ranges: Any, size: int) -> None:
    """The most of every range; 0 without bounds or when it overflows (facts 6.18)."""
    one = Tensor("t", dims, ranges=ranges)
    desc = ready.describe(ready.load_model(null_model([one], [one], dynamic=True)))
    assert ready.aclmdlGetInputSizeByIndex(desc, 0) == size
    assert ready.aclmdlGetOutputSizeByIndex(desc, 0) == size


@pytest.mark.parametrize(
    ("dims", "ranges", "told"),
    [
        ((-1, 4), ((1, 8), (4, 4)), [[1, 8], [4, 4]]),
        ((-1, 4), (), [[-1, -1], [4, 4]]),
        ((2, 4), (), [[2, 2], [4, 4]]),
        ((-2,), (), [[-2, -2]]),
    ],
)
def test_ranges_are_told_facts_1_9(ready: Acl, dims: Any, ranges: Any, told: Any) -> None:
    one = Tensor("t", dims, ranges=ranges)
    desc = ready.describe(ready.load_model(null_model([one], [], dynamic=True)))
    got = ready.new("aclmdlIODimsRange *")
    assert ready.aclmdlGetInputDimsRange(desc, 0, got) == codes.SUCCESS
    assert [list(pair) for pair in got.range[0 : got.rangeCount]] == told


def test_an_output_that_the_library_allocates_facts_6_18(ready: Acl) -> None:
    """Its size is unknown before the run; its description tells the shape after it (facts 6.22)."""
    loaded = ready.load_model(dynamic([("Neg", "x", "y")], [OPEN[0]], [Tensor("y", (-2,))]))
    outputs = ready.dataset(None)
    for values in ((1, 2, 3), (4,)):
        ready.aclUpdateDataBuffer(outputs.buffers[0], ready.NULL, 0)
        inputs = given(ready, *values)
        assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.SUCCESS
        assert outputs.dims(0) == [len(values)]
        assert outputs.read(0) == floats(*(-one for one in values))
        assert ready.aclrtFree(outputs.address(0)) == codes.SUCCESS


def test_the_needed_size_is_in_the_text_facts_6_19(ready: Acl) -> None:
    loaded = ready.load_model(dynamic([("Neg", "x", "y")], [OPEN[0]], [OPEN[1]]))
    inputs, outputs = given(ready, *range(1, 11)), ready.dataset(39)
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert "40" in (ready.message() or "")


def test_a_failed_run_leaves_the_next_one_alone_facts_1_11(ready: Acl) -> None:
    loaded = ready.load_model(dynamic([("Neg", "x", "y")], [OPEN[0]], [OPEN[1]]))
    outputs = ready.dataset(8)
    assert ready.aclmdlExecute(loaded, given(ready, 1, 2, 3).handle, outputs.handle) != 0
    ready.message()
    assert ready.aclmdlExecute(loaded, given(ready, 1, 2).handle, outputs.handle) == 0
    assert outputs.read(0) == floats(-1, -2)


def test_several_outputs_some_of_them_left_to_the_library_facts_1_11(ready: Acl) -> None:
    two = [Tensor("y", (-1,)), Tensor("z", (-1,))]
    loaded = ready.load_model(dynamic([("Neg", "x", "y"), ("Abs", "x", "z")], [OPEN[0]], two))
    outputs = ready.dataset(None, 64)
    assert ready.aclmdlExecute(loaded, given(ready, -1, 2).handle, outputs.handle) == 0
    assert outputs.read(0) == floats(1, -2)
    assert outputs.read(1)[:8] == floats(1, 2)
    assert (outputs.dims(0), outputs.dims(1)) == ([2], [2])


def test_ids_of_dynamic_models_facts_0_3(ready: Acl) -> None:
    """From 0x80000000; each of their loads uses a static id up all the same."""
    data, still = null_model([OPEN[0]], [], dynamic=True), null_model([Tensor("x", (1,))])
    first, second = ready.load_model(data), ready.load_model(data)
    assert (first, second) == (0x80000000, 0x80000001)
    assert ready.load_model(still) == 3


def test_long_names_facts_6_23(ready: Acl) -> None:
    """Up to 127 characters fit; longer ones are replaced there and real elsewhere."""
    one, two = (Tensor(name, (2,)) for name in LONG)
    loaded = ready.load_model(null_model([one, two], [Tensor(LONG[1] + "c", (2,))]))
    desc, dims = ready.describe(loaded), ready.new("aclmdlIODims *")
    names = []
    for side, index in (("Input", 0), ("Input", 1), ("Output", 0)):
        assert getattr(ready, f"aclmdlGet{side}Dims")(desc, index, dims) == codes.SUCCESS
        names.append(ready.ffi.string(dims.name).decode())
    made = [f"acl_modelId_{loaded}_input_1", f"acl_modelId_{loaded}_output_0"]
    assert names == [LONG[0], *made]
    assert ready.ffi.string(ready.aclmdlGetInputNameByIndex(desc, 1)).decode() == LONG[1]
    for shown, real in ((made[0], LONG[1]), (LONG[0], LONG[0]), (made[1], LONG[1] + "c")):
        got = ready.aclmdlGetTensorRealName(desc, shown.encode())
        assert ready.ffi.string(got).decode() == real
    assert ready.aclmdlGetTensorRealName(desc, b"nobody") == ready.NULL


@pytest.mark.parametrize("way", ["loaded", "memory"])
def test_a_converted_name_of_any_tensor_facts_1_9(ready: Acl, way: str) -> None:
    """model_om2.cpp:604-664: long name or not; the id is the description's own."""
    data = null_model([Tensor("x", (1,)), Tensor("acl", (1,))], [Tensor("y", (1,))])
    desc, own = ready.aclmdlCreateDesc(), 0
    if way == "loaded":
        own = ready.load_model(data)
        desc = ready.describe(own)
    else:
        assert ready.aclmdlGetDescFromMem(desc, ready.hold(data), len(data)) == codes.SUCCESS
    real = {
        "input_0": b"x", "input_1": b"acl", "output_0": b"y", "input_1_a": b"acl",
        "input_0_": b"x", "input_00": b"x", "input_2": None, "output_1": None, "input_0_a_b": None,
        "input_": None, "input_x": None, "input_-1": None, "inputs_0": None, "other_0": None,
        f"input_{2**70}": None,
    }  # fmt: skip
    for part, name in real.items():
        got = ready.aclmdlGetTensorRealName(desc, f"acl_modelId_{own}_{part}".encode())
        assert (None if got == ready.NULL else ready.ffi.string(got)) == name, part
    for wrong in (b"acl_modelId_77_input_0", b"acl_modelid_0_input_0"):
        assert ready.aclmdlGetTensorRealName(desc, wrong) == ready.NULL


def test_op_attributes_of_a_dynamic_model_facts_1_9(ready: Acl) -> None:
    """Its id is unknown to GE, 145003 inside: model_manager.cc:1430-1443."""
    desc = ready.describe(ready.load_model(null_model([OPEN[0]], dynamic=True)))
    assert ready.aclmdlGetOpAttr(desc, b"op", b"_datadump_original_op_names") == ready.NULL


@pytest.mark.parametrize("index", [0, 1, 2**64 - 1])
def test_current_dims_of_a_dynamic_model_facts_1_9(ready: Acl, index: int) -> None:
    """Asked before the index, which is out of range here: M:1978-1990."""
    desc = ready.describe(ready.load_model(null_model([OPEN[0]], dynamic=True)))
    status = ready.aclmdlGetCurOutputDims(desc, index, ready.new("aclmdlIODims *"))
    assert status == codes.API_NOT_SUPPORT


def test_op_attributes_facts_3_5(ready: Acl) -> None:
    """The one attribute ACL knows is empty here; without a loaded model there is no answer."""
    loaded = ready.load_model(null_model([Tensor("x", (1,))]))
    desc, name = ready.describe(loaded), b"_datadump_original_op_names"
    assert ready.ffi.string(ready.aclmdlGetOpAttr(desc, b"op", name)) == b""
    for arguments in (
        (ready.NULL, b"op", name), (desc, ready.NULL, name), (desc, b"op", ready.NULL),
        (desc, b"op", b"other"), (ready.aclmdlCreateDesc(), b"op", name),
    ):  # fmt: skip
        assert ready.aclmdlGetOpAttr(*arguments) == ready.NULL
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS
    assert ready.aclmdlGetOpAttr(desc, b"op", name) == ready.NULL
