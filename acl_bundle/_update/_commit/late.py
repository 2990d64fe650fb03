"""Commits that were given up: each is rolled back as soon as the device is done with it.

A run that hangs may be writing still. So nothing is put back before its stream says that
it is over, which a thread asks for, and everybody who wants to commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from acl_bundle._async.timed import Timed
from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle._run.variables import Variables
from acl_bundle._update._commit.saved import Saved
from acl_bundle.errors import AclBundleError, BusyError

POLL_S = 0.01
WHAT = "rolling back"


class LateRun(NamedTuple):
    """One that was given up.

    Attributes:
        timed: Its engine.
        undo: What the weights held.
        replays: Whether they can be written again by graphs.
    """

    timed: Timed
    undo: Saved | None
    replays: bool


class Late:
    """The commit of one bundle that was given up, if there is one.

    Args:
        variables: The bundle's.
        roll_back: Brings back what a run has spoilt that is over.
    """

    def __init__(
        self, variables: Variables, roll_back: Callable[[LateRun, Wait, Signals], None]
    ) -> None:
        self._variables, self._roll_back = variables, roll_back
        self._run: LateRun | None = None
        self._stopped = threading.Event()

    def wait_for(self, run: LateRun) -> None:
        """Roll a run back when it is over."""
        self._run, self._stopped = run, threading.Event()
        thread = threading.Thread(target=self._poll, name="acl_bundle rollback", daemon=True)
        thread.start()

        def stop() -> None:
            self._stopped.set()
            if thread is not threading.current_thread():  # which may collect the bundle
                thread.join()

        run.timed.on_stop(stop)

    def _poll(self) -> None:
        wait = Wait("fail")
        while self._run is not None and not self._stopped.wait(POLL_S):
            with suppress(AclBundleError), self._variables.alone(WHAT, wait) as signals:
                self.recover(wait, signals)

    def recover(self, wait: Wait, signals: Signals) -> None:
        """Roll it back if it is over; the caller is alone."""
        run = self._run
        if run is None or not run.timed.drained:
            return
        if self._variables.poisoned:
            self._roll_back(run, wait, signals)
        self._run = None

    @property
    def runs(self) -> bool:
        """Whether the device is at it still."""
        run = self._run
        return run is not None and not run.timed.drained

    def check(self, what: str) -> None:
        """Refuse to go on while it is on the device.

        Raises:
            BusyError: It is.
        """
        if self._run is not None:
            raise BusyError(
                f"{what} is refused: a commit that was not over in time is still on the device."
                " When it is over it is rolled back; nothing was changed"
            )
