"""One value for one weight: what is said of axes in another framework's order."""

from __future__ import annotations

import re

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle._plan.value import check_value
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec


def said(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    spec = WeightSpec("w", wanted, np.dtype("f4"))
    with pytest.raises(WeightError, match=re.escape(f"{given}; it must be {wanted}")) as caught:
        check_value(np.zeros(given, "f4"), spec, "safe")
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((8, 32), (32, 8)),  # a dense layer
        ((3, 4, 6), (6, 4, 3)),  # a convolution over one axis
        ((3, 5, 4, 6), (6, 4, 3, 5)),  # over two, from TensorFlow
        ((6, 4, 3, 5), (3, 5, 4, 6)),  # from torch
    ],
)
def test_the_call_that_is_named_makes_the_shape_right(
    given: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    call = said(given, wanted).partition(", as of ")[2]
    new = {"w": np.zeros(given, "f4")}
    assert eval(call, {"weights": weights, "new": new})["w"].shape == wanted


@pytest.mark.parametrize(
    ("given", "wanted"), [((8, 31), (32, 8)), ((8,), (8, 1)), ((2, 3, 4), (3, 4, 2))]
)
def test_nothing_is_said_of_other_shapes(given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    assert "transpose" not in said(given, wanted)
