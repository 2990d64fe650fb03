"""The trainer's half of shared device memory: it lends a version, and waits for all answers.

Where a consumer does not answer the memory stays lent, and the next publication waits for it, too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, SupportsIndex, cast

from acl_bundle._base.arrays import whole
from acl_bundle._base.owner import Owner
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.layout import index_of
from acl_bundle._ipc.published import ExportedWeights
from acl_bundle._names.given import Given
from acl_bundle.device import Device
from acl_bundle.errors import BusyError, ClosedError
from acl_bundle.follow._publishers.ipc_consumers import (
    Answers,
    Consumers,
    ConsumersByLine,
    Heard,
)
from acl_bundle.follow._publishers.ipc_redis import ConsumersByRedis
from acl_bundle.follow._publishers.published import (
    check_consumers,
    check_newer,
    check_seconds,
    check_version,
    some,
)
from acl_bundle.follow._sources.ipc import is_redis, redis_key
from acl_bundle.follow._sources.ipc_line import address_of

SLICE = 0.1


class IpcPublisher(Owner):
    """Weights in device memory that other processes of this host read. Close it, or use ``with``.

    Made by `publish_ipc`. ``publisher["fc.weight"]`` is the place of a weight, a DeviceArray: what
    the trainer writes there is published without a copy. It writes only while nothing is lent:
    before the first `publish`, and after each one that has returned. By way of Redis a thread says
    every two seconds that the trainer lives.
    """

    def __init__(
        self, address: Any, key: str | None, weights: Mapping[str, Any], device: int
    ) -> None:
        super().__init__()
        self._turn, self._publishing = threading.RLock(), cast("int | None", None)
        self._closing = False
        with self._closed_on_failure():
            self._exported = ExportedWeights(weights, device)
            self._stack.callback(self._exported.close)
            allow = self._exported.allow
            by_redis = is_redis(address, key)
            self._place = f"Redis, key {redis_key(key)!r}" if by_redis else f"address {address!r}"
            self._consumers: Consumers = (
                ConsumersByRedis(address, redis_key(key), allow)
                if by_redis
                else ConsumersByLine(address, allow)
            )
            self._stack.callback(self._consumers.close)
            self._last: int | None = None
            self._manifest: str | None = None

    def __getitem__(self, name: str) -> DeviceArray:
        return self._exported.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._exported.arrays)

    def __len__(self) -> int:
        return len(self._exported.arrays)

    def __repr__(self) -> str:
        return f"<IpcPublisher, {self._place}, {len(self)} weights>"

    @property
    def manifest(self) -> str | None:
        """The version that was published last, for `acl_bundle.weights.from_ipc`."""
        return self._manifest

    @property
    def lent(self) -> tuple[int, ...]:
        """The process numbers of those that have not answered."""
        return self._consumers.lent

    def allow(self, process: SupportsIndex) -> None:
        """Let a process import that does not connect here (aclrtIpcMemSetImportPid).

        Args:
            process: What aclrtDeviceGetBareTgid says there.
        """
        self._check_open()
        self._exported.allow(whole(process, "process is an int"))

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
            WeightError: A weight has no place, or another shape or dtype. Nothing was written or
                published.
            ClosedError: The publisher was closed, before or meanwhile.
            ConnectionError: The Redis server was lost. The version may have come to consumers, and
                the memory is lent to them, as after a TimeoutError.
            BusyError: Another trainer has taken the place in Redis.
            AclError: A copy failed, and some places may hold new values; nothing was published. Or
                the library refused a consumer.
        """
        number, wanted = check_version(version), check_consumers(consumers)
        until = monotonic() + check_seconds(timeout)
        with self._alone(until):
            check_newer(number, self._last, self._place)
            self._consumers.told = Heard()
            self._wait(0, until, self._last)
            if weights is not None:
                self._exported.write(some(weights, ()))
            manifest = self._exported.manifest(number)
            self._manifest, self._last = manifest.to_json(), number
            self._consumers.told = Heard(lost=self._consumers.told.lost)
            self._consumers.lend(number, self._manifest)
            self._wait(wanted, until, number)
            return self._consumers.told.answers(number)

    @contextmanager
    def _alone(self, until: float) -> Iterator[None]:
        """Be the only one to publish.

        Raises:
            ClosedError: The publisher was closed, before or meanwhile.
        """
        self._check_open()
        if self._publishing == threading.get_ident():
            raise BusyError("this is within a publication of this IpcPublisher: wait for it")
        while not self._turn.acquire(timeout=_step(until)):
            self._check_open()
            if monotonic() >= until:
                raise TimeoutError(f"another thread publishes at {self._place} still")
        try:
            self._publishing = threading.get_ident()
            self._check_open()
            yield
        except OSError:
            self._check_open()  # a signal's handler closed the sockets
            raise
        finally:
            self._publishing = None
            self._turn.release()

    def _check_open(self) -> None:
        if self._closing:
            raise ClosedError("this IpcPublisher is closed")
        super()._check_open()

    def close(self) -> None:
        """End the publication that another thread waits for, tell the consumers, and free the
        memory. Consumers have ten seconds to let go of it. A second call does nothing.

        Raises:
            AclError: Another process has the memory imported still.
        """
        self._closing = True
        if self._foreign:
            super().close()
            return
        with self._turn:
            super().close()

    def _wait(self, wanted: int, until: float, version: int | None) -> None:
        """Until so many have answered, and all that were lent the memory."""
        while self.lent or self._consumers.told.answered < wanted:
            if monotonic() >= until:
                raise TimeoutError(self._overdue(wanted, version))
            self._consumers.hear(_step(until))
            self._check_open()

    def _overdue(self, wanted: int, version: int | None) -> str:
        told, lent = self._consumers.told, self.lent
        text = f"version {version} at {self._place}: {told.answered} of {wanted}"
        text += " consumers answered"
        if lent:
            text += (
                f"; process {', '.join(map(str, lent))} has not and may still read the memory:"
                " do not write there before the next publish returns, or end that process"
            )
        if told.lost:
            text += f"; process {', '.join(map(str, told.lost))} ended before it answered"
        return text


