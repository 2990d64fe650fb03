"""A fleet with the doors of a bundle, as a server asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

from acl_bundle._names.given import Given
from acl_bundle._run.run import Outputs
from acl_bundle.fleet import Fleet, FleetReport
from acl_bundle.spec import TensorSpec


class ServedFleet:
    """What a `Server` serves of a fleet, which stays its owner's.

    A fleet does not say what its model takes and gives, so this is told. Requests are joined to
    one run of one replica, so let `ServerLimits.workers` be the number of replicas.

    Args:
        fleet: Infers, and takes what is posted.
        inputs: What the model takes, as `Graph.inputs`.
        outputs: What it gives, as `Graph.outputs`.
        batches: The sizes of its dynamic batch, as `Graph.batches`.
        retry: Whether a run whose replica is lost goes to another one, once.
    """

    def __init__(
        self,
        fleet: Fleet,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        batches: Sequence[int] = (),
        *,
        retry: bool = True,
    ) -> None:
        self.inputs: tuple[TensorSpec, ...] = tuple(inputs)
        self.outputs: tuple[TensorSpec, ...] = tuple(outputs)
        self.batches: tuple[int, ...] = tuple(batches)
        self._fleet, self._retry = fleet, retry

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
        """The committed version."""
        return self._fleet.version

    def run(self, inputs: Mapping[str, Any]) -> Outputs:
        """Infer at the open replica with the least to do; see `Fleet.infer`."""
        return self._fleet.infer(inputs, retry=self._retry)

    def update(self, weights: Given, *, version: SupportsIndex | str | None = None) -> FleetReport:
        """Bring new weights to every replica, or to none; see `Fleet.update`."""
        return self._fleet.update(weights, version=version)
