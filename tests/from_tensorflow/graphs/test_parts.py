"""Partitioned variables of TensorFlow 1: one weight, as a checkpoint holds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, weights

from ..samples import Served, close, new_value, tf, v1

Serve = Callable[..., Served]

X = np.random.default_rng(1).standard_normal((2, 6)).astype("f4")
IDS = np.int32([4, 0])


class Partitioned:
    """A model whose variables lie in parts, and checkpoints of it."""

    def __init__(self, folder: Path, *, resource: bool) -> None:
        self._folder, self._count = folder, 0
        with tf.Graph().as_default() as graph:
            x = v1.placeholder(tf.float32, [2, 6], name="x")
            ids = v1.placeholder(tf.int32, [2], name="ids")
            rows = v1.fixed_size_partitioner(2)
            with v1.variable_scope("fc", partitioner=rows, use_resource=resource):
                w, b = v1.get_variable("w", [6, 4]), v1.get_variable("b", [5])
            columns = v1.fixed_size_partitioner(3, axis=1)
            with v1.variable_scope("head", use_resource=resource):
                v = v1.get_variable("v", [4, 5], partitioner=columns)
                table = v1.get_variable("table", [5, 5])
            answer = tf.tanh(x @ w) @ v + b + tf.gather(table, ids)
            self._answer = tf.identity(answer, name="y")
            self._saver = v1.train.Saver()
            self._session = v1.Session(graph=graph)
            self._session.run(v1.global_variables_initializer())
            self.parts = v1.global_variables()

    def change(self) -> None:
        rng = np.random.default_rng(self._count)
        for one in self.parts:
            value = new_value(one.name, np.empty(one.shape, "f4"), rng)
            self._session.run(one.initializer, {one.initializer.inputs[1]: value})

    def values(self) -> dict[str, Any]:
        return {one.name: self._session.run(one) for one in self.parts}

    def infer(self) -> Any:
        return self._session.run(self._answer, {"x:0": X, "ids:0": IDS})

    def save(self) -> str:
        self._count += 1
        with self._session.graph.as_default():
            path = str(self._folder / f"model.ckpt-{self._count}")
            return str(self._saver.save(self._session, path))


@pytest.fixture(params=[False, True], ids=["references", "resources"])
def model(tmp_path: Path, request: Any) -> Partitioned:
    return Partitioned(tmp_path, resource=request.param)


def test_a_checkpoint_of_the_whole_updates_the_parts(model: Partitioned, serve: Serve) -> None:
    served = serve(model.save(), outputs=["y"])
    close(served.infer(X, IDS), [model.infer()])
    names = {one.name for one in served.bundle.update.weights}
    assert names == {"fc/w", "fc/b", "head/v", "head/table"}
    assert not any(piece.steps for piece in served.bundle.update.derived)
    for _ in range(2):
        model.change()
        with weights.open(model.save()) as newer:
            served.bundle.update(newer)
        close(served.infer(X, IDS), [model.infer()])


def test_a_dict_of_parts_is_joined_by_rule(model: Partitioned, serve: Serve) -> None:
    served = serve(model.save(), outputs=["y"])
    served.infer(X, IDS)
    model.change()
    values = model.values()
    with pytest.raises(ab.WeightError, match="fc/w/part_0:0"):
        served.bundle.update(values)
    rows = {f"fc/{one}": [f"fc/{one}/part_{at}:0" for at in range(2)] for one in "wb"}
    columns = {"head/v": [f"head/v/part_{at}:0" for at in range(3)]}
    served.bundle.update(weights.concat(weights.concat(values, rows), columns, axis=1))
    close(served.infer(X, IDS), [model.infer()])


def test_a_whole_of_another_shape_and_a_pattern_without_parts_are_refused(
    model: Partitioned,
) -> None:
    prefix = model.save()
    with pytest.raises(ab.WeightError, match=r"'fc/w' is float32 \(6, 4\).*\(4, 6\)"):
        build.from_tensorflow(prefix, outputs=["y"], checkpoint={"fc/w": np.zeros((4, 6), "f4")})
    with pytest.raises(ab.WeightError, match="it has 'fc/w', 'fc/b', 'head/v', 'head/table'"):
        build.from_tensorflow(prefix, outputs=["y"], weights=["nothing*"])
    some = build.from_tensorflow(prefix, outputs=["y"], weights=["fc/w"])
    assert list(some.weights) == ["fc/w"]


def test_freezing_takes_the_whole(model: Partitioned, tmp_path: Path, serve: Serve) -> None:
    prefix = model.save()
    model.change()
    with weights.open(model.save()) as newer:
        report = weights.freeze(newer, f"{prefix}.meta", tmp_path / "frozen.pb", outputs=["y"])
    assert report.title == "8 of 8 constants are replaced"
    close(serve(tmp_path / "frozen.pb", outputs=["y"]).infer(X, IDS), [model.infer()])
