"""Weight programs by themselves: their bytes, what they refuse, what they compute."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Constant, Step, WeightProgram, from_bytes, ops, to_bytes

FLOAT = np.dtype(np.float32)
PROGRAM = WeightProgram(
    sources=(WeightSpec("a", (2, 3), FLOAT), WeightSpec("b", (3,), FLOAT)),
    constants=(
        Constant("sum", "s", FLOAT, (2, 3)),
        Constant("turned", "t", np.dtype(ml_dtypes.bfloat16), (3, 2)),
        Constant("b", "b", FLOAT, (3,)),
    ),
    steps=(
        Step("mul", ("b", "two"), "d"),
        Step("add", ("a", "d"), "s"),
        Step("transpose", ("a",), "u", {"perm": [1, 0]}),
        Step("cast", ("u",), "t", {"dtype": "bfloat16"}),
    ),
    values={"two": np.float32([2])},
    first={"a": np.ones((2, 3), np.float32), "b": np.ones(3, np.float32)},
    aliases={"c": "b"},
    unused=("*.num_batches_tracked",),
)
VALUES: dict[str, Any] = {"a": np.arange(6, dtype="f4").reshape(2, 3), "b": np.float32([1, 2, 3])}


def test_what_it_computes() -> None:
    made = [PROGRAM.compute(place, VALUES.__getitem__) for place in range(3)]
    np.testing.assert_array_equal(made[0], VALUES["a"] + VALUES["b"] * 2)
    assert made[1].dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(made[1].astype("f4"), VALUES["a"].T)
    assert made[2] is VALUES["b"]
    wide = PROGRAM.compute(1, VALUES.__getitem__, narrow=False)
    assert wide.dtype == FLOAT
    assert np.shares_memory(wide, VALUES["a"])


def test_what_its_pieces_need() -> None:
    assert [piece.sources for piece in PROGRAM.pieces] == [("a", "b"), ("a",), ("b",)]
    assert [piece.moves_only for piece in PROGRAM.pieces] == [False, True, True]
    assert PROGRAM.readers == {"a": (0, 1), "b": (0, 2)}
    assert PROGRAM.kept == {"a", "b"}


def test_the_bytes_say_all_of_it() -> None:
    data = to_bytes(PROGRAM)
    again = from_bytes(data)
    assert to_bytes(again) == data
    assert (again.sources, again.constants) == (PROGRAM.sources, PROGRAM.constants)
    assert (again.aliases, again.unused) == (PROGRAM.aliases, PROGRAM.unused)
    for place in range(3):
        np.testing.assert_array_equal(
            again.compute(place, VALUES.__getitem__), PROGRAM.compute(place, VALUES.__getitem__)
        )
    assert not again.first["a"].flags.writeable


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_bytes_are_told(data: st.DataObject) -> None:
    """A ValueError at the reading, or at the computing: nothing else."""
    raw = bytearray(to_bytes(PROGRAM))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))]) if data.draw(st.booleans()) else raw
    try:
        program = from_bytes(cut)
    except ValueError:
        return
    for place in range(len(program.constants)):
        with contextlib.suppress(ValueError):
            program.compute(place, lambda n: VALUES.get(n, VALUES["b"]))  # a name may be damaged


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": (Step("melt", ("a",), "s"),)}, "no operation 'melt'"),
        ({"steps": (Step("add", ("a", "q"), "s"),)}, "takes 'q', not made yet"),
        ({"steps": (*PROGRAM.steps, Step("neg", ("a",), "s"))}, "'s' is made twice"),
        ({"constants": (Constant("x", "y", FLOAT, (1,)),)}, "'x' is 'y', which nothing makes"),
        ({"constants": PROGRAM.constants * 2}, "constant 'sum' is there twice"),
        ({"values": {"a": np.float32(1)}}, "'a' is a source and a fixed value"),
        ({"aliases": {"a": "b"}}, "'a' cannot be another name of 'b'"),
        ({"aliases": {"z": "q"}}, "'z' cannot be another name of 'q'"),
    ],
)
def test_what_does_not_hold_together(change: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(PROGRAM, **change)


def test_values_that_do_not_fit_are_told_of_the_constant() -> None:
    with pytest.raises(ValueError, match=r"constant 'sum', add: .*broadcast"):
        PROGRAM.compute(0, {"a": np.ones((2, 4), "f4"), "b": VALUES["b"]}.__getitem__)
    with pytest.raises(ValueError, match=r"'turned' came out with shape \(4, 2\); .* \(3, 2\)"):
        PROGRAM.compute(1, {"a": np.ones((2, 4), "f4")}.__getitem__)


def test_narrow_floats_are_computed_in_float32_and_rounded_once() -> None:
    half = np.float16([60000, 1e-4])
    mean = ops.OPERATIONS["mean"](half, axes=[0], keepdims=False)
    assert mean.dtype == np.float16
    assert mean == np.float16(half.astype("f4").mean())
    total = ops.OPERATIONS["add"](
        np.asarray(ml_dtypes.bfloat16(1)), np.asarray(ml_dtypes.bfloat16(2))
    )
    assert total.dtype == ml_dtypes.bfloat16


def test_a_program_that_nothing_says_is_refused(tmp_path: Any) -> None:
    from acl_bundle import weight_program  # noqa: PLC0415

    with pytest.raises(ValueError, match=r"claims .* bytes; at most"):
        from_bytes(b"\xff" * 64)
    with pytest.raises(ValueError, match="not of the form"):
        from_bytes((2).to_bytes(8, "little") + b"{}")
    assert issubclass(WeightError, Exception)
    path = weight_program.save(PROGRAM, tmp_path / "program")
    assert to_bytes(weight_program.load(path)) == to_bytes(PROGRAM)