def _step(until: float) -> float:
    """Seconds to wait before looking whether the publisher was closed."""
    return max(min(until - monotonic(), SLICE), 0.0)


def publish_ipc(
    address: Any,
    weights: Given,
    *,
    device: SupportsIndex | Device = 0,
    key: str | None = None,
) -> IpcPublisher:
    """Give other processes of this host weights in device memory.

    A block is allocated with a place for each weight (aclrtMalloc, aclrtIpcMemGetExportKey), and
    the weights are copied there. Consumers follow with `Ipc`; each is let import by its process
    number.

    Args:
        address: The path of a socket to make, or ``@name`` for one without a file. A killed
            publisher's socket is replaced. Or a Redis server: a URL (``redis://``, ``rediss://``,
            ``unix://``), or a client of redis-py's, which stays the caller's.
        weights: All weights, host or device arrays: their names, dtypes, shapes and first values.
        device: The device to share; consumers use the same card.
        key: Of a Redis server, what all names start with: "weights" when it is not given; in a
            cluster with braces, ``"{policy}"``.

    Raises:
        BusyError: Somebody publishes there. In Redis a killed publisher's state is waited for,
            ten seconds.
        ConnectionError: The Redis server cannot be reached, or refuses.
        UnsupportedError: The library does not share memory, or redis-py is not installed.
        TypeError, ValueError: An argument cannot be what it is.
        WeightError: There are no weights.
        OSError: The address cannot be had.
        AclError: The memory could not be had, or the chip shares none.
    """
    if not is_redis(address, key):
        address_of(address)
        address = os.fspath(address)
    return IpcPublisher(address, key, some(weights, ()), index_of(device))
