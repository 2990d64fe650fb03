"""What one commit is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from acl_bundle._async.timed import Timed
from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle._run.published import Published
from acl_bundle._update._commit.saved import Saved
from acl_bundle.errors import AclError

Rollback = Literal["auto", "device", "host", "none"]
POISONED = (
    "the variables may hold a mixture: run bundle.init(), update every weight at once,"
    " or restore a snapshot"
)


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        label: What is done, for messages.
        published: What the variables hold once it has succeeded.
        names: The weights it may touch.
        wait: How long to wait for inferences.
        signals: Delivered while waiting.
        undo: What the weights held.
        rollback: Whether to write spoilt weights again.
        timed: The engine that runs the graph, where it can be given up.
    """

    label: str
    published: Published
    names: Collection[str]
    wait: Wait
    signals: Signals
    undo: Saved | None = None
    rollback: Rollback = "auto"
    timed: Timed | None = None


def tell(error: BaseException, what: str) -> None:
    """Say in an exception what became of the weights; before 3.11 only ours can take it."""
    if isinstance(error, AclError):
        error.where += f"; {what}"
    elif hasattr(error, "add_note"):
        error.add_note(what)
