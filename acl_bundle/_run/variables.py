"""The variables of a bundle: who may touch them, and what they hold.

The gate (csrc/gate/gate.c) lets inferences share the variables and a commit
have them alone, and counts the commits that succeeded: the epoch. Here each
epoch has the caller's version, and the last one a record of what the variables
hold since.

A commit and a Ctrl-C:

1. Python notes what the commit will publish
2. C commits, and raises the epoch
3. Ctrl-C raises before the next line of Python
4. whoever asks next sees the epoch of step 2, and takes over the note of step 1

So gate and record are in step, whatever comes between 2 and 4.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from acl_bundle._base.owner import Signals, uninterrupted
from acl_bundle._base.wait import Wait
from acl_bundle._binding.failures import BUSY, LOWEST_EPOCH, raise_failure
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._run.hold import Hold, Holding, check_lapsed
from acl_bundle._run.published import Published, Version
from acl_bundle._run.turn import Turn
from acl_bundle.errors import BusyError, visible

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_gate

REMEMBERED = 4096


class _Pending(NamedTuple):
    epoch: int
    published: Published


class Variables:
    """The gate of one bundle and what stands behind its epochs.

    Args:
        names: The weights behind the variables, as far as the file names them.
        sources: What a weight program makes them of; nothing where there is none.
        defined: Whether there are no variables that wait for a first value.
        keep: What is kept from being collected while somebody is alone: the bundle.
    """

    def __init__(
        self,
        names: Iterable[str],
        sources: Iterable[str],
        defined: bool,
        keep: Callable[[], object],
    ) -> None:
        self.names: tuple[str, ...] = tuple(names)
        self._keep = keep
        self._empty = defined
        self.gate: ab_gate = ffi.gc(lib.ab_gate_new(defined), lib.ab_gate_free)
        if self.gate == ffi.NULL:
            raise MemoryError("no memory for a bundle's gate")
        within = "an update, init, snapshot or restore"
        self.committing: Turn = Turn(within, "another update or init goes on")
        self.staging: Turn = Turn("a stage", "another stage goes on")
        self.versions: dict[int, Version] = {0: None}
        self._published = Published.of(self.names, sources)
        self._settling = threading.Lock()
        self._pending: _Pending | None = None
        self._held: Holding | None = None
        self._warned = False

    @property
    def published(self) -> Published:
        """What the variables hold; while poisoned, what they held before."""
        with self._settling:
            pending = self._pending
            if pending is not None and self.epoch >= pending.epoch:
                self._published, self._pending = pending.published, None
            return self._published

    def annotate(self, published: Published) -> None:
        """Replace what is known of the values that the variables hold."""
        with self._settling:
            self._published = published

    def check(self, what: str) -> None:
        """Raise ClosedError when the bundle is closed or the parent process's."""
        result = lib.ab_gate_check(self.gate)
        if result:
            raise_failure(result, what, [], [])

    @contextmanager
    def alone(self, what: str, wait: Wait, *, despite_hold: bool = False) -> Iterator[Signals]:
        """Be the only one to commit or close, with signals held back. `despite_hold`: within
        another thread's hold too, and after this thread's has ended; then write nothing.

        Yields:
            The signals: deliver them wherever the block may be left.

        Raises:
            ClosedError: As `check`.
            BusyError: Another commit goes on for longer than `wait` allows, or
                this thread is inside one already.
        """
        self.check(what)
        if not despite_hold:
            check_lapsed(what, self.committing)
        _kept = self._keep()  # until the lock is open again, for closing takes it
        with (
            uninterrupted() as signals,
            self.committing.taken(what, wait, signals, despite_hold=despite_hold),
        ):
            self.check(what)
            yield signals

    @contextmanager
    def untouched(self, what: str) -> Iterator[None]:
        """Wait for whoever is `alone`, closed or not, and keep others out meanwhile.

        Raises:
            BusyError: This thread is `alone`.
        """
        with uninterrupted() as signals, self.committing.taken(what, Wait(), signals):
            yield

    @contextmanager
    def beside(self, what: str, wait: Wait) -> Iterator[Signals]:
        """Be the only one to stage, beside commits; the bundle is not closed meanwhile.

        Yields:
            The signals: deliver them wherever the block may be left.

        Raises:
            ClosedError: As `check`.
            BusyError: Another thread stages for longer than `wait` allows, or this one does.
        """
        self.check(what)
        self.committing.check_outside(what)
        _kept = self._keep()
        with uninterrupted() as signals, self.staging.taken(what, wait, signals):
            self.check(what)
            yield signals

    def check_outside(self, what: str) -> None:
        """Refuse what this thread would wait for in vain, being `alone` or `beside` itself.

        Raises:
            BusyError: A signal handler, or the mapping of an update's weights, called it.
        """
        self.committing.check_outside(what)
        self.staging.check_outside(what)

    @property
    def epoch(self) -> int:
        """How many commits have succeeded."""
        return int(lib.ab_gate_epoch(self.gate))

    @property
    def version(self) -> Version:
        """The version that inference reads now; None before the first commit."""
        return self.versions[self.epoch]

    @property
    def poisoned(self) -> bool:
        """Whether a failed commit left the weights in an unknown state."""
        return bool(lib.ab_gate_is_poisoned(self.gate))

    @property
    def torn(self) -> bool:
        """For who shut the gate: whether the weights may hold a part of what is written."""
        return bool(lib.ab_gate_is_torn(self.gate))

    def unset(self) -> list[str]:
        """The weights that no commit has written."""
        written = self.published.written
        return [name for name in self.names if name not in written]

    def defined_by(self, published: Published) -> bool:
        """Whether no variable waits for its first value, after that commit."""
        some = published.initialised or bool(published.written)
        return self._empty or (some and published.written.full)

    def next_version(self) -> int:
        """The version of an update that names none: one more, or 1 after a str or None."""
        version = self.version
        return version + 1 if isinstance(version, int) else 1

    def note(self, published: Published) -> None:
        """Note what the commit that comes now will publish, if it succeeds."""
        _ = self.published
        epoch = self.epoch + 1
        self.versions[epoch] = published.version
        self.versions.pop(epoch - REMEMBERED, None)  # no inference runs that long
        self._pending = _Pending(epoch, published)

    def shut(self, attempt: Any, what: str, wait: Wait, signals: Signals) -> int:
        """Repeat a call that shuts the gate until nothing runs any more.

        Args:
            attempt: The call, of the milliseconds it may wait; BUSY keeps the claim.
            what: The graph, for the message.
            wait: For how long.
            signals: Delivered between attempts.

        Returns:
            The shim's answer to the last call.

        Raises:
            BusyError: Inferences run for longer than `wait` allows; the claim is dropped.
        """
        wait.begin()
        try:
            while (result := int(attempt(wait.step_ms))) == BUSY:
                signals.deliver()
                if wait.left_ms == 0:
                    raise BusyError(
                        f"{what} was given up ({wait.text}): inferences still run; nothing changed"
                    )
        except BaseException:
            lib.ab_gate_retract(self.gate)
            raise
        return result

    def keep_shut(self, bundle: object, limit_ms: int, wait: Wait) -> Hold:
        """Keep inferences out, and commits of other threads; see `Bundle.hold`."""
        what = "hold"
        hold = self.committing.hold
        if hold is not None and hold.is_own:
            raise BusyError(f"{what} is refused: {hold}, which is this thread")
        with self.alone(what, wait) as signals:
            result = self.shut(lambda ms: lib.ab_gate_hold(self.gate, ms), what, wait, signals)
            if result:
                raise_failure(result, what, (), ())
            holding = self._held = Holding(
                partial(lib.ab_gate_release, self.gate), self.committing, limit_ms
            )
            holding.begin()
            return Hold(bundle, holding)

    def close(self, signals: Signals | None = None) -> None:
        """Wait for commits and running inferences; refuse later ones. May be called twice.

        `signals` are held back, and delivered while it waits.

        Raises:
            BusyError: This thread is `alone`.
        """
        with (
            nullcontext(signals) if signals else uninterrupted() as held,
            self.staging.taken("close", Wait(), held),
            self.committing.taken("close", Wait(), held),
        ):
            self.shut(lambda _: lib.ab_gate_close(self.gate), "close", Wait(), held)
            if self._held is not None:
                self._held.end("the bundle was closed")

    def explain(
        self, result: int, what: str, inputs: list[str], outputs: list[str], depth: int = 4
    ) -> int:
        """Turn a negative answer into the epoch it stands for, or raise.

        Warns once when an inference read a variable that nothing has written;
        `depth` is how many calls above that warning the user's own line is.

        Raises:
            ClosedError: The bundle is closed, or belongs to the parent process.
            PoisonedError: A failed commit left the weights in an unknown state.
            AclError: A call into the library failed.
        """
        if result < LOWEST_EPOCH:
            raise_failure(result, what, inputs, outputs)
        if not self._warned:
            self._warned = True
            names = visible(", ".join(self.unset()))
            warnings.warn(
                f"inference before {names or 'the weights'} had a value: the variables"
                " hold whatever the memory held. Call init(), or update every weight, first",
                RuntimeWarning,
                stacklevel=depth,
            )
        return -1 - result
