"""What infer, bind and update say of arrays that do not fit; nothing may change."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def bundle(mlp: Any) -> Any:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        yield bundle


BAD_INPUTS: dict[str, tuple[Any, type[Exception], str]] = {
    "float64": (np.zeros((4, 8)), TypeError, r"input 'x' has dtype float64; it must be float32"),
    "byte-swapped": (np.zeros((4, 8), ">f4"), TypeError, "byte-swapped"),
    "shape": (np.zeros((8, 4), "f4"), ValueError, r"shape \(8, 4\); it must be \(4, 8\)"),
    "rank": (np.zeros(32, "f4"), ValueError, r"shape \(32,\)"),
    "zero-size batch": (np.zeros((0, 8), "f4"), ValueError, r"shape \(0, 8\)"),
    "object": (np.zeros((4, 8), object), TypeError, "dtype object"),
    "list": ([[0.0] * 8] * 4, TypeError, "input 'x' is a list"),
    "scalar": (1.0, TypeError, "is a float"),
    "masked": (np.ma.zeros((4, 8), "f4"), TypeError, "MaskedArray"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_run_refuses_an_input(bundle: ab.Bundle, case: str) -> None:
    value, error, message = BAD_INPUTS[case]
    with pytest.raises(error, match=message):
        bundle.infer.run({"x": value})
    with pytest.raises(error, match=message):
        bundle.infer(value)
    with pytest.raises(error, match=message):
        bundle.infer.bind({"x": value}, {"y": np.empty((4, 3), "f4")})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "misses input 'x'"),
        ({"X": 1}, r"has no input 'X'; it has x: float32\[4, 8\]"),
        ([], "has 1 inputs"),
        ([1, 2], "has 1 inputs"),
    ],
)
def test_run_refuses_names_and_counts(bundle: ab.Bundle, inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bundle.infer.run(inputs)


def test_run_refuses_a_bare_array(bundle: ab.Bundle, mlp: Any) -> None:
    with pytest.raises(TypeError, match="dict or a sequence"):
        bundle.infer.run(mlp.x)


def test_read_only_and_strided_inputs_are_fine(bundle: ab.Bundle, mlp: Any) -> None:
    want = bundle.infer(mlp.x)
    frozen = mlp.x.copy()
    frozen.flags.writeable = False
    assert (bundle.infer(frozen) == want).all()
    assert (bundle.infer(np.asfortranarray(mlp.x)) == want).all()
    assert (bundle.infer(np.repeat(mlp.x, 2, axis=1)[:, ::2]) == want).all()


def test_bind_refuses_what_it_cannot_use_in_place(bundle: ab.Bundle, mlp: Any) -> None:
    y = np.empty((4, 3), "f4")
    with pytest.raises(ValueError, match="input 'x' is not C-contiguous"):
        bundle.infer.bind({"x": np.asfortranarray(mlp.x)}, {"y": y})
    with pytest.raises(ValueError, match="misses output 'y'"):
        bundle.infer.bind({"x": mlp.x}, {})
    y.flags.writeable = False
    with pytest.raises(ValueError, match="output 'y' is read-only"):
        bundle.infer.bind({"x": mlp.x}, {"y": y})


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty((4, 3)), TypeError, "output 'y' has dtype float64"),
        (np.empty((3, 4), "f4"), ValueError, "output 'y' has shape"),
        (np.empty((3, 4), "f4").T, ValueError, "not C-contiguous"),
        (np.broadcast_to(np.float32(0), (4, 3)).copy()[::1], None, ""),
    ],
)
def test_run_checks_out(
    bundle: ab.Bundle, mlp: Any, out: Any, error: type[Exception] | None, message: str
) -> None:
    if error is None:
        assert bundle.infer.run({"x": mlp.x}, out={"y": out})["y"] is out
        return
    with pytest.raises(error, match=message):
        bundle.infer.run({"x": mlp.x}, out={"y": out})


def test_a_read_only_out_is_refused(bundle: ab.Bundle, mlp: Any) -> None:
    y = np.zeros((4, 3), "f4")
    y.flags.writeable = False
    with pytest.raises(ValueError, match="output 'y' is read-only"):
        bundle.infer.run({"x": mlp.x}, out={"y": y})
    assert not y.any()


def test_nan_is_data(bundle: ab.Bundle, mlp: Any) -> None:
    bundle.update({"b2": np.full(3, np.nan, "f4")})
    assert np.isnan(bundle.infer(mlp.x)).all()


BAD_WEIGHTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown": ({"w3": np.zeros(1, "f4")}, ab.WeightError, "no weight 'w3'; it has w1, b1, w2, b2"),
    "graph's name": ({"w1_var_data": 1}, ab.WeightError, "no weight 'w1_var_data'"),
    "dtype": ({"b2": np.zeros(3)}, ab.WeightError, "weight 'b2' has dtype float64"),
    "order": ({"b2": np.zeros(3, ">f4")}, ab.WeightError, "byte-swapped"),
    "shape": ({"b2": np.zeros((1, 3), "f4")}, ab.WeightError, r"shape \(1, 3\); it must be \(3,\)"),
    "size": ({"b2": np.zeros(4, "f4")}, ab.WeightError, r"shape \(4,\)"),
    "empty": ({"b2": np.zeros(0, "f4")}, ab.WeightError, r"shape \(0,\)"),
    "object": ({"b2": np.zeros(3, object)}, ab.WeightError, "dtype object"),
    "list": ({"b2": [0.0, 0.0, 0.0]}, TypeError, "weight 'b2' is a list"),
    "none": ({"b2": None}, TypeError, "weight 'b2' is a NoneType"),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_a_refused_update_changes_nothing(bundle: ab.Bundle, mlp: Any, case: str) -> None:
    bad, error, message = BAD_WEIGHTS[case]
    before = bundle.infer(mlp.x)
    good = {"w1": mlp.random(9)["w1"]}
    for weights in ({**good, **bad}, {**bad, **good}):
        with pytest.raises(error, match=message):
            bundle.update(weights)
        assert bundle.version == 0
        assert (bundle.infer(mlp.x) == before).all()


@pytest.mark.parametrize("version", [1.5, True, b"1", ("a",)])
def test_a_version_is_an_int_or_a_str(bundle: ab.Bundle, version: Any) -> None:
    with pytest.raises(TypeError, match="version is an int or a str"):
        bundle.update({}, version=version)


@pytest.mark.parametrize("weights", [5, "b2", None, [1, 2], [("b2",)]])
def test_weights_come_as_a_mapping_or_as_pairs(bundle: ab.Bundle, weights: Any) -> None:
    with pytest.raises(TypeError, match="give the weights as a mapping of name to array"):
        bundle.update(weights)
    assert bundle.version == 0


def test_strided_and_read_only_weights_are_fine(bundle: ab.Bundle, mlp: Any) -> None:
    new = mlp.random(2)
    frozen = new["b1"].copy()
    frozen.flags.writeable = False
    bundle.update({**new, "w1": np.asfortranarray(new["w1"]), "b1": frozen})
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)


class Foreign:
    """Another library's tensor: nothing but DLPack."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = array

    def __dlpack__(self, **arguments: Any) -> Any:
        return self._array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def test_tensors_come_in_through_dlpack(bundle: ab.Bundle, mlp: Any) -> None:
    assert (bundle.infer(Foreign(mlp.x)) == bundle.infer(mlp.x)).all()
    new = mlp.random(6)
    bundle.update({name: Foreign(value) for name, value in new.items()})
    np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)


def test_bfloat16_crosses_dlpack(single: Any) -> None:
    """DLPack names bfloat16 (code 4, 16 bits); numpy cannot read it without help."""

    class Bfloat16(Foreign):
        def __dlpack__(self, **arguments: Any) -> Any:
            capsule = self._array.view(np.uint16).__dlpack__()
            prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
            pointer = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))
            code = ctypes.c_uint8.from_address(pointer(capsule, b"dltensor") + 20)
            code.value = 4
            return capsule

    x = np.arange(4, dtype=ml_dtypes.bfloat16)
    built = single("Add", x, x, dtype=16)
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        bundle.update({"w": Bfloat16(x * 2)})
        y = bundle.infer(Bfloat16(x))
        assert y.dtype == ml_dtypes.bfloat16
        assert y.tolist() == [0, 3, 6, 9]
