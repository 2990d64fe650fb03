"""Several sets of weights as one: of each weight the first that has it counts."""

from __future__ import annotations

from collections.abc import Sequence

from acl_bundle.follow._versions.source import Weights
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, fetch, spec_of


class Layers(Source):
    """Weights that lie in several places, which stay theirs to close.

    A name that is another name of a weight (`Source.aliases`) goes with that weight: where an
    upper layer has the weight, under any of its names, the lower one's value is not seen.

    Attributes:
        metadata: That of the first.
        kinds: Of which kind each of them is.
    """

    kind = "layers"

    def __init__(self, file: str, layers: Sequence[Weights]) -> None:
        self._layers = layers
        self._places: dict[str, tuple[Weights, str]] = {}
        for layer in reversed(layers):
            for name in layer:
                self._places[name] = layer, name
            self._follow_aliases(layer)
        self.kinds: tuple[str | None, ...] = tuple(getattr(one, "kind", None) for one in layers)
        self.metadata: dict[str, str] = getattr(layers[0], "metadata", {})
        skipped = {
            name: why
            for layer in layers
            for name, why in getattr(layer, "skipped", {}).items()
            if name not in self._places
        }
        specs = {name: spec_of(layer, under) for name, (layer, under) in self._places.items()}
        super().__init__(file, specs, skipped)

    def _follow_aliases(self, upper: Weights) -> None:
        """Give the names of other layers what an upper layer has under another of their names."""
        for layer in self._layers:
            groups: dict[str, list[str]] = {}
            for alias, first in getattr(layer, "aliases", {}).items():
                groups.setdefault(first, [first]).append(alias)
            for group in groups.values():
                there = [name for name in group if name in upper]
                for name in group if there else ():
                    self._places[name] = upper, name if name in upper else there[0]

    def _read(self, name: str) -> Array:
        layer, under = self._places[name]
        return fetch(layer, under)

    def _release(self) -> None:
        self._places = {}
