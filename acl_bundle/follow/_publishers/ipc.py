"""The trainer's half of shared device memory: it lends a version, and waits for all answers.

A consumer that ends is found out by its connection, and counts no more. One that is there and
does not answer may still read: the memory stays lent, and the next publication waits for it, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, SupportsIndex

from acl_bundle._base.owner import Owner
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.layout import index_of
from acl_bundle._device.make import to_device
from acl_bundle._ipc.published import ExportedWeights
from acl_bundle._names.given import Given
from acl_bundle.device import Device
from acl_bundle.errors import AclError, WeightError
from acl_bundle.follow._publishers.published import check_newer, check_version, some
from acl_bundle.follow._sources.ipc_line import HELLO, Line, accept, address_of, listen, ready

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
class _Consumer:
    """A consumer that is connected.

    Attributes:
        process: By which it was allowed to import; None until it has said it.
        lent: The version that it was lent, and has not answered.
    """

    line: Line
    process: int | None = None
    lent: int | None = None


@dataclass
class _Heard:
    """What came in for a version so far."""

    taken: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)


class IpcPublisher(Owner):
    """Weights in device memory that other processes of this host read. Close it, or use ``with``.

    Made by `publish_ipc`. ``publisher["fc.weight"]`` is the place of a weight, a DeviceArray: what
    the trainer writes there is published without a copy. It writes only while nothing is lent:
    before the first `publish`, and after each one that has returned.
    """

    def __init__(self, address: str, weights: Mapping[str, Any], device: int) -> None:
        super().__init__()
        with self._closed_on_failure():
            self._address = address
            self._exported = ExportedWeights(weights, device)
            self._stack.callback(self._exported.close)
            self._listening = listen(address)
            self._stack.callback(_unlisten, self._listening, address)
            self._consumers: list[_Consumer] = []
            self._stack.callback(_say_farewell, self._consumers)
            self._told = _Heard()
            self._last: int | None = None
            self._manifest: str | None = None

    def __getitem__(self, name: str) -> DeviceArray:
        return self._exported.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._exported.arrays)

    def __len__(self) -> int:
        return len(self._exported.arrays)

    def __repr__(self) -> str:
        return f"<IpcPublisher, address {self._address!r}, {len(self)} weights>"

    @property
    def manifest(self) -> str | None:
        """The version that was published last, for `acl_bundle.weights.from_ipc`."""
        return self._manifest

    @property
    def lent(self) -> tuple[int, ...]:
        """The process numbers of those that have not answered."""
        return tuple(
            one.process or one.line.process for one in self._consumers if one.lent is not None
        )

    def allow(self, process: SupportsIndex) -> None:
        """Let a process import that does not connect here (aclrtIpcMemSetImportPid).

        Args:
            process: What aclrtDeviceGetBareTgid says there.
        """
        self._check_open()
        self._exported.allow(int(process))

    def publish(
        self,
        version: SupportsIndex,
        weights: Given | None = None,
        *,
        consumers: SupportsIndex = 1,
        timeout: float = 60.0,
    ) -> Answers:
        """Publish a version: lend the memory to all consumers, and wait until they answer.

        Whoever writes the places on a stream is synchronised with before.

        Args:
            version: A number greater than the last, below 2**63.
            weights: Weights to copy to their places first, host or device arrays; the others
                stay as they are. None where the trainer has written all.
            consumers: How many must have applied or refused it; as many are waited for.
            timeout: Seconds to wait.

        Raises:
            TimeoutError: Not enough consumers came, or one that came has not answered. It may
                still read, so the memory is not to be written: publish again waits for it.
            TypeError, ValueError: An argument cannot be what it is. Nothing was published.
            WeightError: A weight has no place. Nothing was published.
            ClosedError: The publisher was closed.
            AclError: A copy failed, or the library refused a consumer.
        """
        self._check_open()
        number, until = check_version(version), monotonic() + timeout
        wanted = int(consumers)
        check_newer(number, self._last, self._address)
        self._told = _Heard()
        self._wait(0, until, self._last)
        self._write(weights)
        manifest = self._exported.manifest(number)
        self._manifest, self._last = manifest.to_json(), number
        self._told = _Heard(lost=self._told.lost)
        for one in [*self._consumers]:
            self._lend(one)
        self._wait(wanted, until, number)
        told = self._told
        return Answers(number, tuple(told.taken), dict(told.refused), tuple(told.lost))

    def _write(self, weights: Given | None) -> None:
        given = {} if weights is None else dict(some(weights, ()))
        missing = [name for name in given if name not in self._exported.arrays]
        if missing:
            raise WeightError(
                f"{self!r} has no place for {missing[0]!r}; it has {', '.join(self)[:200]}"
            )
        for name, array in given.items():
            if array is not self._exported.arrays[name]:
                to_device(array, out=self._exported.arrays[name])

    def _wait(self, wanted: int, until: float, version: int | None) -> None:
        """Until so many have answered, and all that were lent the memory."""
        while self.lent or len(self._told.taken) + len(self._told.refused) < wanted:
            left = until - monotonic()
            if left <= 0:
                raise TimeoutError(self._overdue(wanted, version))
            self._hear(left)

    def _overdue(self, wanted: int, version: int | None) -> str:
        answered = len(self._told.taken) + len(self._told.refused)
        text = f"version {version} at {self._address!r}: {answered} of {wanted} consumers answered"
        if self.lent:
            text += (
                f"; process {', '.join(map(str, self.lent))} has not and may still read the memory:"
                " do not write there before the next publish returns, or end that process"
            )
        if self._told.lost:
            text += f"; process {', '.join(map(str, self._told.lost))} ended before it answered"
        return text

    def _hear(self, seconds: float) -> None:
        lines = {one.line: one for one in self._consumers}
        for end in ready([self._listening, *lines], seconds):
            if end is self._listening:
                line = accept(self._listening)
                if line is not None:
                    self._consumers.append(_Consumer(line))
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
            self._exported.allow(int(said["process"]))
            one.process = int(said["process"])
            self._lend(one)
        elif said["version"] == one.lent:
            one.lent = None
            if said["refused"] is None:
                self._told.taken.append(one.process)
            else:
                self._told.refused[one.process] = str(said["refused"])

    def _lend(self, one: _Consumer) -> None:
        if one.process is None or self._manifest is None:
            return
        one.lent = self._last
        try:
            one.line.send(self._manifest, ENDING)
        except OSError:
            self._leave(one)

    def _leave(self, one: _Consumer) -> None:
        if one.lent is not None:
            self._told.lost.append(one.process or one.line.process)
        one.line.close()
        self._consumers.remove(one)


def _say_farewell(consumers: list[_Consumer]) -> None:
    """Let consumers end their imports, which come before the exporter's end."""
    until = monotonic() + ENDING
    for one in consumers:
        with suppress(OSError):
            one.line.shut()
    for one in consumers:
        while not one.line.ended and monotonic() < until:
            with suppress(OSError, ValueError):
                ready([one.line], until - monotonic())
                one.line.received()
        one.line.close()
    consumers.clear()


def _unlisten(listening: Any, address: str) -> None:
    listening.close()
    if not address.startswith("@"):
        with suppress(FileNotFoundError):
            os.unlink(address)


def publish_ipc(
    address: str | os.PathLike[str], weights: Given, *, device: SupportsIndex | Device = 0
) -> IpcPublisher:
    """Give other processes of this host weights in device memory.

    A block is allocated with a place for each weight (aclrtMalloc, aclrtIpcMemGetExportKey), and
    the weights are copied there. Consumers follow with `Ipc`; each is let import by its process
    number.

    Args:
        address: The path of a socket to make, or ``@name`` for one without a file. A killed
            publisher's socket is replaced.
        weights: All weights, host or device arrays: their names, dtypes, shapes and first values.
        device: The device to share; consumers use the same card.

    Raises:
        BusyError: Somebody publishes there.
        UnsupportedError: The library does not share memory.
        TypeError, ValueError: An argument cannot be what it is.
        WeightError: There are no weights.
        OSError: The address cannot be had.
        AclError: The memory could not be had, or the chip shares none.
    """
    address_of(address)
    return IpcPublisher(os.fspath(address), some(weights, ()), index_of(device))
