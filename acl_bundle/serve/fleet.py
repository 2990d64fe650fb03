"""A fleet of Serve's replicas, as the trainer has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex

from acl_bundle._run.published import Version
from acl_bundle._update._transaction.ahead import ANY
from acl_bundle.fleet import FleetReport, FleetStatus, RayStore, delete_ray_fleet
from acl_bundle.fleet._coordinator.request import Consistency, OnLost, checked
from acl_bundle.fleet._ray.answers import NAMESPACE, connected, received, submitted, told
from acl_bundle.serve._coordinator import COORDINATOR, actors_prefix

if TYPE_CHECKING:
    from types import EllipsisType

    from typing_extensions import Unpack

    from acl_bundle.fleet._coordinator.request import UpdateChoices


class ServeFleet:
    """The replicas of a `BundleDeployment`, wherever Serve has them.

    The fleet's coordinator is an actor with a name, which the first replica makes; this is a handle
    on it, for any process of the cluster. Several may send updates: each is done after the other.

    Args:
        name: As given to the deployment as ``fleet``.

    Raises:
        ValueError: No replica has joined a fleet of that name yet.
        UnsupportedError: Ray is not installed.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        ray = connected()
        try:
            self._actor: Any = ray.get_actor(
                f"{actors_prefix(name)}/{COORDINATOR}", namespace=NAMESPACE
            )
        except ValueError:
            raise ValueError(
                f"no replica of Ray Serve has joined a fleet {name!r}; a deployment makes it:"
                f" BundleDeployment with fleet={name!r}"
            ) from None

    def update(
        self,
        weights: Mapping[str, Any],
        *,
        version: SupportsIndex | str | None = None,
        expect: SupportsIndex | str | EllipsisType | None = ANY,
        consistency: Consistency = "rolling",
        on_lost: OnLost = "fail",
        timeout: float | None = None,
        **options: Unpack[UpdateChoices],
    ) -> FleetReport:
        """Bring new weights to every replica, or to none; see `Fleet.update`, whose arguments,
        returns and exceptions these are. The arrays leave this process once, and may be changed
        afterwards.

        With ``on_lost="drop"`` it waits for the lease of each replica that is dropped and has not
        said that it is closed, on top of `timeout`: none infers the old version then.

        Raises:
            ReplicaClosedError: No replica has joined.
            ReplicaLostError: One that had joined has not done so again within `timeout`, or 30 s,
                after the coordinator was started again.
            OSError: The coordinator cannot be reached, or has ended meanwhile; `version` tells
                whether it was decided.
        """
        checked(version, expect, consistency, on_lost, timeout, options)
        stored = RayStore().put(dict(weights), reuse=False)
        choices = {
            "version": version, "expect": expect, "consistency": consistency, "on_lost": on_lost,
            "timeout": timeout, **options,
        }  # fmt: skip
        report: FleetReport = self._ask("update", stored, choices)
        return report

    @property
    def version(self) -> Version:
        """The committed version."""
        found: Version = self._ask("version")
        return found

    def status(self) -> FleetStatus:
        """Ask each replica what it does; see `Fleet.status`."""
        found: FleetStatus = self._ask("status")
        return found

    def delete(self) -> None:
        """End the coordinator, and forget what was decided: when no deployment uses it any more."""
        delete_ray_fleet(actors_prefix(self._name))

    def _ask(self, method: str, *arguments: Any) -> Any:
        ray = connected()
        try:
            answer = ray.get(submitted(getattr(self._actor, method), *arguments))
        except (ConnectionError, ray.exceptions.RayError) as error:
            raise OSError(
                f"the coordinator of the fleet {self._name!r} cannot be reached: {told(error)}"
            ) from error
        return received(answer)

    def __repr__(self) -> str:
        return f"<ServeFleet {self._name!r}>"
