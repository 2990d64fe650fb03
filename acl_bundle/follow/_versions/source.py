"""What a follower follows: versions that come one after another, whole, in an order.

A source lists what it offers now and waits for more. It reads nothing before a
version is opened, connects when it is first asked, and can be asked again
after `close`. All of that happens on the follower's thread.

A version is published once and never changes. Its order is a tuple: a greater
one is newer. What a source cannot order it must not list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

Version = int | str
Order = tuple[Any, ...]
Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """One version that a source offers.

    Attributes:
        version: What the bundle will call it.
        order: Greater is newer; orders of one source can all be compared.
        open: Makes a context manager that yields the weights and lets go of
            them. It raises WeightsFormatError while the version is not whole,
            FileNotFoundError when it has gone.
        published: When it was published, in seconds since 1970, as far as the
            source can tell without reading it.
        place: What a signature says beside the version's number, so that nothing
            goes under another name; None where versions cannot be signed.
        older: Gives the version of a number from the same place, for a version that
            is based on it; raises FileNotFoundError when there is none. None
            where no version is based on another one.
    """

    version: Version
    order: Order
    open: Callable[[], AbstractContextManager[Weights]] = field(repr=False, compare=False)
    published: float | None = field(default=None, compare=False)
    place: str | None = field(default=None, compare=False)
    older: Callable[[int], Checkpoint] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Impossible:
    """What a source finds where versions are, and can put in no order: it is refused, once.

    Attributes:
        version: Its name, of at most 255 characters.
        error: What is wrong with it.
    """

    version: str
    error: ValueError


class Source(Protocol):
    """Anything that can be followed; `Directory` and `Redis` are two of them.

    A source that reads for long may have a method ``begin(stop)``, too, which is called
    before it is first asked. What it reads ends soon after the event ``stop`` is set, by
    a ConnectionAbortedError.
    """

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List what is there now, oldest first, and what cannot be ordered anywhere.

        Raises:
            OSError: The source cannot be reached; it is asked again later.
            ValueError: What is there leaves a doubt; the same.
        """

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when something may have changed, at ``stop``, or after some seconds.

        It may return for no reason, and should look at ``stop`` ten times a second.

        Raises:
            OSError: The source cannot be reached.
        """

    def close(self) -> None:
        """Let go of connections and watches; harmless twice."""
