"""One version into the bundle, and what came of it.

Exceptions become outcomes, by whose turn it is to do better: the version's
publisher (`NOT_WHOLE`, `NO_VERSION`), nobody (`REFUSED`), time (`FAILED`), or a full set of
weights (`POISONED`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, auto
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from acl_bundle._device.make import copy_of
from acl_bundle._names.aliases import own_names
from acl_bundle._names.given import by_name
from acl_bundle.errors import (
    AclError,
    BusyError,
    ClosedError,
    PoisonedError,
    SignatureError,
    UpdateError,
    VersionError,
    WeightsFormatError,
)
from acl_bundle.follow._versions.deltas import Held, together
from acl_bundle.follow._versions.rivals import Rivals
from acl_bundle.follow._versions.sign import Keys, verified
from acl_bundle.follow._versions.source import Checkpoint, Version, Weights
from acl_bundle.follow._versions.stamp import bases_of, published_of

if TYPE_CHECKING:
    from acl_bundle._update.reports import UpdateReport

Transform = Callable[[Weights], Weights]


class Updatable(Protocol):
    """What can be kept up to date: a Bundle, a Pair."""

    @property
    def update(self) -> Callable[..., UpdateReport]:
        """Assigns weights, all or none."""

    @property
    def version(self) -> int | str | None:
        """What inference reads now."""


class Outcome(Enum):
    """What became of an attempt."""

    APPLIED = auto()
    REFUSED = auto()  # by the bundle or the transform, as it would be again
    NO_VERSION = auto()  # it has a version's name and is none, whoever put it there
    NOT_WHOLE = auto()  # half-written, gone or unreadable; a newer one may pass it by
    FAILED = auto()  # the device or the source; the version keeps its turn
    POISONED = auto()  # the bundle needs a full set, which this version is not
    CLOSED = auto()  # the bundle is


@dataclass(frozen=True)
class Attempt:
    """What came of applying a version.

    Attributes:
        outcome: In one word.
        report: The update's own, None when it returned none.
        error: What was raised, if something was.
        lag: Seconds from publication to application, never negative.
    """

    outcome: Outcome
    report: UpdateReport | None = None
    error: Exception | None = None
    lag: float | None = None


class Applier:
    """Applies versions to one bundle.

    Args:
        bundle: What is updated.
        transform: Changes the weights on their way, or None.
        options: What else each update is given.
        keys: Those that sign what may be applied; None when anything may.
    """

    def __init__(
        self,
        bundle: Updatable,
        transform: Transform | None,
        options: Mapping[str, Any],
        keys: Keys | None = None,
    ) -> None:
        self._bundle, self._transform, self._options = bundle, transform, dict(options)
        self._keys = keys
        self._applied: tuple[Version, Held] | None = None
        self._in_doubt: int | str | None = None  # what has failed last, and may be in force later

    @property
    def poisoned(self) -> bool:
        """Whether the bundle says that a failed commit left it without whole weights."""
        return bool(getattr(self._bundle, "poisoned", False))

    @property
    def signed(self) -> bool:
        """Whether only what is signed is applied."""
        return self._keys is not None

    @property
    def closed(self) -> bool:
        """Whether the bundle can no longer be updated."""
        try:
            _ = self._bundle.version
        except ClosedError:
            return True
        return False

    def apply(self, checkpoint: Checkpoint) -> Attempt:
        """Read a version, change it, and give it to the bundle; never raises."""
        attempt = self._attempt(checkpoint)
        if attempt.error is not None:
            _let_go(attempt.error)
        return attempt

    def _attempt(self, checkpoint: Checkpoint) -> Attempt:
        published = checkpoint.published
        before, held = self._version(), self._held
        bases: tuple[int, ...] = ()
        try:
            with together(checkpoint, held, self._opened) as opened:
                _check_some(opened, checkpoint)
                bases = bases_of(opened)
                published = published_of(opened) if published is None else published
                self._check_held(held)
                report = self._update(opened, checkpoint.version)
        except BaseException as raised:
            error, own = as_exception(raised), before != checkpoint.version
            if isinstance(error, VersionError):  # of a fleet that has it, from the try before maybe
                own = own or self._in_doubt == checkpoint.version
            if own and checkpoint.version == self._version():  # it failed when all was done
                self._applied = checkpoint.version, (checkpoint.order, bases)
                return Attempt(Outcome.APPLIED, None, error, _lag(published))
            outcome = self._outcome(error)
            self._in_doubt = checkpoint.version if outcome is Outcome.FAILED else None
            return Attempt(outcome, None, error)
        self._applied = checkpoint.version, (checkpoint.order, bases)
        return Attempt(Outcome.APPLIED, report, None, _lag(published))

    @property
    def _held(self) -> Held | None:
        """What the bundle holds, whole, if it was applied here and nobody has changed it since.

        A transform may need every weight, so what goes through one is never a part. What init
        gives is called version 0, too.
        """
        if self._transform is not None or self._applied is None or self.poisoned:
            return None
        version, held = self._applied
        return held if self._version() == version != 0 else None

    def _check_held(self, held: Held | None) -> None:
        """Make sure that what a part is for is still what it was when the part was chosen.

        Raises:
            BusyError: Somebody else has updated the bundle meanwhile.
        """
        if held is not None and held != self._held:
            raise BusyError(
                f"the bundle was at version {held[0][-1]} and is at {self._version()!r} now:"
                " somebody else has updated it while the next version was read"
            )

    def _opened(self, checkpoint: Checkpoint) -> AbstractContextManager[Weights]:
        if self._keys is not None:
            return verified(checkpoint, self._keys)
        if isinstance(checkpoint, Rivals) and checkpoint.doubt is not None:
            raise WeightsFormatError(str(checkpoint.doubt)) from checkpoint.doubt
        return checkpoint.open()

    def _update(self, opened: Weights, version: int | str) -> UpdateReport:
        given = opened if self._transform is None else self._changed(self._transform(opened))
        kinds = getattr(opened, "kinds", (getattr(opened, "kind", None),))
        if any(kind in _UNTOLD for kind in kinds):
            self._check_all_there(opened, given)
        return self._bundle.update(given, version=version, **self._options)

    def _changed(self, weights: object) -> Weights:
        """What a transform returned, by name."""
        try:
            return by_name(weights, [*getattr(self._bundle, "weights", ())], copy_of)  # type: ignore[arg-type]
        except TypeError as error:
            raise TypeError(f"transform returned {type(weights).__name__}: {error}") from error

    def _check_all_there(self, opened: Any, given: Weights) -> None:
        """Take what may be cut short for whole when it has all weights, as nothing else tells."""
        weights: Mapping[str, Any] = getattr(self._bundle, "weights", {})
        aliases = getattr(self._bundle.update, "aliases", {})
        there = own_names(given, aliases, dict.fromkeys(weights), "the version")
        missing = [name for name in weights if name not in there]
        if missing:
            raise WeightsFormatError(
                f"{getattr(opened, 'file', 'the version')}: it lacks {', '.join(missing)}; more may"
                f" still come, so a version of this kind ({', '.join(_UNTOLD)}) needs every weight"
            )

    def _version(self) -> int | str | None:
        return None if self.closed else self._bundle.version

    def _outcome(self, error: Exception) -> Outcome:
        if isinstance(error, ClosedError) and self.closed:
            return Outcome.CLOSED
        reasons = getattr(error, "reasons", None)
        if isinstance(error, UpdateError) and isinstance(reasons, Mapping):
            # a fleet's, with the errors of its replicas, or none: it is about who decides
            found = {self._outcome(one) for one in reasons.values()}
            return Outcome.REFUSED if found == {Outcome.REFUSED} else Outcome.FAILED
        if isinstance(error, VersionError):
            return Outcome.REFUSED  # of a fleet, which has a version of that name
        if isinstance(error, UpdateError) and "probe" not in self._options:
            return Outcome.POISONED  # a Pair's other side has lost its weights
        for kinds, outcome in _OUTCOMES:
            if isinstance(error, kinds):
                return outcome
        closed = hasattr(error, "replica")  # of a fleet, just now: no fault of the version
        return Outcome.FAILED if closed else Outcome.REFUSED


class NoWeightsError(WeightsFormatError):
    """It holds no weights at all."""


def _check_some(opened: Weights, checkpoint: Checkpoint) -> None:
    """Refuse what would give the bundle a new version and nothing else.

    Raises:
        NoWeightsError: There are no weights.
    """
    if not len(opened):
        place = getattr(opened, "file", f"version {checkpoint.version!r}")
        raise NoWeightsError(f"{place}: there are no weights in it, so it is no version")


# A part of one of these looks like a whole one: a file less, a node less.
_UNTOLD = ("npy folder", "tensorflow graph")

# The first that fits counts.
_OUTCOMES: tuple[tuple[tuple[type[Exception], ...], Outcome], ...] = (
    ((PoisonedError,), Outcome.POISONED),
    ((AclError, BusyError, ConnectionError, TimeoutError, MemoryError), Outcome.FAILED),
    ((NoWeightsError, SignatureError), Outcome.NO_VERSION),
    ((WeightsFormatError, OSError), Outcome.NOT_WHOLE),
)


def as_exception(error: BaseException) -> Exception:
    """Return an error as what callbacks may expect: SystemExit and the like are none of theirs."""
    if isinstance(error, Exception):
        return error
    told = RuntimeError(f"{type(error).__name__} was raised on the follower's thread: {error}")
    told.__cause__ = error
    return told


def _let_go(error: BaseException) -> None:
    """Empty the frames of an error, which may be kept for long: they hold a version's arrays."""
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            left += [one.__cause__, one.__context__]


def _lag(published: float | None) -> float | None:
    return None if published is None else max(time() - published, 0.0)
