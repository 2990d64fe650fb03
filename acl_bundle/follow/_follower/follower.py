"""The follower as its caller sees it; all work is done on its thread (`_loop`).

The thread keeps the bundle alive and does not keep the follower, so that one
that was forgotten is stopped, with a ResourceWarning, when it is collected or
when the interpreter exits: newest first, so before the bundle it updates.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, SupportsIndex

from acl_bundle._base.arrays import flag
from acl_bundle._base.owner import Owner, uninterrupted
from acl_bundle.errors import BusyError, ClosedError, RoleError
from acl_bundle.follow._follower.apply import Applier, Transform, Updatable
from acl_bundle.follow._follower.backoff import Backoff
from acl_bundle.follow._follower.callbacks import Callbacks
from acl_bundle.follow._follower.claim import claim, release
from acl_bundle.follow._follower.ledger import Ledger
from acl_bundle.follow._follower.loop import Loop, Rules
from acl_bundle.follow._follower.metrics import Metrics
from acl_bundle.follow._follower.options import check_options
from acl_bundle.follow._publishers.published import check_seconds
from acl_bundle.follow._urls import source_of
from acl_bundle.follow._versions.amounts import amount
from acl_bundle.follow._versions.order import order_of
from acl_bundle.follow._versions.sign import check_keys
from acl_bundle.follow._versions.source import Source, Version

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from acl_bundle._update.reports import UpdateReport
    from acl_bundle.follow._follower.options import FollowOptions
    from acl_bundle.follow._follower.public import Public
else:
    Public = object

STEP = 0.1
"""Seconds that a wait lasts at most before Ctrl-C is felt."""


def _end(loop: Loop, thread: threading.Thread) -> None:
    loop.stop.set()
    if thread is not threading.current_thread():
        thread.join()


class Follower(Owner, Public):
    """Keeps a bundle's weights at the newest version of a source. Close it, or use ``with``.

    It starts with the newest version that is there, or after the one that
    ``after`` names. From then on each version is applied once, in order, under
    its own name; one that is older than what was applied never is. A version
    that the bundle refuses is refused once. One that is not whole, and a
    failure of device or source, is tried again with back-off.

    A source cannot be followed by two, and a bundle should not follow two: their
    versions would mix. The bundle stays the caller's: close it after the follower.

    Args:
        bundle: A Bundle or Pair; inferences go on as with any update.
        source: `Directory`, `Redis`, `Objects` or whatever else is a `Source`. It is
            closed with the follower and may be used again. Or a URL (``redis://``, ``s3://``,
            ``gs://``, ``https://``, ``file://``) or the path of a directory.
        transform: Changes each version's mapping before the update: renames,
            casts, merges. It runs on the follower's thread.
        after: Apply every version after this one; None to start with the newest.
        newest: Apply only the newest of several that are waiting. Only for
            versions that hold every weight: what the others change is lost.
        signing_key: Apply only versions that were published with this key, or
            with one of several, while keys change. Bytes, at least 16.
        stale_after: Seconds without a new version after which the weights
            count as stale.
        backoff: How long to wait before trying again.
        on_applied: Called with the UpdateReport of each version.
        on_refused: Called with a version and the error, once.
        on_error: Called with each failure that will be tried again.
        on_stale: Called with the seconds since a version was applied last,
            once until the next is.
        options: For each update, as for `Bundle.update`; not ``version``, nor
            ``tokens``, as each version has other arrays.

    What a callback raises is logged (``acl_bundle.follow``) and counted.

    Raises:
        TypeError, ValueError: An argument cannot be what it is.
        RoleError: The bundle has no update graph.
        UnsupportedError: What a URL needs is not installed.
        ClosedError: The bundle is closed, or was loaded before a fork.
        BusyError: Another follower follows this source.
    """

    def __init__(
        self,
        bundle: Updatable,
        source: Source | str | os.PathLike[str],
        *,
        transform: Transform | None = None,
        after: Version | SupportsIndex | None = None,
        newest: bool = False,
        signing_key: bytes | Sequence[bytes] | None = None,
        stale_after: float | None = None,
        backoff: Backoff | None = None,
        on_applied: Callable[[UpdateReport], object] | None = None,
        on_refused: Callable[[Version, Exception], object] | None = None,
        on_error: Callable[[Exception], object] | None = None,
        on_stale: Callable[[float], object] | None = None,
        **options: Unpack[FollowOptions],
    ) -> None:
        _check_bundle(bundle)
        if isinstance(source, str | os.PathLike):
            source = source_of(source)
        _check_source(source)
        check_options(bundle.update, options)
        keys = check_keys(signing_key)
        if stale_after is not None:
            stale_after = amount(stale_after, "stale_after", "seconds")
        calls = {"transform": transform, "on_applied": on_applied, "on_refused": on_refused,
                 "on_error": on_error, "on_stale": on_stale}  # fmt: skip
        _check_callable(calls)
        if backoff is not None and not isinstance(backoff, Backoff):
            raise TypeError(f"backoff is {backoff!r:.80}; a Backoff or None is right")
        self._stale_after = stale_after
        self._ledger = Ledger(None if after is None else order_of(after, "after"))
        self._loop = Loop(
            Applier(bundle, transform, options, keys),
            source,
            self._ledger,
            Callbacks(on_applied, on_refused, on_error, on_stale),
            Rules(flag(newest, "newest"), backoff or Backoff(), stale_after),
        )
        self._thread = threading.Thread(
            target=self._loop.run, name="acl_bundle.follow", daemon=True
        )
        claim(source)
        super().__init__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        with uninterrupted():
            try:
                self._thread.start()
            except RuntimeError:  # there are too many
                release(self._loop.source)
                raise
            self._stack.callback(_end, self._loop, self._thread)

    @property
    def metrics(self) -> Metrics:
        """What was done so far; also after `close`."""
        return self._ledger.metrics

    @property
    def stale(self) -> bool:
        """Whether no version was applied for longer than ``stale_after`` seconds."""
        limit = self._stale_after
        return limit is not None and monotonic() - self._ledger.applied_at > limit

    @property
    def running(self) -> bool:
        """Whether it follows: it was not closed, and neither was the bundle."""
        return not self._foreign and self._thread.is_alive() and self._ledger.ended is None

    def wait_for(
        self, version: Version | SupportsIndex | None = None, timeout: float | None = None
    ) -> Version | None:
        """Block until a version, or one after it, is applied; ``on_applied`` is called after that.

        Args:
            version: Which; None for the next one, whichever it is.
            timeout: The longest wait, in seconds; None for ever.

        Returns:
            The version that was applied last.

        Raises:
            TimeoutError: It did not come in time; the message says why, if it is known.
            ClosedError: The follower, or the bundle, was closed.
            BusyError: This is a callback, on the follower's thread, and would wait for itself.
            WeightError and others: The bundle refused that version; this is its error.
            TypeError, ValueError: It is no version.
        """
        self._check_open()
        wanted = None if version is None else order_of(version)
        if timeout is not None:
            timeout = check_seconds(timeout)
        until = None if timeout is None else monotonic() + timeout
        ledger = self._ledger
        count = ledger.metrics.applied + ledger.metrics.healed
        with ledger.changed:
            while True:
                now = ledger.metrics
                if wanted is None:
                    if now.applied + now.healed > count:
                        return now.version
                elif ledger.reached is not None and ledger.reached >= wanted:
                    return now.version
                elif wanted in ledger.refusals:
                    raise ledger.refusals[wanted]
                if ledger.ended is not None:
                    raise ClosedError(f"this Follower has ended: {ledger.ended}")
                left = STEP if until is None else min(STEP, until - monotonic())
                if left <= 0:
                    raise TimeoutError(self._late(version, timeout))
                self._check_not_itself()
                ledger.changed.wait(left)

    def _check_not_itself(self) -> None:
        if self._thread is threading.current_thread():
            raise BusyError(
                "this is a callback, on the follower's own thread: nothing comes until it returns"
            )

    def _late(self, version: object, timeout: float | None) -> str:
        now = self._ledger.metrics
        what = "no version" if version is None else f"version {version!r} was not"
        text = f"{what} applied within {timeout} seconds; the last is {now.version!r}"
        return text if now.last_error is None else f"{text}; the last error: {now.last_error}"

    def close(self) -> None:
        """Stop, after the update that runs, and wait for the thread's end. Harmless twice.

        From a callback it only tells the follower to stop.
        """
        if not self.closed and not self._foreign:
            self._loop.stop.set()
            while self._thread is not threading.current_thread() and self._thread.is_alive():
                self._thread.join(STEP)  # here Ctrl-C still works
        super().close()

    def __repr__(self) -> str:
        state = "running" if self.running else "ended"
        return f"<Follower {state}, version {self._ledger.metrics.version!r}>"


def _check_bundle(bundle: Updatable) -> None:
    try:
        _ = bundle.update, bundle.version
    except RoleError:
        raise
    except AttributeError as error:
        raise TypeError(f"bundle is {bundle!r:.80}; a Bundle or Pair is right") from error


def _check_callable(given: Mapping[str, object]) -> None:
    for name, one in given.items():
        if one is not None and not callable(one):
            raise TypeError(f"{name} is {one!r:.80}; a function or None is right")


def _check_source(source: object) -> None:
    missing = [name for name in ("versions", "wait", "close") if not hasattr(source, name)]
    if missing:
        raise TypeError(
            f"source is {source!r}, without {', '.join(missing)}; a URL, a Directory, a Redis"
            " or another Source is right"
        )
