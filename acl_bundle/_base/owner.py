"""Ownership: what was taken is given back newest first, exactly once.

Every create is followed on the next line by a callback that destroys; the
callbacks hold raw ids and pointers, never the owner. They run at ``close()``,
at garbage collection (with a ResourceWarning) or at interpreter exit, and in a
forked child not at all: what the parent took is the parent's to give back.
Ctrl-C cannot come between a create and its callback (`uninterrupted`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from types import FrameType, TracebackType
from typing import Any, NoReturn, TypeVar

from acl_bundle.errors import AclError, ClosedError

Self = TypeVar("Self", bound="Closing")
Around = Callable[[], AbstractContextManager[Any]]


RAISING = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
"""The signals whose handlers are known to raise: Ctrl-C, shutdowns, time limits."""


class Signals:
    """Ctrl-C and its like, held back until somebody delivers them.

    Within a block that holds them back nothing is to be done: they are that block's to deliver.
    """

    _outermost: Signals | None = None
    """Whose handlers are installed, of the main thread."""

    def __init__(self) -> None:
        self._holding = False
        self._held: list[tuple[int, FrameType | None]] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._thread = threading.get_ident()

    def hold(self) -> None:
        """Keep signals back from now on; on the main thread, the only one that handles them."""
        if Signals._outermost is not None:  # this thread's, or this is not the main thread
            return
        if threading.current_thread() is not threading.main_thread():
            return
        found = {number: signal.getsignal(number) for number in RAISING}
        self._handlers = {n: handler for n, handler in found.items() if callable(handler)}
        self._holding = True
        for number in self._handlers:
            signal.signal(number, self._receive)
        Signals._outermost = self  # the last step: none of them raises any more

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._holding:
            self._held.append((number, frame))
        else:  # several came while the handlers were put back
            self._handlers[number](number, frame)

    def deliver(self) -> None:
        """Handle here what came in; the handler may raise."""
        while self._held:
            number, frame = self._held.pop(0)
            self._handlers[number](number, frame)

    def let_go(self) -> None:
        """Put the handlers back, and deliver."""
        if Signals._outermost is self:  # the first step: none of them raises yet
            Signals._outermost = None
        if not self._handlers:
            return
        try:
            self._put_back()
        finally:  # one that was back already may have raised
            self._put_back()
            self._holding = False
            self.deliver()

    def _put_back(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @classmethod
    def after_fork(cls) -> None:
        """In a child of another thread: the block that held signals back does not end there."""
        held = cls._outermost
        if held is not None and held._thread != threading.get_ident():
            cls._outermost = None
            held._put_back()


os.register_at_fork(after_in_child=Signals.after_fork)


@contextmanager
def uninterrupted() -> Iterator[Signals]:
    """Hold Ctrl-C and its like back until the end of the block.

    Python handles a signal between any two steps, and so between taking
    something and noting that it was taken. A long block calls ``deliver`` of
    what it is given wherever it may be left.
    """
    signals = Signals()
    try:
        signals.hold()
        yield signals
    finally:
        signals.let_go()


class Taken(ExitStack[None]):
    """What one block takes. What fails when it is given back does not hide why the block failed."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(AclError) if value is not None else nullcontext():
            super().__exit__(kind, value, traceback)


def _give_back(stack: ExitStack, around: Around, process: int) -> None:
    """Call the callbacks to the end, whatever Ctrl-C comes, within a collection too."""
    begun = False
    try:
        with uninterrupted():
            begun = True
            _unwind(stack, around, process)
    finally:
        if not begun:  # it came before it was held back
            _unwind(stack, around, process)


def _unwind(stack: ExitStack, around: Around, process: int) -> None:
    if os.getpid() == process:
        with ExitStack() as surroundings:
            try:
                surroundings.enter_context(around())
            finally:
                _close(stack)


def _close(stack: ExitStack) -> None:
    """Close it within a block that failed: ``ExitStack.close`` cuts what it raises from why."""
    why = sys.exc_info()[1]
    try:
        stack.close()
    except BaseException as error:
        last: BaseException = error
        while last is not why and last.__context__ is not None:
            last = last.__context__
        if last is not why:
            last.__context__ = why
        raise


