"""Weights given as views, whatever their strides: each element arrives at its place."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import acl_bundle as ab
from acl_bundle import build
from acl_bundle._binding.shim import ffi

pytestmark = pytest.mark.usefixtures("fake_acl")
KINDS = ("uint8", "float16", "float32", "float64", "complex128")
LARGE = 300_000  # bytes: from 256 KiB a weight is moved by itself


def held(bundle: ab.Bundle) -> Any:
    """The bytes of the one weight."""
    with bundle.snapshot("host") as saved:
        assert saved._saved is not None
        return bytes(ffi.buffer(saved._saved.pointer.copy, saved.nbytes))


def check(view: Any, dtype: Any = None, **options: Any) -> None:
    """A weight of the view's shape holds its elements in C order after an update."""
    wanted = np.ascontiguousarray(view).astype(dtype or view.dtype)
    ends = {"x": ("float32", (1,))}
    zero = {"w": np.zeros(view.shape, wanted.dtype)}
    with ab.Bundle.load(build.null(ends, {"y": ends["x"]}, weights=zero).to_bytes()) as bundle:
        bundle.init()
        bundle.update({"w": view}, **options)
        assert held(bundle)[: wanted.nbytes] == wanted.tobytes()


def numbers(size: int, kind: str) -> Any:
    rng = np.random.default_rng(size)
    found: Any = rng.integers(0, 250, size).astype(kind)
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_views(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    rank = data.draw(st.integers(1, 5))
    dims = data.draw(st.lists(st.integers(1, 9), min_size=rank, max_size=rank))
    least = LARGE // np.dtype(kind).itemsize
    dims[data.draw(st.integers(0, rank - 1))] *= max(1, -(-least // int(np.prod(dims)))) + 1
    whole = numbers(int(np.prod(dims)), kind).reshape(dims)
    view = whole.transpose(data.draw(st.permutations(range(rank))))
    steps = data.draw(st.lists(st.sampled_from((1, -1)), min_size=rank, max_size=rank))
    check(view[tuple(slice(None, None, step) for step in steps)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape", [(512, 1024), (701, 1013), (1, 300_001), (3, 3, 255, 257), (401, 700, 9)]
)
def test_transposed_weights(kind: str, shape: tuple[int, ...]) -> None:
    check(numbers(int(np.prod(shape)), kind).reshape(shape).T)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_a_view_is_narrowed_on_the_way(dtype: Any) -> None:
    whole = np.random.default_rng(0).standard_normal((777, 1031), np.float32)
    check(whole.T, dtype, cast="same_kind")
    check(whole[::-1, ::2], dtype, cast="same_kind")
    kernels = np.random.default_rng(0).standard_normal((501, 700, 9), np.float32)
    check(kernels.T, dtype, cast="same_kind")


def test_one_row_for_all_and_a_row_that_fills_no_slab() -> None:
    check(np.broadcast_to(numbers(1000, "float32"), (1000, 1000)))
    check(np.broadcast_to(numbers(1 << 19, "float32")[:, None], (1 << 19, 3)).T)


def test_what_is_not_finite_in_a_view_is_counted() -> None:
    view = np.zeros((700, 900), np.float32).T
    view[3, 5], view[899, 699] = np.nan, np.inf
    ends = {"x": ("float32", (1,))}
    built = build.null(ends, {"y": ends["x"]}, weights={"w": np.zeros(view.shape, np.float32)})
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        with pytest.raises(ab.WeightError, match=r"'w' has 2, the first at \[3, 5\]"):
            bundle.update({"w": view}, finite=True)
        assert bundle.update({"w": view}).nonfinite == {"w": 2}
