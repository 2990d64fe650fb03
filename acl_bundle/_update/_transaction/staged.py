"""Staged updates, as a caller has them: committed or discarded, once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import Protocol, SupportsIndex

from acl_bundle._base.owner import Finalizer, OfProcess, Signals, check_process
from acl_bundle._base.wait import Wait, WhenBusy
from acl_bundle._run.published import Version
from acl_bundle._update.reports import UpdateReport
from acl_bundle.errors import AclBundleError, UpdateError

Alone = Callable[[str, Wait], AbstractContextManager[Signals]]


class Ready(Protocol):
    """What waits for its commit."""

    version: Version
    nbytes: int

    @property
    def names(self) -> tuple[str, ...]:
        """The weights that the commit changes."""

    def save(self) -> None:
        """Save what `commit` will overwrite; the caller is the only one to change anything."""

    def commit(self, wait: Wait, signals: Signals) -> UpdateReport:
        """Carry it out."""

    @property
    def epoch(self) -> int:
        """A number that grows when it is in force."""

    @property
    def now(self) -> Version:
        """The version that is in force."""

    def give_back(self) -> None:
        """Let go of what it takes."""

    def forget(self) -> bool:
        """As `give_back`, from wherever a collection comes; whether it took anything."""


class Staged(OfProcess):
    """An update that was prepared and is not yet in force. Made by `Bundle.stage` and `Pair.stage`.

    It holds memory until it is committed or discarded, or the bundle is closed. At the end of a
    ``with`` block it is discarded, unless it was committed. Any thread may do either.

    Attributes:
        version: What it will be called; None for one more than the version that it follows.
        names: The weights that it changes.
        nbytes: Device memory that it takes until then, in bytes: for a bundle the area that its
            values lie in, for a pair the copy of what the shadow held.
    """

    _finalizer: Finalizer

    def __init__(self, bundle: object, ready: Ready, alone: Alone, aside: Alone) -> None:
        self._bundle, self._ready, self._alone, self._aside = bundle, ready, alone, aside
        self.version: Version = ready.version
        self.names: tuple[str, ...] = ready.names
        self._nbytes, self._process = ready.nbytes, os.getpid()
        self._ended: str | None = None
        self._finalizer = Finalizer(self, _forgotten, ready, self._process, atexit=False)

    @property
    def nbytes(self) -> int:
        """Device memory that it takes, in bytes; 0 once it is committed or discarded."""
        return 0 if self._ended else self._nbytes

    def commit(
        self, *, when_busy: WhenBusy = "wait", timeout_ms: SupportsIndex | None = None
    ) -> UpdateReport:
        """Put it in force: the short part of an update. Weights that it does not name keep
        what they hold by then.

        After a failure that leaves the weights as before it is staged still, and may be
        committed again.

        Args:
            when_busy: As for an update.
            timeout_ms: As for an update.

        Returns:
            What the update did, and the time of each step, those of staging included.

        Raises:
            UpdateError: It was committed or discarded before.
            VersionError: The version is not the one that was expected; or a later commit
                changed what it was computed with, or a weight that it left out as unchanged.
                Nothing was changed.
            PoisonedError, BusyError, AclTimeoutError, ClosedError, AclError: As an update.
        """
        wait = Wait(when_busy, timeout_ms)
        self._check("commit")
        with self._alone("commit", wait) as signals:
            self._check("commit")
            before = self._ready.epoch
            try:
                return self._ready.commit(wait, signals)
            finally:
                if self._ready.epoch > before:
                    self._end(f"was committed as version {self._ready.now!r}")

    def _save(self) -> None:
        """Save what the commit will overwrite already now, so that the commit is shorter; if
        something else is committed first, the commit saves anew.

        Raises:
            UpdateError, ClosedError, AclError: As `commit`; nothing was changed.
        """
        self._check("save")
        with self._alone("save", Wait()):
            self._ready.save()

    def discard(self) -> None:
        """Let it go: nothing changes. Harmless twice, and after a commit. Waits for a commit
        of another thread, but for no hold.

        Raises:
            BusyError: A commit that was given up is still on the device, and may read it.
        """
        if self._ended is not None or getattr(self._bundle, "closed", False):
            return
        check_process(self, self._process)
        with self._aside("discard", Wait()):
            if self._ended is None:
                self._end("was discarded")

    def _end(self, how: str) -> None:
        self._ended = how
        self._finalizer.detach()
        self._ready.give_back()

    def _check(self, what: str) -> None:
        check_process(self, self._process)
        if self._ended is not None:
            raise UpdateError(f"{what} is refused: this staged update {self._ended}")

    def __enter__(self) -> Staged:
        self._check("a block over it")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(AclBundleError) if value is not None else nullcontext():
            self.discard()

    def __repr__(self) -> str:
        if self._ended is not None:
            return f"<Staged: {self._ended}>"
        called = "the next version" if self.version is None else f"version {self.version!r}"
        weights = "1 weight" if len(self.names) == 1 else f"{len(self.names)} weights"
        return f"<Staged: {called}, {weights}, {self.nbytes} bytes on the device>"


def _forgotten(ready: Ready, process: int) -> None:
    if os.getpid() == process and ready.forget():
        text = "a staged update was neither committed nor discarded: use with"
        warnings.warn(text, ResourceWarning, stacklevel=2)
