"""What is not certain is listed and never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, weight_program, weights

from .graphs import reading

RNG = np.random.default_rng(0)
W = RNG.standard_normal((4, 6)).astype(np.float32)
V = RNG.standard_normal(8).astype(np.float32)


def test_two_sources_of_equal_values_are_listed() -> None:
    found = build.match(reading({"c": W.T.copy(), "d": V}), {"a": W, "b": W.copy(), "v": V})
    assert found.ambiguous == {"c": ("a.transpose(1, 0)", "b.transpose(1, 0)")}
    assert found.unused == ("a", "b")
    assert found.program.unused == ()  # an update without them would be of another model
    assert "ambiguous: c: a.transpose(1, 0) | b.transpose(1, 0)" in str(found)


@pytest.mark.parametrize("choice", ["b", "b.transpose(1, 0)"])
def test_what_is_listed_can_be_chosen(choice: str) -> None:
    model, given = reading({"c": W.T.copy()}), {"a": W, "b": W.copy()}
    found = build.match(model, given, choose={"c": choice})
    assert [one.sources for one in found.program.pieces] == [("b",)]
    assert not found.ambiguous


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        ({"c": "z"}, r"'z' for 'c'; one of 'a.transpose\(1, 0\)', 'b.transpose\(1, 0\)' is right"),
        ({"x": "a"}, r"names 'x', not ambiguous; ambiguous are 'c'"),
    ],
)
def test_a_choice_of_what_is_not_listed(choose: dict[str, str], message: str) -> None:
    with pytest.raises(ab.WeightError, match=message):
        build.match(reading({"c": W.T.copy()}), {"a": W, "b": W.copy()}, choose=choose)


NAMED: dict[str, tuple[dict[str, list[str]], str, str | None]] = {
    "by its own name": ({"a.weight": ["x"]}, "a.weight", "a.weight"),
    "by its name with TensorFlow's endings": ({"b/weight/read:0": ["x"]}, "b/weight/read:0",
                                              "b.weight"),
    "by what reads it": ({"c": ["/b/MatMul"]}, "c", "b.weight"),
    "by the innermost module": ({"c": ["/b/inner/MatMul"]}, "c", "b.inner.weight"),
    "by nothing": ({"c": ["/z/MatMul"]}, "c", None),
    "by two that differ": ({"c": ["/a/MatMul", "/b/MatMul"]}, "c", None),
    "by one of two": ({"c": ["/a/MatMul", "/z/MatMul"]}, "c", None),
    "by its name, though two read it that say nothing": ({"a.weight": ["x", "y"]}, "a.weight",
                                                         None),
    "by its name, though another module reads it": ({"a.weight": ["/a/Add", "/b/Add"]},
                                                    "a.weight", None),
}  # fmt: skip


@pytest.mark.parametrize("kind", NAMED)
def test_names_decide_where_they_say_it_plainly(kind: str) -> None:
    readers, constant, source = NAMED[kind]
    given = {name: W.copy() for name in ("a.weight", "b.weight", "b.inner.weight")}
    found = build.match(reading({constant: W}, readers), given)
    assert [one.sources for one in found.program.pieces] == ([(source,)] if source else [])
    assert (constant in found.ambiguous) == (source is None)


def test_kerass_second_calls() -> None:
    """A layer that is called again gets a number behind its name, as another layer has."""
    given = {f"m/{name}/kernel": W.copy() for name in ("dense", "dense_1", "dense_2")}
    readers = {"c": ["m_1/dense_2_1/MatMul"], "d": ["m_1/dense_1/MatMul"]}
    found = build.match(reading({"c": W, "d": W.copy()}, readers), given)
    assert [one.sources for one in found.program.pieces] == [("m/dense_2/kernel",)]
    assert found.ambiguous == {"d": ("m/dense/kernel", "m/dense_1/kernel", "m/dense_2/kernel")}


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_one_number_throughout_is_no_evidence(value: float) -> None:
    same = np.full(8, value, np.float32)
    found = build.match(reading({"c": same, "d": V}), {"bias": same.copy(), "v": V})
    assert found.ambiguous == {"c": ("bias",)}
    named = build.match(reading({"c": same}, {"c": ["/fc/Add"]}), {"fc.bias": same.copy()})
    assert not named.ambiguous
    assert build.match(reading({"c": same}), {"v": V}).unmatched[0].name == "c"


def test_numbers_throughout_that_an_exporter_left_out_are_not_passed_over() -> None:
    """A bias of zeros is not in the graph; after training it would be missed."""
    given = {"w": W, "bias": np.zeros(6, np.float32), "slot": V, "steps": np.int64(3)}
    found = build.match(reading({"c": W}), given)
    assert found.unused == ("bias", "slot", "steps")
    assert found.program.unused == ("slot", "steps")


def test_nearly_equal_is_not_equal() -> None:
    near = W.copy()
    near[2, 3] = np.nextafter(near[2, 3], np.float32(9))
    found = build.match(reading({"c": near.T.copy()}), {"w": W})
    assert [one.name for one in found.unmatched] == ["c"]
    assert found.unused == ("w",)
    assert not found.program.unused


def test_the_same_numbers_in_no_order_that_a_move_gives() -> None:
    mixed = RNG.permutation(W.reshape(-1)).reshape(W.shape)
    found = build.match(reading({"c": mixed}), {"w": W})
    assert [one.name for one in found.unmatched] == ["c"]


def test_nan_is_equal_to_itself() -> None:
    holed = W.copy()
    holed[1, 2] = np.nan
    holed[0, 0] = np.inf
    found = build.match(reading({"c": holed.T.copy()}), {"w": holed, "v": W})
    assert [one.sources for one in found.program.pieces] == [("w",)]


def test_a_symmetric_matrix_may_be_transposed_or_not() -> None:
    both = (W.T @ W + np.eye(6)).astype(np.float32)
    both = np.maximum(both, both.T)
    found = build.match(reading({"c": both}), {"w": both.copy()})
    assert found.ambiguous == {"c": ("w", "w.transpose(1, 0)")}


def test_parts_too_small_to_tell() -> None:
    """Three numbers, one of each source, are not what was joined."""
    given = {f"s{at}": RNG.standard_normal(40).astype(np.float32) for at in range(3)}
    few = np.array([given["s0"][7], given["s1"][9], given["s2"][3]])
    found = build.match(reading({"c": few}), given)
    assert [one.name for one in found.unmatched] == ["c"]


def test_a_part_that_lies_in_two_places() -> None:
    """In two sources, or twice in one, or the same when it is transposed."""
    wide = RNG.standard_normal((9, 9)).astype(np.float32)
    twice = np.concatenate([wide, wide[:, ::-1]], axis=1)
    twice[:4, 11:15] = wide[:4, 2:6]
    even = wide.copy()
    even[:4, :4] = wide[:4, :4] + wide[:4, :4].T
    given = {"a": wide, "b": wide.copy(), "twice": twice + 100, "even": even + 200}
    made = {
        "two sources": wide[1:5, 1:6].copy(),
        "two places": (twice + 100)[:4, 2:6].copy(),
        "transposed": (even + 200)[:4, :4].copy(),
    }
    found = build.match(reading(made), given)
    assert found.ambiguous == {
        "two sources": ("a[1:5, 1:6]", "b[1:5, 1:6]"),
        "two places": ("twice[0:4, 2:6]", "twice[0:4, 11:15]"),
        "transposed": ("even[0:4, 0:4]", "even[0:4, 0:4].transpose(1, 0)"),
    }
    assert not found.program.unused


def test_a_box_too_small_to_tell_or_not_quite_equal() -> None:
    wide = RNG.standard_normal((9, 9)).astype(np.float32)
    near = wide[1:5, 1:6].copy()
    near[3, 4] = np.nextafter(near[3, 4], np.float32(9))
    found = build.match(reading({"few": wide[1:3, 1:4].copy(), "near": near}), {"w": wide})
    assert {one.name for one in found.unmatched} == {"few", "near"}


def test_scales_that_hold_the_same() -> None:
    """Two equal vectors are listed; one number throughout is no evidence for a factor."""
    wide, scale = RNG.standard_normal((9, 9)), RNG.standard_normal(9)
    given = {"w": wide.astype(np.float32), "s": scale.astype(np.float32)}
    given |= {"t": given["s"].copy(), "half": np.full(9, 0.5, np.float32)}
    made = {"c": given["w"] * given["s"], "d": given["w"] * np.float32(0.5)}
    found = build.match(reading(made), given)
    assert {*found.ambiguous} == {"c"}
    assert len(found.ambiguous["c"]) == 2
    assert [one.name for one in found.unmatched] == ["d"]


def test_an_epsilon_that_makes_no_difference_is_asked_for() -> None:
    given = {"bn.weight": V, "bn.running_mean": V + 1, "bn.running_var": np.abs(V) * 1e6 + 1e6}
    made = (V / np.sqrt(given["bn.running_var"] + np.float32(1e-5))).astype(np.float32)
    found = build.match(reading({"c": made}), given)
    assert len(found.ambiguous["c"]) > 1
    assert all("bn.running_var" in one for one in found.ambiguous["c"])
    told = build.match(reading({"c": made}), given, epsilons=[1e-5])
    assert not told.ambiguous


def test_shared_memory_is_one_weight() -> None:
    found = build.match(reading({"c": W.T.copy()}), {"a": W, "b": W[:], "v": V})
    assert found.program.aliases == {"b": "a"}
    assert found.unused == ("v",)


def test_a_sources_own_aliases_count(tmp_path: Path) -> None:
    class Told(dict[str, Any]):
        aliases: ClassVar = {"b": "a"}

    found = build.match(reading({"c": W}), Told(a=W, b=W.copy()))
    assert found.program.aliases == {"b": "a"}
    path = weights.save({"a": W}, tmp_path / "w.npz")
    with weights.open(path or tmp_path / "w.npz") as opened:
        assert build.match(reading({"c": W}), opened).program.sources[0].name == "a"


def test_empty_things() -> None:
    nothing = build.match(reading({"c": W}), {})
    assert [one.name for one in nothing.unmatched] == ["c"]
    assert not nothing.program.sources
    empty = np.empty((0, 3), np.float32)
    found = build.match(reading({"c": W}), {"w": W, "e": empty})
    assert found.unused == ("e",)
    assert str(build.match(reading({}), {})) == ""


def test_what_is_no_weights() -> None:
    wrong: Any = [("w", W)]
    with pytest.raises(TypeError, match="weights is a list; a mapping of names to arrays"):
        build.match(reading({"c": W}), wrong)
    wrong = {3: W}
    with pytest.raises(TypeError, match="has the key 3"):
        build.match(reading({"c": W}), wrong)
    with pytest.raises(TypeError, match="weight 'w' is a list"):
        build.match(reading({"c": W}), {"w": [1.0]})


def test_the_program_goes_through_a_file(tmp_path: Path) -> None:
    found = build.match(reading({"c": W.T.copy()}), {"w": W})
    loaded = weight_program.load(found.save(tmp_path / "program"))
    assert weight_program.to_bytes(loaded) == weight_program.to_bytes(found.program)
    assert repr(found) == "<build.Match: 1 constants found, 0 ambiguous, 0 unmatched>"
