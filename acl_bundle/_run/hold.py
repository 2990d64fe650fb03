"""Holding a bundle: one thread keeps inferences out for longer than a commit.

1. T1 has the variables alone, shuts the gate and turns its claim into the hold.
2. T2 infers, and waits in C; or commits, and waits in Python.
3. T1 commits, as often as it likes: the claim of a commit comes and goes, the hold stays.
4. T1 releases, and T2 goes on. If it does not, a watcher thread releases when the limit has
   passed or T1 has ended. A commit of T1 that is under way then keeps the gate shut to its end.
5. What T1 commits after that would not be what T1 means, all at once: it is refused until T1
   has released, which says that the hold had ended.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
import weakref
from collections.abc import Callable
from time import monotonic
from types import TracebackType

from acl_bundle._base.owner import Finalizer, OfProcess, uninterrupted
from acl_bundle._binding.failures import raise_failure
from acl_bundle._binding.shim import lib
from acl_bundle._run.turn import Held, Turn
from acl_bundle.errors import BusyError

log = logging.getLogger("acl_bundle.update")
LOOK_S = 0.05
RELEASED = "released"


class _Thread:
    """A thread that has held a bundle; it is collected when the thread ends.

    Attributes:
        lapsed: The holds of this thread that others ended and it has not released.
    """

    def __init__(self) -> None:
        self.lapsed: set[Holding] = set()


_here = threading.local()


def _this_thread() -> _Thread:
    found: _Thread | None = getattr(_here, "thread", None)
    if found is None:
        found = _here.thread = _Thread()
    return found


class Holding:
    """The state of one hold.

    Args:
        release: Lets inferences in again.
        turn: Who else looks whether there is a hold.
        limit_ms: When to end it, once it has begun.
        what: What is held, for messages.

    Attributes:
        turn: As it was given.
        limit_ms: As it was given.
        begun: Whether inferences are kept out; until then those before it end.
        ended: Set when it is over.
        how: Why it is over; None: it goes on.
        owner: The name of the thread.
    """

    def __init__(
        self,
        release: Callable[[], object],
        turn: Held,
        limit_ms: int,
        what: str = "the bundle",
    ) -> None:
        self._release, self._what = release, what
        self.turn: Held = turn
        self.limit_ms: int = limit_ms
        self._until = monotonic() + limit_ms / 1000
        self._thread = weakref.ref(_this_thread())
        self.owner: str = threading.current_thread().name
        self.ended: threading.Event = threading.Event()
        self.how: str | None = None
        self.begun: bool = False
        self._once = threading.Lock()

    def begin(self) -> None:
        """Watch over it, from now on; raises RuntimeError where there is no thread for that."""
        self._until = monotonic() + self.limit_ms / 1000
        self.turn.hold, self.begun = self, True
        try:
            threading.Thread(target=self._watch, name="acl_bundle hold", daemon=True).start()
        except BaseException:
            self.end(RELEASED)
            raise

    @property
    def is_own(self) -> bool:
        """Whether this thread is the owner."""
        return self._thread() is getattr(_here, "thread", self)

    @property
    def left_ms(self) -> int:
        """Milliseconds until it ends by itself; 0 when it is over."""
        left = 0 if self.ended.is_set() else int((self._until - monotonic()) * 1000)
        return max(left, 0)

    def _watch(self) -> None:
        while not self.ended.wait(min(LOOK_S, max(self._until - monotonic(), 0))):
            thread = self._thread()
            if thread is None:
                self.end("its thread ended")
            elif monotonic() >= self._until:
                thread.lapsed.add(self)
                self.end(f"its limit of {self.limit_ms} ms passed")

    def end(self, how: str) -> None:
        """Let inferences in; the first call counts."""
        with uninterrupted():
            if not self._once.acquire(blocking=False):
                return
            self.how = how
            self._release()
            self.turn.hold = None
            self.ended.set()
        if how != RELEASED:
            log.warning("%s: inferences go on", self)

    def forget(self) -> None:
        """The owner knows that it is over."""
        thread = self._thread()
        if thread is not None:
            thread.lapsed.discard(self)

    def __str__(self) -> str:
        if self.how is not None:
            return f"the hold of thread {self.owner!r} is over: {self.how}"
        return f"thread {self.owner!r} holds {self._what}, for {self.left_ms} ms more at most"


def check_lapsed(what: str, turn: Held) -> None:
    """Refuse a commit of a thread whose hold has ended without its knowing.

    Raises:
        BusyError: It has.
    """
    thread: _Thread | None = getattr(_here, "thread", None)
    for one in thread.lapsed if thread is not None else ():
        if one.turn is turn:
            raise BusyError(f"{what} is refused: {one}. Release it first; nothing was changed")


def check_not_own(what: str, turn: Turn) -> None:
    """Refuse an inference of the thread that holds the bundle, as the gate does.

    Raises:
        BusyError: This thread holds it, and would wait for itself.
    """
    hold = turn.hold
    if hold is not None and hold.is_own:
        raise_failure(-(lib.AB_STEP_HELD << lib.AB_STEP_SHIFT), what, (), ())


class Hold(OfProcess):
    """A bundle or a pair to which no new inference is let in. Made by `Bundle.hold` and
    `Pair.hold`; release it, or use ``with``.

    Attributes:
        owner: The name of the thread that holds it, which alone can commit.
        limit_ms: How long it may last, in milliseconds.
    """

    _finalizer: Finalizer

    def __init__(self, bundle: object, holding: Holding) -> None:
        self._bundle, self._holding = bundle, holding  # while it is held, the bundle stays
        self.owner: str = holding.owner
        self.limit_ms: int = holding.limit_ms
        self._finalizer = Finalizer(self, _forgotten, holding, os.getpid())

    @property
    def active(self) -> bool:
        """Whether inferences are kept out still."""
        return self._holding.how is None

    @property
    def left_ms(self) -> int:
        """Milliseconds until it ends by itself; 0 when it is over."""
        return self._holding.left_ms

    def release(self) -> None:
        """Let inferences in again. A second call does nothing; any thread may call it.

        Raises:
            BusyError: It had ended before, for its limit had passed or its thread had ended:
                inferences were let in meanwhile.
        """
        if not self._end():
            return
        holding = self._holding
        if holding.how != RELEASED and self._bundle_open:
            raise BusyError(f"{holding}, so inferences were let in before it was released")

    @property
    def _bundle_open(self) -> bool:
        return not getattr(self._bundle, "closed", False)

    def _end(self) -> bool:
        """End it; False: that was done before."""
        with uninterrupted():
            if not self._finalizer.detach():
                return False
            self._holding.end(RELEASED)
            self._holding.forget()
            return True

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.release()
        else:
            self._end()

    def __repr__(self) -> str:
        return f"<Hold: {self._holding}>"


def _forgotten(holding: Holding, process: int) -> None:
    if os.getpid() != process:
        return
    lives = holding.how is None
    holding.end(RELEASED)
    holding.forget()
    if lives:
        warnings.warn("unreleased Hold: call release() or use with", ResourceWarning, stacklevel=2)
