"""``finite=True`` refuses NaN and infinity before anything changes; else they are counted."""

from __future__ import annotations

import warnings
from typing import Any

import ml_dtypes
import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, weights
from acl_bundle.errors import WeightError

from ..lazy import Made

pytestmark = [
    pytest.mark.usefixtures("fake_acl"),
    pytest.mark.filterwarnings("ignore:invalid value"),
]
MiB = 1 << 20
LARGE = (3, 128 * 1024)  # more than C gathers with others
KINDS = {
    "float": np.dtype("f4"),
    "float16": np.dtype("f2"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "double": np.dtype("f8"),
}


def loaded(kind: str = "float", shape: tuple[int, ...] = (3, 4)) -> ab.Bundle:
    """A bundle with three weights of one shape and dtype, each a constant: a, b, c."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => (float[1] y) {'
        " p = Cast <to = 1> (a) q = Cast <to = 1> (b) r = Cast <to = 1> (c)"
        " s = Add(p, q) t = Add(s, r) u = ReduceSum <keepdims = 0> (t) y = Add(x, u) }"
    )
    for name in "abc":
        value = np.zeros(shape, KINDS[kind])
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    bundle = ab.Bundle.load(build.from_onnx(model, ["a", "b", "c"], fold=False).to_bytes())
    bundle.init()
    return bundle


def value(kind: str, shape: tuple[int, ...], *bad: int) -> Any:
    """Ones, but for what is not finite in some places."""
    array = np.ones(shape, KINDS[kind])
    array.reshape(-1)[list(bad)] = np.nan
    if len(bad) > 1:
        array.reshape(-1)[bad[1]] = -np.inf
    return array


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(3, 4), LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["dict", "lazy", "strided"])
def test_the_report_counts_what_is_not_finite_by_name(
    form: str, kind: str, shape: tuple[int, ...], threads: int
) -> None:
    size = int(np.prod(shape))
    given: Any = {"a": value(kind, shape, 5, size - 1), "b": value(kind, shape)}
    given["c"] = value(kind, shape, 0)
    if form == "strided":
        given = {name: np.asfortranarray(one) for name, one in given.items()}
    with loaded(kind, shape) as bundle:
        report = bundle.update(Made(given) if form == "lazy" else given, threads=threads)
        assert report.nonfinite == {"a": 2, "c": 1}
        assert bundle.update({"b": given["b"]}).nonfinite == {}


@pytest.mark.parametrize("shape", [(3, 4), LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["dict", "lazy", "strided"])
def test_finite_refuses_it_and_nothing_has_changed(
    form: str, kind: str, shape: tuple[int, ...]
) -> None:
    last = value(kind, shape, 7, 9)
    given: Any = {"a": value(kind, shape), "b": value(kind, shape), "c": last}
    if form == "strided":
        given = {name: np.asfortranarray(one) for name, one in given.items()}
    place = [0, 7] if shape == LARGE else [1, 3]
    with loaded(kind, shape) as bundle:
        x = np.zeros(1, "f4")
        before, version = bundle.infer(x), bundle.infer.run({"x": x}).version
        for ask in (bundle.update, bundle.update.plan):
            with pytest.raises(WeightError) as caught:
                ask(Made(given) if form == "lazy" else given, finite=True)
            assert f"weight 'c' has 2, the first at {place}: nan" in str(caught.value)
            assert "'a'" not in str(caught.value)
        now = bundle.infer.run({"x": x})
        assert now["y"] == before
        assert now.version == version
        given["c"] = value(kind, shape)
        assert bundle.update(given, finite=True).nonfinite == {}
        assert bundle.infer(x) == 3 * np.prod(shape)


@pytest.mark.parametrize("form", ["dict", "lazy"])
def test_the_last_weight_of_an_update_in_parts_is_refused_before_the_first_is_written(
    form: str,
) -> None:
    with loaded("float", LARGE) as bundle:
        x = np.zeros(1, "f4")
        given: Any = {name: value("float", LARGE) for name in "abc"}
        given["c"] = value("float", LARGE, 11)
        shown = Made(given) if form == "lazy" else given
        fake.fail("aclrtMalloc", nth=1, code=207001)  # no room for all three at once
        with pytest.raises(WeightError, match="weight 'c' has 1"):
            bundle.update(shown, finite=True)
        assert bundle.infer(x) == 0
        assert bundle.update(shown).nonfinite == {"c": 1}


@pytest.mark.parametrize("shape", [(3, 4), LARGE], ids=["small", "large"])
@pytest.mark.parametrize("form", ["dict", "lazy", "strided"])
def test_what_a_conversion_makes_infinite_is_counted_and_told_as_such(
    form: str, shape: tuple[int, ...]
) -> None:
    wide = np.ones(shape, "f4")
    wide[0, 1], wide[2, 2] = np.inf, 1e6
    for wider in (wide, wide.astype("f8")):
        source = np.asfortranarray(wider) if form == "strided" else wider
        given: Any = Made({"a": source}) if form == "lazy" else {"a": source}
        dtype = str(source.dtype)
        with loaded("float16", shape) as bundle:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                report = bundle.update(given, cast="same_kind")
            assert report.nonfinite == {"a": 2}
            assert report.casts["a"].overflow == 1
            by = f"by the cast from {dtype} to float16"
            with pytest.raises(WeightError) as caught:
                bundle.update(given, cast="same_kind", finite=True)
            assert f"'a' has 2 (1 of them {by}), the first at [0, 1]: inf" in str(caught.value)
            source[0, 1] = 1
            with pytest.raises(WeightError) as caught:
                bundle.update.plan(given, cast="same_kind", finite=True)
            assert f"'a' has 1 ({by}), the first at [2, 2]: 1000000.0" in str(caught.value)
            source[0, 1] = np.inf


def test_a_cast_that_saturates_is_finite() -> None:
    wide = np.ones((3, 4), "f4")
    wide[2, 2] = 1e6
    view = weights.cast({"a": wide}, "float16", on_overflow="saturate")
    with loaded("float16") as bundle:
        assert bundle.update(view, finite=True).nonfinite == {}
        wide[1, 1] = np.nan
        with pytest.raises(WeightError, match=r"weight 'a' has 1, the first at \[1, 1\]: nan"):
            bundle.update(view, finite=True)


def test_a_pair_refuses_it_on_both_sides() -> None:
    with loaded() as one:
        assert one.update({"a": value("float", (3, 4))}, finite=True)
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y)'
        " <float[2] w = {1,1}> { y = Add(x, w) }"
    )
    with ab.Pair.load(build.from_onnx(model, ["w"]).to_bytes()) as pair:
        pair.init()
        x = np.zeros(2, "f4")
        with pytest.raises(WeightError, match="weight 'w' has 1"):
            pair.update({"w": np.array([1, np.nan], "f4")}, finite=True)
        assert pair.infer(x).tolist() == [1, 1]


def test_flags_are_also_numpys() -> None:
    bad, good = value("float", (3, 4), 1), value("float", (3, 4))
    with loaded() as bundle:
        with pytest.raises(WeightError, match="finite=True"):
            bundle.update({"a": bad}, finite=np.True_)
        with pytest.raises(WeightError, match="finite=True"):
            bundle.update.plan({"a": bad}, finite=np.True_)
        bundle.update({"a": good}, finite=np.False_, skip_unchanged=np.True_, digest=np.True_)
        assert bundle.update({"a": good}, skip_unchanged=np.True_).unchanged == ("a",)
        assert bundle.update({"a": bad}, skip_unchanged=np.False_).changed == ("a",)
        report = bundle.update({"a": good}, threads=np.int8(2), version=np.int64(7))
        assert type(report.version) is int
        assert report.version == bundle.version == 7
        assert bundle.update({"a": good}).version == 8
        assert bundle.update({"a": good}, version=np.str_("x")).version == "x"
        for name, odd in (("threads", np.True_), ("threads", 1.0), ("version", np.True_)):
            options: Any = {name: odd}
            with pytest.raises(TypeError, match=name):
                bundle.update({"a": good}, **options)


@pytest.mark.parametrize("finite", [1, None, "yes"])
def test_finite_is_a_bool(finite: Any) -> None:
    with loaded() as bundle, pytest.raises(ValueError, match="finite is False or True"):
        bundle.update({}, finite=finite)


FOLDED = """
<ir_version: 8, opset_import: ["": 17]>
g (float[1, 2] x) => (float[1, 2] y)
<float[2, 2] w = {1, 2, 3, 4}, float[2] scale = {1, 1}, float[2] shift = {0, 0},
 float[2] mean = {0, 0}, float[2] var = {1, 1}>
{
  h = Gemm(x, w)
  y = BatchNormalization(h, scale, shift, mean, var)
}
"""


def test_what_a_weight_program_makes_infinite_is_counted_by_the_constant() -> None:
    negative = {"var": np.array([1, -1], np.float32)}
    made = build.from_onnx(onnx.parser.parse_model(FOLDED), "all")
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        assert bundle.update({"var": np.array([1, 4], np.float32)}).nonfinite == {}
        with pytest.raises(WeightError, match="'w_folded', made of 'w', 'scale', 'var', has 2"):
            bundle.update(negative, finite=True)
        assert bundle.update(negative).nonfinite == {"w_folded": 2, "shift_folded": 1}
        given = {"var": np.array([1, np.nan], np.float32)}
        assert bundle.update(given).nonfinite == {"var": 1}
