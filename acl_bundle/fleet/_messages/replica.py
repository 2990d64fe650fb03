"""What a coordinator has of a replica, wherever that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from acl_bundle._run.run import Outputs

OVERTAKING = frozenset({"status", "retire"})
"""The steps that do not wait for those before them."""


class Replica(Protocol):
    """A handle on a `Participant`: beside it, in a child process, or on another host."""

    @property
    def name(self) -> str:
        """The replica's, as the fleet calls it."""

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        """Call the participant's method of that name.

        Neither blocks nor raises. Steps are done in the order in which they were started, one at
        a time; those of `OVERTAKING` at once.

        Returns:
            What the method returns, or the exception that it raises; ReplicaLostError where its
            process is gone.
        """

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """Infer there, and wait for the answer.

        Raises:
            ReplicaClosedError: It is closed to inference; nothing was run.
            ReplicaLostError: Its process is gone.
        """

    def close(self) -> None:
        """Close the model, and end the process where it is the replica's own. Harmless twice."""
