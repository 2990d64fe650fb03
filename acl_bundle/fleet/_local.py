"""The replicas of a fleet of one host: in this process, or in child processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, SupportsIndex

from acl_bundle._base.arrays import whole
from acl_bundle.bundle import Bundle
from acl_bundle.device import Device
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._decision.file import FileRecord
from acl_bundle.fleet._process.plan import ChildPlan
from acl_bundle.fleet._process.replica import ProcessReplica
from acl_bundle.fleet._replica.local import LocalReplica
from acl_bundle.fleet._replica.participant import Participant
from acl_bundle.om import Source
from acl_bundle.pair import Pair

if TYPE_CHECKING:
    from acl_bundle._pair.options import LoadOptions


def local_replicas(
    stack: ExitStack,
    source: Source,
    devices: Sequence[SupportsIndex | Device],
    pair: bool,
    init: bool,
    record: DecisionRecord,
    options: LoadOptions,
) -> list[LocalReplica]:
    """Load a model once on each device; the stack closes what was loaded.

    Raises:
        TypeError, ValueError: `devices` is no list of indices, or empty.
        As `Bundle.load`.
    """
    found = []
    for number, device in enumerate(_checked(devices)):
        chosen: LoadOptions = {**options, "device": device}
        model = Pair(source, **chosen) if pair else Bundle(source, **chosen)
        stack.push(model)
        participant = Participant(f"replica-{number}", model, record.resolve, init=init)
        replica = LocalReplica(participant)
        stack.enter_context(replica)
        found.append(replica)
    return found


def process_replicas(
    stack: ExitStack,
    source: Source,
    devices: Sequence[SupportsIndex],
    pair: bool,
    init: bool,
    record: DecisionRecord,
    initializer: Callable[[], object] | None,
    options: LoadOptions,
) -> list[ProcessReplica]:
    """Load a model in a child process for each device; the stack ends those.

    Raises:
        As `local_replicas`.
        ReplicaLostError: A child ended before it was loaded.
    """
    found = []
    for number, device in enumerate(_checked(devices)):
        index = whole(device, "a device of a child process is an index, an int")
        plan = ChildPlan(
            f"replica-{number}", source, index, pair, init, record, dict(options), initializer
        )
        found.append(stack.enter_context(ProcessReplica(plan)))
    for replica in found:
        replica.wait()
    return found


def host_record(stack: ExitStack) -> FileRecord:
    """A record that lasts as long as child processes of this host can; the stack deletes it.

    No disk is waited for: what it holds need not outlast the host.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
    folder = stack.enter_context(TemporaryDirectory(prefix="acl_bundle-fleet-", dir=memory))
    return FileRecord(Path(folder) / "decision")


def _checked(devices: Sequence[Any]) -> Sequence[Any]:
    if isinstance(devices, str) or not isinstance(devices, Sequence):
        raise TypeError(f"devices is a list of indices such as [0, 1], not {devices!r}")
    if not devices:
        raise ValueError("devices is empty; a replica is made for each, so name at least one")
    return devices
