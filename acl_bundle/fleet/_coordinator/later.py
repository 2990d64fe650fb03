"""Catching up in the background: what was closed is asked again, after longer and longer pauses.

There is a thread while replicas are behind and tries are left, and none otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic
from weakref import WeakMethod

from acl_bundle.errors import ClosedError
from acl_bundle.fleet._messages.errors import FencedError

PAUSES: tuple[float, ...] = tuple(0.1 * 2.0**n for n in range(10))
"""Seconds before each try; 102 s in all. Then it is left to the next update."""
log = logging.getLogger("acl_bundle.fleet")


class CatchUpLater:
    """Repeats something until it says that nothing is left to do.

    Args:
        work: Tries once; returns whether a replica is behind still. It is not kept alive.
    """

    def __init__(self, work: WeakMethod[Callable[[], bool]]) -> None:
        self._work = work
        self._lock, self._stopped = Lock(), Event()
        self._runs, self._anew = False, False
        self._try, self._due = 0, 0.0

    def begin(self) -> None:
        """A replica is behind: try from the first pause on."""
        with self._lock:
            if self._stopped.is_set() or not PAUSES:
                return
            self._anew = True
            if self._runs:
                return
            try:
                Thread(target=self._run, name="acl_bundle fleet catches up", daemon=True).start()
            except RuntimeError as error:
                log.warning("replicas that are behind wait for the next update: %s", error)
            else:
                self._runs = True

    def stop(self) -> None:
        """Try no more."""
        self._stopped.set()

    @property
    def told(self) -> str:
        """What comes next, as text; "" where nothing does."""
        with self._lock:
            if not self._runs or self._stopped.is_set():
                return ""
            left = max(self._due - monotonic(), 0.0)
            return f"try {self._try} of {len(PAUSES)} to catch up in {left:.1f} s"

    def _run(self) -> None:
        while (pause := self._next()) is not None:
            if self._stopped.wait(pause) or not self._tried():
                self._end()

    def _next(self) -> float | None:
        """The next pause; None where there is none, and the thread ends."""
        with self._lock:
            if self._anew:
                self._anew, self._try = False, 0
            if self._stopped.is_set() or self._try >= len(PAUSES):
                self._runs = False
                return None
            pause = PAUSES[self._try]
            self._try += 1
            self._due = monotonic() + pause
            return pause

    def _end(self) -> None:
        """No more tries, unless `begin` was called since the last one began."""
        with self._lock:
            self._try = len(PAUSES)

    def _tried(self) -> bool:
        """Try once; returns whether to try again."""
        work = self._work()
        if work is None:
            return False
        try:
            return work()
        except (ClosedError, FencedError):
            return False
        except Exception as error:  # of a record of somebody else's, say
            log.warning("replicas have not caught up: %s", error)
            return True
