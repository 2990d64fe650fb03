"""The update graph at work: it stages plans and commits them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from acl_bundle._async.second_ids import SecondIds
from acl_bundle._async.timed import Stopwatch, Timed, engine_for
from acl_bundle._base.wait import Wait
from acl_bundle._plan.derive import Derivation, Keep
from acl_bundle._plan.plan import Options, Plan
from acl_bundle._plan.planner import make_plan
from acl_bundle._plan.unchanged import Seen
from acl_bundle._run.engine import dataset, new_engine
from acl_bundle._run.variables import Published, Version
from acl_bundle._update.commit import Commit, Rollback
from acl_bundle._update.stage import Stage
from acl_bundle._update.writer import Writer
from acl_bundle.graph import Graph
from acl_bundle.spec import WeightSpec


class Assignment:
    """What writes the variables through one update graph.

    Args:
        stack: Owns what it holds.
        model_id: The loaded graph.
        graph: Its label and its place in the file.
        writer: The bundle's.
        second_ids: The bundle's.
        constants: What the graph assigns, in its order.
        derivation: What makes these of a trainer's weights; None where they are the weights.
        learn: Called with each plan that was committed.

    Attributes:
        area: Where plans are staged.
        derivation: As it was given.
        timed: The engine that can be given up, by the wait that asks for one.
    """

    def __init__(
        self,
        stack: ExitStack,
        model_id: int,
        graph: Graph,
        writer: Writer,
        second_ids: SecondIds,
        constants: tuple[WeightSpec, ...],
        derivation: Derivation | None,
        learn: Callable[[Plan], None],
    ) -> None:
        self.label, self.derivation = graph.label, derivation
        self._writer, self._variables, self._constants = writer, writer.variables, constants
        self._learn = learn
        device = second_ids.device
        self.area = Stage(stack, device, constants)
        inputs, outputs = self.area.dataset, dataset(stack, [])
        self.timed = Stopwatch(second_ids, graph.index, graph.label, inputs)
        self._engine = new_engine(writer.variables.gate, False, model_id, device, inputs, outputs)
        self.area.open(self._engine)
        writer.engine, writer.rewrite = self._engine, self.rewrite

    def rewrite(self, kept: Mapping[str, Any]) -> None:
        """Write kept values again, the gate being shut."""
        options = Options(cast="same_kind")
        plan = make_plan(self.label, self._constants, kept, options, Seen())
        for step in self._steps(self.area.buckets(plan), None, Wait()):
            step()

    def _steps(
        self, buckets: list[Plan], timed: Timed | None, wait: Wait
    ) -> Iterator[Callable[[], None]]:
        """What writes a plan in several parts, the gate being shut."""
        for bucket in buckets:
            yield partial(self.area.write, bucket)
            yield lambda: self._writer.write(engine_for(self._engine, timed, wait), self.label)

    def stage(self, given: Plan, plan: Plan) -> list[Plan]:
        """Bring a plan to the device, unless it needs several parts; its parts."""
        buckets = self.area.buckets(plan)
        if len(buckets) == 1:
            self.area.write(buckets[0])
        elif plan.options.on_overflow == "error" or plan.options.finite or plan.strict:
            self.area.survey(plan)
        self.check_values(given, plan, depth=5)
        return buckets

    def check_values(self, given: Plan, plan: Plan, depth: int) -> None:
        """Refuse, or tell, what is not finite or has overflowed, under the weights' names."""
        if self.derivation is not None:
            self.derivation.report(given, plan)
            given.check_finite()
            given.check_overflow(depth)
        plan.check_finite()
        plan.check_overflow(depth)

    def commit(self, given: Plan, plan: Plan, buckets: list[Plan], commit: Commit) -> None:
        """Write a plan, in one go or in several behind one shut gate."""
        variables, writer = self._variables, self._writer
        before = variables.epoch
        writer.seen.forget(given.names)
        try:
            if len(buckets) == 1:
                writer.commit(engine_for(self._engine, commit.timed, commit.wait), commit)
            else:
                writer.commit_steps(self._steps(buckets, commit.timed, commit.wait), commit)
        finally:
            if variables.epoch > before:
                self._learn(plan)
                writer.seen.commit(given)
            elif variables.poisoned:
                writer.seen.forget()
        if len(buckets) > 1 and plan.options.on_overflow == "warn":
            self.check_values(given, plan, depth=5)

    def following(
        self, version: Version, given: Plan, plan: Plan, rollback: Rollback, keep: Keep
    ) -> Published:
        """What the variables hold once a plan is committed."""
        now = self._variables.published
        following = self._written(version, plan, rollback)
        if self.derivation is None:
            return following
        return replace(following, **self.derivation.after(given, version, now, keep))

    def _written(self, version: Version, plan: Plan, rollback: Rollback) -> Published:
        now, changed = self._variables.published, plan.names
        written = {**now.written, **dict.fromkeys(changed, version)}
        if self._writer.area is not None:
            return Published(version, written, now.initialised)
        kept = {name: value for name, value in now.kept.items() if name not in changed}
        if rollback == "none":
            lost = now.lost | set(changed)
            return Published(version, written, now.initialised, kept, lost)
        for place, name in enumerate(changed):
            kept[name] = np.array(plan.fetch(place))
        return Published(version, written, now.initialised, kept, now.lost - set(changed))
