"""The update graph at work: it stages plans and commits them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from acl_bundle._async.second_ids import SecondIds
from acl_bundle._async.timed import Stopwatch, Timed, engine_for
from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle._device.events import wait_for
from acl_bundle._device.memory import DeviceBuffer
from acl_bundle._plan.casts import convert, saturate
from acl_bundle._plan.derive import Keep
from acl_bundle._plan.found import check_finite, check_overflow
from acl_bundle._plan.options import Options
from acl_bundle._plan.plan import Plan
from acl_bundle._plan.planner import make_plan
from acl_bundle._plan.unchanged import Seen
from acl_bundle._run.engine import dataset, new_engine
from acl_bundle._run.published import Assigned, Published, Version
from acl_bundle._update._commit.commit import Commit, Rollback
from acl_bundle._update._commit.writer import EarlyUndo, Writer
from acl_bundle._update._staging.sender import Sender
from acl_bundle._update._staging.stage import Stage
from acl_bundle._update._transaction.planning import Planned, Planning
from acl_bundle._update.reports import Clock
from acl_bundle.errors import AclError, AclTimeoutError, VersionError, WeightError
from acl_bundle.graph import Graph


class PreparedUpdate(NamedTuple):
    """An update whose bytes lie on the device, or that goes there in parts while it is committed.

    Attributes:
        planned: What it is to change.
        parts: The plans that the device can hold at once; mostly there is one, `planned.plan`.
        assigned: What it changes of the record of the variables.
        rollback: Where the old bytes are to be saved.
        area: Where its bytes lie, if that is an area of its own.
        partners: The last values of what constants are made of, beside what was given; None
            of what is committed at once.
    """

    planned: Planned
    parts: list[Plan]
    assigned: Assigned
    rollback: Rollback
    area: DeviceBuffer | None = None
    partners: Mapping[str, Any] | None = None

    def named(self, version: Version) -> PreparedUpdate:
        """The same under a version's name."""
        return self._replace(assigned=replace(self.assigned, version=version))


