"""Replicas with one version: updates and inferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from acl_bundle._base.wait import check_limit
from acl_bundle._names.given import Given
from acl_bundle._run.published import Version
from acl_bundle._run.run import Outputs
from acl_bundle._update._transaction.ahead import ANY
from acl_bundle.fleet._coordinator.request import Consistency, OnLost, checked, named
from acl_bundle.fleet._coordinator.update import FleetUpdate
from acl_bundle.fleet._members import ReplicaMembers
from acl_bundle.fleet._messages.messages import ReplicaDescription
from acl_bundle.fleet._report.reports import FleetReport
from acl_bundle.fleet._route.infer import infer
from acl_bundle.spec import TensorSpec

if TYPE_CHECKING:
    from types import EllipsisType

    from typing_extensions import Unpack

    from acl_bundle.fleet._coordinator.request import UpdateChoices


class ReplicaSet(ReplicaMembers):
    """Replicas of one model, with one version on each or on none; see `Fleet`."""

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

    def __repr__(self) -> str:
        if self._closed:
            return "<Fleet closed>"
        open_ = sum(one.is_open for one in self._members)
        return f"<Fleet of {len(self._members)} replicas, {open_} open, version {self.version!r}>"


def _next(now: Version) -> int:
    return now + 1 if isinstance(now, int) else 1
