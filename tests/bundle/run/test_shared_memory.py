"""Arrays of one run that share memory: two outputs may not, an output may lie over inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import build, fake

pytestmark = pytest.mark.usefixtures("fake_acl")

SHAPES = [(2, 3), (3, 2)]
OPTIONS: dict[str, dict[str, Any]] = {
    "static": {"input_shapes": {"left": (2, 3), "right": (2, 3)}},
    "gears": {"dynamic_dims": {"left": SHAPES, "right": SHAPES}},
    "open": {"dynamic_shape": True},
}
Arrays = dict[str, Any]


@pytest.fixture(params=list(OPTIONS))
def graph(request: pytest.FixtureRequest) -> Iterator[ab.Graph]:
    """s = left + right, and left again."""
    names = ("left", "right", "s", "same")
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", "m"]) for n in names]
    nodes = [
        helper.make_node("Add", ["left", "right"], ["s"]),
        helper.make_node("Identity", ["left"], ["same"]),
    ]
    net = helper.make_graph(nodes, "net", values[:2], values[2:])
    model = helper.make_model(net, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with ab.Bundle.load(build.model(model, **OPTIONS[request.param]).to_bytes()) as bundle:
        yield bundle.infer


def ways(graph: ab.Graph) -> Iterator[Callable[[Arrays, Arrays], Any]]:
    """Every way to run that takes arrays to write."""
    yield graph.run
    yield lambda given, out: graph.run(list(given.values()), dict(reversed(out.items())))
    yield lambda given, out: graph.run({n: np.asfortranarray(a) for n, a in given.items()}, out)
    yield lambda given, out: graph.bind(given, out)()
    if graph._serving is not None and graph._serving._open is not None:
        yield lambda given, out: graph.run(given, out, timeout_ms=60_000)


def two_inputs() -> Arrays:
    return {"left": np.full((2, 3), 1, "f4"), "right": np.full((2, 3), 10, "f4")}


def parts(first: int, second: int) -> Arrays:
    """Two outputs that begin at these places of one memory."""
    memory = np.full(24, 7, "f4")
    return {"s": memory[first:][:6].reshape(2, 3), "same": memory[second:][:6].reshape(2, 3)}


@pytest.mark.parametrize(
    ("first", "second", "shared"), [(0, 0, 24), (0, 5, 4), (5, 0, 4), (3, 4, 20)]
)
def test_outputs_that_share_memory_are_refused(
    graph: ab.Graph, first: int, second: int, shared: int
) -> None:
    message = rf"outputs 's' and 'same' share {shared} bytes of memory; give each an array of its"
    for way in ways(graph):
        out = parts(first, second)
        executed = fake.calls().get("aclmdlExecute", 0)
        with pytest.raises(ValueError, match=message):
            way(two_inputs(), out)
        assert fake.calls().get("aclmdlExecute", 0) == executed
        assert all((array == 7).all() for array in out.values())
    assert graph.run(two_inputs())["s"].tolist() == [[11] * 3] * 2


def test_outputs_beside_each_other_are_taken(graph: ab.Graph) -> None:
    for first, second in ((0, 6), (6, 0)):
        for way in ways(graph):
            out = parts(first, second)
            way(two_inputs(), out)
            assert out["s"].tolist() == [[11] * 3] * 2
            assert out["same"].tolist() == [[1] * 3] * 2


def test_an_output_may_lie_over_inputs(graph: ab.Graph) -> None:
    """Every input is copied to the device before an output is written."""
    for way in ways(graph):
        given = two_inputs()
        way(given, {"s": given["left"], "same": given["right"]})
        assert given["left"].tolist() == [[11] * 3] * 2
        assert given["right"].tolist() == [[1] * 3] * 2


def test_an_output_may_lie_over_a_part_of_an_input(graph: ab.Graph) -> None:
    for way in ways(graph):
        memory = np.arange(18, dtype="f4")
        left, s = memory[:6].reshape(2, 3), memory[4:10].reshape(2, 3)
        want = (left + 10).tolist()
        way({"left": left, "right": np.full((2, 3), 10, "f4")}, {"s": s, "same": np.empty_like(s)})
        assert s.tolist() == want


def test_empty_outputs_share_nothing() -> None:
    """An array without elements may have the address of another."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3]) for n in "xyz"]
    nodes = [helper.make_node("Identity", ["x"], [name]) for name in "yz"]
    net = helper.make_graph(nodes, "net", values[:1], values[1:])
    model = helper.make_model(net, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    memory = np.empty((0, 3), "f4")
    with ab.Bundle.load(build.model(model, dynamic_shape={"x": [(0, -1), 3]}).to_bytes()) as bundle:
        for way in ways(bundle.infer):
            way({"x": memory}, {"y": memory, "z": memory})
