"""One step, started at several replicas at once, and what became of it at each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import POLL_MS
from acl_bundle.errors import BusyError
from acl_bundle.fleet._messages.errors import ReplicaLostError
from acl_bundle.fleet._route.member import FleetMember


@dataclass
class StepAnswers:
    """What replicas answered.

    Attributes:
        good: By name, what the step returned.
        bad: By name, the exception; BusyError of one that has not answered in time.
    """

    good: dict[str, Any] = field(default_factory=dict)
    bad: dict[str, BaseException] = field(default_factory=dict)

    def is_lost(self, name: str) -> bool:
        """Whether a replica is gone, or does not answer."""
        return isinstance(self.bad.get(name), ReplicaLostError | SlowReplicaError)


class SlowReplicaError(BusyError):
    """A replica has not answered in time; it may do so still."""


class Gathering:
    """Starts steps, and remembers those that were given up and may still run."""

    def __init__(self) -> None:
        self._unfinished: set[tuple[str, Future[Any]]] = set()

    @property
    def idle(self) -> bool:
        """Whether nothing runs any more that was given up."""
        return not self.busy

    @property
    def busy(self) -> set[str]:
        """The replicas at which something runs that was given up."""
        self._unfinished = {one for one in self._unfinished if not one[1].done()}
        return {name for name, _ in self._unfinished}

    def __call__(
        self,
        members: Sequence[FleetMember],
        step: str,
        *arguments: Any,
        until: float | None,
        signals: Signals | None = None,
        beat: Callable[[], None] | None = None,
    ) -> StepAnswers:
        """Start a step at each, and wait for all.

        Args:
            members: Where.
            step: Which.
            arguments: Of the step.
            until: When to give up, by `time.monotonic`; None for never.
            signals: Delivered while waiting; what they raise leaves the step to run.
            beat: Called while waiting.
        """
        started = {one.name: one.replica.start(step, *arguments) for one in members}
        self._unfinished.update(started.items())
        begun = monotonic()
        pending = set(started.values())
        while pending:
            left = POLL_MS / 1000 if until is None else min(until - monotonic(), POLL_MS / 1000)
            pending = wait(pending, max(left, 0)).not_done
            if signals is not None:
                signals.deliver()
            if pending and until is not None and monotonic() >= until:
                break
            if pending and beat is not None:
                beat()
        return self._answers(started, step, monotonic() - begun)

    def _answers(
        self, started: Mapping[str, Future[Any]], step: str, seconds: float
    ) -> StepAnswers:
        answers = StepAnswers()
        for name, future in started.items():
            error = future.exception() if future.done() else _slow(name, step, seconds)
            if error is None:
                answers.good[name] = future.result()
            else:
                answers.bad[name] = error
            if future.done():
                self._unfinished.discard((name, future))
        return answers


def _slow(name: str, step: str, seconds: float) -> SlowReplicaError:
    return SlowReplicaError(f"replica {name!r} has not ended {step!r} within {seconds:.3g} s")
