"""Half precision: every count agrees with numpy, value by value."""

from __future__ import annotations

import warnings
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import acl_bundle as ab
from acl_bundle import weights
from acl_bundle.errors import WeightError
from acl_bundle.weights._base import pieces

from ..samples import BF16, Array, same

TARGETS = {"float16": np.dtype("f2"), "bfloat16": BF16}
EDGES = np.array(
    [
        0.0, -0.0, 1.0, 65504, 65519.996, 65520, -65520, 1e5, -1e38, 3.4e38, 3.39e38, 6e-8, 2.9e-8,
        -2.98e-8, 6.1e-5, 6.09e-5, 1e-40, 1e-45, 9.2e-41, np.inf, -np.inf, np.nan, -np.nan, 2049,
        0.1, 1 / 3,
    ],
    np.float32,
)  # fmt: skip


def plain_cast(values: Array, target: np.dtype[Any]) -> Array:
    with np.errstate(all="ignore"):
        return values.astype(target)


def by_hand(values: Array, target: np.dtype[Any]) -> tuple[int, int, int, int, float]:
    """Overflow, underflow, subnormal, NaN and largest error, one value at a time."""
    over = under = small = nan = 0
    worst = 0.0
    tiny = float(ml_dtypes.finfo(target).smallest_normal)
    for value, cast in zip(
        values.ravel().tolist(), plain_cast(values, target).ravel(), strict=True
    ):
        result = float(cast)
        if np.isnan(value):
            nan += 1
            continue
        over += bool(np.isfinite(value) and np.isinf(result))
        under += bool(value != 0 and result == 0)
        small += 0 < abs(result) < tiny
        if np.isfinite(result) and np.isfinite(value):
            worst = max(worst, abs(value - result))
    return over, under, small, nan, worst


def counted(values: Array, name: str) -> tuple[int, int, int, int, float]:
    (row,) = weights.cast({"w": values}, name, on_overflow="inf").report()
    return row.overflow, row.underflow, row.subnormal, row.nan, row.max_error


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("source", ["f4", "f8", BF16, "f2"], ids=str)
def test_edges_are_counted_as_numpy_casts_them(name: str, source: Any) -> None:
    values = plain_cast(EDGES, np.dtype(source))
    if values.dtype == TARGETS[name]:
        assert len(weights.cast({"w": values}, name).report()) == 0
        return
    assert counted(values, name) == by_hand(values, TARGETS[name])
    cast = weights.cast({"w": values}, name, on_overflow="inf")["w"]
    assert cast.tobytes() == plain_cast(values, TARGETS[name]).tobytes()


@settings(max_examples=150)
@given(
    values=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(max_dims=3, max_side=9),
        elements=st.one_of(
            st.floats(width=32),
            st.sampled_from(EDGES.tolist()),
            st.floats(-(2.0**-23), 2.0**-23, width=32),
        ),
    ),
    name=st.sampled_from(list(TARGETS)),
    turn=st.booleans(),
    piece=st.sampled_from([1, 7, 1 << 13]),
)
def test_random_values_are_counted_as_numpy_casts_them(
    values: Array, name: str, turn: bool, piece: int
) -> None:
    array = values.T if turn else values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", piece)
        assert counted(array, name) == by_hand(array, TARGETS[name])
        found = weights.cast({"w": array}, name, on_overflow="inf")["w"]
        assert found.tobytes() == plain_cast(array, TARGETS[name]).tobytes()


def test_an_overflow_is_named_with_value_and_place() -> None:
    bias = np.zeros((3, 4), np.float32)
    bias[1, 2], bias[2, 0] = 70000, -80000
    view = weights.cast({"fine": np.ones(3, "f4"), "bert.bias": bias}, "float16")
    assert view["fine"].dtype == np.float16
    with pytest.raises(
        WeightError, match=r"'bert\.bias': 70000 at \[1, 2\] overflows float16"
    ) as it:
        view["bert.bias"]
    assert "65504" in str(it.value)
    assert "keep_float32=['bert.bias']" in str(it.value)
    text = str(view.report())
    assert text.startswith("1 of 2 weights overflow float16: 'bert.bias'\n")
    nan = weights.cast({"n": np.array([np.nan])}, "float16").report()
    assert nan.title == "0 of 1 weights overflow float16; 1 hold NaN: 'n'"


