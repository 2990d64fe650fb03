"""A source that was transformed at random is found again, and the constant made anew exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acl_bundle import build, weight_program

from .graphs import reading

FLOATS = [np.dtype(one) for one in (np.float32, np.float16, ml_dtypes.bfloat16, np.float64)]
DIMS = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def normal(seed: int, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def check(made: Mapping[str, Any], sources: Mapping[str, Any]) -> build.Match:
    """Match, and make every constant again by what was found, from its file too."""
    found = build.match(reading(made), sources)
    assert {one.name for one in found.program.constants} == {*made}, str(found)
    assert not found.ambiguous
    assert not found.unmatched
    back = weight_program.from_bytes(weight_program.to_bytes(found.program))
    for place, one in enumerate(back.constants):
        value = back.compute(place, sources.__getitem__)
        assert value.dtype == made[one.name].dtype
        assert value.tobytes() == made[one.name].tobytes(), str(found)
    return found


@st.composite
def moved(draw: st.DrawFn, array: Any) -> Any:
    """An array transposed and reshaped a few times."""
    for _ in range(draw(st.integers(0, 3))):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
        if draw(st.booleans()):
            dims = list(array.shape)
            at = draw(st.integers(0, len(dims) - 1))
            if draw(st.booleans()) and len(dims) > 1:
                joined = [*dims[:at], math.prod(dims[at : at + 2]), *dims[at + 2 :]]
                array = array.reshape(joined)
            else:
                parts = [one for one in range(1, dims[at] + 1) if dims[at] % one == 0]
                part = draw(st.sampled_from(parts))
                array = array.reshape([*dims[:at], part, dims[at] // part, *dims[at + 1 :]])
    return np.ascontiguousarray(array)


@settings(max_examples=100)
@given(st.data(), DIMS, st.sampled_from(FLOATS), st.sampled_from(FLOATS), st.integers(0, 9))
def test_moved_and_cast(data: Any, dims: list[int], own: Any, other: Any, seed: int) -> None:
    sources = {f"s{n}": normal(seed + n, (*dims, 2), own) for n in range(3)}
    with np.errstate(all="ignore"):
        made = {f"c{n}": data.draw(moved(one)).astype(other)
                for n, one in enumerate(sources.values())}  # fmt: skip
    found = build.match(reading(made), sources)
    for piece in found.program.pieces:
        assert piece.sources == (piece.constant.name.replace("c", "s"),)
        place = found.program.pieces.index(piece)
        value = found.program.compute(place, sources.__getitem__)
        assert value.tobytes() == made[piece.constant.name].tobytes()
    # Few elements, in a dtype of few values, may be moved in two ways that give the same.
    for name, ways in found.ambiguous.items():
        assert all(name.replace("c", "s") in way for way in ways)
        assert np.unique(made[name]).size < made[name].size
    assert not found.unmatched


@settings(max_examples=100)
@given(st.data(), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_gates_in_another_order(
    data: Any, gates: int, hidden: int, inputs: int, transposed: bool
) -> None:
    """Matrices of gates, joined with those of the other direction, and their biases."""
    hidden, inputs = hidden + 1, inputs + 1
    sources = {}
    for at in range(2):
        sources[f"w{at}"] = normal(at, (gates * hidden, inputs))
        sources[f"r{at}"] = normal(at + 2, (gates * hidden,))
    order = data.draw(st.permutations(range(gates)))

    def ordered(value: Any) -> Any:
        return np.concatenate([value[hidden * one : hidden * (one + 1)] for one in order])

    made = {
        "w": np.stack([ordered(sources["w0"]), ordered(sources["w1"])]),
        "r": np.stack([ordered(sources["r0"]), ordered(sources["r1"])]),
    }
    if transposed:
        made["w"] = np.concatenate([ordered(sources["w0"]), ordered(sources["w1"])]).T.copy()
    check(made, sources)


@settings(max_examples=100)
@given(st.data(), st.integers(1, 3), st.integers(1, 12), st.integers(4, 9), st.booleans())
def test_slices_joined(data: Any, count: int, rows: int, columns: int, transposed: bool) -> None:
    sources = {f"s{n}": normal(n, (rows + 8, columns)) for n in range(count)}
    parts = []
    for name in data.draw(st.permutations(list(sources))):
        low = data.draw(st.integers(0, rows))
        piece = sources[name][low : low + data.draw(st.integers(2, 8))]
        parts.append(piece)
    whole = np.concatenate(parts)
    check({"c": whole.T.copy() if transposed else whole}, sources)


def test_fused_queries_keys_and_values() -> None:
    sources = {n: normal(at, (6, 6)) for at, n in enumerate(("q.weight", "k.weight", "v.weight"))}
    sources |= {n: normal(9 + at, (6,)) for at, n in enumerate(("q.bias", "k.bias", "v.bias"))}
    matrices, biases = list(sources.values())[:3], list(sources.values())[3:]
    heads = [one.reshape(2, 3, 6) for one in matrices]
    check(
        {
            "rows": np.concatenate(matrices),
            "columns": np.concatenate([one.T for one in matrices], axis=1),
            "by head": np.stack(heads, axis=1).reshape(18, 6),
            "biases": np.concatenate(biases),
        },
        sources,
    )


def test_sums_of_two_biases() -> None:
    sources = {n: normal(at, (12,)) for at, n in enumerate(("bias_ih", "bias_hh", "a", "b", "c"))}
    joined = sources["bias_ih"] + sources["bias_hh"]
    found = check(
        {
            "whole": joined,
            "gates": np.concatenate([joined[6:9], joined[:6], joined[9:]]).reshape(1, 12),
            "other": (sources["a"] + sources["c"]).reshape(1, 12, 1),
        },
        sources,
    )
    assert "(a + c).reshape(1, 12, 1) -> other: float32[1, 12, 1]" in str(found)


LAYOUTS: dict[str, tuple[tuple[int, ...], int, tuple[int, ...]]] = {
    "conv": ((5, 3, 2, 2), 0, (0, 1, 2, 3)),
    "hwio": ((2, 2, 3, 5), 3, (3, 2, 0, 1)),
    "conv transpose": ((3, 5, 2, 2), 1, (0, 1, 2, 3)),
    "linear": ((5, 4), 0, (0, 1)),
    "linear, transposed": ((5, 4), 0, (1, 0)),
}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
@pytest.mark.parametrize("naming", [
    "bn.weight bn.bias bn.running_mean bn.running_var",
    "m/bn/gamma m/bn/beta m/bn/moving_mean m/bn/moving_variance",
    "params.bn.scale params.bn.bias batch_stats.bn.mean batch_stats.bn.var",
])  # fmt: skip
def test_a_folded_batchnorm(kind: str, epsilon: float, naming: str, dtype: str) -> None:
    shape, axis, perm = LAYOUTS[kind]
    names = naming.split()
    sources = {name: normal(at, (5,)) for at, name in enumerate(names)}
    sources[names[3]] = np.abs(sources[names[3]]) * 0.01 + 0.001  # so that epsilon counts
    sources |= {"w": normal(7, shape), "b": normal(8, (5,)), "other": normal(9, shape)}
    gamma, beta, mean, variance = (sources[name].astype(np.float64) for name in names)
    factor = gamma / np.sqrt(variance + epsilon)
    along = [1] * len(shape)
    along[axis] = 5
    made = {
        "weight": (sources["w"] * factor.reshape(along)).transpose(perm),
        "bias": (sources["b"] - mean) * factor + beta,
        "no bias": beta - mean * factor,
        "factor": factor.reshape(1, 5, 1, 1),
    }
    constants = {name: np.ascontiguousarray(one.astype(dtype)) for name, one in made.items()}
    found = build.match(reading(constants), sources)
    assert not found.ambiguous, str(found)
    assert not found.unmatched, str(found)
    assert all(f"+ {epsilon:g}" in line for line in str(found).splitlines()[:4]), str(found)
    rtol = 2e-3 if dtype == "float16" else 2e-6
    for place, one in enumerate(found.program.constants):
        value = found.program.compute(place, sources.__getitem__)
        np.testing.assert_allclose(value, made[one.name], rtol=rtol, atol=rtol)


def test_parts_along_several_axes() -> None:
    """A matrix within a matrix, a piece of a row, a box of a kernel with its axes turned."""
    sources = {"w": normal(0, (40, 30)), "k": normal(1, (6, 4, 3, 5)), "other": normal(2, (50, 50))}
    w, k = sources["w"], sources["k"]
    found = check(
        {
            "matrix": w[3:11, 5:20].copy(),
            "transposed": w[3:11, 5:20].T.copy(),
            "in a row": w[7, 4:20].reshape(1, 16),
            "box": k[1:4, :, 1:3, 2:].transpose(2, 0, 3, 1).copy(),
            "joined axes": k[2:5, 1:3, :, 1:4].transpose(1, 0, 3, 2).copy(),
        },
        sources,
    )
    assert "w[3:11, 5:20].transpose(1, 0) -> transposed: float32[15, 8]" in str(found)
    half = build.match(reading({"c": w[3:11, 5:20].astype(np.float16)}), sources)
    assert "w[3:11, 5:20].cast(float16) -> c: float16[8, 15]" in str(half)


SCALED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "rows": lambda w, rows, _: w * rows[:, None],
    "columns": lambda w, _, columns: w * columns,
    "columns, transposed": lambda w, _, columns: (w * columns).T,
    "rows, in another shape": lambda w, rows, _: (w * rows[:, None]).reshape(12, 10, 1, 1),
}


@pytest.mark.parametrize("kind", SCALED)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_scale_in_a_matrix(kind: str, dtype: str) -> None:
    """Of a LayerNorm's, say; no names tell which vector it was."""
    names = ("w", "rows", "columns", "u", "v")
    shapes = ((12, 10), (12,), (10,), (12, 10), (10,))
    pairs = enumerate(zip(names, shapes, strict=True))
    sources = {name: normal(at, shape) for at, (name, shape) in pairs}
    made = SCALED[kind](sources["w"], sources["rows"], sources["columns"])
    target = np.ascontiguousarray(made.astype(dtype))
    found = build.match(reading({"c": target}), sources)
    assert not found.ambiguous, str(found)
    assert not found.unmatched, str(found)
    assert {*found.program.pieces[0].sources} == {"w", kind.partition(",")[0]}
    value = found.program.compute(0, sources.__getitem__)
    np.testing.assert_allclose(value, target, rtol=2e-3 if dtype == "float16" else 2e-6)


