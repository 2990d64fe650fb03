"""How long to wait for others: in short steps, so that Ctrl-C is felt in between."""

from __future__ import annotations

from time import monotonic
from typing import Literal, SupportsIndex

from acl_bundle._base.arrays import whole

WhenBusy = Literal["wait", "fail"]
POLL_MS = 100


def check_timeout(timeout_ms: SupportsIndex, name: str = "timeout_ms") -> int:
    """A longest wait, as an int; `name` is what the caller calls it.

    Raises:
        ValueError, TypeError: It is no integer of milliseconds above 0.
    """
    none = " or None" if name == "timeout_ms" else ""
    found = whole(timeout_ms, f"{name} is an int of milliseconds{none}")
    if not 0 < found < 2**31:
        raise ValueError(f"{name} is {found}; give 1 to 2147483647{none and f',{none}'}")
    return found


def check_limit(timeout_ms: SupportsIndex | None) -> int | None:
    """As `check_timeout`; None is for ever."""
    return None if timeout_ms is None else check_timeout(timeout_ms)


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

    def __init__(
        self, when_busy: WhenBusy = "wait", timeout_ms: SupportsIndex | None = None
    ) -> None:
        if when_busy not in ("wait", "fail"):
            raise ValueError(f"when_busy is 'wait' or 'fail', not {when_busy!r}")
        longest = check_limit(timeout_ms)
        self.device_ms: int | None = longest
        self.text: str = "when_busy='fail'" if when_busy == "fail" else f"timeout_ms={longest}"
        self._longest = 0 if when_busy == "fail" else longest
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