def _forgotten(stack: ExitStack, around: Around, process: int, name: str) -> None:
    try:
        if os.getpid() == process:
            text = f"unclosed {name}: call close() or use with"
            warnings.warn(text, ResourceWarning, stacklevel=2)
    finally:
        _give_back(stack, around, process)


class Finalizer:
    """A call that is made once, when something is collected, or at the interpreter's exit.

    A signal that came while C ran is handled by the next function of Python's that begins, which
    may be this call: its handler's exception is then printed, and the call has not been made. So
    two weak references make it:

    1. C runs, and Ctrl-C comes
    2. C lets the last reference go, and the first weak reference calls
    3. the handler raises before the first line; Python prints that
    4. the second weak reference calls

    Args:
        of: What is collected.
        call: Made again where it did not come to its end, so it does nothing twice.
        arguments: Of the call. They must not refer to `of`.
        atexit: Whether it is made at the interpreter's exit.
    """

    def __init__(
        self, of: object, call: Callable[..., object], *arguments: Any, atexit: bool = True
    ) -> None:
        self._once = _Once(call, arguments)
        self._finalize = weakref.finalize(of, self._once)
        self._finalize.atexit = atexit
        self._once.second = weakref.ref(of, self._once)

    @property
    def alive(self) -> bool:
        """Whether it is yet to be made."""
        return self._finalize.alive

    def __call__(self) -> None:
        """Make it now, if it is yet to be made."""
        self._finalize()

    def detach(self) -> bool:
        """Have it not made any more; False: it was made, or detached before."""
        self._once.done = True
        return self._finalize.detach() is not None


class _Once:
    def __init__(self, call: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.call, self.arguments, self.done = call, arguments, False
        self.second: weakref.ref[Any] | None = None

    def __call__(self, _: object = None) -> None:
        if self.done:
            return
        try:
            self.call(*self.arguments)
        except AclError:  # all else was given back
            self.done = True
            raise
        self.done = True


def check_process(used: object, process: int) -> None:
    """Refuse what was made before a fork.

    Args:
        used: What is about to be used.
        process: The id of the process that made it.

    Raises:
        ClosedError: This is another process.
    """
    if os.getpid() != process:
        raise ClosedError(
            f"this {type(used).__name__} was made in process {process} and cannot be used in"
            f" process {os.getpid()}, forked from it: load it here, or use spawn"
        )


class OfProcess:
    """Base of what cannot be sent to another process."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"this {type(self).__name__} holds what its process has on the device, and cannot be"
            " pickled or copied: load the bundle in the worker, and send it the path and arrays"
        )


class Closing(OfProcess):
    """Base of what the end of a ``with`` block closes."""

    def close(self) -> None:
        """Give back everything. A second call does nothing."""
        raise NotImplementedError

    def _check_open(self) -> None:
        """Refuse a block over what is closed."""

    def __enter__(self: Self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Owner(Closing):
    """Base of everything that holds something of the library's.

    Args:
        around: A context manager factory entered while things are given back,
            on whatever thread that happens. It must not refer to the owner.
        warns: Whether its collection, unclosed, is worth a ResourceWarning.
    """

    _finalizer: Finalizer | None = None

    def __init__(self, around: Around = nullcontext, *, warns: bool = True) -> None:
        self._stack = ExitStack()
        self._around = around
        self._process = os.getpid()
        held = self._stack, around, self._process
        self._finalizer = (
            Finalizer(self, _forgotten, *held, type(self).__name__)
            if warns
            else Finalizer(self, _give_back, *held)
        )

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._finalizer is None or not self._finalizer.alive

    def close(self) -> None:
        """Give back everything, newest first. A second call does nothing.

        Raises:
            AclError: Something could not be given back. The rest was, all the same.
        """
        with uninterrupted():
            if self._finalizer is not None and self._finalizer.detach():
                _give_back(self._stack, self._around, self._process)

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        """Close what cannot be made; what fails then does not hide why."""
        try:
            yield
        except BaseException:
            with suppress(AclError):
                Owner.close(self)
            raise

    @property
    def _foreign(self) -> bool:
        return os.getpid() != self._process

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError(f"this {type(self).__name__} is closed")
        check_process(self, self._process)
