"""One run of a runner, as its caller has it; see csrc/serve/request.c."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from acl_bundle._base.wait import POLL_MS, Wait
from acl_bundle._binding.failures import BUSY, LOWEST_EPOCH, RUNNING
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run.fit import Fit

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_runner


class Request:
    """One run of a runner.

    Args:
        runner: The shim's.
        fit: What it is given; kept until it has started.
    """

    def __init__(self, runner: ab_runner, fit: Fit) -> None:
        self.fit = fit
        self._is_over = True
        self.pointer = ffi.new("ab_request *", {"runner": runner, "run": fit.pointer})

    def ask(self, call: Callable[[Any], int], wait_ms: int, last: bool = False) -> int:
        """Make one of the shim's calls."""
        self.pointer.waitMs, self.pointer.last = wait_ms, last
        answer = int(call(self.pointer))
        self._is_over = not self.started and (answer == BUSY or not failed(answer))
        return answer

    @property
    def started(self) -> bool:
        """Whether it is in a slot."""
        return bool(self.pointer.slot)

    def wait(self, timeout_ms: int | None, goes_on: Callable[[], bool]) -> int:
        """Wait for the end of the run, and fetch the outputs.

        Args:
            timeout_ms: The longest wait; None for ever.
            goes_on: Asked now and then whether the result is still wanted; if
                not, the run is given up.

        Returns:
            The shim's answer.
        """
        wait = Wait("wait", timeout_ms)
        while True:
            left = wait.left_ms
            last = left is not None and left <= POLL_MS
            answer = self.ask(lib.ab_request_wait, wait.step_ms, last)
            if answer != RUNNING:
                return answer
            if not goes_on():
                return self.ask(lib.ab_request_wait, 0, True)

    def drop(self, left: list[Fit]) -> None:
        """Let its slot be used again when the run is over, whatever came out of it.

        Args:
            left: Where what it is given goes, if the device may use arrays of it still.
        """
        lib.ab_request_drop(self.pointer)
        if self.fit.uses and not self._is_over:
            left.append(self.fit)


def failed(answer: int) -> bool:
    """Whether an answer of the shim is a failure, and no epoch."""
    return answer < LOWEST_EPOCH
