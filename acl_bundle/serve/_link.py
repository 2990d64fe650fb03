"""A Serve replica's way to its coordinator, by Ray."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol

from acl_bundle.fleet._ray.answers import Answer, library, received, submitted, told
from acl_bundle.serve._coordinator import coordinator_of
from acl_bundle.serve._joined import TakenJobs
from acl_bundle.serve._members import JoinedMember


class CoordinatorLink(Protocol):
    """What a replica says to its coordinator, wherever that is.

    Its methods raise ConnectionError where that cannot be reached; it is not known then whether
    the coordinator has heard it.
    """

    @property
    def fleet(self) -> str:
        """The fleet's name."""

    def take(self, session: str, received: int, seconds: float) -> TakenJobs | None:
        """Ask for jobs; None: join first. ReplicaLostError: the replica was let go."""

    def join(self, lease: float) -> None:
        """Join the fleet."""

    def answer(self, session: str, number: int, answer: Answer) -> Future[Any]:
        """Tell what became of a job; the future's exception is that it did not arrive."""

    def leave(self) -> None:
        """Say that the replica infers no more; never raises."""

    def renew(self) -> None:
        """Look for the coordinator once more; never raises."""


class RayLink:
    """A link by Ray; see `CoordinatorLink`.

    Args:
        fleet: The fleet's name.
        name: The replica's.
        patience: Seconds to wait for an answer that is due.
    """

    def __init__(self, fleet: str, name: str, patience: float) -> None:
        self._fleet, self._name, self._patience = fleet, name, patience
        self._coordinator = coordinator_of(fleet)
        context = library().get_runtime_context()
        self._actor, self._node = context.get_actor_name(), context.get_node_id()

    @property
    def fleet(self) -> str:
        """See `CoordinatorLink`."""
        return self._fleet

    def take(self, session: str, received_: int, seconds: float) -> TakenJobs | None:
        """See `CoordinatorLink`."""
        found: TakenJobs | None = received(
            self._asked(self._coordinator.take, seconds, self._name, session, received_, seconds)
        )
        return found

    def join(self, lease: float) -> None:
        """See `CoordinatorLink`."""
        member = JoinedMember(self._actor, self._node, lease)
        self._asked(self._coordinator.join, 0.0, self._name, member)

    def answer(self, session: str, number: int, answer: Answer) -> Future[Any]:
        """See `CoordinatorLink`."""
        sent = submitted(self._coordinator.answer, self._name, session, number, answer)
        future: Future[Any] = sent.future()
        return future

    def leave(self) -> None:
        """See `CoordinatorLink`."""
        if library().is_initialized():
            with suppress(Exception):  # it sees the actor's end then
                self._coordinator.leave.remote(self._name)

    def renew(self) -> None:
        """See `CoordinatorLink`."""
        if library().is_initialized():
            with suppress(Exception):  # it is not there yet: the next try tells
                self._coordinator = coordinator_of(self._fleet)

    def _asked(self, method: Any, seconds: float, *arguments: Any) -> Any:
        ray = library()
        try:
            return ray.get(submitted(method, *arguments), timeout=seconds + self._patience)
        except ray.exceptions.RayError as error:
            raise ConnectionError(told(error)) from error
