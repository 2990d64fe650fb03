"""The class that `serve.deployment` makes a deployment of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from acl_bundle._base.extra import need
from acl_bundle._run.run import Outputs
from acl_bundle.bundle import Bundle
from acl_bundle.fleet import LocalReplica, Participant, RayRecord
from acl_bundle.fleet._coordinator.request import seconds
from acl_bundle.fleet._ray.answers import Answer, received
from acl_bundle.om import Source
from acl_bundle.pair import Pair
from acl_bundle.serve._batches import RowsRequest, run_batch, total
from acl_bundle.serve._coordinator import actors_prefix
from acl_bundle.serve._lease import LEASE_S, LEAST_S, ContactLease
from acl_bundle.serve._link import RayLink
from acl_bundle.serve._member import FleetMembership
from acl_bundle.server._batch.rows import Rows

if TYPE_CHECKING:
    from typing_extensions import TypeIs, Unpack

    from acl_bundle._pair.options import LoadOptions

AT_ONCE = 16
"""Requests that go alone and are under way, or wait at the gate, at once."""


class BundleDeployment:
    """A model behind Ray Serve: ``serve.deployment(BundleDeployment).bind(source, fleet=...)``.

    Each replica of the deployment is a replica of a fleet, whose weights come by
    ``ServeFleet(fleet).update(...)``, on every replica or on none, and without a new deployment.
    A replica that Serve starts, for the first time or in the place of one that ended, is not ready
    before it has the committed version. One that could not commit, or that the fleet went on
    without, is closed to requests and fails its health check until it has caught up; so is one that
    does not reach the fleet's coordinator for a lease. Where that takes Serve too long, Serve
    starts another one in its place.

    Where the model has a dynamic batch, requests are joined by ``serve.batch`` up to the rows of
    the largest gear, and run on the smallest gear that holds them; let Serve's
    ``max_ongoing_requests`` be no smaller. A request that does not fit goes alone, and fails alone.

    Args:
        source: As for `Bundle.load`; a path is opened on the replica's node, and must
            be absolute: Serve's processes have a working folder of their own.
        fleet: The name of the fleet. It outlasts the deployment: the next one of this name has its
            version.
        pair: Whether to load a `Pair`, whose commit is one store.
        init: Whether to run the init graph, where there is one.
        initializer: Called first, in the replica's process.
        lease: Seconds that a replica goes on without its coordinator, at least 1. It is how long an
            update with ``on_lost="drop"`` waits for a replica that nobody reaches, and how long the
            coordinator may be away before replicas refuse requests.
        batch_wait_timeout_s: As for ``serve.batch``: seconds that a request waits for others.
        options: As for `Bundle.load`. With ``ray_actor_options={"resources": {"NPU": 1}}`` Ray
            sets ``ASCEND_RT_VISIBLE_DEVICES``, so that device 0 is the replica's own.

    Raises:
        UnsupportedError: ``ray[serve]`` is not installed.
        ValueError, TypeError: `lease` is no number of seconds, or less than 1.
        ReplicaLostError: The fleet has another model.
        As `Bundle.load` and `Bundle.init`.
    """

    def __init__(
        self,
        source: Source,
        *,
        fleet: str,
        pair: bool = False,
        init: bool = True,
        initializer: Callable[[], object] | None = None,
        lease: float = LEASE_S,
        batch_wait_timeout_s: float = 0.0,
        **options: Unpack[LoadOptions],
    ) -> None:
        contact = ContactLease(seconds(lease, "lease", LEAST_S))
        serve = need("ray.serve", "ray-serve", "a deployment of Ray Serve")
        if initializer is not None:
            initializer()
        model: Any = (Pair if pair else Bundle).load(source, **options)
        name = serve.get_replica_context().replica_id.unique_id
        record = RayRecord(actors_prefix(fleet))
        participant = Participant(name, model, record.resolve, init=init)
        self._replica = LocalReplica(participant)
        self._rows = Rows(model.infer)
        self._one = ThreadPoolExecutor(1, "acl_bundle serve batches")
        self._alone = ThreadPoolExecutor(AT_ONCE, "acl_bundle serve requests")
        self._joined = serve.batch(
            max_batch_size=max(self._rows.most, 1), batch_wait_timeout_s=batch_wait_timeout_s,
            batch_size_fn=total,
        )(self._run)  # fmt: skip
        link = RayLink(fleet, name, contact.seconds)
        self._membership = FleetMembership(link, participant, self._replica, contact)
        self._membership.wait()

    async def __call__(self, inputs: Mapping[str, Any] | Sequence[Any]) -> Outputs:
        """Infer.

        Args:
            inputs: As for `Graph.run`.

        Returns:
            The outputs; their `version` is that of the weights that computed them.

        Raises:
            ReplicaClosedError: The replica has not the committed version, or does not reach its
                coordinator; nothing was run.
            As `Graph.run`.
        """
        if _are_arrays(inputs) and (rows := self._rows.count(inputs)):
            outputs: Outputs = received(await self._joined(RowsRequest(inputs, rows)))
            return outputs
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._alone, self._membership.infer, inputs)

    async def _run(self, requests: list[RowsRequest]) -> list[Answer]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._one, run_batch, self._membership.infer, self._rows, requests
        )

    def check_health(self) -> None:
        """Tell Serve whether the replica infers.

        Raises:
            ReplicaClosedError: It waits for the committed version, could not commit it, or does not
                reach its coordinator.
            ReplicaLostError: The fleet has let it go.
        """
        self._membership.check()

    def __del__(self) -> None:
        """Leave the fleet, and close the model; Serve calls it when it ends a replica."""
        membership, replica = getattr(self, "_membership", None), getattr(self, "_replica", None)
        try:
            if membership is not None:
                membership.end()
        finally:
            if replica is not None:
                replica.close()


def _are_arrays(inputs: Mapping[str, Any] | Sequence[Any]) -> TypeIs[Mapping[str, Any]]:
    return isinstance(inputs, Mapping) and all(isinstance(x, np.ndarray) for x in inputs.values())