def test_the_product_of_two_vectors() -> None:
    sources = {name: normal(at, (12,)) for at, name in enumerate(("a", "b", "c"))}
    check({"ab": sources["a"] * sources["b"], "ca": sources["c"] * sources["a"]}, sources)


@pytest.mark.parametrize("kernel", [(3, 3), (5,), (2, 3, 2)])
def test_a_batchnorm_behind_a_grouped_transposed_convolution(kernel: tuple[int, ...]) -> None:
    """Its kernel is [groups * in, out, ...], of groups * out channels."""
    names = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    sources = {name: normal(at, (12,)) for at, name in enumerate(names)}
    sources["bn.running_var"] = np.abs(sources["bn.running_var"]) + np.float32(0.3)
    sources |= {"w": normal(7, (8, 6, *kernel)), "b": normal(8, (12,))}
    gamma, beta, mean, variance = (sources[name].astype(np.float64) for name in names)
    factor = gamma / np.sqrt(variance + 1e-5)
    ones = [1] * len(kernel)
    grouped = sources["w"].reshape(2, 4, 6, *kernel) * factor.reshape(2, 1, 6, *ones)
    made = {"w": grouped.reshape(8, 6, *kernel), "b": (sources["b"] - mean) * factor + beta}
    constants = {name: one.astype(np.float32) for name, one in made.items()}
    found = build.match(reading(constants), sources)
    assert not found.ambiguous, str(found)
    assert not found.unmatched, str(found)
    for place, one in enumerate(found.program.constants):
        value = found.program.compute(place, sources.__getitem__)
        np.testing.assert_allclose(value, made[one.name], rtol=2e-6, atol=2e-6)


