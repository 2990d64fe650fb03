"""A decision record that an actor keeps."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from acl_bundle.fleet._decision.decision import Decision
from acl_bundle.fleet._ray.actor import RecordActor
from acl_bundle.fleet._ray.answers import connected, library, received, submitted, told
from acl_bundle.fleet._ray.options import actor_name

ASK_S, BEGIN_S = 30.0, 120.0
"""Seconds in which the record's actor has to answer, it may be that it is started again
meanwhile; and to begin."""
HEAD = {"node:__internal_head__": 0.001}
"""What Ray's head node has, and no other one."""


class RayRecord:
    """A decision record in a file of Ray's head node, kept by an actor there.

    An actor that ends is started again over the same file. Without its head node a cluster has
    ended too, unless Ray is told to outlast that: then use a `RedisRecord`.

    Args:
        fleet: The name of a fleet whose actors outlast whoever has made them; None for a record
            that ends with its last user, or at `close`.

    Raises:
        UnsupportedError: Ray is not installed.
        OSError: The actor does not answer.
    """

    def __init__(self, fleet: str | None = None) -> None:
        ray = connected()
        kind = ray.remote(RecordActor).options(
            num_cpus=0, resources=HEAD, max_restarts=-1, max_task_retries=-1,
            **actor_name(fleet, "record"),
        )  # fmt: skip
        self._actor: Any = kind.remote(f"acl_bundle-fleet-{uuid4().hex}")
        self._where = "the record's actor"
        self._where = self._ask("where", seconds=BEGIN_S)

    @property
    def where(self) -> str:
        """The place, for people."""
        return self._where

    def read(self) -> Decision:
        """See `DecisionRecord`."""
        return self._call("read")

    def claim(self, at_least: int = 0) -> Decision:
        """See `DecisionRecord`."""
        return self._call("claim", at_least)

    def decide(self, epoch: int, version: int | str) -> None:
        """See `DecisionRecord`."""
        self._call("decide", epoch, version)

    def resolve(self, epoch: int) -> Decision:
        """See `DecisionRecord`."""
        return self._call("resolve", epoch)

    def close(self) -> None:
        """End the actor, and delete its file. Harmless twice."""
        ray = library()
        if ray.is_initialized():
            with suppress(OSError):
                self._ask("close")
            with suppress(ray.exceptions.RayError):  # of a connection that has ended
                ray.kill(self._actor)

    def _call(self, method: str, *arguments: Any) -> Decision:
        found: Decision = received(self._ask("call", method, *arguments))
        return found

    def _ask(self, method: str, *arguments: Any, seconds: float = ASK_S) -> Any:
        ray = library()
        try:
            answer = submitted(getattr(self._actor, method), *arguments)
            return ray.get(answer, timeout=seconds)
        except (ConnectionError, ray.exceptions.RayError) as error:
            raise OSError(f"{self._where} cannot be reached: {told(error)}") from error

    def __repr__(self) -> str:
        return f"<RayRecord in {self._where}>"
