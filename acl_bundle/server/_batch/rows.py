"""Requests as rows of one run: what may be joined, which gear takes it, and who gets which rows.

Only a dynamic batch joins (``aclmdlSetDynamicBatchSize``), of which each input and each output is
open in its first dim alone. Other gears are lengths or resolutions, of which nobody knows
whether one row looks at another. The other rows of a run are then other people's requests, and
zeros where a gear has more rows than are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from acl_bundle.spec import TensorSpec

Array = NDArray[Any]
Shape = tuple[int, ...]


class Shaped(Protocol):
    """What a graph says of itself, and `batches` where it has them."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What it takes, in order."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What it gives, in order."""


class Rows:
    """How requests become rows of one run of a graph, and its outputs answers.

    Used by one thread: the memory in which rows are joined is kept from run to run.

    Attributes:
        most: The rows of the largest gear; 0 where nothing can be joined.
    """

    def __init__(self, graph: Shaped) -> None:
        self._row: dict[str, tuple[np.dtype[Any], Shape]] = {
            spec.name: (spec.dtype, spec.shape[1:]) for spec in graph.inputs
        }
        self._sizes = _batches(graph)
        self.most: int = max(self._sizes, default=0)
        self._joined: dict[int, dict[str, Array]] = {}

    def count(self, inputs: Mapping[str, Array]) -> int:
        """Return how many rows a request has; 0: it goes alone, and the graph looks at it."""
        if not self.most or inputs.keys() != self._row.keys():
            return 0
        found = -1  # none yet: an input may have no rows
        for name, array in inputs.items():
            dtype, shape = self._row[name]
            if array.dtype != dtype or not array.ndim or array.shape[1:] != shape:
                return 0
            if found not in (-1, array.shape[0]):
                return 0
            found = array.shape[0]
        return found if 0 < found <= self.most else 0

    def join(self, requests: Sequence[Mapping[str, Array]], rows: int) -> Mapping[str, Array]:
        """Return the inputs of one run: what was given, one behind the other.

        A single request that is a gear as it is goes uncopied.
        """
        size = min(size for size in self._sizes if size >= rows)
        if len(requests) == 1 and size == rows:
            return requests[0]
        joined = self._joined.get(size)
        if joined is None:
            joined = self._joined[size] = {
                name: np.zeros((size, *shape), dtype) for name, (dtype, shape) in self._row.items()
            }
        for name, whole in joined.items():
            begin = 0
            for inputs in requests:
                end = begin + len(inputs[name])
                whole[begin:end] = inputs[name]
                begin = end
            whole[begin:] = 0
        return joined


def _batches(graph: Shaped) -> tuple[int, ...]:
    """Return the batch sizes, none where a tensor is not made of rows."""
    shapes = [spec.shape for spec in (*graph.inputs, *graph.outputs)]
    batches: tuple[int, ...] = getattr(graph, "batches", ())
    return batches if all(map(_open_first, shapes)) else ()


def _open_first(shape: Shape) -> bool:
    return bool(shape) and shape[0] == -1 and min(shape[1:], default=0) >= 0
