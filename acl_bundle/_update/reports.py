"""What is told of weights and updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter

from acl_bundle._plan.casts import CastCounts
from acl_bundle._run.variables import Version
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
    """What some weights hold, by name; another name of a tied weight leads to the same entry."""

    def __init__(
        self, states: Iterable[WeightState], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._states = {state.spec.name: state for state in states}
        self._aliases = dict(aliases or {})

    def __getitem__(self, name: str) -> WeightState:
        return self._states[self._aliases.get(name, name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._states!r})"


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did.

    Attributes:
        version: The version that inference reads from now on.
        changed: Names of the weights that were assigned, in the graph's order.
        kept: Names of the weights that were left as they were: not given, or unchanged.
        nbytes: Bytes of the changed weights.
        seconds: Time of each step: ``plan``, ``stage``, ``snapshot``, ``commit``, ``publish``.
        unchanged: Names of those of ``kept`` that were given, and held that value already.
        ignored: Names that were given and that the graph does not have.
        casts: What conversions did to the weights that came in another dtype.
        nonfinite: How many of the values given were NaN or infinite, or became so by a
            conversion, by name, of the changed weights that have some. What a weight program
            made so of finite values goes by the name of the constant.
    """

    version: int | str
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    nbytes: int
    seconds: dict[str, float]
    unchanged: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    casts: dict[str, CastCounts] = field(default_factory=dict)
    nonfinite: dict[str, int] = field(default_factory=dict)


class Clock:
    """The time of each step of something.

    Attributes:
        seconds: By step, in order.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, step: str) -> None:
        """End a step."""
        now = perf_counter()
        self.seconds[step], self._last = now - self._last, now
