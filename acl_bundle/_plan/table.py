"""The weights of a graph, in its order and by name; made once, so that no update goes over all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acl_bundle.spec import WeightSpec


class WeightTable:
    """The weights of a graph.

    Args:
        specs: In the graph's order.

    Attributes:
        specs: As they were given.
        names: Their names.
        places: By name, where it stands in both.
    """

    __slots__ = ("names", "places", "specs")

    def __init__(self, specs: Iterable[WeightSpec]) -> None:
        self.specs: tuple[WeightSpec, ...] = tuple(specs)
        self.names: tuple[str, ...] = tuple([spec.name for spec in self.specs])
        self.places: Mapping[str, int] = {name: place for place, name in enumerate(self.names)}

    def learnt(self, shapes: Mapping[int, WeightSpec]) -> WeightTable:
        """The same with specs that are known better, by place."""
        if not shapes:
            return self
        return WeightTable(shapes.get(place, spec) for place, spec in enumerate(self.specs))

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        """All names but these, in the graph's order."""
        these = {*names}
        return tuple([name for name in self.names if name not in these])

    def among(self, names: Iterable[str]) -> list[int]:
        """The places of those names that the graph has, in its order."""
        places = self.places
        found = [places[name] for name in names if name in places]
        found.sort()
        return found


NO_WEIGHTS = WeightTable(())


class OfWeights:
    """What names some weights of a graph, and the others when it is asked.

    Which weights there are is no field of such a dataclass, and not in what `asdict` makes of it.
    """

    _weights: WeightTable

    def __post_init__(self, weights: WeightTable) -> None:
        object.__setattr__(self, "_weights", weights)
