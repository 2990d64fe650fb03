"""A fleet: one version on every replica of a model, or on none.

    >>> from acl_bundle.fleet import Fleet                             # doctest: +SKIP
    >>> with Fleet.local("policy.om", devices=[0, 1, 2, 3]) as fleet:
    ...     fleet.update(weights, version=7)
    ...     print(fleet.infer({"x": x}).version, fleet.status())

`Fleet.local` has its replicas in this process, `Fleet.processes` in child processes, `Fleet.ray`
in actors of Ray. Any handle with the methods of `Replica` is one:
`Participant` is the half of it that lies beside the model.
"""

from __future__ import annotations

from acl_bundle.fleet._decision.decision import Decision, DecisionRecord
from acl_bundle.fleet._decision.file import FileRecord
from acl_bundle.fleet._decision.memory import MemoryRecord
from acl_bundle.fleet._decision.redis import RedisRecord
from acl_bundle.fleet._messages.errors import (
    FencedError,
    FleetUpdateError,
    ReplicaClosedError,
    ReplicaLostError,
    UndecidedError,
)
from acl_bundle.fleet._messages.messages import Proposal, Reference
from acl_bundle.fleet._messages.replica import Replica
from acl_bundle.fleet._ray.record import RayRecord
from acl_bundle.fleet._ray.replica import RayReplica
from acl_bundle.fleet._ray.replicas import delete_ray_fleet
from acl_bundle.fleet._ray.store import RayStore
from acl_bundle.fleet._replica.local import LocalReplica
from acl_bundle.fleet._replica.participant import Participant
from acl_bundle.fleet._report.reports import (
    FleetReport,
    FleetStatus,
    ReplicaReport,
    ReplicaStatus,
)
from acl_bundle.fleet._store.store import Store
from acl_bundle.fleet.fleet import Fleet

__all__ = [
    "Decision",
    "DecisionRecord",
    "FencedError",
    "FileRecord",
    "Fleet",
    "FleetReport",
    "FleetStatus",
    "FleetUpdateError",
    "LocalReplica",
    "MemoryRecord",
    "Participant",
    "Proposal",
    "RayRecord",
    "RayReplica",
    "RayStore",
    "RedisRecord",
    "Reference",
    "Replica",
    "ReplicaClosedError",
    "ReplicaLostError",
    "ReplicaReport",
    "ReplicaStatus",
    "Store",
    "UndecidedError",
    "delete_ray_fleet",
]
