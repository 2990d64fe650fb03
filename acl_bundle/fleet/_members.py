"""Who belongs to a fleet and who is behind; one at a time changes anything."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from weakref import WeakMethod

from acl_bundle._base.owner import Closing, Signals, uninterrupted
from acl_bundle._base.wait import POLL_MS
from acl_bundle._run.published import Version
from acl_bundle.errors import ClosedError
from acl_bundle.fleet._coordinator.coordinator import Coordinator
from acl_bundle.fleet._coordinator.later import CatchUpLater
from acl_bundle.fleet._coordinator.request import seconds
from acl_bundle.fleet._coordinator.table import table
from acl_bundle.fleet._coordinator.takeover import check_joins, take_over
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._decision.memory import MemoryRecord
from acl_bundle.fleet._messages.replica import Replica
from acl_bundle.fleet._process.replica import ProcessReplica
from acl_bundle.fleet._ray.replica import RayReplica
from acl_bundle.fleet._report.reports import FleetStatus
from acl_bundle.fleet._route.member import FleetMember, FleetMembers
from acl_bundle.fleet._store.store import SharedStore, Store

LEASE, LEAST = 10.0, 0.3
log = logging.getLogger("acl_bundle.fleet")


class ReplicaMembers(Closing):
    """The replicas of a fleet, each with the committed version or closed; see `Fleet`."""

    def __init__(
        self,
        replicas: Sequence[Replica],
        *,
        record: DecisionRecord | None = None,
        store: Store | None = None,
        lease: float = LEASE,
    ) -> None:
        self._closed, self._stack = False, ExitStack()
        self._changing = threading.Lock()
        self._later = CatchUpLater(WeakMethod(self._is_behind))
        self._members = FleetMembers()
        for replica in replicas:
            self._members.add(FleetMember(replica))
        if not len(self._members):
            raise ValueError("a fleet has at least one replica; none was given")
        self._coordinator = Coordinator(
            self._members, MemoryRecord() if record is None else record,
            SharedStore() if store is None else store, seconds(lease, "lease", LEAST),
        )  # fmt: skip
        try:
            with self._alone() as signals:
                take_over(self._coordinator, signals)
        except BaseException:
            self._later.stop()
            raise

    @property
    def version(self) -> Version:
        """The committed version."""
        return self._coordinator.version

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def status(self) -> FleetStatus:
        """Ask each replica what it does; printed, it is a table."""
        self._check_open()
        return table(self._coordinator, self._later.told)

    def catch_up(self) -> FleetStatus:
        """Bring the committed version to replicas that have not got it, and open them.

        Raises:
            FencedError, OSError: As `update`.
        """
        with self._alone() as signals:
            self._coordinator.settle(signals)
        return self.status()

    def add(self, replica: Replica) -> None:
        """Take one more replica, which is closed until it has the committed version.

        Raises:
            ValueError: There is one of that name, or it is of another model.
            ReplicaLostError: It does not answer.
        """
        with self._alone() as signals:
            member = FleetMember(replica)
            check_joins(self._coordinator, member, signals)
            self._members.add(member)
            try:
                self._coordinator.settle(signals)
            except BaseException:
                self._members.remove(member.name)
                self._coordinator.retire([member], "it could not join its fleet")
                raise
            self._listen(replica)

    def remove(self, name: str) -> Replica:
        """Let a replica go; it is the caller's to close, and closed to inference.

        Raises:
            ValueError: There is none of that name, or no other one.
        """
        with self._alone():
            if [one.name for one in self._members] == [name]:
                raise ValueError(f"replica {name!r} is the only one: close the fleet instead")
            member = self._members.remove(name)
            self._coordinator.retire([member], "it was removed from its fleet")
            return member.replica

    def _listen(self, replica: Replica) -> None:
        """Have a replica that is started again say so."""
        if isinstance(replica, ProcessReplica | RayReplica):
            replica.restarted = WeakMethod(self._take_back)

    @property
    def _all_open(self) -> bool:
        return all(one.is_open for one in self._members)

    def _is_behind(self) -> bool:
        """Let replicas that are behind catch up; returns whether one still is."""
        with self._turn() as signals:
            self._check_open()
            self._coordinator.settle(signals)
        return not self._all_open

    def _take_back(self) -> None:
        """A replica was restarted."""
        try:
            self.catch_up()
        except ClosedError:
            pass
        except Exception as error:  # the next update tries again
            log.warning("a replica that was restarted has not caught up: %s", error)

    @contextmanager
    def _turn(self) -> Iterator[Signals]:
        """Be the only one to change anything, with signals held back."""
        with uninterrupted() as signals:
            while not self._changing.acquire(timeout=POLL_MS / 1000):
                signals.deliver()
            try:
                yield signals
            finally:
                self._changing.release()

    @contextmanager
    def _alone(self) -> Iterator[Signals]:
        """As `_turn`, of a fleet that is open; replicas that are behind then catch up later."""
        with self._turn() as signals:
            self._check_open()
            try:
                yield signals
            finally:
                if not self._all_open:
                    self._later.begin()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this Fleet is closed")

    def close(self) -> None:
        """Close every replica, when no update is under way. Harmless twice.

        Those of a fleet on Ray that has a name go on, with their version.
        """
        with self._turn():
            self._closed = True
            self._later.stop()
            with self._stack as stack:
                for member in self._members:
                    member.close("it was closed")
                    stack.callback(member.replica.close)
