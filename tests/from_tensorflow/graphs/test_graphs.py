"""Graphs of TensorFlow 1: each kind of file answers as the session does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightError

from ..samples import Served, close, new_value, tf, v1
from ..trainer import OUTPUT, Trainer
from .graphs import saved

pytestmark = pytest.mark.filterwarnings("ignore")
Serve = Callable[..., Served]


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def trainer(request: pytest.FixtureRequest) -> Iterator[Trainer]:
    made = Trainer(resource=request.param)
    yield made
    made.session.close()


def test_ten_updates_and_twenty_inferences_from_a_checkpoint(
    trainer: Trainer, tmp_path: Path, serve: Serve
) -> None:
    served = serve(trainer.save(tmp_path, 1))
    assert (served.inputs, served.outputs) == (["x"], [OUTPUT])
    assert sorted(f"{name}:0" for name in served.variables) == sorted(trainer.values())
    x = trainer.batch(2)
    close(served.infer(x), [trainer.infer(x)])
    for _ in range(10):
        trainer.step()
        served.update(trainer.values())
        for _ in range(20):
            x = trainer.batch(2)
            close(served.infer(x), [trainer.infer(x)])


def test_random_parts_of_the_variables(trainer: Trainer, tmp_path: Path, serve: Serve) -> None:
    served = serve(trainer.save(tmp_path, 1))
    x = trainer.batch(2)
    rng = np.random.default_rng(8)
    for _ in range(6):
        part = [one for one in trainer.model if rng.random() < 0.4]
        new = {one.name: new_value(one.name, trainer.values()[one.name], rng) for one in part}
        for one in part:
            trainer.assign(one, new[one.name])
        served.update(new)
        close(served.infer(x), [trainer.infer(x)])


def test_a_newer_checkpoint_is_an_update_as_it_is(
    trainer: Trainer, tmp_path: Path, serve: Serve
) -> None:
    served = serve(trainer.save(tmp_path, 1))
    x = trainer.batch(2)
    served.infer(x)
    for step in (2, 3):
        trainer.step()
        with weights.open(trainer.save(tmp_path, step)) as new:
            assert {"global_step", "policy/fc1/W/Adam_1"} < set(new)
            report = served.bundle.update(new)
        assert sorted(report.changed) == sorted(served.variables)
        close(served.infer(x), [trainer.infer(x)])
    with pytest.raises(WeightError, match="'policy/fc3/W'"):
        served.bundle.update({**trainer.values(), "policy/fc3/W": x})


def test_some_variables_stay_constants(trainer: Trainer, tmp_path: Path, serve: Serve) -> None:
    served = serve(trainer.save(tmp_path, 1), weights=["policy/fc?/*", "policy/bn/gamma:0"])
    x = trainer.batch(2)
    close(served.infer(x), [trainer.infer(x)])
    names = sorted(served.bundle.weights)
    fc = [f"policy/fc{layer}/{part}" for layer in "12" for part in "Wb"]
    assert names == ["policy/bn/gamma", *fc]
    rng = np.random.default_rng(2)
    for one in trainer.model:
        if one.name[:-2] in names:
            trainer.assign(one, new_value(one.name, trainer.values()[one.name], rng))
    served.update({name: trainer.values()[f"{name}:0"] for name in names})
    close(served.infer(x), [trainer.infer(x)])
    with pytest.raises(WeightError, match="'policy/conv/kernel:0'"):
        served.update(trainer.values())
    for wrong, message in (
        (["policy/fc9/*"], "weights: 'policy/fc9/.*' matches no variable of .*; it has 'policy/"),
        ("policy/fc1/W", "weights is 'policy/fc1/W'; pass a list"),
    ):
        with pytest.raises(WeightError, match=message):
            serve(tmp_path, weights=wrong).infer(x)


def test_layouts_are_made_at_the_update(trainer: Trainer, tmp_path: Path, serve: Serve) -> None:
    """A convolution's kernel is transposed on the host, and no inference does it."""
    served = serve(trainer.save(tmp_path, 1))
    served.infer(trainer.batch(1))
    table = str(served.bundle.update.derived)
    assert "policy/conv/kernel" in table
    assert "transpose" in table.lower()


def test_every_way_to_name_a_checkpoint(trainer: Trainer, tmp_path: Path, serve: Serve) -> None:
    trainer.save(tmp_path, 1)
    trainer.step()
    prefix = trainer.save(tmp_path, 2)
    x = trainer.batch(2)
    wanted = [trainer.infer(x)]
    for path in (prefix, f"{prefix}.meta", tmp_path):
        close(serve(path).infer(x), wanted)
    trainer.step()
    newer = trainer.save(tmp_path, 3)
    close(serve(f"{prefix}.meta", checkpoint=newer).infer(x), [trainer.infer(x)])
    close(serve(f"{prefix}.meta", checkpoint=trainer.values()).infer(x), [trainer.infer(x)])


