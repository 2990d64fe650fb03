"""Graphs that still train are refused: by what a node does, with its name and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle.errors import UnsupportedError

from ..samples import Served, close, keras, tf, v1
from .graphs import dense, placeholder, saved

pytestmark = pytest.mark.filterwarnings("ignore")
Serve = Callable[..., Served]
X = np.linspace(-1, 1, 8, dtype="f4").reshape(2, 4)


def normalised_by_the_batch() -> None:
    x = tf.reshape(dense(placeholder(2, 4), 4), [2, 1, 1, 4])
    ones = [v1.get_variable(name, [4]) for name in ("scale", "offset")]
    tf.identity(v1.nn.fused_batch_norm(x, *ones, name="norm")[0], name="y")


def dropped_out() -> None:
    tf.identity(tf.nn.dropout(dense(placeholder(2, 4)), rate=0.5, name="drop"), name="y")


def from_a_pipeline() -> None:
    data = tf.data.Dataset.from_tensor_slices(X).batch(2, drop_remainder=True)
    x = v1.data.make_initializable_iterator(data).get_next("next")
    tf.identity(dense(x), name="y")


def from_a_queue() -> None:
    x = tf.queue.FIFOQueue(4, tf.float32, [[2, 4]], name="queue").dequeue(name="next")
    tf.identity(dense(x), name="y")


def counting() -> None:
    y = dense(placeholder(2, 4))
    count = v1.get_variable("count", [], dtype=tf.int64)
    with tf.control_dependencies([v1.assign_add(count, 1, name="add")]):
        tf.identity(y, name="y")


def cross_entropy() -> None:
    labels = tf.one_hot([0, 1], 3)
    y = tf.nn.softmax_cross_entropy_with_logits(labels, dense(placeholder(2, 4)), name="loss")
    tf.identity(y, name="y")


@pytest.mark.parametrize(
    ("make", "node", "what"),
    [
        (normalised_by_the_batch, "norm", r"\(FusedBatchNorm\w*\) normalises by the batch at hand"),
        (
            dropped_out,
            "drop/random_uniform/RandomUniform",
            r"\(RandomUniform\) draws random numbers",
        ),
        (
            from_a_pipeline,
            "next",
            r"\(IteratorGetNext\) takes the input from a pipeline; .*inputs=",
        ),
        (from_a_queue, "next", r"\(QueueDequeueV2\) takes the input from a pipeline; .*inputs="),
        (counting, "", r"\(Assign\w+\) writes a variable; name the prediction in outputs="),
        (cross_entropy, "loss", r"\(SoftmaxCrossEntropyWithLogits\) computes a loss.* outputs="),
    ],
)
def test_a_node_that_trains_is_named(
    tmp_path: Path, serve: Serve, make: Callable[[], None], node: str, what: str
) -> None:
    prefix, _ = saved(tmp_path, make)
    with pytest.raises(UnsupportedError, match=f"still trains: node '{node}[^']*' {what}"):
        serve(prefix, outputs=["y"])


def loss_by_gradients() -> None:
    y = dense(placeholder(2, 4))
    loss = tf.reduce_mean(tf.square(y - 1), name="loss")
    v1.train.GradientDescentOptimizer(0.1).minimize(loss, name="step")
    tf.identity(y, name="y")


def loss_by_collection() -> None:
    y = tf.identity(dense(placeholder(2, 4)), name="y")
    v1.losses.add_loss(tf.reduce_mean(tf.square(y - 1), name="loss"))


@pytest.mark.parametrize("make", [loss_by_gradients, loss_by_collection])
def test_a_loss_is_no_output(tmp_path: Path, serve: Serve, make: Callable[[], None]) -> None:
    prefix, run = saved(tmp_path, make)
    with pytest.raises(UnsupportedError, match="output 'loss' is a loss; name the prediction"):
        serve(prefix, outputs=["loss"])
    close(serve(prefix, outputs=["y"]).infer(X), [run(X)])


def test_what_a_pipeline_gives_can_be_fed(tmp_path: Path, serve: Serve) -> None:
    prefix, _ = saved(tmp_path, from_a_pipeline)
    served = serve(prefix, inputs=["next:0"], outputs=["y"])
    assert served.inputs == ["next"]
    served.update({"fc/W:0": np.ones((4, 3), "f4"), "fc/b": np.arange(3, dtype="f4")})
    close(served.infer(X), [X.sum(1, keepdims=True) + np.arange(3, dtype="f4")])


@pytest.mark.parametrize("newer", [False, True])
def test_a_branch_that_is_never_taken_may_train(tmp_path: Path, serve: Serve, newer: bool) -> None:
    """`is_training` has a default, which an inference leaves as it is."""

    def make() -> None:
        training = v1.placeholder_with_default(False, [], name="is_training")
        y = dense(placeholder(2, 4))
        y = v1.cond(training, lambda: tf.nn.dropout(y, rate=0.5), lambda: y * 2)
        tf.identity(y, name="y")

    before = v1.control_flow_v2_enabled()
    (v1.enable_control_flow_v2 if newer else v1.disable_control_flow_v2)()
    try:
        prefix, run = saved(tmp_path, make)
    finally:
        (v1.enable_control_flow_v2 if before else v1.disable_control_flow_v2)()
    close(serve(prefix, outputs=["y"]).infer(X), [run(X)])
    with pytest.raises(UnsupportedError, match="draws random numbers"):
        serve(prefix, inputs=["x", "is_training"], outputs=["y"])


class Training(tf.Module):
    """What a SavedModel may hold by mistake."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = tf.Variable(tf.ones((4, 3)), name="matrix")
        self.count = tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32, name="x")])
    def drop(self, x: Any) -> Any:
        return {"y": tf.nn.dropout(x @ self.matrix, 0.5)}

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32, name="x")])
    def counting(self, x: Any) -> Any:
        self.count.assign_add(1)
        return {"y": x @ self.matrix}


@pytest.mark.parametrize(
    ("name", "what"), [("drop", "draws random numbers"), ("counting", "writes a variable")]
)
def test_a_function_that_trains_is_refused(
    tmp_path: Path, serve: Serve, name: str, what: str
) -> None:
    module = Training()
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=getattr(module, name))
    with pytest.raises(UnsupportedError, match=f"still trains: node '[^']+' .*{what}"):
        serve(tmp_path / "model")


class AlwaysTraining(keras.layers.Layer):
    """A layer that trains whatever it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = keras.layers.BatchNormalization()

    def call(self, x: Any) -> Any:
        return self.norm(x, training=True)


def test_a_keras_model_that_trains_whatever_it_is_told_is_refused(serve: Serve) -> None:
    model = keras.Sequential([keras.layers.Input((4,)), AlwaysTraining()])
    with pytest.raises(UnsupportedError, match=r"still trains: node '[^']+' .*writes a variable"):
        serve(model)
