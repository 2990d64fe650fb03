"""Snapshots of a bundle's weights, and going back to them.

With owned variables a snapshot is a copy of their memory; with library
variables it is a reference to the values kept on the host, from which the
graphs can write the weights again.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import SupportsIndex

from acl_bundle._base.owner import Owner
from acl_bundle._base.wait import Wait, WhenBusy
from acl_bundle._device.memory import DeviceBuffer, HostBuffer
from acl_bundle._run.published import Published, Version
from acl_bundle._update._commit.commit import Commit
from acl_bundle._update._commit.saved import Saved, Where
from acl_bundle._update._commit.writer import Writer
from acl_bundle.device import Device
from acl_bundle.errors import UnsupportedError, UpdateError


@contextmanager
def _while_held(buffer: DeviceBuffer | HostBuffer | None, device: Device) -> Iterator[None]:
    """The device's context, unless there is nothing left to give back to it."""
    held = buffer is not None and buffer.pointer is not None
    with device.activated() if held else nullcontext():
        yield


class Snapshot(Owner):
    """What the weights of one bundle held at one time. Made by `Bundle.snapshot`.

    It holds memory until it is closed, or its bundle is.

    Attributes:
        version: The version that it holds.
        nbytes: Bytes of memory that it takes; what it shares with the bundle
            not counted.
        on: ``"device"`` or ``"host"``.
    """

    def __init__(
        self,
        owner: Writer,
        device: Device,
        published: Published,
        saved: Saved | None,
        buffer: DeviceBuffer | HostBuffer | None,
    ) -> None:
        super().__init__(partial(_while_held, buffer, device))
        if buffer is not None:
            self._stack.callback(buffer.close)
        self._writer = weakref.ref(owner)
        self._published, self._saved = published, saved
        self.version: Version = published.version
        self.nbytes: int = 0 if buffer is None else buffer.nbytes
        self.on: str = "device" if saved is not None and not saved.on_host else "host"

    def close(self) -> None:
        """Give its memory back, after a restore that goes on. A second call does nothing.

        Raises:
            AclError: It could not be given back.
            BusyError: A signal handler called it in the middle of an update.
        """
        writer = self._writer()
        if writer is None or self.closed or self._foreign:
            super().close()
            return
        with writer.variables.untouched("closing a snapshot"):
            super().close()

    def __repr__(self) -> str:
        if self.closed:
            return "<Snapshot closed>"
        return f"<Snapshot of version {self.version!r}, {self.nbytes} bytes on the {self.on}>"


class Snapshots:
    """Takes and restores the snapshots of one bundle.

    Args:
        stack: The bundle's; closes the snapshots that are left.
        device: The bundle's.
        writer: The bundle's.
    """

    def __init__(self, stack: ExitStack, device: Device, writer: Writer) -> None:
        self._device, self._writer = device, writer
        self._taken: weakref.WeakSet[Snapshot] = weakref.WeakSet()
        stack.callback(self._close)

    def _close(self) -> None:
        for snapshot in list(self._taken):
            snapshot.close()

    def take(self, where: Where) -> Snapshot:
        """See `Bundle.snapshot`."""
        writer = self._writer
        if where not in ("auto", "device", "host"):
            raise ValueError(f"where is 'auto', 'device' or 'host', not {where!r}")
        with writer.alone("snapshot", Wait()):
            published = writer.variables.published
            if writer.variables.poisoned:
                raise UpdateError("there is nothing to save: a failed commit spoilt the weights")
            if writer.area is None:
                return self._of_values(published)
            if writer.engine is None:
                raise UnsupportedError("this bundle has no graph that writes its variables")
            saved, buffer = writer.area.save(writer.engine, where)
            snapshot = Snapshot(writer, self._device, published, saved, buffer)
            self._taken.add(snapshot)
            return snapshot

    def _of_values(self, published: Published) -> Snapshot:
        if published.lost:
            raise UpdateError(
                "nobody kept the values of"
                f" {', '.join(sorted(published.lost))}, updated with rollback='none'"
            )
        snapshot = Snapshot(self._writer, self._device, published, None, None)
        self._taken.add(snapshot)
        return snapshot

    def restore(
        self, snapshot: Snapshot, when_busy: WhenBusy, timeout_ms: SupportsIndex | None
    ) -> None:
        """See `Bundle.restore`."""
        writer, wait = self._writer, Wait(when_busy, timeout_ms)
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"give what snapshot() returned, not {type(snapshot)}")
        if snapshot._writer() is not writer:
            raise ValueError(f"{snapshot!r} was taken of another bundle")
        with writer.alone("restore", wait) as signals:
            snapshot._check_open()
            published, saved = snapshot._published, snapshot._saved
            names = writer.variables.names
            if saved is None and writer.variables.poisoned:
                self._check_whole(snapshot)
            writer.seen.forget()
            undo = writer.undo(None, "auto")
            commit = Commit("restore", published, names, wait, signals, undo)
            if saved is None:
                writer.commit_steps([partial(writer.replay, published)], commit)
            else:
                writer.commit(writer.engine, commit, saved)

    def _check_whole(self, snapshot: Snapshot) -> None:
        """Refuse to heal spoilt weights with values of some of them."""
        variables, published = self._writer.variables, snapshot._published
        if not variables.defined_by(published):
            unset = [name for name in variables.names if name not in published.written]
            raise UpdateError(
                f"the weights are spoilt, and when {snapshot!r} was taken"
                f" {', '.join(unset) or 'the variables'} had no value: call init(), or update every"
                " weight"
            )
