"""Other names, fewer weights, other axes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightError

from ..samples import same

BASE = {
    "model.fc.weight": np.arange(6, dtype="f4").reshape(2, 3),
    "model.fc.bias": np.zeros(2, "f4"),
    "head[0].w": np.ones((1, 2, 3, 4), "f2"),
}


def test_names_change_by_prefix_regex_mapping_in_that_order() -> None:
    view = weights.rename(
        BASE,
        {"dense.kernel": "k"},
        regex=[(r"^fc\b", "dense"), (r"weight$", "kernel")],
        strip_prefix="model.",
        add_prefix="x/",
    )
    assert list(view) == ["x/k", "x/dense.bias", "x/head[0].w"]
    assert view["x/k"] is BASE["model.fc.weight"]
    assert str(view.report()) == (
        "3 of 3 weights have another name\n"
        "old              new\n"
        "model.fc.weight  x/k\n"
        "model.fc.bias    x/dense.bias\n"
        "head[0].w        x/head[0].w"
    )


def test_a_function_and_a_mapping_with_odd_names_rename_too() -> None:
    assert next(iter(weights.rename(BASE, str.upper))) == "MODEL.FC.WEIGHT"
    assert list(weights.rename(BASE, {"head[0].w": "h*"}))[2] == "h*"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": {"fc.weight": "a"}}, "'fc.weight' matches no weight"),
        ({"names": lambda name: "same"}, "'model.fc.weight' and 'model.fc.bias' would both"),
        ({"names": {"model.fc.bias": ""}}, "would be called ''"),
        ({"strip_prefix": "modle."}, "no weight starts with 'modle.'"),
    ],
)
def test_slips_are_refused(options: Any, message: str) -> None:
    with pytest.raises(WeightError, match=message):
        weights.rename(BASE, **options)


def test_a_bad_regex_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no regular expression"):
        weights.rename(BASE, regex=[("(", "")])


def test_select_keeps_and_drops_by_pattern() -> None:
    view = weights.select(BASE, ["model.*"], drop=["*.bias"])
    assert list(view) == ["model.fc.weight"]
    assert list(weights.select(BASE, ["head[0].w"])) == ["head[0].w"]
    assert list(weights.select(BASE)) == list(BASE)
    assert "1 of 3 weights are kept" in str(view.report())
    assert [row.kept for row in view.report()] == [True, False, False]
    with pytest.raises(WeightError, match=r"keep: 'modle\.\*' matches no weight"):
        weights.select(BASE, ["modle.*"])
    with pytest.raises(TypeError, match="a list of names"):
        weights.select(BASE, "model.*")
    with pytest.raises(KeyError, match=r"no weight 'model\.fc\.bias'"):
        view["model.fc.bias"]


@pytest.mark.timed
def test_five_thousand_names_are_matched_at_once() -> None:
    base = {f"layer.{i}.weight": BASE["model.fc.bias"] for i in range(5000)}
    begin = time.perf_counter()
    view = weights.rename(base, {name: f"new.{name}" for name in base})
    weights.select(view, list(view), drop=["new.layer.1?.weight"])
    assert time.perf_counter() - begin < 5  # every name against every other takes far longer
    assert list(weights.select({})) == []


def test_views_read_nothing_before_a_value_is_asked_for() -> None:
    class Counting(dict):  # type: ignore[type-arg]
        reads = 0

        def __getitem__(self, name: str) -> Any:
            self.reads += 1
            return super().__getitem__(name)

        def spec(self, name: str) -> Any:
            value = super().__getitem__(name)
            return weights.Spec(value.shape, value.dtype)

    base = Counting(BASE)
    view = weights.cast(
        weights.transpose(
            weights.select(weights.rename(base, strip_prefix="model."), ["fc.*"]), ["fc.weight"]
        ),
        "float16",
    )
    assert str(view.spec("fc.weight")) == "float16[3, 2]"
    assert base.reads == 0
    assert view["fc.weight"].shape == (3, 2)
    assert base.reads == 1


def test_transpose_and_reshape_change_what_they_name() -> None:
    view = weights.transpose(BASE, {"*weight": None, "head[0].w": (3, 2, 0, 1)})
    same(
        view,
        {
            **BASE,
            "model.fc.weight": BASE["model.fc.weight"].T,
            "head[0].w": BASE["head[0].w"].transpose(3, 2, 0, 1),
        },
    )
    assert str(view.spec("head[0].w")) == "float16[4, 3, 1, 2]"
    assert [row.after for row in view.report()] == [(3, 2), (4, 3, 1, 2)]
    turned = weights.reshape(view, {"model.fc.*": (-1,), "head[0].w": (2, -1, 3)})
    assert turned["model.fc.weight"].tolist() == [0, 3, 1, 4, 2, 5]
    assert {str(turned.spec(name)) for name in turned} == {
        "float32[6]",
        "float32[2]",
        "float16[2, 4, 3]",
    }
    assert all(turned[name].shape == turned.spec(name).shape for name in turned)


@pytest.mark.parametrize("shape", [(7,), (-1, -1), (-1, 4), (2, -3), (0, -1), ()])
def test_a_shape_that_does_not_hold_the_elements_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(WeightError, match="6 elements"):
        weights.reshape(BASE, {"model.fc.weight": shape})


@pytest.mark.parametrize("axes", [(0,), (0, 0), (0, 2), (-1, 0)])
def test_axes_that_do_not_fit_are_refused(axes: tuple[int, ...]) -> None:
    with pytest.raises(WeightError, match="axes"):
        weights.transpose(BASE, {"model.fc.weight": axes})


def test_two_patterns_that_disagree_are_refused() -> None:
    with pytest.raises(WeightError, match="says"):
        weights.reshape(BASE, {"model.*": (-1,), "*.bias": (2, 1)})


def test_what_is_no_mapping_is_refused() -> None:
    for odd in ([np.ones(3)], None, "w.npz"):
        with pytest.raises(TypeError, match="mapping of name to array"):
            weights.cast(odd, "float16", keep_float32=["w"])  # type: ignore[arg-type]
    with pytest.raises(WeightError, match="cannot be called 1"):
        weights.cast({1: np.ones(3)}, "float16")  # type: ignore[dict-item]


@pytest.mark.parametrize("shapes", [["model.fc.weight"], {"model.fc.weight": 6}, {"*": (2.0, 3)}])
def test_what_is_no_shape_is_refused(shapes: Any) -> None:
    with pytest.raises(TypeError, match=r"shapes|a list of whole numbers is right"):
        weights.reshape(BASE, shapes)
    if isinstance(shapes, dict):
        with pytest.raises(TypeError, match="a list of whole numbers is right"):
            weights.transpose(BASE, shapes)


def test_a_view_is_shown_without_its_values() -> None:
    view = weights.select(weights.rename({"w": np.ones(3)}, {"w": "v"}))
    assert repr(view) == "<Selected of 1 weights, over <Renamed of 1 weights, over dict>>"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([("w", r"\2")], r"is no replacement: invalid group reference"),
        (("w", "v"), "regex holds 'w'; pairs"),
        ([("w", "v", "u")], "pairs of pattern and replacement are right"),
    ],
)
def test_rules_that_are_none_are_refused(rules: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weights.rename(BASE, regex=rules)


def test_a_name_that_is_no_text_is_refused_and_names_may_change_places() -> None:
    with pytest.raises(WeightError, match="would be called 5; a name is right"):
        weights.rename(BASE, {"model.fc.bias": 5}, add_prefix="x.")  # type: ignore[dict-item]
    first, second = np.zeros(1), np.ones(1)
    found = weights.rename({"a": first, "b": second}, {"a": "b", "b": "a"})
    assert (found["a"] is second, found["b"] is first) == (True, True)


def test_no_axes_are_not_all_of_them_reversed() -> None:
    with pytest.raises(WeightError, match=r"axes \[\] do not name each of \[0, 1\] once"):
        weights.transpose(BASE, {"model.fc.weight": ()})


def test_what_is_no_array_is_refused_by_name() -> None:
    for change in (
        lambda odd: weights.rename(odd, str.upper)["W"],
        lambda odd: weights.cast(odd, "float16").report(),
        lambda odd: weights.diff(odd, odd),
        weights.to_bytes,
    ):
        with pytest.raises(TypeError, match="weight 'w' is a list; a numpy array is right"):
            change({"w": [1.0, 2.0]})
    same(weights.rename({"s": np.float32(2)}, str.upper), {"S": np.array(2, "f4")})


def test_byte_swapped_arrays_are_native_in_a_view_and_in_a_file() -> None:
    array = np.arange(6, dtype=">f4")
    same(weights.select({"w": array}), {"w": array.astype("f4")})
    same(weights.Safetensors(weights.to_bytes({"w": array})), {"w": array.astype("f4")})
