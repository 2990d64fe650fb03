"""A fleet with the doors of a bundle, as a server and a follower ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

from acl_bundle._names.given import Given
from acl_bundle._run.run import Outputs
from acl_bundle.fleet import Fleet, FleetReport
from acl_bundle.spec import TensorSpec

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from acl_bundle.fleet._coordinator.request import Consistency, UpdateChoices


@dataclass(frozen=True)
class ServedReplica:
    """What a server's metrics tell of one replica.

    Attributes:
        name: Its name.
        is_open: Whether requests are routed to it: it has the committed version.
        load: Runs that are under way there.
        runs: How many it was given.
    """

    name: str
    is_open: bool
    load: int
    runs: int


class ServedFleet:
    """What a `Server` serves of a fleet, which stays its owner's.

    Requests are joined to one run of one replica, so let `ServerLimits.workers` be at least the
    number of replicas.

    Args:
        fleet: Infers, and takes what is posted or followed.
        consistency: Of each update: ``"rolling"`` or ``"strict"``, as for `Fleet.update`.
        retry: Whether a run whose replica is lost goes to another one, once.

    Raises:
        ValueError: ``consistency`` is neither of them.
    """

    def __init__(
        self, fleet: Fleet, *, consistency: Consistency = "rolling", retry: bool = True
    ) -> None:
        if consistency not in ("rolling", "strict"):
            raise ValueError(f"consistency is {consistency!r}; 'rolling' or 'strict' is right")
        self._fleet, self._retry = fleet, retry
        self._consistency: Consistency = consistency
        self.inputs: tuple[TensorSpec, ...] = fleet.inputs
        self.outputs: tuple[TensorSpec, ...] = fleet.outputs
        self.batches: tuple[int, ...] = fleet.batches
        self.weights: Mapping[str, Any] = fleet.weights

    @property
    def infer(self) -> ServedFleet:
        """The inference graph of the fleet: this."""
        return self

    @property
    def why_not(self) -> str | None:
        """Why no replica infers; None where one does.

        Raises:
            ClosedError: The fleet was closed.
        """
        return self._fleet.why_not

    @property
    def version(self) -> int | str | None:
        """The committed version.

        Raises:
            ClosedError: The fleet was closed.
        """
        self._fleet._check_open()
        return self._fleet.version

    @property
    def replicas(self) -> Iterator[ServedReplica]:
        """What is known of the replicas; none of them is asked."""
        for one in self._fleet._members:
            yield ServedReplica(one.name, one.is_open, one.load, one.turns)

    def run(self, inputs: Mapping[str, Any]) -> Outputs:
        """Infer at the open replica with the least to do; see `Fleet.infer`."""
        return self._fleet.infer(inputs, retry=self._retry)

    def update(
        self,
        weights: Given,
        *,
        version: SupportsIndex | str | None = None,
        **options: Unpack[UpdateChoices],
    ) -> FleetReport:
        """Bring new weights to every replica, or to none; see `Fleet.update`."""
        return self._fleet.update(
            weights, version=version, consistency=self._consistency, **options
        )
