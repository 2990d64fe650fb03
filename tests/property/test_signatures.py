"""Random signatures through every way to run a graph, against numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import helper

import acl_bundle as ab
from acl_bundle import build, fake, om

pytestmark = pytest.mark.usefixtures("fake_acl")

Arrays = dict[str, Any]
DTYPES = ("f4", "f2", "f8", "i1", "u1", "i2", "i4", "i8", "?")
GEARS = [(1, 3), (4, 2), (2, 2)]


class Sub(np.ndarray[Any, Any]):
    pass


def random_array(random: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    return random.integers(0, 2 if dtype == "?" else 100, shape).astype(dtype)


def disguised(random: np.random.Generator, array: Any) -> Any:
    """The same values as an array that another program might give."""
    kind = random.integers(6)
    if kind == 0 and array.ndim:
        return np.asfortranarray(array)
    if kind == 1 and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if kind == 2:
        array = array.copy()
        array.flags.writeable = False
        return array
    return array.view(Sub) if kind == 3 else array


def disguise_all(random: np.random.Generator, given: Arrays) -> Arrays:
    return {name: disguised(random, array) for name, array in given.items()}


def check(got: Any, want: Arrays) -> None:
    assert list(got) == list(want)
    for name, array in want.items():
        assert (got[name].dtype, got[name].shape) == (array.dtype, array.shape), name
        assert got[name].tobytes() == array.tobytes(), name


def every_way(random: np.random.Generator, graph: ab.Graph, given: Arrays, want: Arrays) -> None:
    """Run through each way, with arrays as they are and in disguise."""

    def named(arrays: Any) -> Arrays:
        return dict(zip(want, arrays if len(want) > 1 else [arrays], strict=True))

    def some_outputs() -> Arrays:
        names = [name for name in want if random.integers(2)]
        return {name: np.empty_like(want[name]) for name in names}

    def run_into(inputs: Arrays, **options: Any) -> Any:
        out = some_outputs()
        got = graph.run(inputs, out, **options)
        assert all(got[name] is array for name, array in out.items())
        return got

    asynchronous: list[Callable[[Arrays], Any]] = [
        lambda inputs: graph.submit(inputs).result(),
        lambda inputs: named(graph.submit(*inputs.values()).result()),
        lambda inputs: next(iter(graph.stream([inputs]))),
        lambda inputs: run_into(inputs, timeout_ms=60_000),
    ]
    dynamic = graph._serving is not None and graph._serving._open is None
    for way in (
        graph.run,
        lambda inputs: graph.run(list(inputs.values())),
        lambda inputs: graph.run(dict(reversed(inputs.items()))),
        lambda inputs: named(graph(*inputs.values())),
        run_into,
        *([] if dynamic else asynchronous),
    ):
        check(way(given), want)
        check(way(disguise_all(random, given)), want)
    bound_way(random, graph, given, want)


def bound_way(random: np.random.Generator, graph: ab.Graph, given: Arrays, want: Arrays) -> None:
    """A binding follows what is written into its arrays."""
    inputs = {name: np.zeros_like(array) for name, array in given.items()}
    taken = {name: np.empty_like(array) for name, array in want.items()}
    bound = graph.bind(inputs, taken)
    bound()
    for name, array in given.items():
        inputs[name][...] = array
    bound()
    check(taken, want)
    bound.close()
    with pytest.raises(ab.ClosedError):
        bound()


@contextmanager
def loaded(source: Any, known: bool) -> Iterator[ab.Graph]:
    """The graph of a bundle, under a numpy whose arrays C can read or cannot."""
    with pytest.MonkeyPatch.context() as patch:
        if not known:
            patch.setattr(np, "__version__", "3.0.0")
        bundle = ab.Bundle.load(source)
    with bundle:
        yield bundle.infer


def random_shape(random: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(one) for one in random.integers(1, 5, random.integers(0, 4)))


@pytest.mark.parametrize("seed", range(25))
def test_one_shape(seed: int, make_bundle: Any) -> None:
    """Inputs and outputs of any rank and dtype; the last output depends on all inputs."""
    random = np.random.default_rng(seed)
    count, given = int(random.integers(1, 7)), {}
    for at in range(count):
        dtype = ml_dtypes.bfloat16 if random.integers(8) == 0 else random.choice(DTYPES)
        given[f"x{at}"] = random_array(random, random_shape(random), dtype)
    copies = [str(name) for name in random.choice(list(given), int(random.integers(0, 3)))]

    def function(**inputs: Any) -> Arrays:
        total = sum(int.from_bytes(array.tobytes(), "little") for array in inputs.values())
        made = {f"y{at}": inputs[name].copy() for at, name in enumerate(copies)}
        return {**made, "total": np.array([total % 2**31], "i8")}

    with loaded(make_bundle(function, inputs=given), seed % 3 > 0) as graph:
        every_way(random, graph, given, function(**given))


def joined(random: np.random.Generator) -> tuple[Any, dict[str, list[str]], dict[str, str]]:
    """A model whose outputs join inputs of one dtype: it, who is joined, and the dtypes."""
    outputs, dtypes = {}, {}
    for at in range(int(random.integers(1, 4))):
        dtype = str(random.choice(["f4", "f2", "i4", "i8"]))
        names = [f"in{at}{k}" for k in range(int(random.integers(1, 3)))]
        outputs[f"y{at}"] = names
        dtypes |= dict.fromkeys((f"y{at}", *names), dtype)

    def value(name: str) -> Any:
        elem = helper.np_dtype_to_tensor_dtype(np.dtype(dtypes[name]))
        return helper.make_tensor_value_info(name, elem, [f"n{name}", f"m{name}"])

    graph = helper.make_graph(
        [helper.make_node("Concat", names, [name], axis=1) for name, names in outputs.items()],
        "joined",
        [value(name) for names in outputs.values() for name in names],
        [value(name) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model, outputs, dtypes


@pytest.mark.parametrize("kind", ["gears", "open"])
@pytest.mark.parametrize("seed", range(12))
def test_several_shapes(seed: int, kind: str, tmp_path: Path) -> None:
    """Gears, and shapes that the run is told; each shape twice, in any order."""
    random = np.random.default_rng(seed)
    model, outputs, dtypes = joined(random)
    names = [name for joins in outputs.values() for name in joins]
    options: dict[str, Any] = {"dynamic_shape": True}
    if kind == "gears":
        options = {"dynamic_dims": dict.fromkeys(names, GEARS)}
    path = tmp_path / "one.om"
    om.write_bundle([build.model(model, **options).to_bytes()], 0).save(path)
    with loaded(path, seed % 3 > 0) as graph:
        for shape in random.permutation([*GEARS, *GEARS]):
            given = {n: random_array(random, tuple(map(int, shape)), dtypes[n]) for n in names}
            want = {y: np.concatenate([given[n] for n in outputs[y]], 1) for y in outputs}
            every_way(random, graph, given, want)
        with pytest.raises(ValueError, match="no gear for" if kind == "gears" else "has shape"):
            graph.run({n: np.zeros((3, 3, 1), dtypes[n]) for n in names})
    assert fake.live() == []
