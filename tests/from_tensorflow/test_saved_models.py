"""SavedModels: a signature's names for the ends, the variables' names and keys for the weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import weights

from .samples import VALUE, Served, close, keras, new_value, tf

pytestmark = pytest.mark.filterwarnings("ignore")
Serve = Callable[..., Served]
X = np.linspace(-1, 1, 8, dtype="f4").reshape(2, 4)


def test_an_exported_keras_model(tmp_path: Path, serve: Serve) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((4,), name="state"),
            layers.Dropout(0.5),
            layers.Dense(5),
            layers.BatchNormalization(),
        ]
    )
    model.export(str(tmp_path / "model"), verbose=False)
    served = serve(tmp_path / "model")
    assert (served.inputs, served.outputs) == (["state"], ["output_0"])
    close(served.infer(X), [model(X, training=False).numpy()])
    rng = np.random.default_rng(1)
    for one in model.variables:
        if "seed" not in one.path:
            one.assign(new_value(one.path, one.numpy(), rng))
    served.update({one.path: one.numpy() for one in model.variables})
    close(served.infer(X), [model(X, training=False).numpy()])
    # Its own checkpoint, by keys: Keras writes each variable twice.
    for one in model.variables:
        if "seed" not in one.path:
            one.assign(new_value(one.path, one.numpy(), rng))
    model.export(str(tmp_path / "newer"), verbose=False)
    with weights.open(tmp_path / "newer") as newer:
        assert {key.partition("/")[0] for key in newer} == {"_all_variables", "variables"}
        served.update(newer)
        close(served.infer(X), [model(X, training=False).numpy()])
        copies = {key: np.zeros_like(newer[key]) for key in newer if key[0] == "_"}
    served.update({key: value for key, value in copies.items() if value.shape == (4, 5)})
    kernel = model.layers[1].kernel
    kernel.assign(kernel * 0)
    close(served.infer(X), [model(X, training=False).numpy()])


class Pair(tf.Module):
    """Two variables without names, and two signatures."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = {"kernel": tf.Variable(tf.random.normal((4, 3)))}
        self.biases = [tf.Variable(tf.random.normal((3,)))]

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def scores(self, x: Any) -> Any:
        return {"y": x @ self.layer["kernel"] + self.biases[0], "x2": x * 2}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def best(self, x: Any) -> Any:
        return {"best": tf.argmax(self.scores(x)["y"], 1)}


def test_variables_without_names_are_called_by_their_place(tmp_path: Path, serve: Serve) -> None:
    module = Pair()
    signatures = {"scores": module.scores, "best": module.best}
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    with pytest.raises(ValueError, match="signature= may be one of 'scores', 'best'"):
        serve(tmp_path)
    served = serve(tmp_path, signature="scores")
    assert sorted(served.variables) == ["biases/0", "layer/kernel"]
    assert served.outputs == ["x2", "y"]
    close(served.infer(X), [X * 2, module.scores(X)["y"].numpy()])
    new = {f"layer/kernel{VALUE}": np.ones((4, 3), "f4"), "biases/0:0": np.zeros(3, "f4")}
    served.update(new)
    close(served.infer(X)[1:], [np.repeat(X.sum(1, keepdims=True), 3, 1)])
    only = serve(tmp_path, signature="scores", outputs=["y"])
    assert only.outputs == ["y"]
    best = serve(tmp_path / "saved_model.pb", signature="best")
    close(best.infer(X), [module.best(X)["best"].numpy()])


class Same(tf.Module):
    """A variable, an input and an output of one name."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = tf.Variable(tf.ones((4, 3)), name="x")

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def apply(self, x: Any) -> Any:
        return {"matrix": x @ self.matrix}


def test_a_variable_and_an_input_may_share_a_name(tmp_path: Path, serve: Serve) -> None:
    module = Same()
    tf.saved_model.save(module, str(tmp_path), signatures=module.apply)
    served = serve(tmp_path)
    assert (served.inputs, served.variables) == (["x"], ["x:0"])
    close(served.infer(X), [np.repeat(X.sum(1, keepdims=True), 3, 1)])
    for name in ("x", "x:0", f"matrix{VALUE}"):
        served.update({name: np.zeros((4, 3), "f4")})
        close(served.infer(X), [np.zeros((2, 3), "f4")])
        served.update({name: np.ones((4, 3), "f4")})


def test_what_is_no_model_is_told(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "a").write_bytes(b"\xff" * 99)
    (tmp_path / "b").write_text("node { nam: 3 }")
    (tmp_path / "empty").mkdir()
    (tmp_path / "c.keras").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "d.meta").write_bytes(b"\xff" * 99)
    (tmp_path / "e").write_bytes(b"")
    for name, message in (
        ("a", "is no model of TensorFlow's"),
        ("b", "is no graph as text"),
        ("empty", "has no saved_model.pb, and no checkpoint with a .meta file"),
        ("c.keras", "Keras cannot load"),
        ("d.meta", "is no model of TensorFlow's"),
        ("e", "has no nodes"),
    ):
        with pytest.raises(ValueError, match=message):
            serve(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        serve(tmp_path / "nothing")
