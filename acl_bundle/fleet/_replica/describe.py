"""What a replica is, and what it does."""

from __future__ import annotations

import os
import socket

import numpy as np

from acl_bundle.bundle import Bundle
from acl_bundle.fleet._messages.messages import ReplicaDescription, State, Status
from acl_bundle.fleet._replica.door import Door
from acl_bundle.pair import Pair


def described(name: str, model: Bundle | Pair, epoch: int) -> ReplicaDescription:
    """Tell of a model that has an epoch."""
    side = model._sides.active if isinstance(model, Pair) else model
    return ReplicaDescription(
        name,
        where=f"device {side.device.index}, process {os.getpid()}, {socket.gethostname()}",
        weights={n: (s.spec.shape, np.dtype(s.spec.dtype)) for n, s in model.weights.items()},
        aliases=dict(side.update.aliases),
        unused=tuple(side.update.unused),
        epoch=epoch,
        version=model.version,
        inputs=side.infer.inputs,
        outputs=side.infer.outputs,
        batches=side.infer.batches,
    )


def status(model: Bundle | Pair, door: Door, epoch: int, prepared: int | None) -> Status:
    """Tell what a replica does that has an epoch, and another one prepared."""
    state: State = "idle" if prepared is None else "prepared"
    reason = door.reason
    if reason is not None:
        state = door.state
    version = None if model.closed else model.version
    return Status(state, epoch, version, prepared, door.inside, reason or "")
