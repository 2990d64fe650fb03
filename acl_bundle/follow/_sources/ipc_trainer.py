"""The trainer whose memory is read, as a consumer reaches it: by a socket here."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import Any, Protocol

from acl_bundle._ipc.blocks import process_number
from acl_bundle.follow._sources.ipc_line import HELLO, Line, address_of, connect, ready

TIMEOUT = 5.0
"""Seconds that the trainer's socket may take for a line."""
SLICE = 0.1


class IpcTrainer(Protocol):
    """A trainer that was found.

    Attributes:
        made_in: The process that found it; a child of it has no connection.
        copies: Whether what it lends is to be copied, and `check` to be asked after the copy;
            else it is asked when the memory was used.
    """

    made_in: int
    copies: bool

    def heard(self) -> list[Any]:
        """What it has offered since, as manifests that nobody has looked at.

        Raises:
            ConnectionError: It has ended, or is none.
        """

    def tell(self, version: object, refused: str | None) -> None:
        """Answer; a trainer that is not there is found out when it is heard."""

    def check(self, version: int) -> list[Any]:
        """Make sure that it has lent a version until now; what it has offered since.

        Raises:
            ConnectionError: It has not.
        """

    def wait(self, seconds: float, stop: Event) -> None:
        """Until it says something; see `Source.wait`."""

    def close(self) -> None:
        """Leave it, once its memory is let go of."""


class IpcPlace(Protocol):
    """Where a trainer publishes; as text how it is called."""

    def find(self) -> IpcTrainer:
        """Find who publishes there.

        Raises:
            ConnectionError: Nobody does.
        """

    def close(self) -> None:
        """Let go of what was made to find somebody. Harmless twice."""


class TrainerByLine:
    """A trainer at the other end of a socket."""

    copies = False

    def __init__(self, line: Line, place: str) -> None:
        self._line, self._place = line, place
        self.made_in: int = line.made_in

    def heard(self) -> list[Any]:
        """What it has said."""
        return self._received("has ended")

    def _received(self, ended: str) -> list[Any]:
        try:
            said = self._line.received()
        except ValueError as error:
            raise ConnectionError(f"{self._place}: who answers is no publisher: {error}") from error
        if self._line.ended:
            raise ConnectionError(f"{self._place}: the trainer {ended}")
        return said

    def tell(self, version: object, refused: str | None) -> None:
        """Send the answer."""
        with suppress(OSError):
            self._line.send({"version": version, "refused": refused}, TIMEOUT)

    def check(self, version: int) -> list[Any]:
        """Whether it is there still, whose end ends the loan."""
        ended = f"ended while version {version} was read"
        return self._received(ended) if ready([self._line], 0.0) else []

    def wait(self, seconds: float, stop: Event) -> None:
        """Until a line is there."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not stop.is_set():
            if ready([self._line], min(left, SLICE)):
                return

    def close(self) -> None:
        """Close the connection, which the trainer takes for the end of the import."""
        self._line.close()


class SocketPlace:
    """An address on this host.

    Raises:
        TypeError, ValueError: It is no address.
    """

    def __init__(self, address: str | os.PathLike[str]) -> None:
        address_of(address)
        self._address = os.fspath(address)

    def __str__(self) -> str:
        return f"address {self._address!r}"

    def find(self) -> TrainerByLine:
        """Connect, and say by which number this process imports."""
        line = connect(self._address, TIMEOUT)
        try:
            line.send({"ipc": HELLO, "process": process_number()}, TIMEOUT)
        except BaseException:
            line.close()
            raise
        return TrainerByLine(line, f"<Ipc, {self}>")

    def close(self) -> None:
        """There is nothing."""
