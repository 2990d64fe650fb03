"""The bytes of all requests that are in memory: bounded, whoever sends them, and however many."""

from __future__ import annotations

from acl_bundle.server._protocol.refusal import Refusal, Why


class HeldBody:
    """The bytes of one request, in memory until the end of a ``with``. For the loop's thread."""

    __slots__ = ("_bodies", "_nbytes")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self._nbytes = bodies, 0

    def __enter__(self) -> HeldBody:
        return self

    def __exit__(self, *_: object) -> None:
        self._bodies.nbytes -= self._nbytes

    def add(self, nbytes: int) -> None:
        """Note that so many more are in memory.

        Raises:
            Refusal: They are too many, together with those of other requests.
        """
        self._bodies.check(nbytes)
        self._bodies.nbytes += nbytes
        self._nbytes += nbytes


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

    def held(self) -> HeldBody:
        """Have the bytes of one request in memory, until its answer is there."""
        return HeldBody(self)
