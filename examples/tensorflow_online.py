"""A trainer of TensorFlow's and a policy that takes its variables while it runs.

The trainer is a graph and a session, as TensorFlow 1 had them: it trains, writes a
checkpoint, and after each of ten rounds of training sends its variables as a dict of
name and array. The policy is a bundle, built of the first checkpoint. Twenty answers
after each update are compared with the session's own.

Runs on the fake AscendCL: python examples/tensorflow_online.py
It needs the extra `tensorflow`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it says a lot
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import tensorflow as tf

import acl_bundle as ab
from acl_bundle import build, fake, weights

Array = NDArray[Any]
v1 = tf.compat.v1
v1.logging.set_verbosity(v1.logging.ERROR)


class Trainer:
    """A small network that learns which of its inputs is the largest."""

    def __init__(self) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            v1.set_random_seed(0)
            x = v1.placeholder(tf.float32, [None, 8], name="x")
            hidden = tf.nn.relu(self.dense("fc1", x, 16))
            logits = self.dense("fc2", hidden, 8)
            tf.nn.softmax(logits, name="y")
            labels = tf.argmax(x, 1)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            self.train = v1.train.AdamOptimizer(0.01).minimize(tf.reduce_mean(loss, name="loss"))
            self.variables = v1.trainable_variables()
            self.saver = v1.train.Saver()
            self.session = v1.Session(graph=self.graph)
            self.session.run(v1.global_variables_initializer())
        self.rng = np.random.default_rng(0)

    @staticmethod
    def dense(name: str, x: Any, units: int) -> Any:
        with v1.variable_scope(name):
            matrix = v1.get_variable("W", [x.shape[-1], units])
            return tf.matmul(x, matrix) + v1.get_variable("b", [units])

    def batch(self, count: int) -> Array:
        return self.rng.standard_normal((count, 8), np.float32)

    def step(self) -> None:
        for _ in range(50):
            self.session.run(self.train, {"x:0": self.batch(64)})

    def values(self) -> dict[str, Array]:
        """What goes to the side that infers: {"fc1/W:0": array, ...}."""
        names = [one.name for one in self.variables]
        return dict(zip(names, self.session.run(self.variables), strict=True))

    def infer(self, x: Array) -> Array:
        answer: Array = self.session.run("y:0", {"x:0": x})
        return answer

    def save(self, path: Path) -> None:
        with self.graph.as_default():
            self.saver.save(self.session, str(path))


def main(folder: Path) -> None:
    """Train ten times, update ten times, infer twenty times in between."""
    trainer = Trainer()
    trainer.save(folder / "model.ckpt")
    shapes = {"x": (4, 8)}
    built = build.from_tensorflow(folder / "model.ckpt", outputs=["y"], input_shapes=shapes)
    print(", ".join(map(str, built.weights.values())))
    with ab.Bundle.load(built.to_bytes()) as policy:
        policy.init()
        for version in range(1, 11):
            trainer.step()
            policy.update(trainer.values(), version=version)
            right, largest = 0, 0.0
            for _ in range(20):
                x = trainer.batch(4)
                y = policy.infer(x)
                largest = max(largest, float(abs(y - trainer.infer(x)).max()))
                right += int((y.argmax(1) == x.argmax(1)).sum())
            assert largest < 1e-5
            print(f"version {version}: {right} of 80 right, as the trainer's session says")
        trainer.save(folder / "newer.ckpt")
        with weights.open(folder / "newer.ckpt") as newer:  # with the slots of Adam
            print(f"a whole checkpoint: {len(policy.update(newer).changed)} variables")
    with weights.open(folder / "newer.ckpt") as newer:
        graph = folder / "model.ckpt.meta"
        print(weights.freeze(newer, graph, folder / "frozen.pb", outputs=["y"]).title)
    trainer.session.close()


if __name__ == "__main__":
    fake.activate()
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")
