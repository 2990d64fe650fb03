"""A trainer's device memory as a source: versions are read where the trainer has them.

The trainer lends its memory with each version, and writes again when each consumer has answered.
So a version is offered once: when it was applied, refused or passed over, the trainer is told, and
the next one comes. Nothing is read from the memory at any other time.

    T1 (the trainer)                        T2 (the follower)
    1. writes version 7, and publishes it
                                            2. imports the memory, and updates from it
                                            3. answers
    4. writes version 8
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event
from time import monotonic
from typing import Any, SupportsIndex

from acl_bundle._device.layout import index_of
from acl_bundle._ipc.blocks import process_number
from acl_bundle._ipc.manifest import IpcManifest
from acl_bundle._ipc.weights import Imported, IpcWeights
from acl_bundle.device import Device
from acl_bundle.follow._sources.ipc_line import HELLO, Line, address_of, connect, ready
from acl_bundle.follow._versions.order import order_of
from acl_bundle.follow._versions.source import Checkpoint, Impossible

TIMEOUT = 5.0
"""Seconds that the trainer's socket may take for a line."""
SLICE = 0.1


class Ipc:
    """Follow what a trainer on this host has in its device memory.

    The trainer publishes with `publish_ipc`. Both use the same card; both are of one user.

    Args:
        address: The path of its socket, or ``@name``, as the trainer calls it.
        device: The device of this process, the bundle's.

    Raises:
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(
        self, address: str | os.PathLike[str], *, device: SupportsIndex | Device = 0
    ) -> None:
        address_of(address)
        self._address, self._device = os.fspath(address), index_of(device)
        self._line: Line | None = None
        self._memory: Imported | None = None
        self._offer: IpcManifest | None = None
        self._wrong: Impossible | None = None

    def __repr__(self) -> str:
        return f"<Ipc, address {self._address!r}>"

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List the version that is lent now; none between two.

        Raises:
            ConnectionError: The trainer is not there, or has ended.
            UnsupportedError: The library does not share memory.
        """
        self._hear()
        wrong, self._wrong = self._wrong, None
        if wrong is not None:
            return [wrong]
        if self._offer is None:
            return []
        offer = self._offer
        opening = partial(self._open, offer)
        return [Checkpoint(offer.version, order_of(offer.version), opening, offer.published)]

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when the trainer says something; see `Source.wait`.

        A version that was listed and is not wanted is given back here.
        """
        if self._offer is not None:
            self._answer(self._offer, "it was not taken: it is older than what was followed")
        until = monotonic() + seconds
        while self._line is not None and (left := until - monotonic()) > 0 and not stop.is_set():
            if ready([self._line], min(left, SLICE)):
                return

    def close(self) -> None:
        """End the import and the connection. Harmless twice.

        Raises:
            AclError: The import could not be ended.
        """
        line, self._line, self._offer = self._line, None, None
        memory, self._memory = self._memory, None
        try:
            if memory is not None:
                memory.close()
        finally:  # the trainer takes the end of the connection for the end of the import
            if line is not None:
                line.close()

    def _hear(self) -> None:
        """Take what the trainer has said."""
        if self._line is None:
            self._line = connect(self._address, TIMEOUT)
            self._line.send({"ipc": HELLO, "process": process_number()}, TIMEOUT)
        line = self._line
        try:
            said = line.received()
        except ValueError as error:
            self.close()
            raise ConnectionError(f"{self!r}: who answers is no publisher: {error}") from error
        for one in said:
            self._take(one)
        if line.ended:
            self.close()
            raise ConnectionError(f"{self!r}: the trainer has ended")

    def _take(self, said: Any) -> None:
        try:
            self._offer = IpcManifest.read(said)
        except ValueError as error:
            version = said.get("version") if isinstance(said, dict) else None
            self._wrong = Impossible(str(version)[:255], error)
            self._tell({"version": version, "refused": str(error)})

    def _tell(self, data: object) -> None:
        """Send a line; a trainer that is not there is found out when it is heard."""
        if self._line is not None:
            with suppress(OSError):
                self._line.send(data, TIMEOUT)

    def _answer(self, offer: IpcManifest, refused: str | None = None) -> None:
        if self._offer is offer:
            self._offer = None
            self._tell({"version": offer.version, "refused": refused})

    @contextmanager
    def _open(self, offer: IpcManifest) -> Iterator[IpcWeights]:
        if self._offer is not offer:
            raise FileNotFoundError(f"{self!r}: version {offer.version} is no longer lent")
        try:
            with IpcWeights(offer, self._imported(offer), owned=False) as weights:
                yield weights
        except BaseException as error:
            self._answer(offer, f"{type(error).__name__}: {error}")
            raise
        self._check_there(offer)
        self._answer(offer)

    def _imported(self, offer: IpcManifest) -> Imported:
        """The memory of a version, which stays imported until the trainer has another."""
        if self._memory is None or not self._memory.is_of(offer):
            memory, self._memory = self._memory, None
            if memory is not None:
                memory.close()
            self._memory = Imported(offer, self._device)
        return self._memory

    def _check_there(self, offer: IpcManifest) -> None:
        """Refuse weights whose trainer ended while they were read.

        Raises:
            ConnectionError: It did.
        """
        line = self._line
        if line is None or (ready([line], 0.0) and not line.received() and line.ended):
            self.close()
            raise ConnectionError(
                f"{self!r}: the trainer ended while version {offer.version} was read"
            )
