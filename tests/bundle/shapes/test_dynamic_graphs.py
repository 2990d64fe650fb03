"""Graphs with more than one shape: the arrays decide (design 4)."""

from __future__ import annotations

import gc
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import build, fake, om

from .models import IDS, IMAGE, NET, OPTIONS, proto, rows, value

pytestmark = pytest.mark.usefixtures("fake_acl")

PAIR = proto(
    [
        helper.make_node("Add", ["left", "right"], ["s"]),
        helper.make_node("ReduceSum", ["s"], ["total"], keepdims=0),
    ],
    [value("left", ["n", "m"]), value("right", ["n", "m"])],
    [value("s", ["n", "m"]), value("total", [])],
)
FOUND = proto(
    [helper.make_node("NonZero", ["x"], ["where"])],
    [value("x", ["n"])],
    [value("where", [1, "k"], TensorProto.INT64)],
)


def load(model: Any, tmp_path: Path, *, plain: bool = False, **options: Any) -> ab.Bundle:
    """A bundle of one graph, or the model's file as it is."""
    built, path = build.model(model, **options), tmp_path / "one.om"
    if plain:
        return ab.Bundle.load(built.save(path))
    om.write_bundle([built.to_bytes()], 0).save(path)
    return ab.Bundle.load(path)


def answer(model: Any, **inputs: Any) -> list[Any]:
    return list(ort.InferenceSession(model.SerializeToString()).run(None, inputs))


plain_or_not = pytest.mark.parametrize("plain", [False, True], ids=["bundle", "plain"])


@pytest.fixture(params=OPTIONS, ids=IDS)
def net(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with load(NET, tmp_path, **request.param) as bundle:
        yield bundle.infer


def test_the_arrays_shape_decides_at_every_call(net: ab.Graph) -> None:
    for count in (8, 1, 4, 8, 8, 1):
        x = rows(count, count)
        np.testing.assert_allclose(net(x), answer(NET, x=x)[0], rtol=1e-6)
        np.testing.assert_allclose(net.run({"x": x})["y"], answer(NET, x=x)[0], rtol=1e-6)


def test_what_the_graph_says_of_itself(net: ab.Graph) -> None:
    """The input for the gear is nobody's business."""
    assert [(spec.name, spec.shape) for spec in net.inputs] == [("x", (-1, 4))]
    assert [(spec.name, spec.shape) for spec in net.outputs] == [("y", (-1, 3))]


@plain_or_not
def test_resolutions(tmp_path: Path, plain: bool) -> None:
    with load(IMAGE, tmp_path, plain=plain, dynamic_hw=[(4, 4), (6, 8)]) as bundle:
        for height, width in ((6, 8), (4, 4)):
            x = np.random.default_rng(1).random((1, 2, height, width), np.float32)
            np.testing.assert_allclose(bundle.infer(x), answer(IMAGE, x=x)[0], rtol=1e-6)
        with pytest.raises(ValueError, match=r"no gear for \(1, 2, 8, 6\).*\(1, 2, 4, 4\); "):
            bundle.infer(np.zeros((1, 2, 8, 6), np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {"dynamic_dims": {"left": [(2, 3), (4, 1)], "right": [(2, 3), (4, 1)]}},
        {"dynamic_shape": True},
    ],
    ids=["gears", "any"],
)
def test_several_inputs_and_outputs(tmp_path: Path, options: dict[str, Any]) -> None:
    with load(PAIR, tmp_path, **options) as bundle:
        for shape in ((2, 3), (4, 1)):
            a, b = np.ones(shape, np.float32), np.full(shape, 2, np.float32)
            out = bundle.infer.run([a, b])
            assert list(out) == ["s", "total"]
            np.testing.assert_array_equal(out["s"], a + b)
            assert out["total"].shape == ()
            assert out["total"] == 3 * a.size
            total = bundle.infer(a, b)[1]
            assert total == 3 * a.size


def test_an_output_whose_size_the_values_decide(tmp_path: Path) -> None:
    with load(FOUND, tmp_path, dynamic_shape=True) as bundle:
        for x in ([0, 1, 0, 2], [0, 0], [3]):
            got = bundle.infer(np.float32(x))
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, np.array(np.nonzero(x)))


def test_outputs_outlive_the_bundle(tmp_path: Path) -> None:
    """Their memory is their own."""
    with load(NET, tmp_path, dynamic_shape=True) as bundle:
        kept = [bundle.infer(rows(count)) for count in (1, 5, 3)]
    gc.collect()
    for count, array in zip((1, 5, 3), kept, strict=True):
        np.testing.assert_allclose(array, answer(NET, x=rows(count))[0], rtol=1e-6)
        array[:] = 0  # and writable


