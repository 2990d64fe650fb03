"""The layers that must compute in float32: the error of each set, the search, a last look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from acl_bundle.compare import Tolerance
from acl_bundle.precision._distance import Outputs, part
from acl_bundle.precision._layered import Arrays, LayeredModel
from acl_bundle.precision._search import Watch, smallest


class KeptLayer(NamedTuple):
    """A layer that must compute in float32.

    ``type`` is its operator. ``alone`` is the error when it alone is in half precision, ``added``
    the error when it is as well as all that need not stay, both as parts of the tolerance.
    """

    name: str
    type: str
    alone: float
    added: float


@dataclass(frozen=True)
class KeepFloat32Layers:
    """Which layers must compute in float32.

    Attributes:
        kept: Those, the worst first; all of them where the tolerance is not met.
        half: The others.
        others: Nodes that stay as they are: integers, shapes, operators without half precision.
        whole: The error when all layers are in half precision, as a part of the tolerance.
        error: The error when `half` is.
        met: Whether that keeps the tolerance.
        tried: How many sets were tried.
    """

    kept: tuple[KeptLayer, ...]
    half: tuple[str, ...]
    others: tuple[str, ...]
    whole: float
    error: float
    met: bool
    tried: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what must stay: what ``atc --keep_dtype`` takes."""
        return tuple(one.name for one in self.kept)


class RoundedLayers:
    """A model, and what its answers to some inputs are without half precision."""

    def __init__(self, model: LayeredModel, inputs: Sequence[Arrays], tolerance: Tolerance) -> None:
        """Run the float32 model on each input; blocks.

        Args:
            model: It stays the caller's.
            inputs: One run each.
            tolerance: What outputs may differ.

        Raises:
            ValueError: There is no input, or ONNX Runtime refuses one.
        """
        if not inputs:
            raise ValueError("there are no inputs to compare on; one set at least is right")
        self.model: LayeredModel = model
        self._tolerance = tolerance
        self._expected: list[tuple[Arrays, Outputs]] = [(one, model.run(one)) for one in inputs]

    def error(self, half: frozenset[str]) -> float:
        """Return the error when just these layers are in half precision.

        Returns:
            A part of the tolerance: up to 1 it is kept. Infinity where ONNX Runtime fails only
            then, such as at an index that is out of range.
        """
        worst = 0.0
        for given, expected in self._expected:
            try:
                found = self.model.run(given, half)
            except ValueError:
                if not half:
                    raise
                return float("inf")
            worst = max(worst, part(found, expected, self._tolerance))
        return worst


def find_layers(layers: RoundedLayers, watch: Watch | None = None) -> KeepFloat32Layers:
    """Find a smallest set of layers that must compute in float32.

    Args:
        layers: A model to try them in.
        watch: Called after each set with how many were tried.

    Raises:
        ValueError: The float32 model cannot be run again.
    """
    types = layers.model.layers
    found = smallest(tuple(types), layers.error, watch)
    half = tuple(name for name in types if name not in set(found.names))
    kept = tuple(KeptLayer(one.name, types[one.name], one.alone, one.added) for one in found.kept)
    return KeepFloat32Layers(
        kept, half, layers.model.others, found.whole, found.error, found.met, found.tried
    )
