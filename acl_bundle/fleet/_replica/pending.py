"""What waits at a replica for the decision."""

from __future__ import annotations

from dataclasses import dataclass

from acl_bundle._update._transaction.staged import Staged
from acl_bundle.bundle import Bundle
from acl_bundle.pair import Pair


@dataclass(frozen=True)
class Pending:
    """A version that is staged.

    Attributes:
        epoch: Its epoch.
        version: What it will be called.
        staged: The version on the device.
    """

    epoch: int
    version: int | str | None
    staged: Staged

    def commit(self, model: Bundle | Pair) -> None:
        """Put it in force. What fails when that has happened is no failure."""
        try:
            self.staged.commit()
        except Exception:
            if model.version != self.version or getattr(model, "poisoned", False):
                raise
