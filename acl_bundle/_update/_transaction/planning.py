"""From what a caller gives to what an update is to change; nothing is touched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from acl_bundle._device.make import copy_of
from acl_bundle._names.aliases import own_names
from acl_bundle._names.exported import PassedOver
from acl_bundle._names.given import Given, by_name, matches, without
from acl_bundle._plan.derive import Derivation
from acl_bundle._plan.options import Options
from acl_bundle._plan.plan import Plan
from acl_bundle._plan.planner import make_plan
from acl_bundle._plan.table import WeightTable
from acl_bundle._plan.unchanged import Seen
from acl_bundle._run.published import Published
from acl_bundle._update._commit.commit import POISONED
from acl_bundle.errors import PoisonedError, visible
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import WeightProgram

log = logging.getLogger("acl_bundle.update")


@dataclass(frozen=True)
class Planned:
    """What one update is to change.

    Attributes:
        given: The plan of what was given.
        plan: The plan of what goes to the device; the same where no weight program is.
    """

    given: Plan
    plan: Plan

    def without_values(self) -> Planned:
        """The same once everything was staged, without anybody's arrays."""
        plan = self.plan.without_values()
        return Planned(plan if self.given is self.plan else self.given.without_values(), plan)


class Planning:
    """Plans the updates of one graph.

    Args:
        label: The graph, for messages.
        constants: What the graph assigns, in its order.
        program: What makes them of a trainer's weights; None where they are the weights.

    Attributes:
        weights: What an update takes.
        constants: What the graph assigns, as the file tells it.
        aliases: Other names that an update takes, and the weight that each is.
        unused: Names, or patterns, that an update passes over.
        derivation: What makes the constants of the weights; None where they are the weights.
    """

    def __init__(
        self, label: str, constants: tuple[WeightSpec, ...], program: WeightProgram | None
    ) -> None:
        self.constants: WeightTable = WeightTable(constants)
        self.weights: WeightTable = self.constants
        self.aliases: Mapping[str, str] = {}
        self.unused: tuple[str, ...] = ()
        self.derivation: Derivation | None = None
        if program is not None:
            self.weights = WeightTable(program.sources)
            self.aliases, self.unused = dict(program.aliases), program.unused
            self.derivation = None if program.is_plain else Derivation(program, label)
        self._names = {*self.weights.names, *self.aliases}
        self._passed_over = PassedOver(self.weights.names)
        self._label, self._warned = label, False

    def options(self, unknown: str | None, **options: Any) -> Options:
        """The options of an update, and which names it passes over."""
        aliases, tokens = self.aliases, options["tokens"]
        if aliases and isinstance(tokens, Mapping):  # a weight's own name counts, if it is there
            given = sorted(tokens.items(), key=lambda one: one[0] not in aliases)
            options["tokens"] = {aliases.get(name, name): token for name, token in given}
        if unknown is None:
            unknown = "unused" if self.unused else "error"
        unused = self.unused if unknown == "unused" else ()
        return Options(**options, unknown=unknown, unused=unused)

    def named(self, weights: Given) -> Mapping[str, Any]:
        """Return what is given for weights by name; see `acl_bundle._names.given`."""
        return by_name(weights, self._names, copy_of)

    def plan(
        self,
        found: Mapping[str, Any],
        options: Options,
        seen: Seen,
        now: Published,
        pause: Callable[[], object] = tuple,
    ) -> Planned:
        """Plan what is given, each weight under its own name.

        Args:
            found: What `named` returned.
            options: How to treat it.
            seen: What earlier updates were given.
            now: What the variables hold.
            pause: Called between values of a lazy mapping, here and when they are staged.

        Raises:
            As `make_plan` and `Derivation.plan`.
        """
        left = without(found, options.ignore)
        own = own_names(left, self.aliases, self.weights.places, self._label)
        given = make_plan(self._label, self.weights, own, options, seen, pause)
        if left is not found:
            passed = {*given.ignored}
            given.ignored = tuple(
                name for name in found if name in passed or matches(name, options.ignore)
            )
        return Planned(
            given, given if self.derivation is None else self.derivation.plan(given, now)
        )

    def check_whole(self, planned: Planned) -> None:
        """Refuse, for a poisoned bundle, what leaves some variable as it is.

        Raises:
            PoisonedError: It does.
        """
        if len(planned.plan.names) < len(self.constants.names):
            given = planned.given
            missing = self.derivation.missing(given) if self.derivation else given.missing
            raise PoisonedError(
                f"a commit failed before, so {POISONED}; this update leaves out"
                f" {', '.join(missing)}"
            )

    def warn(self, given: Plan) -> None:
        """Tell, once, that what was passed over may be what the graph has under other names."""
        if self._warned or given.options.unknown != "ignore" or not given.ignored:
            return
        passed = [name for name in given.ignored if not matches(name, given.options.ignore)]
        text = self._passed_over.suspicion(passed)
        if text:
            self._warned = True
            log.warning("%s: %s", self._label, visible(text))

    def learn(self, plan: Plan) -> None:
        """Keep the shapes that an update was the first to show."""
        self.weights = self.weights.learnt(plan.learnt)