class Assignment:
    """What writes the variables through one update graph.

    Args:
        stack: Owns what it holds.
        model_id: The loaded graph.
        graph: Its label and its place in the file.
        writer: The bundle's.
        second_ids: The bundle's.
        planning: Plans what it is to write.

    Attributes:
        area: Where plans are staged.
    """

    def __init__(
        self,
        stack: ExitStack,
        model_id: int,
        graph: Graph,
        writer: Writer,
        second_ids: SecondIds,
        planning: Planning,
    ) -> None:
        self._label, self._planning, self._writer = graph.label, planning, writer
        device = self._device = second_ids.device
        self.area = Stage(stack, device, planning.constants.specs)
        self.area.areas.quiet = lambda: writer.quiet
        inputs, outputs = self.area.dataset, dataset(stack, [])
        self._timed = Stopwatch(second_ids, graph.index, graph.label, inputs)
        self._engine = new_engine(writer.variables.gate, False, model_id, device, inputs, outputs)
        self.area.open(self._engine)
        self._ahead: Sender | None = None
        writer.engine, writer.rewrite = self._engine, self._rewrite

    def wait_for(self, events: Sequence[Any], timeout_ms: SupportsIndex | None) -> None:
        """Wait for events on this thread.

        Raises:
            ClosedError: The bundle is closed, or was loaded before a fork.
            BusyError: They take longer than `timeout_ms`. Nothing was changed.
            AclError: One could not be waited for. Nothing was changed.
        """
        if events:
            self._writer.variables.check(self._label)
            wait_for(events, self._device.activated, self._label, timeout_ms)

    def _rewrite(self, kept: Mapping[str, Any]) -> None:
        """Write kept values again, the gate being shut."""
        options = Options(cast="same_kind")
        plan = make_plan(self._label, self._planning.constants, dict(kept), options, Seen())
        for step in self._steps(self.area.buckets(plan), None, Wait()):
            step()

    def _steps(
        self, parts: list[Plan], timed: Timed | None, wait: Wait
    ) -> Iterator[Callable[[], None]]:
        """What writes a plan in several parts, the gate being shut."""
        for part in parts:
            yield partial(self.area.write, part)
            yield lambda: self._writer.write(engine_for(self._engine, timed, wait), self._label)

    def stage(
        self, planned: Planned, version: Version, rollback: Rollback, keep: Keep
    ) -> PreparedUpdate:
        """Bring a plan to the device, unless it needs several parts. No variable is touched.

        Raises:
            AclError: The device has no room for the largest weight, or a call failed.
            WeightError: A value is not finite, or too large for the weight's dtype, and must
                not be; or a lazy one is not what it was when it was checked.
        """
        plan = planned.plan
        with self._let_go_on_failure():
            parts = self.area.buckets(plan)
            if len(parts) == 1:
                self.area.write(plan)
            elif plan.options.on_overflow == "error" or plan.options.finite or plan.strict:
                self.area.sender.survey(plan)
            self.check_values(planned, depth=5)
            assigned = self._assigned(planned, version, rollback, keep)
            return PreparedUpdate(planned, parts, assigned, rollback)

    def survey(self, planned: Planned) -> None:
        """Look at the values of a plan that is not staged, and refuse or tell as `check_values`."""
        try:
            self.area.sender.survey(planned.plan)
            self.check_values(planned, depth=5)
        finally:
            self.area.sender.let_go()

    def stage_ahead(
        self, planned: Planned, now: Published, version: Version, rollback: Rollback, keep: Keep
    ) -> PreparedUpdate:
        """Bring a plan to an area of its own, beside commits; the caller is `Variables.beside`.

        Args:
            planned: What to stage.
            now: What the variables held when it was planned.
            version: As for `stage`, as are the others.

        Raises:
            AclError: The device has no room for all of it, or a call failed.
            WeightError: As `stage`.
        """
        if self._ahead is None:
            self._ahead = self.area.another()
        sender, areas, derivation = (self._ahead, self.area.areas, self._planning.derivation)
        partners = {} if derivation is None else derivation.partners(planned.given, now)
        nbytes, _ = sender.lay(planned.plan)
        area = areas.take(nbytes) if nbytes else None
        try:
            sender.send(planned.plan, area)
            self.check_values(planned, depth=6)
            assigned = self._assigned(planned, version, rollback, keep)
        except BaseException:
            with suppress(AclError):
                self.give_back(area)
            raise
        planned = planned.without_values()
        return PreparedUpdate(planned, [planned.plan], assigned, rollback, area, partners)

    def give_back(self, area: DeviceBuffer | None) -> None:
        """Take back the area of what is not to be committed any more."""
        if area is not None:
            self.area.areas.give(area)

    def check_current(self, prepared: PreparedUpdate) -> None:
        """Refuse what was staged ahead and later commits have made wrong.

        Raises:
            VersionError: A weight that was left out as unchanged has been changed since; or
                what a constant is made of, beside what was given.
            WeightError: A shape that the file does not tell turned out to be another.
        """
        given, seen, partners = (prepared.planned.given, self._writer.seen, prepared.partners or {})
        changed = [name for name in given.unchanged if not seen[name].fits(given.facts[name])]
        if self._planning.derivation is not None:
            now = self._writer.variables.published
            found = self._planning.derivation.partners(given, now)
            changed += [name for name, one in partners.items() if found[name] is not one]
        if changed:
            names = ", ".join(map(repr, dict.fromkeys(changed)))
            raise VersionError(
                f"{self._label}: what was staged counts on {names}, which a later commit has"
                " changed: stage it again; nothing was changed"
            )
        for index, spec in prepared.planned.plan.learnt.items():
            shape = self._planning.weights.specs[index].shape
            if shape not in (None, spec.shape):
                raise WeightError(
                    f"weight {spec.name!r} was staged with shape {spec.shape}; it must be {shape}"
                )

    def check_values(self, planned: Planned, depth: int) -> None:
        """Refuse, or tell, what is not finite or has overflowed, under the weights' names."""
        given, plan = planned.given, planned.plan
        if self._planning.derivation is not None:
            self._planning.derivation.report(given, plan)
            check_finite(given)
            check_overflow(given, depth)
        check_finite(plan)
        check_overflow(plan, depth)

    def _assigned(
        self, planned: Planned, version: Version, rollback: Rollback, keep: Keep
    ) -> Assigned:
        """What the record of the variables will say once a plan is committed."""
        given, plan, derivation = planned.given, planned.plan, self._planning.derivation
        names = plan.names
        kept: dict[str, Any] = {}
        lost: tuple[str, ...] = ()
        if self._writer.area is None and rollback == "none":
            lost = names
        elif self._writer.area is None:
            kept = {name: _held(plan, place) for place, name in enumerate(names)}
        if derivation is None:
            return Assigned(version, names, kept, lost)
        return Assigned(version, names, kept, lost, given.names, derivation.kept(given, keep))

    def commit(
        self,
        staged: PreparedUpdate,
        wait: Wait,
        signals: Signals,
        clock: Clock,
        early: EarlyUndo | None = None,
    ) -> None:
        """Write a staged plan, in one go or in several behind one shut gate; the caller is alone.
        What it overwrites is saved first, unless that was done `early`.

        Raises:
            BusyError: Inferences run for too long. Nothing was changed.
            AclTimeoutError: The graph was not done in time.
            AclError: A call failed; the message says what was restored.
        """
        with self._let_go_on_failure():
            self._commit(staged, wait, signals, clock, early)
        self.area.sender.let_go()

    def _commit(
        self,
        staged: PreparedUpdate,
        wait: Wait,
        signals: Signals,
        clock: Clock,
        early: EarlyUndo | None,
    ) -> None:
        """See `commit`."""
        writer, plan, parts = self._writer, staged.planned.plan, staged.parts
        rollback = staged.rollback
        if staged.partners is not None:
            self.area.describe(plan, staged.area)
        published = writer.variables.published.after(staged.assigned)
        undo, timed = writer.undo(plan.names, rollback, early), self._timed(wait)
        signals.deliver()
        clock.lap("snapshot")
        commit = Commit(self._label, published, plan.names, wait, signals, undo, rollback, timed)
        with self._learning(staged.planned):
            if len(parts) == 1:
                writer.commit(engine_for(self._engine, timed, wait), commit)
            else:
                writer.commit_steps(self._steps(parts, timed, wait), commit)
        if len(parts) > 1 and plan.options.on_overflow == "warn":
            self.check_values(staged.planned, depth=6)
        clock.lap("commit")

    @contextmanager
    def _let_go_on_failure(self) -> Iterator[None]:
        """Let arrays on the device go, unless the device may be reading them still."""
        try:
            yield
        except AclTimeoutError:
            raise  # the next update lets them go
        except BaseException:
            self.area.sender.let_go()
            raise

    @contextmanager
    def _learning(self, planned: Planned) -> Iterator[None]:
        """Take over what a plan tells of its weights, if what is done here commits it."""
        variables, seen = self._writer.variables, self._writer.seen
        before = variables.epoch
        seen.forget(planned.given.names)
        try:
            yield
        finally:
            if variables.epoch > before:
                self._planning.learn(planned.plan)
                seen.commit(planned.given)
            elif variables.poisoned:
                seen.forget()


def _held(plan: Plan, place: int) -> Any:
    """A copy of the value that a weight has once the plan is committed, in its own dtype."""
    spec, value = plan.specs[place], plan.fetch(place)
    copy = np.empty(value.shape, spec.dtype)
    convert(value, copy)
    if spec.name in plan.saturated:
        saturate(value, copy)
    return copy
