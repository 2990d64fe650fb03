"""Two bundles of one file: one infers, the other takes the next weights.

An update writes the bundle that nobody reads, the *shadow*. A probe may try it.
Then the two change places, which is one attribute store: no inference waits
for an update, and the version before stays as it was, to go back to at once (`_pair.shadow`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, SupportsIndex

from numpy.typing import NDArray

from acl_bundle._base.arrays import label_of
from acl_bundle._base.files import Path_
from acl_bundle._base.owner import Closing
from acl_bundle._base.wait import Wait, WhenBusy, check_timeout
from acl_bundle._load.kept import Kept
from acl_bundle._names.given import Given
from acl_bundle._pair.active import ActiveGraph, Sides, Turns
from acl_bundle._pair.change import ShadowUpdates, Switch
from acl_bundle._pair.hold import check_free, keep_out
from acl_bundle._pair.one import OneAtATime
from acl_bundle._pair.shadow import Limits, Probe, Shadow
from acl_bundle._run.hold import Hold
from acl_bundle._run.published import Version
from acl_bundle._update._transaction.ahead import ANY, check_expected
from acl_bundle._update._transaction.staged import Staged
from acl_bundle._update.reports import UpdateReport
from acl_bundle.bundle import Bundle
from acl_bundle.device import Device
from acl_bundle.errors import UpdateError
from acl_bundle.om import Source

if TYPE_CHECKING:
    from types import EllipsisType

    from typing_extensions import Unpack

    from acl_bundle._pair.options import LoadOptions
    from acl_bundle._update._transaction.options import UpdateOptions


class Pair(Closing):
    """Two bundles of one file, of which one infers. Close it, or use ``with``.

    Takes the device memory of two bundles, variables, staging and rollback
    copies included; and, from the first update on, a snapshot of the variables
    (on the device if it has room, else on the host), two while an update runs,
    and copies of the last two updates' arrays on the host.

    Args:
        source: Path of the .om file, or its bytes.
        options: As for `Bundle.load`, for both.

    Attributes:
        infer: The inference graph: ``infer(x)``, ``infer.run({"x": x})``,
            ``infer.submit(x)``, ``infer.stream(xs)``.

    Raises:
        As `Bundle.load`.
    """

    def __init__(self, source: Source, **options: Unpack[LoadOptions]) -> None:
        with ExitStack() as stack:
            kept = Kept(source)
            first = stack.enter_context(Bundle(kept, **options))
            second = stack.enter_context(Bundle(kept.another(), **options))
            self._stack = stack.pop_all()
        self._turns = Turns(Sides(first, second))
        self._one = OneAtATime(self._turns)
        self._shadow = Shadow(self._turns)
        self._changes = ShadowUpdates(self._shadow)
        self.infer: ActiveGraph = ActiveGraph(self._turns)

    @classmethod
    def load(cls, source: Source, **options: Unpack[LoadOptions]) -> Pair:
        """Load a bundle file twice; see `Pair` and `Bundle.load`."""
        return cls(source, **options)

    @property
    def _sides(self) -> Sides:
        return self._turns.sides

    @_sides.setter
    def _sides(self, sides: Sides) -> None:
        self._turns.sides = sides

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._one.closed

    @property
    def device(self) -> Device:
        """The device that both are loaded on."""
        return self._sides.active.device

    @property
    def version(self) -> Version:
        """What inference reads now."""
        return self._sides.active.version

    @property
    def weights(self) -> Mapping[str, Any]:
        """What the active bundle's weights hold; see `Bundle.weights`."""
        return self._sides.active.weights

    def read(self, name: str, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Read what a weight of the active bundle holds; see `Bundle.read`."""
        self._check_open()
        return self._sides.active.read(name, out)

    def export(self, path: Path_) -> Version:
        """Write the active bundle's weights to a safetensors file; see `Bundle.export`."""
        self._check_open()
        return self._sides.active.export(path)

    def _reading(self, what: str) -> AbstractContextManager[Mapping[str, NDArray[Any]]]:
        self._check_open()
        return self._sides.active._reading(what)

    def init(self) -> None:
        """Give every variable of the shadow its initial value, and let it infer.

        Raises:
            RoleError, ClosedError, AclError: As `Bundle.init`; the active
                bundle is as before.
        """
        with self._one.alone(Wait()):
            active, shadow = self._sides.active, self._sides.shadow
            back = self._shadow.save()
            self._shadow.write(shadow.init, back)
            self._shadow.take_over((active.init,), back)

    def update(
        self,
        weights: Given,
        *,
        version: SupportsIndex | str | None = None,
        probe: Probe | None = None,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
        **options: Unpack[UpdateOptions],
    ) -> UpdateReport:
        """Give the shadow the active bundle's weights but these, and let it infer.

        Inferences run meanwhile, and do not wait. Whatever fails, the active
        bundle and its version are as before.

        Args:
            weights: As for `Bundle.update`. A copy is kept until the update
                after the next.
            version: What to call the new weights; None for one more.
            probe: Called with the shadow's inference graph before it takes
                over. If it returns something false, or raises, it does not.
                It must not update or close the pair.
            when_busy: ``"wait"`` for another update, and for inferences that
                began before the last switch; or ``"fail"``.
            timeout_ms: The longest wait in milliseconds, of all commits together
                and without the probe; None for ever.
            ready: As for `Bundle.update`.
            options: As for `Bundle.update`.

        Returns:
            What the update did to the shadow.

        Raises:
            UpdateError: The probe refused the weights; its exception is the
                cause. Or what the shadow lacks cannot be made up for.
            WeightError, TypeError, ValueError, BusyError, ClosedError,
            PoisonedError, AclError: As `Bundle.update`, of the shadow.
        """
        limits = Limits(when_busy, timeout_ms)
        # Before a generator's arrays are copied.
        self._sides.shadow.update.wait_for(ready, timeout_ms)
        found = self._sides.shadow.update.named(weights)
        with self._one.alone(limits.wait):
            return self._changes.switch(
                self._changes.written(found, version, probe, limits, options)
            )

    def stage(
        self,
        weights: Given,
        *,
        version: SupportsIndex | str | None = None,
        expect: SupportsIndex | str | EllipsisType | None = ANY,
        probe: Probe | None = None,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
        **options: Unpack[UpdateOptions],
    ) -> Staged:
        """Give the shadow the new weights and do not let it infer yet: `Staged.commit` does,
        in one store.

        There is one shadow: another stage, update, init or switch takes it over, and what was
        staged before can then only be discarded. What is discarded stays in the shadow until
        the next change takes it back; there is no version to `revert` or `switch` to meanwhile.

        Args:
            weights: As for `update`, as are the others.
            version: What to call the new weights; None for one more than is active now.
            expect: The version that must be active now, and when it is committed; left out, any.
            probe: Called now.
            when_busy: As for `update`.
            timeout_ms: As for `update`.
            ready: As for `update`.
            options: As for `update`.

        Raises:
            VersionError: The version is not `expect`.
            As `update`; the active bundle and its version are as before.
        """
        expected = expect if expect is None or expect is ANY else label_of(expect, "expect")
        limits = Limits(when_busy, timeout_ms)
        # Before a generator's arrays are copied.
        self._sides.shadow.update.wait_for(ready, timeout_ms)
        found = self._sides.shadow.update.named(weights)
        with self._one.alone(limits.wait):
            check_expected("stage", self.version, expected)
            change = self._changes.written(found, version, probe, limits, options, staged=True)
            switch = Switch(self._shadow, change, expected)
            discarding = partial(self._one.at_a_time, despite_hold=True)
            return Staged(self, switch, self._one.at_a_time, discarding)

    def hold(
        self,
        limit_ms: SupportsIndex,
        *,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
    ) -> Hold:
        """Keep new inferences out until the hold is released; running ones are waited for.

        For several pairs, or pairs and bundles, that are to change at one instant. Whoever waits
        to infer, `submit` included, does so before a side is chosen, and infers with what is
        active when the hold ends. Changes of this thread (update, stage, commit, switch) go on,
        with their probes; those of other threads wait, or are a BusyError where they never do.
        An inference of this thread is a BusyError.

        Args:
            limit_ms: After so many milliseconds the hold ends by itself; as for `Bundle.hold`.
            when_busy: ``"wait"`` for running inferences and updates, or ``"fail"``.
            timeout_ms: The longest wait for all of them in milliseconds; None for ever.

        Returns:
            What releases it; use it in a ``with``.

        Raises:
            TypeError, ValueError: An argument cannot be what it is.
            BusyError: Others were busy for too long, or this thread holds the pair already.
            ClosedError: The pair is closed.
        """
        limit, wait = check_timeout(limit_ms, "limit_ms"), Wait(when_busy, timeout_ms)
        check_free(self._turns)
        with self._one.held(wait):
            self._check_open()
            return keep_out(self._turns, self, limit, wait)

    def switch(self) -> None:
        """Let the shadow infer: after `revert` the newer version again, or what a probe refused.

        Raises:
            UpdateError: It holds no version, or one that was staged and not committed, discarded
                or not; or it is poisoned.
            BusyError: An update is under way, which writes the other side.
            ClosedError: The pair is closed.
        """
        with self._one.at_once():
            self._shadow.check_usable()
            self._sides = self._sides.exchanged()

    def revert(self) -> None:
        """Go back to the version before the last update, at once.

        Raises:
            UpdateError: There is none: nothing was updated, or it was reverted.
            BusyError: An update is under way, which writes the other side.
            ClosedError: The pair is closed.
        """
        with self._one.at_once():
            if not self._sides.forward:
                raise UpdateError(
                    f"there is no version before {self.version!r} to go back to: it was not the"
                    " last update that led to it"
                )
            self._shadow.check_usable()
            self._sides = self._sides.exchanged()

    def _leave_untidy(self) -> None:
        """Let no switch free anything from now on; `_tidy` does, when nobody waits for it."""
        self._shadow.tidies_later = True

    def _tidy(self) -> None:
        """Free what a switch has left; the next change does so too."""
        with self._one.held(Wait()):
            self._shadow.tidy()

    def _check_open(self) -> None:
        self._one.check_open()

    def close(self) -> None:
        """Close both bundles, as `Bundle.close`, when no update is under way. Harmless twice.

        Raises:
            BusyError: This is within an update of the pair, a probe of it say.
            AclError: As `Bundle.close`.
        """
        with self._one.held(Wait(), closing=True):
            self._one.closed = True
            try:
                with self._stack:
                    self._shadow.forget_all()
            finally:
                if self._turns.hold is not None:  # this thread's
                    self._turns.hold.end("the pair was closed")

    def __repr__(self) -> str:
        return "<Pair closed>" if self.closed else f"<Pair of {self._sides.active!r}>"
