"""What a plan tells of itself."""

from __future__ import annotations

from dataclasses import InitVar, dataclass

from acl_bundle._plan.plan import Plan
from acl_bundle._plan.table import OfWeights, WeightTable


@dataclass(frozen=True)
class PlanReport(OfWeights):
    """What an update would do.

    Attributes:
        changed: Names of the weights that would be assigned, in the graph's order.
        unchanged: Names of those that were given and are known to hold that value.
        unknown: Names that the graph does not have.
        nbytes: Bytes that would go to the device.
    """

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    unknown: tuple[str, ...]
    nbytes: int
    weights: InitVar[WeightTable]

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of all that would be left as they are: ``unchanged`` and ``missing``."""
        return self._weights.others(self.changed)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the weights that were not given."""
        return self._weights.others((*self.changed, *self.unchanged))


def plan_report(given: Plan, nbytes: int) -> PlanReport:
    """What a plan would do, that moves so many bytes."""
    return PlanReport(given.names, tuple(given.unchanged), given.ignored, nbytes, given.weights)
