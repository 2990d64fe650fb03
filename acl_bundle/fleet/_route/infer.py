"""An inference: the replica with the least to do, and another one where that has not run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from acl_bundle._run.run import Outputs
from acl_bundle.fleet._messages.errors import ReplicaClosedError, ReplicaLostError
from acl_bundle.fleet._route.member import FleetMembers


def infer(
    members: FleetMembers,
    inputs: Mapping[str, Any] | Sequence[Any],
    retry: bool,
    timeout_ms: int | None,
    closed: Callable[[], object],
) -> Outputs:
    """Infer somewhere.

    A replica that is closed has run nothing, so another one is asked. One that is lost may have:
    another one is asked once, and only if the caller allows that. `closed` is called where one
    turned out to be closed or lost.
    """
    while True:
        member = members.take()
        opened = member.opened
        try:
            return member.replica.infer(inputs, timeout_ms)
        except ReplicaClosedError as error:
            member.close_since(opened, error.reason)
            closed()
        except ReplicaLostError as error:
            member.close_since(opened, error.reason, lost=True)
            closed()
            if not retry:
                raise
            retry = False
        finally:
            members.leave(member)
