"""What is told of an update, and of a fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["committed", "caught up", "closed", "dropped"]


@dataclass(frozen=True)
class ReplicaReport:
    """What an update did at one replica.

    Attributes:
        outcome: ``"committed"``; ``"caught up"``: it could not commit, and has the version all the
            same; ``"closed"``: it has not, and does not infer until it has; ``"dropped"``: it was
            lost before the decision, and the fleet went on without it.
        prepare: Seconds that preparing took there.
        commit: Seconds that the commit took there.
        nbytes: Device memory that the version took there until its commit, in bytes.
        reason: Why it has not committed.
    """

    outcome: Outcome
    prepare: float = 0.0
    commit: float = 0.0
    nbytes: int = 0
    reason: str = ""


@dataclass(frozen=True)
class FleetReport:
    """What an update of a fleet did.

    Attributes:
        epoch: The number of the update; later ones are larger.
        version: What inference reads from now on, at every replica that is open.
        consistency: ``"rolling"`` or ``"strict"``.
        nbytes: Bytes that left the caller, once for all replicas.
        seconds: Time of each step, in seconds: ``claim``, ``put``, ``prepare``, ``close`` (strict:
            until no inference ran any more), ``decide``, ``commit``, ``open``.
        replicas: By name.
        record: Where the decision was written.
        drain: Seconds for which inferences that had begun ran on behind shut gates (strict).
    """

    epoch: int
    version: int | str
    consistency: str
    nbytes: int
    seconds: Mapping[str, float]
    replicas: Mapping[str, ReplicaReport]
    record: str
    drain: float = 0.0

    @property
    def closed(self) -> tuple[str, ...]:
        """The replicas that do not infer, because they have not the version."""
        return tuple(n for n, one in self.replicas.items() if one.outcome in ("closed", "dropped"))

    @property
    def pause(self) -> float:
        """Seconds for which a strict update kept all inferences out, the drain included."""
        return sum(self.seconds.get(step, 0.0) for step in ("close", "decide", "commit", "open"))


@dataclass(frozen=True)
class ReplicaStatus:
    """One row of a fleet's table.

    Attributes:
        name: The replica's.
        state: ``"idle"`` or ``"prepared"`` infer; ``"pending"``, ``"poisoned"``, ``"closed"`` and
            ``"lost"`` do not.
        epoch: The epoch that it has.
        version: The version that it has.
        load: Inferences that are under way through the fleet.
        where: Device, process and host.
        reason: Why it does not infer, or "".
    """

    name: str
    state: str
    epoch: int
    version: int | str | None
    load: int
    where: str
    reason: str


@dataclass(frozen=True, repr=False)
class FleetStatus:
    """A fleet as it is; printed, a table.

    Attributes:
        epoch: The committed epoch.
        version: The committed version.
        record: Where decisions are written.
        store: Where the committed weights are kept, and how many bytes they take.
        replicas: A row for each.
        catching_up: When those that are behind are asked again, by themselves; "" where no replica
            is, or all tries were in vain.
    """

    epoch: int
    version: int | str | None
    record: str
    store: str
    replicas: Sequence[ReplicaStatus]
    catching_up: str = ""

    def __str__(self) -> str:
        head = ("replica", "state", "epoch", "version", "load", "where", "reason")
        rows = [head]
        rows += [
            (one.name, one.state, str(one.epoch), repr(one.version), str(one.load), one.where,
             one.reason)
            for one in self.replicas
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        title = (
            f"version {self.version!r}, epoch {self.epoch}, decided in {self.record}; weights in"
            f" {self.store}"
        )
        return "\n".join([title, *lines, *filter(None, [self.catching_up])])

    __repr__ = __str__
