"""The bytes of all requests that are in memory: bounded, whoever sends them, and however many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from acl_bundle.server._protocol.refusal import Refusal, Why


class HeldBody:
    """The bytes of one request. Used by the loop's thread alone."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.nbytes = 0

    def add(self, nbytes: int) -> None:
        """Note that so many more are in memory.

        Raises:
            Refusal: They are too many, together with those of other requests.
        """
        self._bodies.check(nbytes)
        self._bodies.nbytes += nbytes
        self.nbytes += nbytes


class Bodies:
    """The bytes of all requests.

    Args:
        most: How many may be in memory at once.

    Attributes:
        nbytes: How many are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.nbytes: int = 0

    def check(self, nbytes: int) -> None:
        """Refuse bytes for which there is no room.

        Raises:
            Refusal: There is none.
        """
        if self.nbytes + nbytes > self._most:
            raise Refusal(
                Why.BUSY,
                f"requests of {self.nbytes} bytes are in memory, and {nbytes} more are beyond"
                f" {self._most}, the limit; try later",
            )

    @contextmanager
    def held(self) -> Iterator[HeldBody]:
        """Have the bytes of one request in memory, until its answer is there."""
        one = HeldBody(self)
        try:
            yield one
        finally:
            self.nbytes -= one.nbytes