def test_given_outputs_are_written(net: ab.Graph) -> None:
    x, y = rows(4), np.zeros((4, 3), np.float32)
    out = net.run({"x": x}, out={"y": y})
    assert out["y"] is y
    np.testing.assert_allclose(y, answer(NET, x=x)[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ({"y": np.zeros((3, 3), np.float32)}, ValueError, r"\(3, 3\)"),
        ({"y": np.zeros((4, 3), np.float64)}, TypeError, "must be float32"),
        ({"y": np.zeros((4, 6), np.float32)[:, ::2]}, ValueError, "not C-contiguous"),
        ({"y": [0.0]}, TypeError, "is a list"),
        ({"z": np.zeros((4, 3), np.float32)}, ValueError, "has no output 'z'"),
    ],
)
def test_outputs_that_do_not_fit(
    net: ab.Graph, out: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        net.run({"x": rows(4)}, out=out)
    net(rows(1))


def test_a_read_only_output(net: ab.Graph) -> None:
    y = np.zeros((4, 3), np.float32)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        net.run({"x": rows(4)}, out={"y": y})


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"x": np.zeros((4, 5), np.float32)}, ValueError, r"\(4, 5\)"),
        ({"x": np.zeros(4, np.float32)}, ValueError, r"\(4,\)"),
        ({"x": np.zeros((4, 4), np.float64)}, TypeError, "must be float32"),
        ({"x": np.zeros((4, 4), ">f4")}, TypeError, "byte-swapped"),
        ({"x": [[0.0] * 4]}, TypeError, "is a list"),
        ({}, ValueError, "misses input 'x'"),
        ({"x": None}, ValueError, "misses input 'x'"),
        ({"x": np.zeros((1, 4), np.float32), "ascend_mbatch_shape_data": 1}, ValueError, "has no"),
        ([], ValueError, "has 1 inputs"),
        (np.zeros((1, 4), np.float32), TypeError, "as a dict or a sequence"),
    ],
)
def test_inputs_that_do_not_fit(
    net: ab.Graph, given: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        net.run(given)
    net(rows(1))


@plain_or_not
def test_a_batch_that_is_no_gear(tmp_path: Path, plain: bool) -> None:
    with load(NET, tmp_path, plain=plain, dynamic_batch=[1, 4]) as bundle:
        with pytest.raises(ValueError, match=r"no gear for \(3, 4\) \(x\); its gears are \(1, 4\)"):
            bundle.infer(rows(3))
        assert bundle.infer(rows(4)).shape == (4, 3)


def test_a_shape_out_of_bounds(tmp_path: Path) -> None:
    with load(NET, tmp_path, dynamic_shape={"x": [(2, 8), 4]}) as bundle:
        for count in (1, 9):
            with pytest.raises(ValueError, match="dim 0 must be 2 to 8"):
                bundle.infer(rows(count))
    with (
        load(NET, tmp_path, dynamic_shape={"x": [(2, -1), 4]}) as bundle,
        pytest.raises(ValueError, match="dim 0 must be 2 or more"),
    ):
        bundle.infer(rows(1))


def test_non_contiguous_and_read_only_inputs(net: ab.Graph) -> None:
    x = rows(8)
    x.flags.writeable = False
    np.testing.assert_allclose(net(x[::2]), answer(NET, x=x[::2])[0], rtol=1e-6)


def test_bind_repeats_a_run(net: ab.Graph) -> None:
    x, y = rows(4), np.empty((4, 3), np.float32)
    run = net.bind({"x": x}, {"y": y})
    for seed in range(3):
        x[:] = rows(4, seed)
        assert run() == 0
        np.testing.assert_allclose(y, answer(NET, x=x)[0], rtol=1e-6)
    run.close()
    with pytest.raises(ab.ClosedError):
        run()


def test_bind_refuses_what_could_not_follow(net: ab.Graph) -> None:
    y = np.empty((4, 3), np.float32)
    with pytest.raises(ValueError, match="not C-contiguous"):
        net.bind({"x": rows(8)[::2]}, {"y": y})
    with pytest.raises(ValueError, match="misses output 'y'"):
        net.bind({"x": rows(4)}, {})


def test_after_close(tmp_path: Path) -> None:
    for options in OPTIONS:
        bundle = load(NET, tmp_path, **options)
        infer = bundle.infer
        infer(rows(1))
        bundle.close()
        with pytest.raises(ab.ClosedError):
            infer(rows(1))


def test_threads_share_a_graph(net: ab.Graph) -> None:
    """Whatever the shapes, every answer belongs to its question."""
    failures: list[BaseException] = []

    def work(count: int) -> None:
        x = rows(count, count)
        want = answer(NET, x=x)[0]
        try:
            for _ in range(30):
                np.testing.assert_allclose(net(x), want, rtol=1e-6)
        except BaseException as error:  # shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(count,)) for count in (1, 4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    ("options", "function", "code"),
    [
        (OPTIONS[0], "aclmdlSetDynamicBatchSize", 145013),
        (OPTIONS[1], "aclmdlSetInputDynamicDims", 145012),
        (OPTIONS[2], "aclmdlSetDatasetTensorDesc", 100000),
        (OPTIONS[2], "aclUpdateDataBuffer", 100000),
        (OPTIONS[2], "aclrtMalloc", 207001),
        (OPTIONS[2], "aclrtFree", 107000),
        (OPTIONS[2], "aclmdlExecute", 507011),
        (OPTIONS[3], "aclrtMemcpy", 507899),
    ],
)
def test_a_call_that_fails_is_named_and_does_no_harm(
    tmp_path: Path, fake_acl: Any, options: dict[str, Any], function: str, code: int
) -> None:
    with load(NET, tmp_path, **options) as bundle:
        bundle.infer(rows(1))
        fake_acl.fail(function, 1, code)
        with pytest.raises(ab.AclError) as caught:
            bundle.infer(rows(4))
        assert (caught.value.function, caught.value.code) == (function, code)
        x = rows(8)
        np.testing.assert_allclose(bundle.infer(x), answer(NET, x=x)[0], rtol=1e-6)


