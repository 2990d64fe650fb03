"""A trainer of TensorFlow 1: a graph, a session, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .samples import Array, tf, v1

OUTPUT = "policy/y"


class Trainer:
    """Convolution, batch normalisation and two dense layers, trained by Adam in a session.

    Attributes:
        graph: All of it: the model, its loss, its gradients, a saver.
    """

    def __init__(self, *, resource: bool = False) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            v1.set_random_seed(3)
            x = v1.placeholder(tf.float32, [None, 6, 6, 2], name="x")
            labels = v1.placeholder(tf.int64, [None], name="labels")
            with v1.variable_scope("policy", use_resource=resource):
                logits = self._logits(x)
                tf.nn.softmax(logits, name="y")
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses, name="loss")
            step = v1.train.get_or_create_global_step()
            self._train = v1.train.AdamOptimizer(0.05).minimize(loss, global_step=step, name="go")
            self._saver = v1.train.Saver()
            self.model = [one for one in v1.global_variables() if "Adam" not in one.name]
            self.model = [one for one in self.model if one.name.startswith("policy/")]
            start = v1.global_variables_initializer()
        self.session = v1.Session(graph=self.graph)
        self.session.run(start)
        self._rng = np.random.default_rng(4)

    def _logits(self, x: Any) -> Any:
        variable = v1.get_variable
        kernel = variable("conv/kernel", [3, 3, 2, 4])
        spread = v1.initializers.random_uniform(0.5, 1.5)
        bn = [
            variable(f"bn/{name}", [4], initializer=spread, trainable=not name.startswith("moving"))
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
        hidden = tf.nn.conv2d(x, kernel, 1, "SAME")
        hidden = tf.nn.relu(v1.nn.fused_batch_norm(hidden, *bn, is_training=False)[0])
        hidden = tf.reshape(hidden, [-1, 144])
        for name, shape in (("fc1", [144, 8]), ("fc2", [8, 3])):
            hidden = tf.matmul(hidden, variable(f"{name}/W", shape)) + variable(
                f"{name}/b", shape[1:]
            )
            hidden = tf.nn.tanh(hidden) if name == "fc1" else hidden
        return hidden

    def step(self) -> None:
        """Train on a batch, and let the statistics move as those of another batch do."""
        labels = self._rng.integers(0, 3, 8)
        self.session.run(self._train, {"x:0": self.batch(8), "labels:0": labels})
        for one in self.model:
            if "moving" in one.name:
                value = self.session.run(one) * np.float32(0.9) + self._rng.random(4, "f4")
                self.assign(one, value)

    def assign(self, variable: Any, value: Array) -> None:
        self.session.run(variable.initializer, {variable.initializer.inputs[1]: value})

    def batch(self, count: int) -> Array:
        return self._rng.standard_normal((count, 6, 6, 2), "f4")

    def infer(self, x: Array) -> Array:
        answer: Array = self.session.run(f"{OUTPUT}:0", {"x:0": x})
        return answer

    def values(self) -> dict[str, Array]:
        """The model's variables, as the key-value dict that goes to the side that infers."""
        arrays = self.session.run(self.model)
        return {one.name: array for one, array in zip(self.model, arrays, strict=True)}

    def save(self, folder: Path, step: int) -> Path:
        with self.graph.as_default():
            saved = self._saver.save(self.session, str(folder / "model.ckpt"), global_step=step)
        return Path(saved)

    def frozen(self) -> Any:
        """A GraphDef with constants for the variables."""
        freeze = v1.graph_util.convert_variables_to_constants
        return freeze(self.session, self.graph.as_graph_def(), [OUTPUT])
