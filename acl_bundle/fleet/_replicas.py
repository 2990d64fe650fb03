"""Replicas with one version: updates, inferences, who belongs to them, and who is behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, SupportsIndex
from weakref import WeakMethod

import numpy as np

from acl_bundle._base.owner import Closing, Signals, uninterrupted
from acl_bundle._base.wait import POLL_MS, check_limit
from acl_bundle._names.given import Given
from acl_bundle._run.published import Version
from acl_bundle._run.run import Outputs
from acl_bundle._update._transaction.ahead import ANY
from acl_bundle.errors import ClosedError
from acl_bundle.fleet._coordinator.coordinator import Coordinator
from acl_bundle.fleet._coordinator.later import CatchUpLater
from acl_bundle.fleet._coordinator.request import Consistency, OnLost, checked, named, seconds
from acl_bundle.fleet._coordinator.table import table
from acl_bundle.fleet._coordinator.takeover import check_joins, take_over
from acl_bundle.fleet._coordinator.update import FleetUpdate
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._decision.memory import MemoryRecord
from acl_bundle.fleet._messages.messages import ReplicaDescription
from acl_bundle.fleet._messages.replica import Replica
from acl_bundle.fleet._process.replica import ProcessReplica
from acl_bundle.fleet._ray.replica import RayReplica
from acl_bundle.fleet._report.reports import FleetReport, FleetStatus
from acl_bundle.fleet._route.infer import infer
from acl_bundle.fleet._route.member import FleetMember, FleetMembers
from acl_bundle.fleet._store.store import SharedStore, Store
from acl_bundle.spec import TensorSpec

if TYPE_CHECKING:
    from types import EllipsisType

    from typing_extensions import Unpack

    from acl_bundle.fleet._coordinator.request import UpdateChoices

LEASE, LEAST = 10.0, 0.3
log = logging.getLogger("acl_bundle.fleet")


class ReplicaSet(Closing):
    """Replicas of one model, with one version on each or on none; see `Fleet`."""

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
    def epoch(self) -> int:
        """The committed epoch: the number of the update that brought the version."""
        return self._coordinator.epoch

    @property
    def why_not(self) -> str | None:
        """Why no replica is open to inference, as far as is known; None where one is.

        Raises:
            ClosedError: The fleet was closed.
        """
        self._check_open()
        return self._members.why_not

    @property
    def _model(self) -> ReplicaDescription:
        assert self._coordinator.model is not None
        return self._coordinator.model

    @property
    def weights(self) -> Mapping[str, tuple[tuple[int, ...] | None, np.dtype[Any]]]:
        """Shape and dtype of each weight that can be updated."""
        return self._model.weights

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the model takes, in order."""
        return self._model.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What the model gives, in order."""
        return self._model.outputs

    @property
    def batches(self) -> tuple[int, ...]:
        """The sizes of the model's dynamic batch; none where it has no such gears."""
        return self._model.batches

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def update(
        self,
        weights: Given,
        *,
        version: SupportsIndex | str | None = None,
        expect: SupportsIndex | str | EllipsisType | None = ANY,
        consistency: Consistency = "rolling",
        on_lost: OnLost = "fail",
        timeout: float | None = None,
        **options: Unpack[UpdateChoices],
    ) -> FleetReport:
        """Bring new weights to every replica, or to none. Blocks until it is done.

        Weights that are not named stay as they are. The arrays are copied once, to where all
        replicas read them, and may be changed afterwards. Inferences go on meanwhile.

        Args:
            weights: As for `Bundle.update`; arrays on a device are copied to the host.
            version: What to call them; None for the version in force plus one (1 after a str).
                It must not be the one in force.
            expect: The version that must be in force; left out, any.
            consistency: ``"rolling"``: each replica switches by itself, so that for the
                milliseconds of the commits both versions answer, each answer with its own.
                ``"strict"``: no answer of the old version begins after the first of the new one:
                inferences wait while all replicas commit.
            on_lost: Replicas that are gone, do not answer, or are closed and cannot catch up:
                ``"fail"``, or ``"drop"`` to go on without them; they are closed until they have
                caught up.
            timeout: Seconds that all before the decision may take; None for ever. What follows
                the decision waits no longer than a lease for any replica.
            options: Of `Bundle.stage`: ``cast``, ``on_overflow``, ``unknown``, ``ignore``,
                ``finite``, ``threads``.

        Returns:
            What it did at each replica. A replica that could not commit is in `closed`: it does
            not infer until it has caught up, which the next update tries again, and `catch_up`.

        Raises:
            FleetUpdateError: A replica failed before the decision; `reasons` has each one's own
                exception. Nothing has changed anywhere.
            VersionError: The version is not `expect`, or the new one is in force already; nothing
                was changed.
            FencedError: Another coordinator has taken over; nothing was changed.
            UndecidedError: The record could not be asked whether it was decided.
            WeightError, TypeError, ValueError: An argument cannot be what it is; nothing was
                changed.
            OSError: The record cannot be reached. `version` tells whether it was decided in spite
                of that; then the update was finished.
            KeyboardInterrupt: Before the decision nothing has changed; after it the update was
                finished first. `version` tells.
        """
        request = checked(version, expect, consistency, on_lost, timeout, options)
        of = self._coordinator
        with self._alone() as signals:
            assert of.model is not None
            found = named(weights, request, of.model)
            signals.deliver()
            of.settle(signals)
            label = _next(of.version) if request.version is None else request.version
            whole = of.model.weights.keys() <= found.keys()
            return FleetUpdate(of, request, label).run(found, whole=whole, signals=signals)

    def infer(
        self,
        inputs: Mapping[str, Any] | Sequence[Any],
        *,
        retry: bool = False,
        timeout_ms: SupportsIndex | None = None,
    ) -> Outputs:
        """Infer at the open replica with the least to do.

        Args:
            inputs: As for `Graph.run`.
            retry: Whether to ask another replica, once, where one was lost meanwhile, which may
                have run it. One that is closed has run nothing, and another one is asked anyway.
            timeout_ms: As for `Graph.run`.

        Returns:
            The outputs; their `version` is that of the weights that computed them.

        Raises:
            ReplicaClosedError: No replica is open.
            ReplicaLostError: The replica was lost.
            As `Graph.run`.
        """
        self._check_open()
        return infer(self._members, inputs, retry, check_limit(timeout_ms), self._later.begin)

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

    def __repr__(self) -> str:
        if self._closed:
            return "<Fleet closed>"
        open_ = sum(one.is_open for one in self._members)
        return f"<Fleet of {len(self._members)} replicas, {open_} open, version {self.version!r}>"


def _next(now: Version) -> int:
    return now + 1 if isinstance(now, int) else 1
