"""Every dtype that a bundle may carry, as input, output and weight."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab

pytestmark = pytest.mark.usefixtures("fake_acl")

CASES = {
    "float32": ("Add", np.float32),
    "float16": ("Mul", np.float16),
    "bfloat16": ("Mul", ml_dtypes.bfloat16),
    "int8": ("Mod", np.int8),
    "int32": ("Add", np.int32),
    "int64": ("Add", np.int64),
    "bool": ("Xor", np.bool_),
}
NUMPY = {"Add": np.add, "Mul": np.multiply, "Mod": np.mod, "Xor": np.logical_xor}


@pytest.mark.parametrize("case", CASES)
def test_inputs_outputs_and_weights(single: Any, case: str) -> None:
    op, dtype = CASES[case]
    x = np.array([[0, 1, 2, 3]]).astype(dtype)
    w, new = (np.array([[1, 4, 3, 1]]).astype(dtype), np.array([[2, 5, 1, 3]]).astype(dtype))
    with ab.Bundle.load(single(op, x, w, 16 if case == "bfloat16" else None).to_bytes()) as bundle:
        assert bundle.infer.inputs[0].dtype == np.dtype(dtype)
        bundle.init()
        y = bundle.infer(x)
        assert y.dtype == np.dtype(dtype)
        assert (y == NUMPY[op](x, w)).all()
        bundle.update({"w": new})
        assert (bundle.infer(x) == NUMPY[op](x, new)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
def test_a_weight_of_rank_0_is_updated_by_value(single: Any, dtype: Any) -> None:
    x = np.array([1, 2, 3], dtype)
    with ab.Bundle.load(single("Mul", x, np.array(2, dtype)).to_bytes()) as bundle:
        bundle.init()
        bundle.update({"w": np.array(5, dtype)})
        assert bundle.infer(x).tolist() == [5, 10, 15]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (np.float32, 0.0),
        (np.float32, -0.0),
        (np.float32, 1e-8),
        (np.float32, np.nan),
        (np.int32, 0),
        (np.float16, 1.0),
        (np.float16, 0.0),
    ],
)
def test_a_value_of_rank_0_that_the_device_would_skip_is_refused(
    single: Any, dtype: Any, value: float
) -> None:
    """Facts 4.3: zero of rank 0 means "keep", and half precision has no rule."""
    x = np.array([1, 2, 3], dtype)
    with ab.Bundle.load(single("Mul", x, np.array(2, dtype)).to_bytes()) as bundle:
        bundle.init()
        with pytest.raises(ab.WeightError, match="'w' has rank 0"):
            bundle.update({"w": np.array(value, dtype)})
        assert bundle.version == 0
        assert bundle.infer(x).tolist() == [2, 4, 6]
