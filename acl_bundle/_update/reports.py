"""What is told of weights and updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass
from time import perf_counter

from acl_bundle._plan.casts import CastCounts
from acl_bundle._plan.plan import Plan
from acl_bundle._plan.table import OfWeights, WeightTable
from acl_bundle._run.published import Published, Version
from acl_bundle.spec import WeightSpec


@dataclass(frozen=True, slots=True)
class WeightState:
    """What one weight holds.

    Attributes:
        spec: Its name, shape and dtype.
        version: The version that wrote it last; None before the first.
        digest: XXH3-128 of its bytes on the device, in hexadecimal; None when
            the last commit did not ask for it, or the file does not tell where
            the weight lies.
    """

    spec: WeightSpec
    version: Version
    digest: str | None = None


class WeightStates(Mapping[str, WeightState]):
    """What the weights of a graph hold; another name of a tied weight leads to the same entry.

    An entry is made when it is asked for.

    Args:
        weights: All of them.
        aliases: Other names, and the weight that each is.
        now: What the variables hold.
    """

    def __init__(self, weights: WeightTable, aliases: Mapping[str, str], now: Published) -> None:
        self._weights, self._aliases = weights, aliases
        self._versions, self._given, self._digests = now.written, now.given, now.digests
        self._initial = 0 if now.initialised else None

    def __getitem__(self, name: str) -> WeightState:
        spec = self._weights.specs[self._weights.places[self._aliases.get(name, name)]]
        version = self._given.get(spec.name, self._versions.get(spec.name, self._initial))
        return WeightState(spec, version, self._digests.get(spec.name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights.names)

    def __len__(self) -> int:
        return len(self._weights.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


@dataclass(frozen=True)
class UpdateReport(OfWeights):
    """What an update did.

    Attributes:
        version: The version that inference reads from now on.
        changed: Names of the weights that were assigned, in the graph's order.
        nbytes: Bytes of the changed weights.
        seconds: Time of each step: ``plan``, ``stage``, ``snapshot``, ``commit``, ``publish``.
        unchanged: Names of the weights that were given, and held that value already.
        ignored: Names that were given and that the graph does not have.
        casts: What conversions did to the weights that came in another dtype.
        nonfinite: How many of the values given were NaN or infinite, or became so by a
            conversion, by name, of the changed weights that have some. What a weight program
            made so of finite values goes by the name of the constant.
    """

    version: int | str
    changed: tuple[str, ...]
    nbytes: int
    seconds: dict[str, float]
    unchanged: tuple[str, ...]
    ignored: tuple[str, ...]
    casts: dict[str, CastCounts]
    nonfinite: dict[str, int]
    weights: InitVar[WeightTable]

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the weights that were left as they were: not given, or unchanged."""
        return self._weights.others(self.changed)


def update_report(given: Plan, nbytes: int, version: int | str, clock: Clock) -> UpdateReport:
    """What an update did that was planned so, and moved so many bytes."""
    return UpdateReport(
        version=version,
        changed=given.names,
        nbytes=nbytes,
        seconds=clock.seconds,
        unchanged=tuple(given.unchanged),
        ignored=given.ignored,
        casts=given.casts,
        nonfinite=given.nonfinite,
        weights=given.weights,
    )


class Clock:
    """The time of each step of something.

    Attributes:
        seconds: By step, in order.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def resume(self) -> None:
        """Go on after a pause, which is no step's."""
        self._last = perf_counter()

    def lap(self, step: str) -> None:
        """End a step."""
        now = perf_counter()
        self.seconds[step], self._last = now - self._last, now
