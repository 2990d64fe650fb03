"""What tf2onnx made of a Keras model's variables is found, and takes new ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    tf: Any = pytest.importorskip("tensorflow", reason="the tensorflow wheel is not installed")
    tf2onnx: Any = pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
    import keras as _keras
keras: Any = _keras
layers = keras.layers
pytestmark = [pytest.mark.usefixtures("fake_acl"), pytest.mark.filterwarnings("ignore")]
tf.get_logger().setLevel("ERROR")


def sequence(shape: tuple[int, ...], *parts: Any) -> Any:
    return keras.Sequential([layers.Input(shape), *parts])


def attention() -> Any:
    x = layers.Input((4, 8))
    return keras.Model(x, layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x)))


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "mlp": (
        lambda: sequence(
            (4,), layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dense(2)
        ),
        (3, 4),
    ),
    "convolutions": (
        lambda: sequence(
            (8, 8, 3),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3),
            layers.BatchNormalization(epsilon=1e-5),
            layers.Conv2DTranspose(5, 2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ),
        (1, 8, 8, 3),
    ),
    "convolutions without biases": (
        lambda: sequence(
            (8, 8, 3),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
            layers.BatchNormalization(scale=False),
            layers.SeparableConv2D(5, 3, use_bias=False),
            layers.BatchNormalization(center=False),
        ),
        (1, 8, 8, 3),
    ),
    "lstm": (
        lambda: sequence(
            (4, 8), layers.LSTM(6, return_sequences=True), layers.LSTM(5), layers.Dense(2)
        ),
        (1, 4, 8),
    ),
    "both ways": (lambda: sequence((4, 8), layers.Bidirectional(layers.LSTM(6))), (1, 4, 8)),
    "gru": (lambda: sequence((4, 8), layers.GRU(6), layers.Dense(2)), (1, 4, 8)),
    "attention": (attention, (1, 4, 8)),
}


def shaken(model: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Give every variable another value, as training does, and return them by path."""
    for one in model.weights:
        value = one.numpy() + 0.2 * rng.standard_normal(one.shape)
        one.assign(np.abs(value) + 0.1 if "variance" in one.path else value)
    return {one.path: one.numpy() for one in model.weights}


@pytest.mark.parametrize("kind", MODELS)
def test_the_variables_give_kerass_answer(kind: str) -> None:
    rng = np.random.default_rng(3)
    make, shape = MODELS[kind]
    model = make()
    now = shaken(model, rng)
    ends = [tf.TensorSpec(shape, tf.float32, name="x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=ends)
    made, _ = tf2onnx.convert.from_function(function, input_signature=ends, opset=17)

    found = build.match(made, now)
    assert not found.ambiguous
    assert not found.unused
    assert all(one.name.startswith("const_") or "zeros" in one.name or not one.shape
               for one in found.unmatched), str(found)  # fmt: skip
    x = rng.standard_normal(shape).astype(np.float32)
    path = build.from_onnx(made, program=found.program).to_bytes()
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        for turn in range(4):
            before, new = now, shaken(model, rng)
            if turn % 2:
                some = rng.choice(list(new), len(new) // 2, replace=False)
                new = {name: new[name] for name in map(str, some)}
            now = before | new
            for one in model.weights:
                one.assign(now[one.path])
            bundle.update(new)
            wanted = model(x, training=False).numpy()
            np.testing.assert_allclose(bundle.infer(x), wanted, rtol=1e-5, atol=1e-5)