def test_many_constants_and_many_sources() -> None:
    """Of one shape, so that nothing but their values tells them apart."""
    rng = np.random.default_rng(0)
    sources = {f"w{at}": rng.standard_normal((16, 24), np.float32) for at in range(400)}
    sources |= {f"b{at}": rng.standard_normal(24, np.float32) for at in range(400)}
    order = rng.permutation(400)
    made: dict[str, Any] = {f"c{at}": sources[f"w{one}"].T.copy() for at, one in enumerate(order)}
    made |= {f"d{at}": sources[f"b{one}"].copy() for at, one in enumerate(order)}
    found = check(made, sources)
    assert found.program.pieces[7].sources == (f"w{order[7]}",)


def test_many_constants_that_are_computed_or_cut_out() -> None:
    """Two thousand sources take a few seconds; here the limit is that of a loaded machine."""
    rng = np.random.default_rng(0)
    sources = {f"w{at}": rng.standard_normal((32, 48), np.float32) for at in range(1000)}
    sources |= {f"v{at}": rng.standard_normal(48, np.float32) for at in range(1000)}
    made = {f"c{at}": sources[f"w{at}"] * sources[f"v{at + 1}"] for at in range(300)}
    made |= {f"d{at}": sources[f"w{at}"][3:20, 7:30].copy() for at in range(300, 600)}
    nowhere = {f"e{at}": rng.standard_normal((32, 48), np.float32) for at in range(100)}
    start = time.process_time()
    found = build.match(reading(made | nowhere), sources)
    assert time.process_time() - start < 20
    assert not found.ambiguous
    assert {one.name for one in found.unmatched} == {*nowhere}
    made_of = {piece.constant.name: {*piece.sources} for piece in found.program.pieces}
    assert made_of["c7"] == {"w7", "v8"}
    assert made_of["d307"] == {"w307"}
