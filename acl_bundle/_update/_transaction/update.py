"""Changing the weights: the update transaction.

It goes through four steps, and only the third touches a variable:

1. plan: names, dtypes, shapes and values are compared with what the file says.
2. stage: the new bytes go to the device, into an area kept between updates,
   and the update graph's dataset is told which weights to assign (one call
   into C, csrc/update/stage.c). What the weights hold is saved. Inferences run
   meanwhile.
3. commit: the gate is shut, the update graph runs, the version is published
   and the gate opens (one call into C, csrc/update/commit.c). A failure is undone
   before the gate opens (`writer`).
4. publish: versions, digests and kept values are taken over.

What fails in 1 or 2 has changed nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import Any, SupportsIndex

import numpy as np

from acl_bundle._async.second_ids import SecondIds
from acl_bundle._base.arrays import flag, label_of, whole
from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait, WhenBusy
from acl_bundle._device.events import events_of
from acl_bundle._names.given import Given
from acl_bundle._plan.derive import Keep, check_keep
from acl_bundle._plan.report import PlanReport, plan_report
from acl_bundle._plan.table import WeightTable
from acl_bundle._run.published import Published
from acl_bundle._update._commit.commit import Rollback
from acl_bundle._update._commit.digests import reader
from acl_bundle._update._commit.writer import Writer
from acl_bundle._update._transaction.ahead import ANY, Ahead, Order, check_expected
from acl_bundle._update._transaction.assign import Assignment
from acl_bundle._update._transaction.planning import Planned, Planning
from acl_bundle._update.reports import Clock, UpdateReport, WeightStates, update_report
from acl_bundle.graph import Graph
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Table, WeightProgram, plain


class UpdateGraph(Graph):
    """The weight-update graph: assigns any subset of the weights."""

    @property
    def weights(self) -> tuple[WeightSpec, ...]:
        """What can be updated, in the graph's order.

        A shape that the file does not tell is None until the first update has shown it.
        """
        return self._planning.weights.specs

    @property
    def derived(self) -> Table:
        """What is computed of the weights at an update: a piece for each constant of the graph.

        As text a line for each: the weights, the operations, the constant and its bytes.
        """
        return (self._program or plain(self.weights)).pieces

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names that an update takes, and the weight that each is."""
        return MappingProxyType(self._planning.aliases)

    @property
    def unused(self) -> tuple[str, ...]:
        """Names, or patterns, that an update passes over: what the model has no need of."""
        return self._planning.unused

    @property
    def known(self) -> WeightTable:
        """The same, with the place of each name."""
        return self._planning.weights

    def named(self, weights: Given) -> Mapping[str, Any]:
        """Return what is given for weights by name."""
        return self._planning.named(weights)

    def wait_for(self, ready: Any, timeout_ms: SupportsIndex | None) -> None:
        """Wait on this thread for what an update is given as ``ready``."""
        self._assign.wait_for(events_of(ready), timeout_ms)

    def states(self, now: Published) -> WeightStates:
        """What the weights hold, of what the variables hold."""
        return WeightStates(self._planning.weights, self._planning.aliases, now)

    def open(
        self,
        stack: ExitStack,
        model_id: int,
        writer: Writer,
        second_ids: SecondIds,
        weights: tuple[WeightSpec, ...],
        program: WeightProgram | None,
    ) -> None:
        """Make the stage and the engine of a loaded model; the stack owns what they hold."""
        self._writer, self._program = writer, program
        self._planning = Planning(self.label, weights, program)
        self._assign = Assignment(stack, model_id, self, writer, second_ids, self._planning)

    def __call__(  # type: ignore[override]
        self,
        weights: Given,
        *,
        version: SupportsIndex | str | None = None,
        rollback: Rollback = "auto",
        keep: Keep = "copy",
        cast: str = "safe",
        on_overflow: str = "warn",
        unknown: str | None = None,
        ignore: Iterable[str] = (),
        skip_unchanged: bool | np.bool_ = False,
        tokens: Mapping[str, Hashable] | None = None,
        digest: bool | np.bool_ = False,
        threads: SupportsIndex = 1,
        finite: bool | np.bool_ = False,
        when_busy: WhenBusy = "wait",
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> UpdateReport:
        """Assign new values to some weights, all or none; the others stay as they are.

        Waits for running inferences and keeps later ones waiting while the
        update graph runs. Moving the bytes happens before that, beside them.

        Args:
            weights: An array per weight, by its name or one of its aliases (both
                only with the same value), in a mapping, in nested dicts whose names are
                joined with "/" or ".", or in (name, array) pairs. An iterator of pairs is
                gone through once, before anybody is kept waiting, and copied tensor by
                tensor, as it may use one buffer for all. An array is a numpy array, or anything
                with ``__dlpack__`` on the CPU, of the weight's shape. Read-only
                and non-contiguous are fine. Or it is an array on the bundle's device, of the
                weight's dtype (a DeviceArray, or what `from_dlpack` takes): the graph reads it
                there, and it must not change until the update returns. NaN is data, and counted
                in the report (but for arrays on the device), unless ``finite`` says otherwise:
                then those are read back to be looked at. A dict holds its
                values; of any other mapping each value is fetched twice, to be
                checked and to be moved, and few are held at a time. It is fetched
                once more to be kept, with library variables, and to find
                overflows where the weights go in several parts.
            version: What to call the new weights; None for the previous int
                plus one (1 after a str, or when there was none).
            rollback: Where the old bytes of the changed weights are saved until
                the update is through: ``"device"``, ``"host"``, or ``"auto"``, on
                the device if it has room. ``"none"`` saves nothing: a failed
                commit then poisons the bundle. With library variables
                ``"auto"`` keeps the new values on the host, for the next rollback.
            keep: What later updates and rollbacks need is kept on the host: with
                library variables every value, and in any case those of weights that a
                constant joins with others (`derived`). ``"copy"`` keeps copies,
                ``"none"`` keeps no joined weight: the next update must give all that
                belong together.
            cast: ``"safe"`` takes the weight's dtype and what converts to it
                without loss; ``"same_kind"`` also wider floats for narrower ones
                (float32 for float16 and bfloat16, float64 for float32).
            on_overflow: When a conversion makes finite values infinite: ``"warn"``,
                or ``"error"`` to refuse the update.
            unknown: Names that the graph does not have are an ``"error"``, or to
                ``"ignore"``; ``"unused"`` passes over those in `unused` and refuses
                others. None: ``"unused"`` where the file declares some, else ``"error"``.
                If what is ignored looks like parameters that the graph has under names of
                an exporter's making, a warning of the logger ``acl_bundle.update`` says so, once.
            ignore: Names or patterns (``*`` and ``?``) of what is as if it were not given:
                ``["*.num_batches_tracked"]``.
            skip_unchanged: True leaves out weights whose bytes hash as those of
                the last update did (needs xxhash).
            tokens: By name, anything hashable that changes when the value does.
                A weight whose token equals the last update's is left out, and
                its value is not looked at.
            digest: Read all variables back afterwards and digest them, for
                `Bundle.verify` and ``bundle.weights``. Needs xxhash.
            threads: How many host threads move and convert large weights, 1 to 16.
            finite: True refuses NaN and infinity, and what a conversion would make
                infinite, before anything changes. Of weights that go in several
                parts each value is then read once more.
            when_busy: ``"wait"`` for running inferences and other updates, or
                ``"fail"``.
            timeout_ms: The longest wait in milliseconds, each: for another
                update, for running inferences, for a run of the graph on the
                device. None for ever. It takes a second id of the graph, loaded
                when the first limit is set.
            ready: Events recorded behind whatever still writes the arrays on the
                device, as `Graph.run` takes them. The calling thread waits for
                them first (aclrtSynchronizeEventWithTimeout), up to `timeout_ms`.

        Returns:
            What was changed, and the time of each step.

        Raises:
            WeightError: A name is unknown, a dtype or shape does not fit, a
                weight of rank 0 has a value that the device would skip, a
                value overflows or is not finite and must not, two names of one weight
                have two values, or a constant needs a weight that was neither given
                nor kept. Nothing was changed.
            TypeError: Neither a mapping nor pairs, or a value is not an array. Nothing was
                changed.
            ValueError: An option has a value that there is not. Nothing was changed.
            PoisonedError: A commit failed before and this update does not
                cover every weight. Nothing was changed.
            BusyError: Others were busy for too long. Nothing was changed.
            AclTimeoutError: The device was not done in time. It may be writing
                still: inference is refused until it is over and the weights are
                put back, which happens by itself. Of the first commit, or with
                ``rollback="none"``, the bundle is poisoned.
            ClosedError: The bundle is closed, or was loaded before a fork.
            UnsupportedError: `rollback` or `digest` needs memory that is the
                library's, or xxhash is missing. Nothing was changed.
            AclError: A call failed. The message says whether the weights are as
                before, as they are after every failure but that of the first
                commit (nothing was there to go back to) or of the rollback.
        """
        wait = Wait(when_busy, timeout_ms)
        self.wait_for(ready, timeout_ms)  # before a generator's arrays are copied
        order = self._order(
            weights, version, rollback, keep, digest, unknown, cast=cast, on_overflow=on_overflow,
            skip_unchanged=skip_unchanged, ignore=ignore, tokens=tokens, finite=finite,
            threads=threads,
        )  # fmt: skip
        variables, clock = self._writer.variables, Clock()
        with self._writer.alone(self.label, wait) as signals:
            planned = self._planned(order, variables.published, signals, clock)
            if variables.poisoned:
                self._planning.check_whole(planned)
            label = variables.next_version() if order.version is None else order.version
            staged = self._assign.stage(planned, label, rollback, keep)
            signals.deliver()
            clock.lap("stage")
            self._assign.commit(staged, wait, signals, clock)
            if order.read_back is not None:
                order.read_back(label)
            clock.lap("publish")
        return update_report(planned.given, planned.plan.nbytes, label, clock)

    def _order(
        self,
        weights: Given,
        version: SupportsIndex | str | None,
        rollback: Rollback,
        keep: Keep,
        digest: bool | np.bool_,
        unknown: str | None,
        **options: Any,
    ) -> Order:
        """Look at the arguments of an update, before anybody is kept waiting."""
        label = None if version is None else label_of(version)
        check_keep(keep)
        options["threads"] = whole(options["threads"], "threads is an int")
        checked = self._planning.options(unknown, **options)
        self._writer.check_rollback(rollback)
        found = self._planning.named(weights)
        return Order(
            found, label, checked, rollback, keep,
            reader(self._writer) if flag(digest, "digest") else None,
        )  # fmt: skip

    def _planned(self, order: Order, now: Published, signals: Signals, clock: Clock) -> Planned:
        planning = self._planning
        planned = planning.plan(
            order.weights, order.options, self._writer.seen, now, signals.deliver
        )
        planning.warn(planned.given)
        signals.deliver()
        clock.lap("plan")
        return planned

    def _stage(
        self,
        weights: Given,
        version: SupportsIndex | str | None,
        expect: object,
        wait: Wait,
        *,
        rollback: Rollback = "auto",
        keep: Keep = "copy",
        digest: bool | np.bool_ = False,
        unknown: str | None = None,
        cast: str = "safe",
        on_overflow: str = "warn",
        ignore: Iterable[str] = (),
        skip_unchanged: bool | np.bool_ = False,
        tokens: Mapping[str, Hashable] | None = None,
        threads: SupportsIndex = 1,
        finite: bool | np.bool_ = False,
    ) -> Ahead:
        """See `Bundle.stage`."""
        order = self._order(
            weights, version, rollback, keep, digest, unknown, cast=cast, on_overflow=on_overflow,
            skip_unchanged=skip_unchanged, ignore=ignore, tokens=tokens, finite=finite,
            threads=threads,
        )  # fmt: skip
        expect = expect if expect is None or expect is ANY else label_of(expect, "expect")
        variables, clock = self._writer.variables, Clock()
        with variables.beside("stage", wait) as signals:
            check_expected("stage", variables.version, expect)
            now = variables.published
            planned = self._planned(order, now, signals, clock)
            prepared = self._assign.stage_ahead(planned, now, order.version, rollback, keep)
            try:
                signals.deliver()
            except BaseException:
                self._assign.give_back(prepared.area)
                raise
            clock.lap("stage")
        return Ahead(self._writer, self._planning, self._assign, prepared, order, expect, clock)

    def plan(
        self,
        weights: Given,
        *,
        cast: str = "safe",
        on_overflow: str = "warn",
        unknown: str | None = None,
        ignore: Iterable[str] = (),
        skip_unchanged: bool | np.bool_ = False,
        tokens: Mapping[str, Hashable] | None = None,
        threads: SupportsIndex = 1,
        finite: bool | np.bool_ = False,
    ) -> PlanReport:
        """Tell what an update with the same arguments would do; moves and changes nothing.

        Names that the graph does not have are listed, whatever ``unknown`` says.

        Raises:
            WeightError: A dtype, shape or scalar value does not fit, or, with
                ``finite=True``, is not finite.
            TypeError: Neither a mapping nor pairs, or a value is not an array.
            ValueError: An option has a value that there is not.
            UnsupportedError: ``skip_unchanged=True`` without xxhash.
            BusyError: A commit that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        planning, writer = self._planning, self._writer
        options = planning.options(
            unknown, cast=cast, on_overflow=on_overflow, skip_unchanged=skip_unchanged,
            ignore=ignore, tokens=tokens, finite=finite,
            threads=whole(threads, "threads is an int"),
        )  # fmt: skip
        options, found = replace(options, unknown="ignore"), planning.named(weights)
        with writer.alone(self.label, Wait()):
            planned = planning.plan(found, options, writer.seen, writer.variables.published)
            if finite:
                self._assign.survey(planned)
            return plan_report(planned.given, planned.plan.nbytes)