@pytest.mark.parametrize("text", [False, True])
def test_graphs_apart_from_their_checkpoint(
    trainer: Trainer, tmp_path: Path, serve: Serve, text: bool
) -> None:
    tf.io.write_graph(trainer.graph, str(tmp_path), "graph", as_text=text)
    prefix = trainer.save(tmp_path, 1)
    x = trainer.batch(2)
    close(serve(tmp_path / "graph", checkpoint=prefix).infer(x), [trainer.infer(x)])
    with pytest.raises(ValueError, match=r"has variables, such as 'policy/.*; name a checkpoint"):
        serve(tmp_path / "graph")


@pytest.mark.parametrize("text", [False, True])
def test_a_frozen_graph_has_constants_for_variables(
    trainer: Trainer, tmp_path: Path, serve: Serve, text: bool
) -> None:
    tf.io.write_graph(trainer.frozen(), str(tmp_path), "frozen", as_text=text)
    served = serve(tmp_path / "frozen")
    assert sorted(f"{name}:0" for name in served.variables) == sorted(trainer.values())
    x = trainer.batch(2)
    close(served.infer(x), [trainer.infer(x)])
    trainer.step()
    served.update(trainer.values())
    close(served.infer(x), [trainer.infer(x)])


def test_a_saved_model_of_that_time_is_read_by_its_signature(
    trainer: Trainer, tmp_path: Path, serve: Serve
) -> None:
    folder = tmp_path / "saved"
    with trainer.graph.as_default():
        ends = [{"image": trainer.graph.get_tensor_by_name("x:0")}]
        ends.append({"scores": trainer.graph.get_tensor_by_name(f"{OUTPUT}:0")})
        v1.saved_model.simple_save(trainer.session, str(folder), *ends)
    served = serve(folder)
    assert (served.inputs, served.outputs) == (["image"], ["scores"])
    x = trainer.batch(2)
    close(served.infer(x), [trainer.infer(x)])
    trainer.step()
    served.update(trainer.values())
    close(served.infer(x), [trainer.infer(x)])


def test_a_saver_with_names_of_its_own(tmp_path: Path, serve: Serve) -> None:
    def make() -> None:
        x = v1.placeholder(tf.float32, [2, 3], name="x")
        tf.matmul(x, v1.get_variable("w", [3, 3]), name="y")

    graph = tf.Graph()
    with graph.as_default():
        make()
        w = v1.global_variables()[0]
        saver = v1.train.Saver({"old/name": w})
        with v1.Session(graph=graph) as session:
            session.run(v1.global_variables_initializer())
            prefix = saver.save(session, str(tmp_path / "model"))
            value = session.run(w)
    served = serve(prefix)
    assert served.variables == ["w"]
    x = np.eye(3, dtype="f4")[:2]
    close(served.infer(x), [value[:2]])
    served.update({"old/name": value * 2})
    close(served.infer(x), [value[:2] * 2])


@pytest.mark.parametrize("control_flow", ["v1", "v2"])
def test_loops_and_branches(tmp_path: Path, serve: Serve, control_flow: str) -> None:
    def make() -> None:
        x = v1.placeholder(tf.float32, [2, 3], name="x")
        w = v1.get_variable("w", [3, 3], use_resource=control_flow == "v2")

        def body(i: Any, h: Any) -> Any:
            return i + 1, tf.tanh(tf.matmul(h, w))

        done = v1.while_loop(lambda i, h: i < 4, body, [tf.constant(0), x])[1]
        # Which branch is taken depends on x, at run time.
        big = tf.reduce_sum(x) > 0
        tf.identity(v1.cond(big, lambda: done + w[0], lambda: done * 2), name="y")

    with choosing_control_flow(control_flow):
        prefix, run = saved(tmp_path, make)
    served = serve(prefix)
    for sign in (1, -1):
        x = np.full((2, 3), 0.3 * sign, "f4")
        close(served.infer(x), [run(x)])


class choosing_control_flow:
    def __init__(self, version: str) -> None:
        self._version, self._before = version, v1.control_flow_v2_enabled()

    def _set(self, newer: bool) -> None:
        (v1.enable_control_flow_v2 if newer else v1.disable_control_flow_v2)()

    def __enter__(self) -> None:
        self._set(self._version == "v2")

    def __exit__(self, *_: object) -> None:
        self._set(self._before)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_variables_keep_their_type(tmp_path: Path, serve: Serve, dtype: str) -> None:
    def make() -> None:
        x = v1.placeholder(dtype, [2, 3], name="x")
        w = v1.get_variable("w", [3, 4], dtype=dtype)
        tf.add(tf.matmul(x, w), v1.get_variable("b", [4], dtype=dtype), name="y")

    prefix, run = saved(tmp_path, make)
    served = serve(prefix)
    x = np.ones((2, 3), ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    close(served.infer(x), [run(x)], 1e-12 if dtype == "float64" else 1e-2)
