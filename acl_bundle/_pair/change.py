"""An update of a pair up to the switch: the shadow is brought in line and written, and tried.

What was written and did not take over is what the shadow holds when the next change comes,
and is taken back then (`shadow`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

import numpy as np

from acl_bundle._base.arrays import as_array, label_of
from acl_bundle._base.owner import Signals
from acl_bundle._base.wait import Wait
from acl_bundle._device.foreign import as_device
from acl_bundle._names.aliases import own_names
from acl_bundle._names.given import Given, check_patterns, without
from acl_bundle._pair.active import Sides, Steps
from acl_bundle._pair.shadow import Limits, Probe, Shadow
from acl_bundle._plan.table import WeightTable
from acl_bundle._run.published import Version
from acl_bundle._update._transaction.ahead import check_expected
from acl_bundle._update.reports import UpdateReport
from acl_bundle.errors import VersionError
from acl_bundle.spec import WeightSpec

if TYPE_CHECKING:
    from acl_bundle._update._transaction.options import UpdateOptions


class Change(NamedTuple):
    """What the shadow was given, and how the sides get in line behind it.

    Attributes:
        report: What the update did to the shadow.
        sides: Where the two stand, the shadow being ready.
        again: What brings the active side in line, once the shadow has taken over.
        back: What takes it back.
    """

    report: UpdateReport
    sides: Sides
    again: Steps
    back: Steps | None


class ShadowUpdates:
    """Updates the shadow; the caller is the only one to change anything.

    Args:
        shadow: It.
    """

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def written(
        self,
        weights: Given,
        version: SupportsIndex | str | None,
        probe: Probe | None,
        limits: Limits,
        options: UpdateOptions,
        *,
        staged: bool = False,
    ) -> Change:
        """Give the shadow the active bundle's weights but these; it does not infer yet.
        `staged`: nor before it is committed.
        """
        shadow = self._shadow
        active, other = shadow.sides.active, shadow.sides.shadow
        update = other.update
        known, found = update.known, update.named(weights)
        left = without(found, check_patterns(options.get("ignore", ())))
        own = own_names(left, update.aliases, known.places, update.label)
        kept = _kept(own, known)
        if len(kept) < len(known.names) and self._fits(own, len(kept), options):
            shadow.catch_up(limits)
        named = _next(active.version) if version is None else label_of(version)
        back = shadow.save()
        write = partial(other.update, found, version=named, **options, **limits.left)
        report = shadow.write(write, back, staged=staged)
        again = (partial(active.update, kept, version=named, **options),)
        shadow.sides = Sides(active, other, back, again, staged=staged)
        if probe is not None:
            shadow.probe(probe, named)
        return Change(report, shadow.sides, again, back)

    def _fits(self, weights: Mapping[str, Any], known: int, options: UpdateOptions) -> bool:
        """Whether an update will take these weights; if not it says why, and nothing is lost.

        Raises:
            WeightError, TypeError: A dtype, shape or scalar value does not fit.
        """
        fit = known == len(weights) or options.get("unknown") == "ignore"
        if fit:
            self._shadow.sides.active.update.plan(
                weights, cast=options.get("cast", "safe"), finite=options.get("finite", False)
            )
        return fit

    def switch(self, change: Change) -> UpdateReport:
        """Let the shadow infer, which was written."""
        self._shadow.take_over(change.again, change.back)
        return change.report


class Switch:
    """A change that waits for its switch: `Staged` commits and discards it.

    Attributes:
        version: What the shadow's weights are called.
        nbytes: Device memory of the copy of what the shadow held, in bytes.
        names: The weights that it changes.
        epoch: 1 when it is in force.
    """

    def __init__(self, shadow: Shadow, change: Change, expect: object) -> None:
        self._shadow, self._change, self._expect = shadow, change, expect
        self.version: Version = change.report.version
        self.names: tuple[str, ...] = change.report.changed
        self.nbytes: int = shadow.saved_nbytes
        self.epoch = 0

    @property
    def now(self) -> Version:
        """The version that is in force."""
        return self._shadow.sides.active.version

    def save(self) -> None:
        """The other side has it."""

    def commit(self, wait: Wait, signals: Signals) -> UpdateReport:  # noqa: ARG002  nobody waits
        """Switch; the caller is the only one to change anything."""
        check_expected("commit", self.now, self._expect)
        if self._shadow.sides is not self._change.sides:
            raise VersionError(
                f"commit is refused: another change of this Pair has had its shadow since version"
                f" {self.version!r} was staged; stage it again; nothing was changed"
            )
        self.epoch = 1
        return ShadowUpdates(self._shadow).switch(self._change)

    def give_back(self) -> None:
        """The next change takes back what the shadow holds."""

    def forget(self) -> bool:
        """Nothing of its own is left behind."""
        return False


def _next(now: Version) -> int:
    return now + 1 if isinstance(now, int) else 1


def _kept(weights: Mapping[str, Any], known: WeightTable) -> Mapping[str, Any]:
    """What is needed to write the same weights once more."""
    specs = [known.specs[place] for place in known.among(weights)]
    return {spec.name: _copy(weights[spec.name], f"weight {spec.name!r}", spec) for spec in specs}


def _copy(value: Any, what: str, spec: WeightSpec) -> Any:
    """A copy of a value on the host."""
    found = None if isinstance(value, np.ndarray) else as_device(value, what)
    return as_array(value, what, spec).copy() if found is None else found.to_host()
