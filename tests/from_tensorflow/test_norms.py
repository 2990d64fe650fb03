"""Batch normalisation comes as Mul and Add, or fused, and enters the layer before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.build._fold import fold
from acl_bundle.build._onnx import gather
from acl_bundle.build._onnx.load import load
from acl_bundle.build.tensorflow import convert, frozen

from .samples import Served, close, keras, new_value, tf, v1
from .trainer import Trainer

Serve = Callable[..., Served]

pytestmark = pytest.mark.filterwarnings("ignore")
layers = keras.layers
RNG = np.random.default_rng(5)


RELU = layers.Conv2D(4, 3, activation="relu")


def left(model: Any, **options: Any) -> list[str]:
    """The operators of the inference graph, its weight program split off."""
    graph = frozen.freeze(model, **options)
    loaded = load(convert.to_onnx(graph, graph.variables))
    constants = gather.gather(loaded).own
    names = {one.name for one in graph.variables.values()}
    chosen = [one for name, one in constants.items() if name in names]
    fold(loaded.model, constants, chosen, passes=True, init=True, aliases={}, unused=())
    return [node.op_type for node in loaded.model.graph.node]


def sequence(shape: tuple[int, ...], *parts: Any) -> Any:
    return keras.Sequential([layers.Input(shape, batch_size=2), *parts])


def normed(layer: Any, **options: Any) -> tuple[Any, Any]:
    return layer, layers.BatchNormalization(**options)


def trained(model: Any, steps: int) -> None:
    x = RNG.standard_normal((2, *model.input_shape[1:])).astype("f4")
    y = RNG.standard_normal((2, *model.output_shape[1:])).astype("f4")
    for _ in range(steps):
        model.train_on_batch(x, y)


def test_a_keras_model_loses_its_norms_and_takes_its_variables(serve: Serve) -> None:
    model = sequence(
        (8, 8, 3),
        *normed(layers.Conv2D(4, 3)),
        layers.ReLU(),
        *normed(layers.DepthwiseConv2D(3)),
        *normed(layers.Conv2DTranspose(5, 3)),
        layers.Flatten(),
        *normed(layers.Dense(6)),
    )
    assert left(model) == [
        "Transpose", "Conv", "Relu", "Conv", "ConvTranspose", "Transpose", "Reshape", "Gemm",
    ]  # fmt: skip
    model.compile("adam", "mse")
    served = serve(model)
    x = RNG.standard_normal((2, 8, 8, 3)).astype("f4")
    close(served.infer(x), [model(x, training=False).numpy()])
    for _ in range(3):
        trained(model, 4)
        served.update({one.path: one.numpy() for one in model.variables})
        close(served.infer(x), [model(x, training=False).numpy()])
    assert len(served.bundle.update.derived) == 8


@pytest.mark.parametrize(
    ("shape", "parts", "ops"),
    [
        ((9, 3), (*normed(layers.Conv1D(4, 3)), layers.ReLU()), {"Conv": 1}),
        ((9, 3), normed(layers.Conv1DTranspose(4, 3, use_bias=False)), {"ConvTranspose": 1}),
        ((6, 6, 3), normed(layers.SeparableConv2D(4, 3), scale=False), {"Conv": 2}),
        ((5, 5, 5, 2), normed(layers.Conv3D(4, 3)), {"Conv": 1}),
        ((9, 3), normed(layers.Dense(4)), {"MatMul": 1, "Add": 1}),
        ((9, 3), normed(layers.Dense(4, use_bias=False), center=False), {"MatMul": 1, "Add": 1}),
        ((3,), normed(layers.Dense(4, use_bias=False)), {"MatMul": 1, "Add": 1}),
        ((6, 6, 3), normed(RELU), {"Add": 1, "Conv": 1, "Mul": 1}),
    ],
    ids=["1-D", "1-D transposed", "separable", "3-D", "sequences", "no center", "no bias", "Relu"],
)  # fmt: skip
def test_what_stays_is_the_layer(
    shape: tuple[int, ...], parts: tuple[Any, ...], ops: dict[str, int], serve: Serve
) -> None:
    """And the Add of a MatMul, which is its bias; a Relu between keeps a norm apart."""
    model = sequence(shape, *parts)
    found = Counter(left(model))
    kinds = ("Add", "BatchNormalization", "Conv", "ConvTranspose", "Div", "MatMul", "Mul", "Sub")
    assert {op: found[op] for op in kinds if found[op]} == ops
    served = serve(model)
    x = RNG.standard_normal((2, *shape)).astype("f4")
    for _ in range(2):
        close(served.infer(x), [model(x, training=False).numpy()])
        for one in model.variables:
            one.assign(new_value(one.path, one.numpy(), RNG))
        served.update({one.path: one.numpy() for one in model.variables})


def test_a_frozen_graph_with_fused_norms_loses_them(tmp_path: Any) -> None:
    path = tmp_path / "frozen.pb"
    path.write_bytes(Trainer().frozen().SerializeToString())
    assert Counter(left(path))["Add"] == 2  # the biases of its two products
    assert not {"BatchNormalization", "Mul", "Sub"} & set(left(path))


@pytest.mark.parametrize("last", [True, False], ids=["NHWC", "NCHW"])
def test_a_norm_of_plain_operators_enters_the_convolution(
    last: bool, tmp_path: Any, serve: Serve
) -> None:
    """`tf.nn.batch_normalization` of TensorFlow 1, whatever the layout; only NHWC runs there."""
    graph = tf.Graph()
    shape = [4] if last else [4, 1, 1]
    with graph.as_default():
        x = v1.placeholder(tf.float32, [2, 5, 5, 3], name="x")
        kernel = v1.get_variable("kernel", [3, 3, 3, 4])
        spread = v1.initializers.random_uniform(0.5, 1.5)
        bn = [v1.get_variable(name, shape, initializer=spread) for name in "mvbg"]
        y = tf.nn.conv2d(x, kernel, 1, "SAME")
        y = y if last else tf.transpose(y, [0, 3, 1, 2])
        tf.identity(tf.nn.batch_normalization(y, *bn, 1e-3), name="y")
        with v1.Session(graph=graph) as session:
            session.run(v1.global_variables_initializer())
            v1.train.Saver().save(session, str(tmp_path / "model.ckpt"))
            image = RNG.standard_normal((2, 5, 5, 3)).astype("f4")
            wanted = session.run("y:0", {"x:0": image})
    found = left(tmp_path / "model.ckpt", outputs=["y"])
    assert set(found) <= {"Conv", "Transpose"}
    served = serve(tmp_path / "model.ckpt", outputs=["y"])
    close(served.infer(image), [wanted])


def test_fold_false_leaves_the_norm_where_it_is(fake_acl: Any) -> None:
    model = sequence((6, 6, 3), *normed(layers.Conv2D(4, 3)))
    built = build.from_tensorflow(model, fold=False)
    assert not any(piece.steps for piece in built.program.pieces)
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        x = RNG.standard_normal((2, 6, 6, 3)).astype("f4")
        bundle.update({one.path: one.numpy() for one in model.variables})
        close([bundle.infer(x)], [model(x, training=False).numpy()])
