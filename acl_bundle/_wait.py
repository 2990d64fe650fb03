"""How long to wait for others: in short steps, so that Ctrl-C is felt in between."""

from __future__ import annotations

from time import monotonic
from typing import Literal

WhenBusy = Literal["wait", "fail"]
POLL_MS = 100


def check_timeout(timeout_ms: int | None) -> None:
    """Refuse what is no longest wait.

    Raises:
        ValueError, TypeError: It is neither None nor an int of milliseconds above 0.
    """
    if timeout_ms is None:
        return
    if not isinstance(timeout_ms, int) or isinstance(timeout_ms, bool):
        raise TypeError(f"timeout_ms is an int of milliseconds or None, not {timeout_ms!r}")
    if not 0 < timeout_ms < 2**31:
        raise ValueError(f"timeout_ms is {timeout_ms}; give 1 to 2147483647, or None")


class Wait:
    """How long somebody waits, in steps.

    Args:
        when_busy: ``"wait"``, or ``"fail"`` at once.
        timeout_ms: The longest wait in milliseconds; None for ever.

    Attributes:
        device_ms: What the device is given for one run; None for ever.

    Raises:
        ValueError, TypeError: An argument cannot be what it is.
    """

    def __init__(self, when_busy: WhenBusy = "wait", timeout_ms: int | None = None) -> None:
        if when_busy not in ("wait", "fail"):
            raise ValueError(f"when_busy is 'wait' or 'fail', not {when_busy!r}")
        check_timeout(timeout_ms)
        self.device_ms = timeout_ms
        self.text = "when_busy='fail'" if when_busy == "fail" else f"timeout_ms={timeout_ms}"
        self._longest = 0 if when_busy == "fail" else timeout_ms
        self.begin()

    def begin(self) -> None:
        """Wait from now on, for something else than before."""
        self._end = None if self._longest is None else monotonic() + self._longest / 1000

    @property
    def left_ms(self) -> int | None:
        """Milliseconds that are left, at least 0; None for ever."""
        return None if self._end is None else max(int((self._end - monotonic()) * 1000), 0)

    @property
    def step_ms(self) -> int:
        """The next wait, short enough for Ctrl-C to be felt."""
        left = self.left_ms
        return POLL_MS if left is None else min(left, POLL_MS)
