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

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, SupportsIndex

import numpy as np

from acl_bundle._async.second_ids import SecondIds
from acl_bundle._base.arrays import label_of, whole
from acl_bundle._base.wait import Wait, WhenBusy
from acl_bundle._names.aliases import own_names
from acl_bundle._names.exported import suspicion
from acl_bundle._names.given import Given, by_name, matches, without
from acl_bundle._plan.derive import Derivation, Keep, check_keep
from acl_bundle._plan.plan import Options, Plan, PlanReport
from acl_bundle._plan.planner import make_plan
from acl_bundle._plan.unchanged import Seen
from acl_bundle._update.assign import Assignment
from acl_bundle._update.commit import POISONED, Commit, Rollback
from acl_bundle._update.reports import Clock, UpdateReport
from acl_bundle._update.writer import Writer
from acl_bundle.errors import PoisonedError, visible
from acl_bundle.graph import Graph
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Table, WeightProgram, plain

log = logging.getLogger("acl_bundle.update")


class UpdateGraph(Graph):
    """The weight-update graph: assigns any subset of the weights.

    Attributes:
        weights: What can be updated, in the graph's order. A shape that the
            file does not tell is None until the first update has shown it.
    """

    weights: tuple[WeightSpec, ...]

    @property
    def derived(self) -> Table:
        """What is computed of the weights at an update: a piece for each constant of the graph.

        As text a line for each: the weights, the operations, the constant and its bytes.
        """
        return (self._program or plain(self.weights)).pieces

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names that an update takes, and the weight that each is."""
        return {} if self._program is None else dict(self._program.aliases)

    @property
    def unused(self) -> tuple[str, ...]:
        """Names, or patterns, that an update passes over: what the model has no need of."""
        return () if self._program is None else self._program.unused

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
        self._writer, self.weights, self._constants = writer, weights, weights
        self._program, self._derivation, self._warned = program, None, False
        if program is not None:
            self.weights = program.sources
            self._derivation = None if program.is_plain else Derivation(program, self.label)
        self._variables = writer.variables
        self._assign = Assignment(
            stack, model_id, self, writer, second_ids, weights, self._derivation, self._learn
        )

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
                and non-contiguous are fine. NaN is data, and counted in the report,
                unless ``finite`` says otherwise. A dict holds its
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
        label = None if version is None else label_of(version)
        check_keep(keep)
        options = self._options(
            unknown, cast=cast, on_overflow=on_overflow, skip_unchanged=skip_unchanged,
            ignore=ignore, tokens=tokens, finite=finite,
            threads=whole(threads, "threads is an int"),
        )  # fmt: skip
        writer, wait = self._writer, Wait(when_busy, timeout_ms)
        writer.check_rollback(rollback)
        found = self._named(weights)
        read_back = writer.reader() if digest else None
        clock = Clock()
        with writer.alone(self.label, wait) as signals:
            seen = self._writer.seen
            given = self._planned(found, options, seen, signals.deliver)
            plan = self._derived(given)
            self._check_poisoned(given, plan)
            self._warn(given)
            signals.deliver()
            clock.lap("plan")
            buckets = self._assign.stage(given, plan)
            signals.deliver()
            clock.lap("stage")
            label = self._variables.next_version() if label is None else label
            published = self._assign.following(label, given, plan, rollback, keep)
            undo, timed = writer.undo(plan.names, rollback), self._assign.timed(wait)
            signals.deliver()
            clock.lap("snapshot")
            commit = Commit(self.label, published, plan.names, wait, signals, undo, rollback, timed)
            self._assign.commit(given, plan, buckets, commit)
            clock.lap("commit")
            if read_back is not None:
                read_back(label)
            clock.lap("publish")
        return UpdateReport(
            version=label,
            changed=given.names,
            kept=tuple(given.kept),
            nbytes=plan.nbytes,
            seconds=clock.seconds,
            unchanged=tuple(given.unchanged),
            ignored=given.ignored,
            casts=given.casts,
            nonfinite=given.nonfinite,
        )

    def _named(self, weights: Given) -> Mapping[str, Any]:
        """Return what is given for weights by name; see `acl_bundle._names.given`."""
        return by_name(weights, {*[spec.name for spec in self.weights], *self.aliases})

    def _planned(
        self,
        found: Mapping[str, Any],
        options: Options,
        seen: Seen,
        pause: Callable[[], object] = tuple,
    ) -> Plan:
        """The plan of what is given, each weight under its own name."""
        left = without(found, options.ignore)
        own = own_names(left, self.aliases, self.weights, self.label)
        given = make_plan(self.label, self.weights, own, options, seen, pause)
        if left is not found:
            passed = {*given.ignored}
            given.ignored = tuple(
                name for name in found if name in passed or matches(name, options.ignore)
            )
        return given

    def _warn(self, given: Plan) -> None:
        """Tell, once, that what was passed over may be what the graph has under other names."""
        if given.options.unknown != "ignore" or self._warned:
            return
        passed = [name for name in given.ignored if not matches(name, given.options.ignore)]
        text = suspicion(passed, [spec.name for spec in self.weights])
        if text:
            self._warned = True
            log.warning("%s: %s", self.label, visible(text))

    def _derived(self, given: Plan) -> Plan:
        """The plan of what goes to the device."""
        derivation = self._derivation
        return given if derivation is None else derivation.plan(given, self._variables.published)

    def _options(self, unknown: str | None, **options: Any) -> Options:
        """The options of an update, and which names it passes over."""
        unused, aliases, tokens = self.unused, self.aliases, options["tokens"]
        if aliases and isinstance(tokens, Mapping):  # a weight's own name counts, if it is there
            given = sorted(tokens.items(), key=lambda one: one[0] not in aliases)
            options["tokens"] = {aliases.get(name, name): token for name, token in given}
        if unknown is None:
            unknown = "unused" if unused else "error"
        return Options(**options, unknown=unknown, unused=unused if unknown == "unused" else ())

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
        options = self._options(
            unknown, cast=cast, on_overflow=on_overflow, skip_unchanged=skip_unchanged,
            ignore=ignore, tokens=tokens, finite=finite,
            threads=whole(threads, "threads is an int"),
        )  # fmt: skip
        options, found = replace(options, unknown="ignore"), self._named(weights)
        with self._writer.alone(self.label, Wait()):
            seen = self._writer.seen
            given = self._planned(found, options, seen)
            plan = self._derived(given)
            if finite:
                self._assign.area.survey(plan)
                self._assign.check_values(given, plan, depth=4)
            return replace(given.report(), nbytes=plan.nbytes)

    def _learn(self, plan: Plan) -> None:
        """Keep the shapes that an update was the first to show."""
        self.weights = tuple(
            plan.learnt.get(index, spec) for index, spec in enumerate(self.weights)
        )

    def _check_poisoned(self, given: Plan, plan: Plan) -> None:
        if self._variables.poisoned and len(plan.names) < len(self._constants):
            missing = given.missing if self._derivation is None else self._derivation.missing(given)
            raise PoisonedError(
                f"a commit failed before, so {POISONED}; this update leaves out"
                f" {', '.join(missing)}"
            )
