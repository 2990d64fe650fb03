"""Small graphs of TensorFlow 1 in checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..samples import tf, v1


def saved(folder: Path, make: Callable[[], Any]) -> tuple[Path, Callable[..., Any]]:
    """Write a checkpoint of a graph, and return what runs its tensor y."""
    graph = tf.Graph()
    with graph.as_default():
        make()
        start = v1.global_variables_initializer()
        saver = v1.train.Saver()
        session = v1.Session(graph=graph)
        session.run(start)
        prefix = Path(saver.save(session, str(folder / "model.ckpt")))
    return prefix, lambda x, **fed: session.run("y:0", {"x:0": x, **fed})


def placeholder(*shape: int | None) -> Any:
    return v1.placeholder(tf.float32, shape, name="x")


def dense(x: Any, units: int = 3, name: str = "fc") -> Any:
    """A layer without an activation; its variables are name/W and name/b."""
    with v1.variable_scope(name):
        matrix = v1.get_variable("W", [x.shape[-1], units])
        return tf.matmul(x, matrix) + v1.get_variable("b", [units])
