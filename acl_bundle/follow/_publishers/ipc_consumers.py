"""Those who read a trainer's memory: who was lent it, and what came back.

A consumer that ends is found out by its connection, and counts no more. One that is there and
does not answer may still read: the memory stays lent to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from acl_bundle._base.arrays import whole
from acl_bundle.errors import AclError
from acl_bundle.follow._sources.ipc_line import HELLO, Line, accept, listen, ready

ENDING = 10.0
"""Seconds that consumers have to let go of the memory when the publisher closes."""


@dataclass(frozen=True)
class Answers:
    """What consumers made of a version, by their process numbers.

    Attributes:
        version: The version.
        taken: Those that applied it.
        refused: Those that did not, and why.
        lost: Those that ended before they answered, this version or the one before.
    """

    version: int
    taken: tuple[int, ...]
    refused: Mapping[int, str]
    lost: tuple[int, ...]


@dataclass
class Heard:
    """What came in for a version so far."""

    taken: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many have taken or refused it."""
        return len(self.taken) + len(self.refused)

    def answers(self, version: int) -> Answers:
        """All of it."""
        return Answers(version, tuple(self.taken), dict(self.refused), tuple(self.lost))


class Consumers(Protocol):
    """Those who are reached in one way."""

    told: Heard

    @property
    def lent(self) -> tuple[int, ...]:
        """The process numbers of those that have not answered."""

    def lend(self, version: int, manifest: str) -> None:
        """Offer a version to all, and to each that comes until the next one."""

    def hear(self, seconds: float) -> None:
        """Take what is said, once something is or time is up."""


@dataclass(eq=False)
class _Consumer:
    """A consumer that is connected.

    Attributes:
        process: By which it was allowed to import; None until it has said it.
        lent: The version that it was lent, and has not answered.
    """

    line: Line
    process: int | None = None
    lent: int | None = None


class ConsumersByLine:
    """Consumers that are connected to a socket.

    Args:
        address: Of the socket, which is made.
        allow: Lets a process import the memory.

    Attributes:
        told: What they have answered.

    Raises:
        BusyError: Somebody listens there.
        OSError: The address cannot be had.
    """

    def __init__(self, address: str, allow: Callable[[int], None]) -> None:
        self._address, self._allow = address, allow
        self._listening = listen(address)
        self._all: list[_Consumer] = []
        self._offer: tuple[int, str] | None = None
        self.told: Heard = Heard()

    @property
    def lent(self) -> tuple[int, ...]:
        """The process numbers of those that have not answered."""
        return tuple(one.process or one.line.process for one in self._all if one.lent is not None)

    def lend(self, version: int, manifest: str) -> None:
        """Offer a version to all, and to each that comes until the next one."""
        self._offer = version, manifest
        for one in [*self._all]:
            self._lend(one)

    def hear(self, seconds: float) -> None:
        """Take what is said, once something is or time is up."""
        lines = {one.line: one for one in self._all}
        for end in ready([self._listening, *lines], seconds):
            if end is self._listening:
                line = accept(self._listening)
                if line is not None:
                    self._all.append(_Consumer(line))
            else:
                self._attend(lines[end])

    def _attend(self, one: _Consumer) -> None:
        """Take what a consumer says; one that talks nonsense is left, and so is one that ended."""
        try:
            for said in one.line.received():
                self._take(one, said)
            ended = one.line.ended
        except (KeyError, TypeError, ValueError, OverflowError, AclError):
            ended = True
        if ended:
            self._leave(one)

    def _take(self, one: _Consumer, said: Any) -> None:
        if one.process is None:
            if said["ipc"] != HELLO:
                raise ValueError("another protocol")
            process = whole(said["process"], "process is an int")
            self._allow(process)
            one.process = process
            self._lend(one)
        elif said["version"] == one.lent:
            one.lent = None
            if said["refused"] is None:
                self.told.taken.append(one.process)
            else:
                self.told.refused[one.process] = str(said["refused"])

    def _lend(self, one: _Consumer) -> None:
        if one.process is None or self._offer is None:
            return
        one.lent, manifest = self._offer
        try:
            one.line.send(manifest, ENDING)
        except OSError:
            self._leave(one)

    def _leave(self, one: _Consumer) -> None:
        if one not in self._all:  # it could not be lent the memory
            return
        self._all.remove(one)
        if one.lent is not None:
            self.told.lost.append(one.process or one.line.process)
        one.line.close()

    def close(self) -> None:
        """Let consumers end their imports, which come before the exporter's end."""
        until = monotonic() + ENDING
        for one in self._all:
            with suppress(OSError):
                one.line.shut()
        for one in self._all:
            while not one.line.ended and monotonic() < until:
                with suppress(OSError, ValueError):
                    ready([one.line], until - monotonic())
                    one.line.received()
            one.line.close()
        self._all.clear()
        self._listening.close()
        if not self._address.startswith("@"):
            with suppress(FileNotFoundError):
                os.unlink(self._address)
