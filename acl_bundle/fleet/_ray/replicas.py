"""The replicas of a fleet on Ray: made, or found where the fleet has a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, SupportsIndex

from acl_bundle._base.arrays import whole
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._ray.answers import NAMESPACE, connected
from acl_bundle.fleet._ray.record import RayRecord
from acl_bundle.fleet._ray.replica import END_S, RayReplica
from acl_bundle.om import Source

if TYPE_CHECKING:
    from acl_bundle._pair.options import LoadOptions


def ray_replicas(
    stack: ExitStack,
    source: Source,
    count: SupportsIndex,
    fleet: str | None,
    pair: bool,
    init: bool,
    record: DecisionRecord,
    timeout: float | None,
    initializer: Callable[[], object] | None,
    actor_options: Mapping[str, Any] | None,
    options: LoadOptions,
) -> list[RayReplica]:
    """Have actors load a model, and those that a fleet of that name has; the stack closes them.

    Raises:
        TypeError, ValueError: `count` is no number of replicas.
        ReplicaLostError: A model was not loaded in time.
        As `Bundle.load`.
    """
    number = whole(count, "actors is how many replicas a fleet on Ray has, an int")
    if number < 1:
        raise ValueError(f"actors is {number}; a fleet has at least one")
    names = [f"replica-{one}" for one in range(number)]
    there = [] if fleet is None else [one for one in actors_of(fleet) if one != "record"]
    made = [
        stack.enter_context(
            RayReplica(
                name, source, record=record, fleet=fleet, pair=pair, init=init,
                initializer=initializer, actor_options=actor_options, **options,
            )
        )
        for name in (*names, *(one for one in there if one not in names))
    ]  # fmt: skip
    until = None if timeout is None else monotonic() + timeout
    for replica in made:
        replica.wait(None if until is None else max(until - monotonic(), 0))
    return made


def ray_record(stack: ExitStack, fleet: str | None) -> RayRecord:
    """A record for a fleet that was given none; the stack ends it where the fleet has no name.

    Raises:
        ValueError: The name is none.
    """
    if fleet is not None and (not isinstance(fleet, str) or not fleet or "/" in fleet):
        raise ValueError(f"the name of a fleet is text without '/', not {fleet!r}")
    record = RayRecord(fleet)
    if fleet is None:
        stack.callback(record.close)
    return record


def actors_of(fleet: str) -> list[str]:
    """The names of the actors of a fleet, in order; the record's comes last."""
    found = connected().util.list_named_actors(all_namespaces=True)
    names = [one["name"] for one in found if one["namespace"] == NAMESPACE]
    prefix = f"{fleet}/"
    own = [one[len(prefix) :] for one in names if one.startswith(prefix)]
    return sorted(own, key=lambda one: (one == "record", len(one), one))


def delete_ray_fleet(name: str) -> None:
    """End all actors of a fleet that was made with a name, the record's too.

    Raises:
        ValueError: There is none of that name.
        UnsupportedError: Ray is not installed.
    """
    ray = connected()
    found = actors_of(name)
    if not found:
        raise ValueError(f"Ray has no actors of a fleet {name!r}")
    for one in found:
        with suppress(ValueError):  # it has ended meanwhile
            actor = ray.get_actor(f"{name}/{one}", namespace=NAMESPACE)
            with suppress(ray.exceptions.RayError):
                ray.get(actor.close.remote(), timeout=END_S)
            ray.kill(actor)
