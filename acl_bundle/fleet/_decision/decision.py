"""What a decision record holds, and the rules by which it changes.

A record is changed in one step that nobody else sees half of. Its rules:

1. `claimed` takes a new epoch, larger than every one before.
2. `decided` makes an epoch the committed one: only the last claimed one, and only if nobody has
   resolved it.
3. `resolved` ends an epoch: it was decided, or never will be.

So a coordinator that was thought to be dead and is not cannot decide any more: T1 is that
coordinator, T2 a replica whose lease has run out, or the next coordinator.

1. T1 claims epoch 5, prepares, and stands still
2. T2 resolves epoch 5: it is not decided, so nobody can; T2 drops what it has prepared
3. T1 goes on and would decide epoch 5: FencedError, and T1 aborts
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from acl_bundle.fleet._messages.errors import FencedError


@dataclass(frozen=True)
class Decision:
    """What is decided.

    Attributes:
        epoch: The committed one; 0 before the first.
        version: What the weights of that epoch are called.
        claimed: The last epoch that a coordinator has taken.
        fenced: Up to this one, no epoch can be decided any more.
    """

    epoch: int = 0
    version: int | str | None = None
    claimed: int = 0
    fenced: int = 0

    def next_claimed(self, at_least: int) -> Decision:
        """With a new epoch claimed, above `at_least` too."""
        last = max(self.epoch, self.claimed, self.fenced, at_least)
        return replace(self, claimed=last + 1)

    def decided(self, epoch: int, version: int | str) -> Decision:
        """With an epoch committed.

        Raises:
            FencedError: A later one was claimed, or this one was resolved.
        """
        if epoch != self.claimed or epoch <= self.fenced:
            what = "was resolved" if epoch <= self.fenced else f"is old: {self.claimed} is claimed"
            raise FencedError(f"epoch {epoch} cannot be decided: it {what}; nothing was changed")
        return Decision(epoch, version, epoch, self.fenced)

    def resolved(self, epoch: int) -> Decision:
        """With an epoch that is committed, or never will be."""
        if epoch <= max(self.epoch, self.fenced):
            return self
        return replace(self, fenced=epoch)


class DecisionRecord(Protocol):
    """Where decisions are kept."""

    @property
    def where(self) -> str:
        """The place, for people."""

    def read(self) -> Decision:
        """What is decided; the first one where nothing was ever written.

        Raises:
            OSError: It cannot be reached.
            ValueError: What lies there is none of ours.
        """

    def claim(self, at_least: int = 0) -> Decision:
        """Take a new epoch, which is `claimed` of what this returns; raises as `read`."""

    def decide(self, epoch: int, version: int | str) -> None:
        """Commit an epoch: the one point in which an update happens. Durable on return.

        Raises:
            FencedError: Somebody else has the say now.
            As `read`; then it is not known whether it was written: `resolve` tells.
        """

    def resolve(self, epoch: int) -> Decision:
        """End an epoch. It is committed if it is `epoch` of what this returns, else it never will
        be, or another one came after; raises as `read`."""
