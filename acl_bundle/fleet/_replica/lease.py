"""How long a replica with something prepared waits to hear from the coordinator."""

from __future__ import annotations

from time import monotonic


class CoordinatorLease:
    """A time that runs out unless it begins again."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._until: float | None = None

    def begin(self, seconds: float) -> None:
        """It runs from now on."""
        self._seconds = seconds
        self._until = monotonic() + seconds

    def again(self) -> None:
        """It begins anew, if it runs."""
        if self._until is not None:
            self._until = monotonic() + self._seconds

    def end(self) -> None:
        """It does not run any more."""
        self._until = None

    @property
    def left(self) -> float | None:
        """Seconds until it has run out; None where it does not run."""
        until = self._until
        return None if until is None else max(until - monotonic(), 0.0)

    @property
    def is_over(self) -> bool:
        """Whether it has run out."""
        return self.left == 0