def test_the_report_begins_with_the_worst() -> None:
    fine, vanishing = np.ones(2, "f4"), np.full(2, 1e-20, "f4")
    over, worse, nan = np.array([1, 1e6]), np.array([1e6, 1e6]), np.array([1, np.nan])
    base = {"a": fine, "b": vanishing, "c": over, "d": nan, "e": worse, "f": fine}
    report = weights.cast(base, "float16").report()
    assert [row.name for row in report] == ["e", "c", "d", "b", "a", "f"]
    assert str(report).splitlines()[0] == (
        "2 of 6 weights overflow float16: 'e', 'c'; 1 hold NaN: 'd'; 2 values become zero, of 'b'"
    )


def test_every_number_halfway_between_two_halves_is_rounded_as_numpy_does() -> None:
    halves = np.unique(np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype("f8"))
    halves = halves[np.isfinite(halves)]
    ties = (halves[1:] + halves[:-1]) / 2
    values = np.concatenate([ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf)])
    for name, target in TARGETS.items():
        for source in ("f4", "f8"):
            array = values.astype(source)
            view = weights.cast({"w": array}, name)
            assert view["w"].tobytes() == plain_cast(array, target).tobytes()
            worst = np.abs(array.astype("f8") - array.astype(target).astype("f8")).max()
            assert view.report().rows[0].max_error == worst


def test_saturating_gives_the_largest_finite_number_and_leaves_infinity() -> None:
    values = np.array([1e6, -1e6, np.inf, -np.inf, np.nan, 2], np.float32)
    found = weights.cast({"w": values}, "float16", on_overflow="saturate")
    assert found["w"].tolist()[:4] == [65504, -65504, np.inf, -np.inf]
    assert np.isnan(found["w"][4])
    (row,) = found.report()
    assert (row.overflow, row.nan, row.max_error) == (2, 1, 1e6 - 65504)


def test_kept_weights_stay_float32_and_integers_what_they_are() -> None:
    base = {
        "norm.w": np.full(3, 1e9, "f4"),
        "norm.d": np.full(3, 0.1, "f8"),
        "half": np.ones(2, "f2"),
        "ids": np.arange(3),
        "flag": np.array([True]),
    }
    view = weights.cast(base, "float16", keep_float32=["norm.*"])
    same(view, {**base, "norm.d": base["norm.d"].astype("f4")})
    assert {name: view.spec(name).dtype.name for name in view} == {
        name: view[name].dtype.name for name in view
    }
    assert [row.name for row in view.report()] == ["norm.d"]


def test_casting_to_bfloat16_from_float16_and_back() -> None:
    halves = np.array([1, 65504, 6e-8], np.float16)
    there = weights.cast({"w": halves}, "bfloat16")
    assert there["w"].tolist() == halves.astype(BF16).tolist()
    same(weights.cast(there, ml_dtypes.bfloat16), there)
    with pytest.raises(WeightError, match=r"65536 .* overflows float16"):
        weights.cast(there, np.float16)["w"]


def test_the_array_below_is_offered_only_where_it_gives_the_same() -> None:
    base = {"w": np.ones(3, "f4"), "d": np.ones(3), "k": np.ones(3, "f4"), "i": np.arange(3)}
    half = np.dtype("f2")

    def offered(name: str, dtype: Any = half, **options: Any) -> object:
        view = weights.cast(base, "float16", keep_float32=["k"], **options)
        named = weights.select(weights.rename(view, add_prefix="x."), ["x.*"])
        named = weights.reshape(weights.transpose(named, ["*"]), {"*": (-1,)})
        assert repr(named.unconverted(f"x.{name}", dtype)) == repr(view.unconverted(name, dtype))
        return view.unconverted(name, dtype)

    found = weights.cast(base, "float16").unconverted("w", half)
    assert found is not None
    assert found[0] is base["w"]
    assert found[1] == "error"
    for word in ("inf", "saturate"):
        assert offered("w", on_overflow=word)[1] == word  # type: ignore[index]
    assert offered("w", BF16) is None
    assert [offered(name) for name in "dki"] == [None] * 3
    assert weights.rename(base, add_prefix="x.").unconverted("x.w", half) is None
    with pytest.raises(KeyError):
        weights.cast(base, "float16").unconverted("none", half)


