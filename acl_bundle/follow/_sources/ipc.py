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
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Event
from typing import Any, SupportsIndex

from acl_bundle._base.owner import check_process
from acl_bundle._device.layout import index_of
from acl_bundle._ipc.manifest import IpcManifest
from acl_bundle._ipc.weights import CopiedMemory, Imported, IpcWeights, SharedMemory
from acl_bundle.device import Device
from acl_bundle.follow._sources.ipc_redis import RedisPlace
from acl_bundle.follow._sources.ipc_trainer import IpcPlace, IpcTrainer, SocketPlace
from acl_bundle.follow._versions.order import order_of
from acl_bundle.follow._versions.source import Checkpoint, Impossible


class Ipc:
    """Follow what a trainer on this host has in its device memory.

    The trainer publishes with `publish_ipc`. Both use the same card. At a socket both are of one
    user, and the memory is read where it is. By way of Redis each version is copied on the device
    first, into memory that is kept.

    Args:
        address: What the trainer publishes at: the path of its socket, or ``@name``; or a Redis
            server, a URL (``redis://``, ``rediss://``, ``unix://``) or a client of redis-py's.
        device: The device of this process, the bundle's.
        key: Of a Redis server, what all names start with: "weights" when it is not given.

    Raises:
        UnsupportedError: redis-py is not installed.
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(
        self, address: Any, *, device: SupportsIndex | Device = 0, key: str | None = None
    ) -> None:
        self._place: IpcPlace = (
            RedisPlace(address, redis_key(key)) if is_redis(address, key) else SocketPlace(address)
        )
        self._device = index_of(device)
        self._trainer: IpcTrainer | None = None
        self._memory: Imported | None = None
        self._copy: CopiedMemory | None = None
        self._offer: IpcManifest | None = None
        self._listed: IpcManifest | None = None
        self._wrong: Impossible | None = None

    def __repr__(self) -> str:
        return f"<Ipc, {self._place}>"

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
        if self._trainer is not None:
            self._trainer.wait(seconds, stop)

    def close(self) -> None:
        """End the import and the connection. Harmless twice.

        Raises:
            AclError: The import could not be ended.
        """
        trainer, self._trainer, self._offer = self._trainer, None, None
        with ExitStack() as last_first:
            last_first.callback(self._place.close)
            if trainer is not None:  # which takes this for the end of the import
                last_first.callback(trainer.close)
            for memory in (self._memory, self._copy):
                if memory is not None:
                    last_first.callback(memory.close)
            self._memory = self._copy = None

    def _check_process(self) -> None:
        if self._trainer is not None:
            check_process(self, self._trainer.made_in)

    def _hear(self) -> None:
        """Take what the trainer has said."""
        self._check_process()
        if self._trainer is None:
            self._trainer = self._place.find()
        try:
            said = self._trainer.heard()
        except ConnectionError:
            self.close()
            raise
        for one in said:
            self._take(one)

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
        if self._trainer is not None:
            self._trainer.tell(version, refused)

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
            with IpcWeights(offer, self._lent(offer), owned=False) as weights:
                yield weights
        except BaseException as error:
            self._tell(offer.version, f"{type(error).__name__}: {error}")
            raise
        self._end(offer)

    def _lent(self, offer: IpcManifest) -> SharedMemory:
        """The memory of a version, or a copy that was lent to its end."""
        memory = self._imported(offer)
        if self._trainer is None or not self._trainer.copies:
            return memory
        if self._copy is None or self._copy.nbytes != memory.nbytes:
            copy, self._copy = self._copy, None
            if copy is not None:
                copy.close()
            self._copy = CopiedMemory(memory.nbytes, self._device)
        self._copy.take(memory)
        for one in self._trainer.check(offer.version):
            self._take(one)
        return self._copy

    def _end(self, offer: IpcManifest) -> None:
        """Answer that a version was used, unless its trainer ended while it was read.

        Raises:
            ConnectionError: It did. One that closes, and listens still, is told.
        """
        try:
            if self._trainer is None:
                raise ConnectionError(f"{self!r}: it was closed while a version was read")
            if not self._trainer.copies:
                for one in self._trainer.check(offer.version):
                    self._take(one)
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


def is_redis(address: object, key: str | None) -> bool:
    """Say whether what is given for an address is a Redis server.

    Raises:
        TypeError: It is neither that nor a path.
        ValueError: There is a key, and it is none.
    """
    if isinstance(address, str) and "://" in address:
        return True
    found = not isinstance(address, str | bytes | os.PathLike)
    if found and not hasattr(address, "pubsub"):
        raise TypeError(
            f"address is {address!r:.80}; a path, '@name', or a Redis server's URL or client is"
            " right"
        )
    if key is not None and not found:
        raise ValueError(
            f"key is {key!r}, and the address {address!r} is a socket's: a key is of a Redis"
            " server, such as 'redis://host:6379/0'"
        )
    return found


def redis_key(key: str | None) -> str:
    """The key of a Redis server."""
    return "weights" if key is None else key
