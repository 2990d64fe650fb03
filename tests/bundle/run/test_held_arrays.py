"""Arrays that change while a run is under way, and unusual ones."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import build, fake

pytestmark = pytest.mark.usefixtures("fake_acl")

OPTIONS: dict[str, dict[str, Any]] = {
    "static": {"input_shapes": {"left": (2, 3), "right": (2, 3)}},
    "gears": {"dynamic_dims": {"left": [(2, 3), (3, 2)], "right": [(2, 3), (3, 2)]}},
    "open": {"dynamic_shape": True},
}


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


def array(first: int) -> Any:
    return np.arange(first, first + 6, dtype="f4").reshape(2, 3).copy()


def meanwhile(run: Callable[[], Any], act: Callable[[], None]) -> Any:
    """The result of a run, during which something is done."""
    fake.latency("aclrtMemcpy", 0.2)
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(run()))
    thread.start()
    time.sleep(0.1)
    assert thread.is_alive()
    act()
    thread.join()
    fake.latency("aclrtMemcpy", 0)
    return seen[0]


@pytest.mark.timed
def test_an_array_that_is_read_keeps_its_memory(graph: ab.Graph) -> None:
    given = {"left": array(0), "right": array(6)}
    held = [given["left"]]

    def act() -> None:
        given.clear()
        with pytest.raises(ValueError, match="or is referenced"):
            held[0].resize((1, 1))

    out = meanwhile(lambda: graph.run(given), act)
    assert out["s"].tolist() == (array(0) + array(6)).tolist()
    gc.collect()
    del out
    held[0].resize((1, 1))  # nobody holds it any more


@pytest.mark.timed
def test_an_array_that_is_written_keeps_its_memory(graph: ab.Graph) -> None:
    taken = {"s": array(0), "same": array(0)}
    held = [taken["s"]]

    def act() -> None:
        taken.clear()
        with pytest.raises(ValueError, match="or is referenced"):
            held[0].resize((1, 1))

    out = meanwhile(lambda: graph.run([array(0), array(6)], taken), act)
    assert out["s"] is held[0]
    assert held[0].tolist() == (array(0) + array(6)).tolist()


@pytest.mark.timed
def test_another_shape_meanwhile_is_not_seen(graph: ab.Graph) -> None:
    x, z = array(0), array(6)

    def act() -> None:
        for one in (x, z):
            one.shape = (6,)
            one.shape = (1, 6, 1)

    out = meanwhile(lambda: graph(x, z), act)
    assert out[0].tolist() == (array(0) + array(6)).tolist()


def test_one_array_may_be_all_inputs_and_an_output(graph: ab.Graph) -> None:
    x = array(0)
    out = graph.run({"left": x, "right": x}, {"s": x})
    assert out["s"] is x
    assert x.tolist() == (array(0) * 2).tolist()
    assert out["same"].tolist() == array(0).tolist()


@pytest.mark.parametrize("way", ["run", "call", "bind"])
def test_what_is_refused_changes_nothing(graph: ab.Graph, way: str) -> None:
    x, s, same = array(0), array(0), array(0)
    for bad, error, message in (
        (array(0).astype(">f4"), TypeError, r"input 'right' has dtype >f4 \(byte-swapped\)"),
        (array(0).astype("f8"), TypeError, "input 'right' has dtype float64; it must be float32"),
        (np.zeros((2, 3, 1), "f4"), ValueError, r"\(2, 3, 1\)"),
        ([0.0], TypeError, "input 'right' is a list"),
    ):
        given, taken = {"left": x, "right": bad}, {"s": s, "same": same}
        ways = {"run": graph.run, "call": lambda *_: graph(x, bad), "bind": graph.bind}  # noqa: B023
        with pytest.raises(error, match=message):
            ways[way](given, taken)
    assert [one.tolist() for one in (x, s, same)] == [array(0).tolist()] * 3


def test_an_output_that_is_only_convertible_is_refused(graph: ab.Graph) -> None:
    """It would be written into a copy, and what was given would stay as it was."""

    class Convertible:
        def __array__(self, *_: Any, **__: Any) -> Any:
            return array(0)

    with pytest.raises(TypeError, match="output 's' is a Convertible; give a numpy array s"):
        graph.run([array(0), array(1)], {"s": Convertible()})  # type: ignore[dict-item]


def test_an_empty_array_is_a_shape_as_any(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3]) for n in ("x", "y")]
    net = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "net", values[:1], values[1:]
    )
    model = helper.make_model(net, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with ab.Bundle.load(build.model(model, dynamic_shape={"x": [(0, -1), 3]}).to_bytes()) as bundle:
        empty, y = np.zeros((0, 3), "f4"), np.zeros((0, 3), "f4")
        assert bundle.infer(empty).shape == (0, 3)
        assert bundle.infer.run([empty], {"y": y})["y"] is y
        bundle.infer.bind({"x": empty}, {"y": y})()
        assert bundle.infer(np.ones((2, 3), "f4")).tolist() == [[1.0] * 3] * 2