def test_a_cast_warns_of_nothing_and_leaves_its_input() -> None:
    values = EDGES.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights.cast({"w": values}, "bfloat16", on_overflow="saturate")["w"]
        weights.cast({"w": values}, "float16", on_overflow="inf").report()
    assert values.tobytes() == EDGES.tobytes()


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="dtype is 'float8'"):
        weights.cast({}, "float8")
    with pytest.raises(ValueError, match="on_overflow is 'wrap'"):
        weights.cast({}, "float16", on_overflow="wrap")  # type: ignore[arg-type]
    with pytest.raises(WeightError, match="keep_float32: 'x' matches no weight"):
        weights.cast({"w": np.ones(1)}, "float16", keep_float32=["x"])
    with pytest.raises(TypeError, match="a list of names"):
        weights.cast({"w": np.ones(1)}, "float16", keep_float32="w")


def test_empty_and_scalar_weights_cast() -> None:
    base = {"e": np.zeros((0, 3), "f4"), "s": np.array(2.5)}
    view = weights.cast(base, "float16")
    same(view, {"e": np.zeros((0, 3), "f2"), "s": np.array(2.5, "f2")})
    assert len(view.report()) == 2


TINY = {"eps": np.array([1e-12, 0, 1], "f4"), "w": np.array([[1, -2e-8], [3e-8, 1e-30]], "f4")}


def test_what_becomes_zero_is_counted_in_the_title() -> None:
    title = weights.cast(TINY, "float16").report().title
    assert title == "0 of 2 weights overflow float16; 3 values become zero, of 'w', 'eps'"
    assert "zero" not in weights.cast(TINY, "bfloat16").report().title


def test_what_becomes_zero_is_an_error_where_that_is_asked() -> None:
    view = weights.cast(TINY, "float16", on_underflow="error", keep_float32=["eps"])
    assert view["eps"].dtype == np.float32
    with pytest.raises(WeightError, match=r"'w': -2e-08 at \[0, 1\] becomes zero"):
        view["w"]
    good = weights.cast({"w": np.array([0.0, -0.0, 6e-8], "f4")}, "float16", on_underflow="error")
    assert np.count_nonzero(good["w"]) == 1


def test_what_becomes_zero_is_warned_of_once_for_each_weight() -> None:
    view = weights.cast(TINY, "float16", on_underflow="warn")
    with pytest.warns(RuntimeWarning, match="'w': 2 of 4 values become zero in float16") as caught:
        assert view["w"].tolist() == TINY["w"].astype("f2").tolist()
    assert len(caught) == 1


def test_a_word_that_on_underflow_does_not_know() -> None:
    with pytest.raises(ValueError, match="on_underflow is 'zero'; one of 'error'"):
        weights.cast(TINY, "float16", on_underflow="zero")  # type: ignore[arg-type]


def test_an_update_meets_the_error_before_anything_changes(fake_acl: Any, make_bundle: Any) -> None:
    nodes = [onnx.helper.make_node("Add", ["x", "w"], ["y"])]
    graph = onnx.helper.make_graph(
        nodes, "half",
        [onnx.helper.make_tensor_value_info("x", 10, [2, 2])],
        [onnx.helper.make_tensor_value_info("y", 10, [2, 2])],
        [onnx.numpy_helper.from_array(np.ones((2, 2), "f2"), "w")],
    )  # fmt: skip
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    with ab.Bundle.load(make_bundle(model, ["w"])) as bundle:
        bundle.init()
        with pytest.raises(WeightError, match="becomes zero"):
            bundle.update(weights.cast({"w": TINY["w"]}, "float16", on_underflow="error"))
        assert bundle.version == 0
        bundle.update(weights.cast({"w": TINY["w"]}, "float16"))
        assert bundle.infer(np.zeros((2, 2), "f2"))[0].tolist() == [1, 0]
