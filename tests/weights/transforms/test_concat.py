"""Weights joined to one and cut into several; one undoes the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import acl_bundle as ab
from acl_bundle import weights
from acl_bundle.errors import WeightError

from ..samples import Array, same

RNG = np.random.default_rng(8)


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


QKV = {"*.qkv.weight": ["*.q.weight", "*.k.weight", "*.v.weight"]}
LAYERS = {
    "emb": normal(5, 4),
    **{
        f"{layer}.{one}.weight": normal(size, 4)
        for layer in "01"
        for one, size in zip("qkv", (4, 2, 2), strict=True)
    },
    "0.q.bias": normal(4),
}


def test_parts_of_every_layer_are_joined_and_cut_again() -> None:
    joined = weights.concat(LAYERS, QKV)
    assert list(joined) == ["emb", "0.qkv.weight", "1.qkv.weight", "0.q.bias"]
    wanted = np.concatenate([LAYERS[f"1.{one}.weight"] for one in "qkv"])
    assert joined["1.qkv.weight"].tobytes() == wanted.tobytes()
    assert joined.spec("1.qkv.weight") == weights.Spec((8, 4), np.dtype("f4"))
    assert joined["emb"] is LAYERS["emb"]
    assert str(joined.report()) == (
        "6 of 8 weights are joined to 2\n"
        "name          parts                                 shape\n"
        "0.qkv.weight  [0.q.weight, 0.k.weight, 0.v.weight]  [8, 4]\n"
        "1.qkv.weight  [1.q.weight, 1.k.weight, 1.v.weight]  [8, 4]"
    )
    cut = weights.split(joined, QKV, [4, 2, 2])
    assert list(cut) == list(LAYERS)
    same(cut, LAYERS)
    assert cut.report().title == "2 of 4 weights are cut into 6"
    assert cut.report().rows[1] == ("0.k.weight", "0.qkv.weight", 4, (2, 4))


def test_equal_parts_need_no_sizes_and_the_axis_may_count_from_the_end() -> None:
    gates = {"w": normal(3, 8), "b": normal(8)}
    cut = weights.split(
        gates, {"w": ["wi", "wf", "wo", "wg"], "b": ["bi", "bf", "bo", "bg"]}, axis=-1
    )
    assert [cut[f"w{one}"].tolist() for one in "ifog"] == [
        part.tolist() for part in np.split(gates["w"], 4, axis=1)
    ]
    assert cut["bf"].base is not None  # a view of what is below
    same(
        weights.concat(
            cut, {"w": ["wi", "wf", "wo", "wg"], "b": ["bi", "bf", "bo", "bg"]}, axis=-1
        ),
        gates,
    )


@st.composite
def fusions(draw: Any) -> tuple[dict[str, Array], dict[str, list[str]], list[int], int]:
    rank = draw(st.integers(1, 3))
    axis = draw(st.integers(-rank, rank - 1))
    sizes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    others = draw(st.lists(st.integers(0, 3), min_size=rank, max_size=rank))
    layers = draw(st.lists(st.text("ab.", max_size=3), min_size=1, max_size=3, unique=True))
    dtype = draw(st.sampled_from(["f4", "f2", "i8"]))
    names = [f"p{at}" for at in range(len(sizes))]
    found: dict[str, Array] = {}
    for layer in layers:
        for name, size in zip(names, sizes, strict=True):
            shape = list(others)
            shape[axis] = size
            count = int(np.prod(shape))
            found[f"{layer}/{name}"] = np.arange(count).reshape(shape).astype(dtype)
    return found, {"*/all": [f"*/{name}" for name in names]}, sizes, axis


@settings(max_examples=100, deadline=None)
@given(fusions())
def test_split_undoes_concat_and_concat_split(made: Any) -> None:
    base, names, sizes, axis = made
    joined = weights.concat(base, names, axis=axis)
    cut = weights.split(joined, names, sizes, axis=axis)
    assert list(cut) == list(base)
    same(cut, base)
    same(weights.concat(cut, names, axis=axis), dict(joined))
    for name in joined:
        assert joined.spec(name) == weights.Spec(joined[name].shape, joined[name].dtype)
    for name in cut:
        assert cut.spec(name) == weights.Spec(cut[name].shape, cut[name].dtype)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    class Counting(dict[str, Array]):
        read: list[str] = []  # noqa: RUF012

        def spec(self, name: str) -> weights.Spec:
            return weights.Spec((2,), np.dtype("f4"))

        def __getitem__(self, name: str) -> Array:
            self.read.append(name)
            return super().__getitem__(name)

    base = Counting(a=np.ones(2, "f4"), b=np.zeros(2, "f4"), c=np.ones(2, "f4"))
    view = weights.split(weights.concat(base, {"ab": ["a", "b"]}), {"c": ["c1", "c2"]})
    assert view.spec("ab").shape == (4,)
    assert base.read == []
    assert view["ab"].tolist() == [1, 1, 0, 0]
    assert base.read == ["a", "b"]


@pytest.mark.parametrize(
    ("joins", "options", "message"),
    [
        ({"qkv": ["q", "x"]}, {}, "there is no 'x', a part of 'qkv'"),
        ({"qkv": ["x"]}, {}, "'x' matches no weight"),
        ({"*.qkv": ["q"]}, {}, r"names with as many '\*' as it has"),
        ({"qkv": []}, {}, "are right"),
        ({"w": ["q", "k"]}, {}, "two weights would be called 'w'"),
        ({"a": ["q", "k"], "b": ["k"]}, {}, "'k' is a part twice"),
        ({"a": ["q", "q"]}, {}, "'q' is a part twice"),
        ({"a": ["q", "w"]}, {}, r"'q' is float32\[2, 3\] and 'w' is float32\[4\]"),
        ({"a": ["q", "half"]}, {}, "one dtype"),
        ({"a": ["q", "k"]}, {"axis": 1}, "along axis 1 alone"),
        ({"a": ["q", "k"]}, {"axis": 2}, r"axis is 2, but 'q' is float32\[2, 3\]"),
    ],
)
def test_joins_that_do_not_fit_are_refused(joins: Any, options: Any, message: str) -> None:
    base = {
        "q": np.zeros((2, 3), "f4"), "k": np.zeros((4, 3), "f4"), "w": np.zeros(4, "f4"),
        "half": np.zeros((2, 3), "f2"),
    }  # fmt: skip
    with pytest.raises(WeightError, match=message):
        weights.concat(base, joins, **options)


@pytest.mark.parametrize(
    ("parts", "sizes", "message"),
    [
        ({"w": ["a", "b", "c", "d"]}, None, "has no 4 parts of one size"),
        ({"w": ["a", "b"]}, [3, 2], r"sizes are \[3, 2\], and so many with a sum of 6"),
        ({"w": ["a", "b"]}, [6], "to be cut into 2"),
        ({"w": ["a", "b"]}, [7, -1], "numbers of 0 or more"),
        ({"w": ["a", "v"]}, None, "two weights would be called 'v'"),
        ({"x": ["a"]}, None, "'x' matches no weight"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: Any, sizes: Any, message: str) -> None:
    with pytest.raises(WeightError, match=message):
        weights.split({"w": np.zeros(6, "f4"), "v": np.zeros(1, "f4")}, parts, sizes)


def test_what_is_no_mapping_and_no_list_is_refused() -> None:
    for call in (weights.concat, weights.split):
        with pytest.raises(TypeError, match="a mapping of fused name to parts"):
            call({"w": np.zeros(6)}, ["w"])  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="a list of names"):
            call({"w": np.zeros(6)}, {"w": "a"})


def test_an_update_converts_what_is_joined_while_it_copies(fake_acl: Any, mlp: Any) -> None:
    """A cast below stays a cast of the update's; names and values are the joined ones."""
    w1 = mlp.weights["w1"]
    halves = {"a": w1[:3].copy(), "b": w1[3:].copy()}
    below = weights.cast(halves, "float16")
    joined = weights.concat(below, {"w1": ["a", "b"]})
    found = joined.unconverted("w1", np.dtype("f2"))
    assert found is not None
    assert found[0].dtype == np.float32
    assert joined.unconverted("w1", np.dtype("f4")) is None
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(weights.concat(halves, {"w1": ["a", "b"]}))
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), 1e-4, 1e-4)
