"""The shadow of a pair: writing it, trying it, and letting it infer.

What the shadow lacks, because updates may be partial, is made up for when the
next update comes. Until then it is noted as the steps that bring the shadow in
line with the active bundle: the update it missed, or the restore of a snapshot
taken before the one that was refused. Steps may be taken again after a
failure, so the note is only dropped when all of them are done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, SupportsIndex, TypeVar

from acl_bundle._base.wait import Wait, WhenBusy
from acl_bundle._pair.active import Sides, Steps, Turns
from acl_bundle._run.published import Version
from acl_bundle._update.snapshots import Snapshot
from acl_bundle.bundle import Bundle
from acl_bundle.errors import UpdateError
from acl_bundle.graph import Graph

Probe = Callable[[Graph], object]
Done = TypeVar("Done")


class Limits:
    """How long one update may wait, in all its steps."""

    def __init__(self, when_busy: WhenBusy, timeout_ms: SupportsIndex | None) -> None:
        self.wait, self._when_busy = Wait(when_busy, timeout_ms), when_busy
        limit = self.wait.device_ms
        self._end = None if limit is None else monotonic() + limit / 1000

    @property
    def left(self) -> dict[str, Any]:
        """What the next step is given."""
        left = None if self._end is None else max(int((self._end - monotonic()) * 1000), 1)
        return {"when_busy": self._when_busy, "timeout_ms": left}


class Shadow:
    """What becomes of the side that nobody reads; the caller is the only one to change anything.

    Args:
        turns: Where the sides stand.

    Attributes:
        tidies_later: Whether `tidy` is called after each switch, so that a switch frees nothing.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.tidies_later: bool = False
        self._saved: dict[Bundle, Snapshot] = {}

    @property
    def sides(self) -> Sides:
        """Which bundle infers, and what the other lacks."""
        return self._turns.sides

    @sides.setter
    def sides(self, sides: Sides) -> None:
        """Let other bundles infer, or note another lack."""
        self._turns.sides = sides

    def write(self, write: Callable[[], Done], back: Steps | None, *, staged: bool = False) -> Done:
        """Write the shadow; until that is told, it is taken for written. `staged`: for later."""
        sides = self.sides
        variables = sides.shadow._variables
        epoch = variables.epoch
        self.sides = Sides(sides.active, sides.shadow, back, staged=staged)
        try:
            return write()
        except Exception:
            if variables.epoch == epoch and not variables.poisoned:
                self.sides = sides
            raise

    def catch_up(self, limits: Limits) -> None:
        """Bring the shadow in line with the active bundle."""
        sides = self.sides
        if sides.lag is None:
            raise UpdateError(
                "the shadow's weights are lost and cannot be made up for: update every weight"
            )
        for step in sides.lag:
            step(**limits.left)
        self.sides = Sides(sides.active, sides.shadow)

    def save(self) -> Steps | None:
        """Save the shadow; returns what brings it in line if it is written now."""
        sides, shadow = self.sides, self.sides.shadow
        if sides.lag is None or shadow._variables.poisoned:
            return None
        if sides.lag and shadow in self._saved and not sides.forward:
            return sides.lag  # begins with going back to what is saved
        self.forget(shadow)
        if shadow._variables.published.lost:
            return None
        saved = self._saved[shadow] = shadow.snapshot()
        return (partial(shadow.restore, saved), *sides.lag)

    @property
    def saved_nbytes(self) -> int:
        """Device memory of the copy of what the shadow held, in bytes."""
        saved = self._saved.get(self.sides.shadow)
        return saved.nbytes if saved is not None and saved.on == "device" else 0

    def forget(self, side: Bundle) -> None:
        """Close the snapshot of a side, if there is one."""
        saved = self._saved.pop(side, None)
        if saved is not None:
            saved.close()

    def probe(self, probe: Probe, version: Version) -> None:
        """Ask whether the shadow may infer.

        Raises:
            UpdateError: It may not.
        """
        active, shadow = self.sides.active, self.sides.shadow
        refused = f"the probe refused version {version!r}; version {active.version!r} is active"
        try:
            good = probe(shadow.infer)
        except Exception as error:
            raise UpdateError(f"{refused}: {error}") from error
        if not good:
            raise UpdateError(f"{refused}: it returned {good!r}")

    def take_over(self, again: Steps, back: Steps | None) -> None:
        """Let the shadow infer, which was written."""
        active, shadow = self.sides.active, self.sides.shadow
        self.sides = Sides(shadow, active, again, back, forward=True)
        if self._turns.hold is None and not self.tidies_later:
            self.forget(active)  # else `tidy` does it, when nobody waits

    def tidy(self) -> None:
        """Close the snapshot that a switch has left, of the side that inferred until then."""
        if self.sides.forward:
            self.forget(self.sides.shadow)

    def check_usable(self) -> None:
        """Refuse a shadow that cannot infer.

        Raises:
            UpdateError: It holds no version, or one that was staged and not committed; or it is
                poisoned.
        """
        shadow = self.sides.shadow
        if self.sides.staged:
            raise UpdateError(
                f"the shadow holds version {shadow.version!r}, which was staged and not committed,"
                " so it is not switched to: commit it, or update; nothing was changed"
            )
        if shadow.version is None or shadow._variables.poisoned:
            raise UpdateError("the shadow holds no version that could be switched to")

    def forget_all(self) -> None:
        """Close every snapshot."""
        for side in list(self._saved):
            self.forget(side)
