"""An ONNX model that is open once, and runs with any set of its layers in half precision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.extra import need
from acl_bundle.answers import onnx as sessions
from acl_bundle.build.half import HALVES as TARGETS
from acl_bundle.precision._distance import Outputs
from acl_bundle.precision._switched import switched
from acl_bundle.precision._weights import half_type
from acl_bundle.spec import TensorSpec

Arrays = Mapping[str, NDArray[Any]]


class LayeredModel:
    """A float32 ONNX model, any of whose layers may take and give half precision.

    A layer in half precision rounds each float32 tensor that it takes, constants too, and each
    that it gives; it accumulates in float32. Values beyond the range become infinity, those of
    constants the largest number. Layers have switches: nothing is rebuilt between two runs.

    Attributes:
        dtype: The half precision.
        inputs: What the model takes.
        layers: The operator of each layer by name, in the model's order.
        others: Nodes that stay as they are: integers, shapes, operators without half precision.
        where: What computes, in words that go beside every number.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        """Open a model.

        Args:
            path: An ONNX model. Constants may lie beside it.
            dtype: ``"float16"`` or ``"bfloat16"``.

        Raises:
            ValueError: There is no such dtype, it is no ONNX model, it has no layer to round, or
                ONNX Runtime does not take it.
            UnsupportedError: onnxruntime is not installed, or an input or output is no tensor of
                numbers.
            OSError: It cannot be read.
        """
        half_type(dtype)
        ort = need("onnxruntime", "fake", "finding layers")
        self.dtype: str = dtype
        self.where: str = (
            f"not device numbers: ONNX Runtime {ort.__version__} computes on this machine's"
            f" processor, and rounds to {dtype} between layers"
        )
        self._label = str(path)
        self._model = switched(path, TARGETS[dtype])
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session = sessions.opened(self._model.model.SerializeToString(), self._label, options)
        self._ends = sessions.ends(self._session, self._label)
        takes = self._session.get_inputs()
        added = {name for one in self._model.layers for name in (one.switch, *one.constants)}
        large = self._model.large
        self.inputs: tuple[TensorSpec, ...] = tuple(
            sessions.spec(one, self._label)
            for one in takes
            if one.name not in added and one.name not in large
        )
        self._exact = {one.name: large[one.name] for one in takes if one.name in large}
        self._rounded: dict[str, NDArray[Any]] = {}
        self.layers: dict[str, str] = {
            one.name: ", ".join(sorted(one.types)) for one in self._model.layers
        }
        self.others: tuple[str, ...] = self._model.others

    def run(self, given: Arrays, half: Collection[str] = ()) -> Outputs:
        """Run once, blocking, with these layers in half precision.

        Raises:
            ValueError: ONNX Runtime refuses the inputs, or fails; the message has its words.
        """
        feeds = {**self._exact, **self._switches({*half}), **given}
        found = sessions.answers(self._session, feeds, self._label)
        return dict(zip(self._ends, found, strict=True))

    def _switches(self, half: set[str]) -> dict[str, NDArray[Any]]:
        """Return what the switches are set to, and the large constants that layers read."""
        feeds: dict[str, NDArray[Any]] = {}
        for layer in self._model.layers:
            on = layer.name in half
            feeds[layer.switch] = np.array(on)
            for fed, name in layer.constants.items():
                feeds[fed] = self._constant(name) if on else self._model.large[name]
        return feeds

    def _constant(self, name: str) -> NDArray[Any]:
        """Return a large constant as half precision leaves it."""
        if name not in self._rounded:
            self._rounded[name] = self._model.rounded(self._model.large[name])
        return self._rounded[name]
