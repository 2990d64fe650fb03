"""What arrays that are given settle of a model's open dims."""

from __future__ import annotations

import numpy as np
import pytest

from acl_bundle.bench.axes import Dim, settled

DIMS: dict[str, list[Dim]] = {"ids": ["batch", "seq"], "mask": ["batch", "seq"], "scale": [4]}


def test_an_array_settles_its_dims_and_those_of_the_same_name() -> None:
    found = settled(DIMS, {"ids": np.zeros((2, 3))})
    assert found == {"ids": [2, 3], "mask": [2, 3], "scale": [4]}
    assert settled(DIMS, {}) == DIMS
    unnamed: dict[str, list[Dim]] = {"a": ["", 3], "b": ["", 5]}
    assert settled(unnamed, {"a": np.zeros((7, 3))}) == {"a": [7, 3], "b": ["", 5]}


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"idx": (1, 2)}, "there is no input 'idx'; the model has 'ids', 'mask', 'scale'"),
        ({"ids": (3,)}, r"'ids' has shape \[3\]; the model takes batch×seq"),
        ({"scale": (5,)}, r"'scale' has shape \[5\]; the model takes 4"),
        ({"ids": (2, 3), "mask": (2, 4)}, "dim 'seq' is 3 in 'ids' and 4 in 'mask'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(shapes: dict[str, tuple[int, ...]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settled(DIMS, {name: np.zeros(one) for name, one in shapes.items()})
