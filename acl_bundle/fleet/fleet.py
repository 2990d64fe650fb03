"""A fleet: the same model many times, always with one version; how each kind is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, SupportsIndex

from acl_bundle.device import Device
from acl_bundle.fleet._coordinator.request import seconds
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._decision.file import FileRecord
from acl_bundle.fleet._decision.memory import MemoryRecord
from acl_bundle.fleet._decision.redis import RedisRecord
from acl_bundle.fleet._local import host_record, local_replicas, process_replicas
from acl_bundle.fleet._members import LEASE
from acl_bundle.fleet._messages.replica import Replica
from acl_bundle.fleet._ray.options import found_elsewhere
from acl_bundle.fleet._ray.record import RayRecord
from acl_bundle.fleet._ray.replicas import ray_record, ray_replicas
from acl_bundle.fleet._ray.store import RayStore
from acl_bundle.fleet._replicas import ReplicaSet
from acl_bundle.fleet._store.store import Store
from acl_bundle.om import Source

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from acl_bundle._pair.options import LoadOptions


class Fleet(ReplicaSet):
    """Replicas of one model, with one version on each or on none. Close it, or use ``with``.

    A fleet that begins over replicas that another coordinator has left, with the same record,
    finishes what that one decided and ends what it did not.

    Args:
        replicas: Handles, each with a name of its own; closed with the fleet.
        record: Where decisions are written: a `FileRecord`, a `RedisRecord`; None: in memory,
            which is as durable as replicas of this process are.
        store: Where the committed weights are kept, from which replicas catch up; None: in shared
            memory of this host, twice the bytes of the weights that were ever updated.
        lease: Seconds after which a replica that has something prepared, and hears nothing, asks
            the record itself; and the longest wait for what follows a decision. At least 0.3.

    Raises:
        ValueError: There is no replica, or two of one name; they are not of one model or have not
            one version; or the record is another fleet's.
        ReplicaLostError: No replica answers.
        OSError: The record cannot be reached.
    """

    @classmethod
    def local(
        cls,
        source: Source,
        *,
        devices: Sequence[SupportsIndex | Device] = (0,),
        pair: bool = False,
        init: bool = True,
        record: DecisionRecord | None = None,
        lease: float = LEASE,
        **options: Unpack[LoadOptions],
    ) -> Fleet:
        """A fleet of this process: the model once on each of some devices.

        Args:
            source: As for `Bundle.load`.
            devices: A replica for each; a device that comes twice has two.
            pair: Whether each replica is a `Pair`, whose commit is one store, and takes the
                device memory of two.
            init: Whether to run the init graph, where there is one.
            record: As for `Fleet`.
            lease: As for `Fleet`.
            options: As for `Bundle.load`.

        Raises:
            As `Bundle.load`, `Bundle.init` and `Fleet`; nothing stays loaded.
        """
        record = MemoryRecord() if record is None else record
        with ExitStack() as stack:
            replicas = local_replicas(stack, source, devices, pair, init, record, options)
            return cls._over(stack, replicas, record, lease)

    @classmethod
    def processes(
        cls,
        source: Source,
        *,
        devices: Sequence[SupportsIndex] = (0,),
        pair: bool = False,
        init: bool = True,
        record: FileRecord | RedisRecord | None = None,
        lease: float = LEASE,
        initializer: Callable[[], object] | None = None,
        **options: Unpack[LoadOptions],
    ) -> Fleet:
        """A fleet of child processes of this one, which are spawned; one for each of some devices.

        Weights lie in shared memory once, and each child reads them there. A child that ends is
        started again, and is closed until it has caught up, which happens by itself.

        Args:
            source: As for `Bundle.load`; each child opens it.
            devices: A child for each.
            pair: As for `local`.
            init: As for `local`.
            record: As for `Fleet`; None: a file in memory of the host (``/dev/shm``, where there is
                one), deleted with the fleet.
            lease: As for `Fleet`.
            initializer: Called first in each child; it must be one that can be pickled, a
                function of a module say.
            options: As for `Bundle.load`.

        Raises:
            ReplicaLostError: A child ended before it was loaded.
            As `Bundle.load`, `Bundle.init` and `Fleet`; no child is left.
        """
        with ExitStack() as stack:
            if record is None:
                record = host_record(stack)
            replicas = process_replicas(
                stack, source, devices, pair, init, record, initializer, options
            )
            return cls._over(stack, replicas, record, lease)

    @classmethod
    def ray(
        cls,
        source: Source,
        *,
        actors: SupportsIndex = 1,
        name: str | None = None,
        pair: bool = False,
        init: bool = True,
        record: FileRecord | RedisRecord | RayRecord | None = None,
        lease: float = LEASE,
        timeout: float | None = None,
        initializer: Callable[[], object] | None = None,
        actor_options: Mapping[str, Any] | None = None,
        **options: Unpack[LoadOptions],
    ) -> Fleet:
        """A fleet of actors of Ray (the extra ``ray``), each with a device of its node.

        Weights go to Ray's object store once, and Ray brings them once to each node. An actor
        that ends is started again by Ray, on any node with room, and is closed until it has
        caught up, which happens by itself.

        Args:
            source: As for `Bundle.load`; each actor opens it, on its node. With `name` it must be
                a path, for Ray starts actors again when this process and its bytes have ended.
            actors: How many replicas, ``replica-0`` and on.
            name: Actors of a fleet with a name outlast this process, and `close` leaves them. The
                next ``Fleet.ray`` of that name takes them over, however many they are, and
                `delete_ray_fleet` ends them. None: they end with this fleet, or this process.
            pair: As for `local`.
            init: As for `local`.
            record: As for `Fleet`; None: a `RayRecord`.
            lease: As for `Fleet`.
            timeout: Seconds in which all actors must have loaded the model; None for ever.
            initializer: Called first in each actor's process.
            actor_options: As for `RayReplica`.
            options: As for `Bundle.load`.

        Raises:
            UnsupportedError: Ray is not installed.
            ValueError: With `name`, the model is given as bytes.
            ReplicaLostError: An actor was not loaded in time, or ended before.
            As `Bundle.load`, `Bundle.init` and `Fleet`; no actor without a name is left.
        """
        limit = None if timeout is None else seconds(timeout, "timeout")
        source = found_elsewhere(source, name)
        with ExitStack() as stack:
            found = ray_record(stack, name) if record is None else record
            replicas = ray_replicas(
                stack, source, actors, name, pair, init, found, limit, initializer,
                actor_options, options,
            )  # fmt: skip
            return cls._over(stack, replicas, found, lease, RayStore())

    @classmethod
    def _over(
        cls,
        stack: ExitStack,
        replicas: Sequence[Replica],
        record: DecisionRecord,
        lease: float,
        store: Store | None = None,
    ) -> Fleet:
        """A fleet over new replicas, which takes what the stack is to close."""
        fleet = cls(replicas, record=record, store=store, lease=lease)
        for replica in replicas:
            fleet._listen(replica)
        fleet._stack = stack.pop_all()
        return fleet
