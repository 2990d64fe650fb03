"""Which dtypes an update takes for which, beside what numpy says of them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from acl_bundle._base.floats import count
from acl_bundle._base.pieces import pieces
from acl_bundle._plan.casts import allowed, convert

FLOATS = ["float16", "float32", "float64"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
OTHERS = ["bool", "complex64", "complex128", "S4", "U2", "datetime64[s]", "object"]


@pytest.mark.parametrize("cast", ["safe", "same_kind"])
@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize("target", FLOATS)
def test_floats_are_as_in_numpy(source: str, target: str, cast: str) -> None:
    dtypes = np.dtype(source), np.dtype(target)
    assert allowed(*dtypes, cast) == np.can_cast(*dtypes, cast)  # type: ignore[call-overload]


@pytest.mark.parametrize("cast", ["safe", "same_kind"])
@pytest.mark.parametrize("source", INTS)
def test_integers_only_become_wider(source: str, cast: str) -> None:
    one = np.dtype(source)
    taken = [name for name in INTS + FLOATS + OTHERS if allowed(one, np.dtype(name), cast)]
    assert taken == [
        name
        for name in INTS
        if np.dtype(name).kind == one.kind and np.dtype(name).itemsize >= one.itemsize
    ]


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_cast(name: str) -> None:
    for other in INTS + FLOATS + OTHERS:
        expected = name == other
        assert allowed(np.dtype(name), np.dtype(other), "same_kind") == expected


@pytest.mark.parametrize(
    ("source", "target", "safe"),
    [
        ("bfloat16", "float32", True), ("bfloat16", "float64", True),
        ("bfloat16", "float16", False), ("float16", "bfloat16", False),
        ("float32", "bfloat16", False), ("float8_e4m3fn", "float16", True),
        ("float8_e4m3fn", "bfloat16", True), ("float8_e5m2", "float16", True),
        ("float16", "float8_e5m2", False),
    ],
)  # fmt: skip
def test_ml_dtypes_are_floats(source: str, target: str, safe: bool) -> None:
    dtypes = (
        np.dtype(getattr(ml_dtypes, source, source)),
        np.dtype(getattr(ml_dtypes, target, target)),
    )
    assert allowed(*dtypes, "safe") == safe
    assert allowed(*dtypes, "same_kind")


@pytest.mark.parametrize("cast", ["safe", "same_kind"])
def test_another_byte_order_is_never_taken(cast: str) -> None:
    for name in FLOATS + INTS[1:4]:
        swapped = np.dtype(name).newbyteorder()
        assert not allowed(swapped, np.dtype(name), cast)
        assert not allowed(swapped, swapped, cast)


def test_a_safe_cast_keeps_every_value() -> None:
    """What `allowed` calls safe, checked on every number of the narrow dtype."""
    names = ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz"]
    dtypes = [np.dtype(getattr(ml_dtypes, name, name)) for name in [*names, "float32"]]
    for source in dtypes[:-1]:
        raw = np.arange(1 << 8 * source.itemsize, dtype=f"u{source.itemsize}").view(source)
        with np.errstate(all="ignore"):
            wide = raw.astype(np.float64)
        for target in dtypes:
            if source != target and allowed(source, target, "safe"):
                out = np.empty(raw.shape, target)
                convert(raw, out)
                with np.errstate(all="ignore"):
                    got = out.astype(np.float64)
                np.testing.assert_array_equal(got, wide, f"{source} to {target}")


def test_overflow_of_a_dtype_without_infinity_is_counted() -> None:
    source = np.array([1, 1e6, np.nan, 0], np.float32)
    target = np.empty(4, ml_dtypes.float8_e4m3fn)
    convert(source, target)
    assert count(source, target) == (1, 0, 0, 1)


@pytest.mark.parametrize("nbytes", [1, 4, 100, 1 << 20])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 2), (5, 6, 7)])
def test_pieces_are_the_whole(shape: tuple[int, ...], nbytes: int) -> None:
    base = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    layouts = (
        [base, np.asfortranarray(base), base.T, np.repeat(base, 2, -1)[..., ::2]]
        if (shape)
        else [base]
    )
    for array in layouts:
        parts = []
        for piece in pieces(array, nbytes):
            assert piece.flags.c_contiguous
            assert piece.nbytes <= max(nbytes, 4)
            parts.append(piece.copy())
        whole = np.concatenate(parts) if parts else np.empty(0, np.float32)
        np.testing.assert_array_equal(whole, array.ravel())
