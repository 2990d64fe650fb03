"""Keras models: each answers as Keras does, with the first weights and with new ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import build
from acl_bundle.build.tensorflow import convert, frozen

from .samples import VALUE, Served, close, keras, new_value, tf

Serve = Callable[..., Served]

pytestmark = pytest.mark.filterwarnings("ignore")
layers = keras.layers
RNG = np.random.default_rng(5)


def numbers(*shape: int, dtype: Any = np.float32) -> Any:
    return RNG.standard_normal(shape).astype(dtype)


def sequence(shape: tuple[int, ...], *parts: Any, dtype: str | None = None) -> Any:
    return keras.Sequential([layers.Input(shape, dtype=dtype), *parts])


def attention() -> Any:
    x = layers.Input((6, 8))
    attended = layers.MultiHeadAttention(2, 4)(x, x)
    normed = layers.LayerNormalization()(layers.Add()([x, attended]))
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(normed)))


def tied() -> Any:
    """A layer that is used twice: its variables are one, and feed two places."""
    shared, x = layers.Dense(4, activation="tanh"), layers.Input((4,))
    return keras.Model(x, shared(shared(x)))


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "mlp": (lambda: sequence((4,), layers.Dense(5, activation="relu"), layers.Dense(3)), (2, 4)),
    "convolutions": (
        lambda: sequence(
            (8, 8, 3),
            layers.Conv2D(4, 3, padding="same", strides=2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.BatchNormalization(center=False),
            layers.Conv2DTranspose(3, 3, strides=2),
            layers.SeparableConv2D(3, 3),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ),
        (2, 8, 8, 3),
    ),
    "conv1d": (
        lambda: sequence((8, 3), layers.Conv1D(4, 3), layers.BatchNormalization()),
        (2, 8, 3),
    ),
    "conv3d": (lambda: sequence((5, 5, 5, 2), layers.Conv3D(3, 3)), (1, 5, 5, 5, 2)),
    "layer norm": (
        lambda: sequence((6, 4), layers.Dense(8), layers.LayerNormalization(), layers.Dense(3)),
        (2, 6, 4),
    ),
    "group norm": (lambda: sequence((6, 6, 4), layers.GroupNormalization(2)), (2, 6, 6, 4)),
    "prelu": (lambda: sequence((6,), layers.Dense(5), layers.PReLU()), (2, 6)),
    "attention": (attention, (2, 6, 8)),
    "tied": (tied, (2, 4)),
    "gru": (lambda: sequence((6, 4), layers.GRU(5)), (2, 6, 4)),
    "unrolled gru": (lambda: sequence((3, 4), layers.GRU(5, unroll=True)), (2, 3, 4)),
    "simple rnn": (lambda: sequence((6, 4), layers.SimpleRNN(5)), (2, 6, 4)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_as_keras_does_after_full_and_partial_updates(
    name: str, serve: Serve
) -> None:
    make, shape = MODELS[name]
    agrees(serve, make(), numbers(*shape))


LSTM = layers.LSTM


@pytest.mark.parametrize(
    ("parts", "nodes"),
    [
        ([LSTM(5, return_sequences=True), LSTM(3, use_bias=False)], {"LSTM": 2}),
        ([layers.Bidirectional(LSTM(5))], {"LSTM": 1}),
        ([layers.GRU(4, return_sequences=True), LSTM(4)], {"LSTM": 1, "Loop": 1}),
        ([layers.Masking(), LSTM(4)], {"Loop": 1}),
        ([LSTM(4, activation="relu", recurrent_activation="hard_sigmoid")], {"Loop": 1}),
    ],
    ids=["two", "bidirectional", "behind a GRU", "masked", "other activations"],
)
def test_an_lstm_layer_is_one_node_where_onnx_has_it(
    parts: list[Any], nodes: dict[str, int], serve: Serve
) -> None:
    model = sequence((6, 4), *parts)
    graph = frozen.freeze(model)
    ops = Counter(node.op_type for node in convert.to_onnx(graph, graph.variables).graph.node)
    assert {name: ops[name] for name in ("LSTM", "Loop") if ops[name]} == nodes
    agrees(serve, model, numbers(2, 6, 4))


def test_a_layer_that_is_used_twice_is_two_nodes_with_the_same_variables(serve: Serve) -> None:
    x, shared = layers.Input((6, 4)), LSTM(4, return_sequences=True)
    agrees(serve, keras.Model(x, shared(shared(x))), numbers(2, 6, 4))


def agrees(serve: Serve, model: Any, x: Any, error: float = 1e-5) -> None:
    served = serve(model)
    floats = [one for one in model.variables if one.dtype.startswith(("float", "bfloat"))]
    assert sorted(served.variables) == sorted(one.path for one in floats)
    close(served.infer(x), [model(x, training=False).numpy()], error)
    rng = np.random.default_rng(7)
    for share in (1.0, 0.4, 0.4, 0.4):
        chosen = [one for one in floats if rng.random() < share]
        for one in chosen:
            one.assign(new_value(one.path, one.numpy(), rng))
        served.update({one.path: one.numpy() for one in chosen})
        close(served.infer(x), [model(x, training=False).numpy()], error)


def test_an_embedding_is_a_variable(serve: Serve) -> None:
    model = sequence((6,), layers.Embedding(10, 4), layers.GlobalAveragePooling1D(), dtype="int32")
    agrees(serve, model, RNG.integers(0, 10, (2, 6), dtype=np.int32))


@pytest.mark.parametrize(("dtype", "error"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_half_precision_variables_keep_their_type(dtype: str, error: float, serve: Serve) -> None:
    model = sequence(
        (8, 8, 3),
        layers.Conv2D(5, 3, dtype=dtype),
        layers.BatchNormalization(dtype=dtype),
        layers.Flatten(dtype=dtype),
        layers.Dense(3, dtype=dtype),
        dtype=dtype,
    )
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    agrees(serve, model, numbers(2, 8, 8, 3, dtype=kind), error)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_has_float32_variables(dtype: str, serve: Serve) -> None:
    model = sequence((4,), layers.Dense(5, dtype=dtype), layers.Dense(3, dtype="float32"))
    agrees(serve, model, numbers(2, 4), 2e-2)


def test_several_inputs_and_outputs_have_their_names(serve: Serve) -> None:
    a, b = layers.Input((3,), name="a"), layers.Input((2,), name="b")
    model = keras.Model({"b": b, "a": a}, {"t": layers.Dense(2)(b), "s": layers.Dense(4)(a)})
    served = serve(model)
    assert (served.inputs, served.outputs) == (["a", "b"], ["s", "t"])
    x, y = numbers(2, 3), numbers(2, 2)
    wanted = model({"a": x, "b": y})
    close(served.infer(x, y), [wanted["s"].numpy(), wanted["t"].numpy()])
    listed = keras.Model([b, a], layers.Dense(2, name="out")(layers.Concatenate()([b, a])))
    served = serve(listed)
    assert (served.inputs, served.outputs) == (["b", "a"], ["out"])
    close(served.infer(y, x), [listed([y, x]).numpy()])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_file_takes_the_names_of_the_model_that_trains(
    tmp_path: Any, suffix: str, serve: Serve
) -> None:
    model = sequence((4,), layers.Dense(5, activation="relu"), layers.Dense(3))
    model.compile("adam", "mse")
    model.fit(numbers(4, 4), numbers(4, 3), verbose=0)
    model.save(tmp_path / f"model{suffix}")
    served = serve(tmp_path / f"model{suffix}")
    x = numbers(2, 4)
    close(served.infer(x), [model(x).numpy()])
    model.fit(numbers(4, 4), numbers(4, 3), verbose=0)
    served.update({one.path: one.numpy() for one in model.variables})
    close(served.infer(x), [model(x).numpy()])


def test_a_checkpoint_of_the_model_has_its_names(tmp_path: Any, serve: Serve) -> None:
    model = sequence((8, 8, 3), layers.Conv2D(4, 3), layers.BatchNormalization())
    for name, checkpoint in (
        ("whole", tf.train.Checkpoint(model)),
        ("part", tf.train.Checkpoint(model=model)),
    ):
        prefix = checkpoint.write(str(tmp_path / name))
        served = serve(model)
        stored = [key for key, _ in tf.train.list_variables(prefix) if key.endswith(VALUE)]
        served.infer(numbers(1, 8, 8, 3))
        aliases = served.bundle.update.aliases
        assert {aliases[key] for key in stored} == set(served.variables)


def test_what_has_no_inputs_yet_and_what_is_no_model_are_told(serve: Serve) -> None:
    with pytest.raises(ValueError, match="has no inputs yet; give it an Input layer"):
        serve(keras.Sequential([layers.Dense(2)]))
    with pytest.raises(TypeError, match="a path or a Keras model is right"):
        serve(5)


def test_an_input_is_called_as_its_layer_before_and_after_the_file(tmp_path: Path) -> None:
    """The tensor of an Input without a name is numbered by the process: `keras_tensor_19`."""
    for _ in range(2):
        layers.Input((4,))
    model = sequence((4,), layers.Dense(2))
    model.save(tmp_path / "model.keras")
    name = model._layers[0].name
    assert name.startswith("input_layer")
    for one in (model, tmp_path / "model.keras"):
        built = build.from_tensorflow(one, input_shapes={name: (1, 4)})
        assert [one.name for one in built.inputs] == [name]
