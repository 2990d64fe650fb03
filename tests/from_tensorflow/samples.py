"""What the tests of build.from_tensorflow share: TensorFlow, made quiet, and answers to compare."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.build.tensorflow import frozen

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    tf: Any = pytest.importorskip("tensorflow", reason="the tensorflow wheel is not installed")
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
    import keras as _keras
keras: Any = _keras
v1: Any = tf.compat.v1
tf.get_logger().setLevel("ERROR")

Array = NDArray[Any]
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class Served:
    """A bundle built of a model, on the fake; the first inference decides the inputs' shapes."""

    def __init__(self, model: Any, **options: Any) -> None:
        self._model, self._options = model, options
        ends = {key: one for key, one in options.items() if key != "weights"}
        graph = frozen.freeze(model, **ends)
        self.inputs, self.outputs = list(graph.inputs.values()), list(graph.outputs.values())
        self.variables = [one.name for one in graph.variables.values()]
        self._bundle: ab.Bundle | None = None
        self._new: list[Mapping[str, Array]] = []

    def update(self, values: Mapping[str, Array]) -> None:
        if self._bundle is None:
            self._new.append(values)
        else:
            self._bundle.update(values)

    def infer(self, *inputs: Array) -> list[Array]:
        fed = dict(zip(self.inputs, inputs, strict=True))
        if self._bundle is None:
            shapes = {name: one.shape for name, one in fed.items()}
            built = build.from_tensorflow(self._model, input_shapes=shapes, **self._options)
            self._bundle = ab.Bundle.load(built.to_bytes())
            self._bundle.init()
            for one in self._new:
                self._bundle.update(one)
        answers = self._bundle.infer.run(fed)
        return [np.asarray(answers[name]) for name in self.outputs]

    @property
    def bundle(self) -> ab.Bundle:
        assert self._bundle is not None, "infer first"
        return self._bundle

    def close(self) -> None:
        if self._bundle is not None:
            self._bundle.close()


def close(got: list[Array], wanted: list[Array], error: float = 1e-5) -> None:
    """Compare answers: dtype, shape, and the error in parts of the largest value."""
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        difference = np.abs(one.astype("f8") - other.astype("f8")).max()
        assert difference <= error * np.abs(other.astype("f8")).max()


def new_value(name: str, old: Array, rng: np.random.Generator) -> Array:
    """Another value for a variable; what is a variance stays positive."""
    value = rng.standard_normal(old.shape) * 0.5
    return (abs(value) + 0.5 if "variance" in name else value).astype(old.dtype)
