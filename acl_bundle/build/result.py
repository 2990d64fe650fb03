"""What a build gives: a file that is not written yet, and what stands in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from acl_bundle import om
from acl_bundle.om import TensorInfo
from acl_bundle.weight_program import WeightProgram


@dataclass(frozen=True)
class WeightInfo:
    """A refreshable weight: what an update of it takes.

    Attributes:
        name: The weight's name.
        dtype: Its numpy dtype.
        shape: Its dims.
        nbytes: Its size in bytes.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype.name}{list(self.shape)}"


@dataclass(frozen=True, repr=False)
class Model:
    """A plain model file: one graph.

    The object keeps views of the weights' bytes, so what they came from must
    not change before it is saved.

    Attributes:
        inputs: Of the inference graph, in ACL's order.
        outputs: Of the inference graph, in ACL's order.
        weights: The refreshable weights by name, in an update's order; none
            in a plain model.
        image: The file's bytes.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    weights: Mapping[str, WeightInfo]
    image: om.Chunks

    def __repr__(self) -> str:
        ends = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        kind = type(self).__name__
        return f"<build.{kind} ({ends[0]}) -> ({ends[1]}), {len(self.weights)} weights>"

    @property
    def nbytes(self) -> int:
        """Size of the file in bytes."""
        return self.image.nbytes

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file, whole or not at all, and return its path.

        Raises:
            OSError: It cannot be written; what was there before still is.
        """
        return self.image.save(path)

    def to_bytes(self) -> bytes:
        """Return the file's bytes as one object."""
        return self.image.to_bytes()


@dataclass(frozen=True, repr=False)
class Bundle(Model):
    """A bundle file: an inference graph and the graphs that refresh its weights.

    Attributes:
        graphs: Names of the graphs, in file order.
        variable_size: Bytes of the variables' memory.
        program: What makes the graph's constants of the weights; ``program.pieces``
            as text shows it as a table.
        exporter_made: Constants that look like trained weights under names that an
            exporter made up: no state dict has them, so an update by one misses them. And
            those whose value it put a BatchNorm into, under a name that stayed: wrong then.
        shared: Weights that several nodes read, and the nodes' names: used twice,
            or merged by an exporter because their values were equal.
        origin: The ONNX model that it was built from, and how, for `build.compile`. From
            `from_torch` and `from_tensorflow` it holds the weights in memory a second
            time, as long as this object lives; a path of `from_onnx` is only a path.
    """

    graphs: tuple[str, ...]
    variable_size: int
    program: WeightProgram
    exporter_made: tuple[str, ...] = ()
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: Any = field(default=None, compare=False)  # an Origin; onnx has no types
