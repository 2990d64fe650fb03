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

from acl_bundle._base.owner import check_process
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
        self._listed: IpcManifest | None = None
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
        offer = self._listed = self._offer
        opening = partial(self._open, offer)
        return [Checkpoint(offer.version, order_of(offer.version), opening, offer.published)]

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when the trainer says something; see `Source.wait`.

        A version that was listed and is not wanted is given back here.
        """
        self._check_process()
        if self._offer is not None and self._offer is self._listed:
            self._answer(self._offer, "it was not taken: it is older than what was followed")
        if self._offer is not None or self._wrong is not None:  # it came while another was read
            return
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

    def _check_process(self) -> None:
        if self._line is not None:
            check_process(self, self._line.made_in)

    def _hear(self) -> None:
        """Take what the trainer has said."""
        self._check_process()
        if self._line is None:
            self._line = connect(self._address, TIMEOUT)
            self._line.send({"ipc": HELLO, "process": process_number()}, TIMEOUT)
        try:
            self._receive(self._line, "has ended")
        except ConnectionError:
            self.close()
            raise

    def _receive(self, line: Line, ended: str) -> None:
        """Take the lines that are there.

        Raises:
            ConnectionError: The trainer has ended, or is none.
        """
        try:
            said = line.received()
        except ValueError as error:
            raise ConnectionError(f"{self!r}: who answers is no publisher: {error}") from error
        for one in said:
            self._take(one)
        if line.ended:
            raise ConnectionError(f"{self!r}: the trainer {ended}")

    def _take(self, said: Any) -> None:
        """Note what is offered; what was before, and is not open, is passed over."""
        if self._offer is not None:
            self._answer(self._offer, "it was not taken: a newer one came")
        try:
            self._offer = IpcManifest.read(said)
        except ValueError as error:
            version = said.get("version") if isinstance(said, dict) else None
            self._wrong = Impossible(str(version)[:255], error)
            self._tell(version, str(error))

    def _tell(self, version: object, refused: str | None) -> None:
        """Answer; a trainer that is not there is found out when it is heard."""
        if self._line is not None:
            with suppress(OSError):
                self._line.send({"version": version, "refused": refused}, TIMEOUT)

    def _answer(self, offer: IpcManifest, refused: str) -> None:
        if self._offer is offer:
            self._offer = None
            self._tell(offer.version, refused)

    @contextmanager
    def _open(self, offer: IpcManifest) -> Iterator[IpcWeights]:
        if self._offer is not offer:
            raise FileNotFoundError(f"{self!r}: version {offer.version} is no longer lent")
        self._offer = None  # what comes meanwhile is another one
        try:
            with IpcWeights(offer, self._imported(offer), owned=False) as weights:
                yield weights
        except BaseException as error:
            self._tell(offer.version, f"{type(error).__name__}: {error}")
            raise
        self._end(offer)

    def _end(self, offer: IpcManifest) -> None:
        """Answer that a version was used, unless its trainer ended while it was read.

        Raises:
            ConnectionError: It did. One that closes, and listens still, is told.
        """
        try:
            self._check_there(offer)
        except ConnectionError as error:
            self._tell(offer.version, str(error))
            self.close()
            raise
        self._tell(offer.version, None)

    def _imported(self, offer: IpcManifest) -> Imported:
        """The memory of a version, which stays imported until the trainer has another."""
        if self._memory is None or not self._memory.is_of(offer):
            memory, self._memory = self._memory, None
            if memory is not None:
                memory.close()
            self._memory = Imported(offer, self._device)
        return self._memory

    def _check_there(self, offer: IpcManifest) -> None:
        ended = f"ended while version {offer.version} was read"
        if self._line is None:
            raise ConnectionError(f"{self!r}: the trainer {ended}")
        if ready([self._line], 0.0):
            self._receive(self._line, ended)