def test_one_crossing_does_the_work(tmp_path: Path, fake_acl: Any) -> None:
    """A gear run is copy, gear, execute, copy: no allocation, no description."""
    with load(NET, tmp_path, dynamic_batch=[1, 4]) as bundle:
        x = rows(4)
        bundle.infer(x)
        before = fake_acl.calls
        bundle.infer(x)
        after = fake_acl.calls
    made = {name: count - before.get(name, 0) for name, count in after.items()}
    assert {name: count for name, count in made.items() if count} == {
        "aclrtGetCurrentContext": 1,
        "aclrtMemcpy": 2,
        "aclmdlSetDynamicBatchSize": 1,
        "aclmdlExecute": 1,
    }


def test_a_shape_seen_before_is_not_described_again(tmp_path: Path, fake_acl: Any) -> None:
    with load(NET, tmp_path, dynamic_shape={"x": [(1, 8), 4]}) as bundle:
        bundle.infer(rows(8))
        bundle.infer(rows(3))
        before = fake_acl.calls
        bundle.infer(rows(3))
        after = fake_acl.calls
    for name in ("aclrtMalloc", "aclmdlSetDatasetTensorDesc", "aclUpdateDataBuffer"):
        assert after[name] == before[name]


@pytest.mark.timed
@pytest.mark.parametrize("call", ["run", "call"])
def test_a_ctrl_c_while_the_library_allocates_leaves_no_memory(tmp_path: Path, call: str) -> None:
    x = np.ones(1000, np.float32)
    with load(FOUND, tmp_path, dynamic_shape=True) as bundle:
        graph = bundle.infer
        infer = graph if call == "call" else graph.run
        given = x if call == "call" else {"x": x}
        infer(given, out="device")
        gc.collect()
        before = fake.live()
        fake.latency("aclmdlExecute", 0.3)
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            infer(given, out="device")
        fake.latency("aclmdlExecute", 0)
        gc.collect()
        assert fake.live() == before
        assert infer(given) is not None
    assert fake.live() == []


@pytest.mark.parametrize("way", ["call", "run", "bound"])
@pytest.mark.parametrize("idle", [True, False])
def test_an_input_that_grows_takes_the_room_of_what_is_idle(
    mlp: Any, tmp_path: Path, way: str, idle: bool
) -> None:
    """Its memory is allocated in C; where nothing is idle, the shortage is told."""
    left, right = (np.ones((40, 30), np.float32) for _ in range(2))
    with (
        load(PAIR, tmp_path, dynamic_shape=True, plain=True) as bundle,
        ab.Bundle.load(mlp.path) as other,
    ):
        out = {"s": np.empty((40, 30), "f4"), "total": np.empty((), "f4")}
        bound = bundle.infer.bind({"left": left, "right": right}, out)
        runs: dict[str, Any] = {
            "call": lambda: bundle.infer(left, right)[1],
            "run": lambda: bundle.infer.run([left, right])["total"],
            "bound": lambda: (bound(), out["total"])[1],
        }
        other.init()
        staged = other.stage(mlp.random(1))
        if idle:
            staged.discard()
        fake.fail("aclrtMalloc", 1, 207001)
        if idle:
            assert runs[way]() == 2400
        else:
            with pytest.raises(ab.AclResourceError):
                runs[way]()
        assert runs[way]() == 2400
        bound.close()
        staged.discard()
