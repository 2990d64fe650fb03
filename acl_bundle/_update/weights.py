"""A bundle's weights as a whole: their version, copies of them, and going back to one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, SupportsIndex

from numpy.typing import NDArray

from acl_bundle._base.files import Path_
from acl_bundle._base.owner import Owner
from acl_bundle._base.wait import Wait, WhenBusy, check_timeout
from acl_bundle._names.given import Given
from acl_bundle._plan.table import NO_WEIGHTS
from acl_bundle._run.hold import Hold
from acl_bundle._run.published import Version
from acl_bundle._run.variables import Variables
from acl_bundle._update._commit.digests import verify
from acl_bundle._update._commit.saved import Where
from acl_bundle._update._commit.writer import Writer
from acl_bundle._update._transaction.ahead import ANY
from acl_bundle._update._transaction.staged import Staged
from acl_bundle._update._transaction.update import UpdateGraph
from acl_bundle._update.held import HeldWeights, Readback, check_out, into
from acl_bundle._update.reports import WeightState, WeightStates
from acl_bundle._update.snapshots import Snapshot, Snapshots
from acl_bundle.graph import Graph
from acl_bundle.weights import save

if TYPE_CHECKING:
    from types import EllipsisType

    from typing_extensions import Unpack

    from acl_bundle._update._transaction.options import UpdateOptions


class HasWeights(Owner):
    """The half of a bundle that is about its weights."""

    graphs: tuple[Graph, ...]
    _variables: Variables
    _writer: Writer
    _snapshots: Snapshots
    _readback: Readback

    @property
    def update(self) -> UpdateGraph:
        """The weight-update graph; raises RoleError where there is none."""
        raise NotImplementedError

    @property
    def version(self) -> Version:
        """What inference reads now: 0 after init, then each update's; None before."""
        self._check_open()
        return self._variables.version

    @property
    def poisoned(self) -> bool:
        """Whether a failed commit left weights that may be a mixture; inference is refused."""
        self._check_open()
        return self._variables.poisoned

    @property
    def weights(self) -> Mapping[str, WeightState]:
        """The refreshable weights by name, as they are now: spec, version, digest.

        Another name of a tied weight has that weight's entry, and is not counted or listed;
        a name that neither is raises KeyError. What is returned stays as it is, and can
        be sent to another process.
        """
        self._check_open()
        now = self._variables.published
        update = next((graph for graph in self.graphs if isinstance(graph, UpdateGraph)), None)
        return WeightStates(NO_WEIGHTS, {}, now) if update is None else update.states(now)

    def snapshot(self, where: Where = "auto") -> Snapshot:
        """Save the weights as they are now. Inferences run meanwhile, updates wait.

        With owned variables it copies their memory (aclrtMemcpy). With library
        variables it refers to the values kept for rollback, and costs nothing.

        Args:
            where: ``"device"``, ``"host"`` (page-locked memory), or ``"auto"``: on the
                device if it has room.

        Returns:
            What `restore` takes; close it to free its memory.

        Raises:
            ValueError: `where` is something else.
            UpdateError: The bundle is poisoned, or a value was not kept.
            UnsupportedError: No graph of the bundle writes variables.
            BusyError: A commit that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: There is no memory for it, or a copy failed.
        """
        return self._snapshots.take(where)

    def restore(
        self,
        snapshot: Snapshot,
        *,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
    ) -> None:
        """Go back to a snapshot of this bundle, its version included; a commit as an update is.

        It heals a poisoned bundle. The snapshot stays usable. With library
        variables it writes what had a value when the snapshot was taken.

        Args:
            snapshot: What `snapshot` returned.
            when_busy: ``"wait"`` for running inferences and other updates, or ``"fail"``.
            timeout_ms: The longest wait for each of them in milliseconds; None for
                ever. The device is waited for without a limit.

        Raises:
            TypeError, ValueError: It is no snapshot, or another bundle's.
            UpdateError: The bundle is poisoned, and not every weight had a value.
            BusyError: Others were busy for too long. Nothing was changed.
            ClosedError: The snapshot or the bundle is closed.
            AclError: A call failed; the message says whether the weights are as before.
        """
        self._snapshots.restore(snapshot, when_busy, timeout_ms)

    def verify(self) -> None:
        """Compare the variables' bytes with what was read back when they were published.

        Takes one copy of all variables to the host, by pieces. Inferences run meanwhile.

        Raises:
            UpdateError: They differ, and the message names the weights; or the
                last commit was not an update with ``digest=True``.
            UnsupportedError: The variables are the library's, or xxhash is missing.
            BusyError: A commit that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: A copy failed.
        """
        verify(self._writer)

    def read(self, name: str, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Read what one weight holds now, under the name that an update takes.

        Waits for a running update; inferences go on. With owned variables the bytes are
        copied from the device (aclrtMemcpy). With library variables, and for a weight that
        a constant joins with others, it is the last value given, or the file's first one.

        Args:
            name: One of `weights`, or another name of it.
            out: Where to write it: an array of the weight's shape and dtype.

        Returns:
            `out`, or an array of the caller's own, of the weight's shape and of the dtype
            that an update takes. What the model stores in a narrower dtype is rounded to that.

        Raises:
            WeightError: There is no such weight, or `out` has another shape or dtype.
            TypeError, ValueError: `name` is no str; or `out` is no array, or cannot be written.
            RoleError: The file has no weights that could be updated.
            UpdateError: The weight has no value yet, or nobody kept its value.
            UnsupportedError: The file does not tell where it lies, and the device may store
                it in another form; or the model has only what is computed of it.
            PoisonedError: A commit failed before.
            BusyError: A commit that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: A copy failed.
        """
        with self._reading("read") as held:
            spec = held.named(name)
            if out is not None:
                check_out(out, spec)
            return into(held[spec.name], spec, out)

    def export(self, path: Path_) -> Version:
        """Write what the weights hold now to a safetensors file, all of one version.

        The names, shapes and dtypes are those of an update, which takes the file back:
        ``bundle.update(weights.open(path))``. One weight is in memory at a time. Updates
        wait until the file is written; inferences go on.

        Args:
            path: Where; a file of that name is replaced in one step, when all is written.

        Returns:
            The version that was written.

        Raises:
            OSError: The file cannot be written; what was there still is.
            WeightError: The format has no such dtype.
            TypeError: `path` is no path.
            RoleError, UpdateError, UnsupportedError, PoisonedError, BusyError, ClosedError,
            AclError: As `read`, of any weight.
        """
        with self._reading("export") as held:
            save(held, path)
            return held.version

    @contextmanager
    def _reading(self, what: str) -> Iterator[HeldWeights]:
        """The weights of one version, which stays as it is until the end of the block."""
        self._check_open()
        with self._readback.whole(what) as held:
            yield held

    def hold(
        self,
        limit_ms: SupportsIndex,
        *,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
    ) -> Hold:
        """Keep new inferences out until the hold is released; running ones are waited for.

        For several bundles that are to change at one instant: hold each, commit each, release
        each. Inferences wait meanwhile, those with a time limit as long as that lets them; what
        is submitted waits too. Updates, init, restore, snapshots and reads of this thread go on,
        those of other threads wait. An inference of this thread is a BusyError.

        Args:
            limit_ms: After so many milliseconds the hold ends by itself, as it does when the
                thread ends; a warning of the logger ``acl_bundle.update`` says so. From then on
                updates of this thread are refused until it has released.
            when_busy: ``"wait"`` for running inferences and other updates, or ``"fail"``.
            timeout_ms: The longest wait for each of them in milliseconds; None for ever.

        Returns:
            What releases it; use it in a ``with``.

        Raises:
            TypeError, ValueError: An argument cannot be what it is.
            BusyError: Others were busy for too long, or this thread holds the bundle already,
                or a run that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        limit = check_timeout(limit_ms, "limit_ms")
        self._check_open()
        return self._variables.keep_shut(self, limit, Wait(when_busy, timeout_ms))

    def stage(
        self,
        weights: Given,
        *,
        version: SupportsIndex | str | None = None,
        expect: SupportsIndex | str | EllipsisType | None = ANY,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
        **options: Unpack[UpdateOptions],
    ) -> Staged:
        """Do the long part of an update now: `Staged.commit` does the short one later.

        The weights are checked, computed and brought to the device, to memory of their own.
        Inferences and other updates go on, and see nothing of it. What is given may be changed
        afterwards. Several sets may be staged; each takes its memory until it is committed,
        in any order, or discarded. Weights that a set does not name keep what they hold when
        it is committed.

        Args:
            weights: As for an update.
            version: As for an update; None is told when it is committed.
            expect: The version that it is meant for: another one then, or now, is refused.
                None is what a bundle has before its first commit; left out, any will do.
            when_busy: ``"wait"`` for another stage of this bundle, or ``"fail"``.
            timeout_ms: The longest wait for it in milliseconds; None for ever.
            ready: As for an update. Arrays on the device are copied there.
            options: As for an update.

        Raises:
            VersionError: The version is not `expect`.
            BusyError: Another thread stages for too long.
            RoleError: No graph of the bundle updates weights.
            AclError: The device has no room for all of it, or a call failed.
            WeightError, TypeError, ValueError, UnsupportedError, ClosedError: As an update.
            Nothing was changed.
        """
        wait, update = Wait(when_busy, timeout_ms), self.update
        update.wait_for(ready, timeout_ms)
        ahead = update._stage(weights, version, expect, wait, **options)
        return Staged(self, ahead, self._writer.alone, self._writer.aside)
