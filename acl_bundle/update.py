"""Changing the variables: the init graph and the update transaction.

An update goes through four steps, and only the third touches a variable:

1. plan: names, dtypes, shapes and values are compared with what the file says.
2. stage: the new bytes go to the device, into an area kept between updates,
   and the update graph's dataset is told which weights to assign (one call
   into C, csrc/acl_stage.c). What the weights hold is saved. Inferences run
   meanwhile.
3. commit: the gate is shut, the update graph runs, the version is published
   and the gate opens (one call into C, csrc/acl_commit.c). A failure is undone
   before the gate opens (`_writer`).
4. publish: versions, digests and kept values are taken over.

What fails in 1 or 2 has changed nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

import numpy as np

from acl_bundle._engine import dataset, new_engine
from acl_bundle._stage import Plan, Stage
from acl_bundle._variables import Published, Version, Wait, WhenBusy
from acl_bundle._writer import POISONED, Rollback, Writer
from acl_bundle.device import Device
from acl_bundle.errors import PoisonedError, WeightError
from acl_bundle.graph import Graph
from acl_bundle.spec import WeightSpec

Keep = Literal["copy", "reference"]


@dataclass(frozen=True, slots=True)
class WeightState:
    """What one weight holds.

    Attributes:
        spec: Its name, shape and dtype.
        version: The version that wrote it last; None before the first.
        digest: XXH3-128 of its bytes on the device, in hexadecimal; None when
            the last commit did not ask for it, or the file does not tell where
            the weight lies.
    """

    spec: WeightSpec
    version: Version
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did.

    Attributes:
        version: The version that inference reads from now on.
        changed: Names of the weights that were assigned, in the graph's order.
        kept: Names of the weights that were left as they were.
        nbytes: Bytes of the changed weights.
        seconds: Time of each step: ``plan``, ``stage``, ``snapshot``, ``commit``, ``publish``.
    """

    version: int | str
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    nbytes: int
    seconds: dict[str, float]


class InitGraph(Graph):
    """The weight-init graph: writes every variable from constants in the file."""

    def open(self, stack: ExitStack, model_id: int, device: Device, writer: Writer) -> None:
        """Make the engine of a loaded model; the stack owns its datasets."""
        self._writer = writer
        given, taken = dataset(stack, []), dataset(stack, [])
        gate = writer.variables.gate
        self._engine = new_engine(gate, False, model_id, device, given, taken)
        writer.init = self._engine
        writer.engine = writer.engine or self._engine

    def __call__(  # type: ignore[override]
        self,
        *,
        rollback: Rollback = "auto",
        when_busy: WhenBusy = "wait",
        timeout_ms: int | None = None,
    ) -> None:
        """Give every variable its initial value; the version becomes 0.

        Waits for running inferences and keeps later ones waiting until it is done.

        Args:
            rollback: As for an update.
            when_busy: As for an update.
            timeout_ms: As for an update.

        Raises:
            ClosedError: The bundle is closed, or was loaded before a fork.
            BusyError: Others were busy for too long. Nothing was changed.
            AclError: A call failed; the message says whether the weights are as
                before, as they are after every failure but that of the first
                commit or of the rollback itself.
        """
        writer, wait = self._writer, Wait(when_busy, timeout_ms)
        writer.check_rollback(rollback)
        with writer.variables.alone(self.label, wait) as signals:
            names = writer.variables.names
            published = Published(0, dict.fromkeys(names, 0), True)
            undo = writer.undo(None, rollback)
            signals.deliver()
            writer.commit(
                self._engine, self.label, published, names,
                undo=undo, rollback=rollback, wait=wait, signals=signals,
            )  # fmt: skip


class UpdateGraph(Graph):
    """The weight-update graph: assigns any subset of the weights.

    Attributes:
        weights: What can be updated, in the graph's order. A shape that the
            file does not tell is None until the first update has shown it.
    """

    weights: tuple[WeightSpec, ...]

    def open(
        self,
        stack: ExitStack,
        model_id: int,
        device: Device,
        writer: Writer,
        weights: tuple[WeightSpec, ...],
    ) -> None:
        """Make the stage and the engine of a loaded model; the stack owns what they hold."""
        self._writer, self.weights = writer, weights
        self._variables = writer.variables
        self._index = {spec.name: index for index, spec in enumerate(weights)}
        self._stage = Stage(stack, device, weights)
        outputs = dataset(stack, [])
        gate = writer.variables.gate
        self._engine = new_engine(gate, False, model_id, device, self._stage.dataset, outputs)
        self._stage.open(self._engine)
        writer.engine, writer.rewrite = self._engine, self._rewrite

    def _rewrite(self, kept: Mapping[str, Any]) -> None:
        """Write kept values again, the gate being shut."""
        self._stage.write(self._plan(kept))
        self._writer.write(self._engine, self.label)

    def __call__(  # type: ignore[override]
        self,
        weights: Mapping[str, Any],
        *,
        version: int | str | None = None,
        rollback: Rollback = "auto",
        keep: Keep = "copy",
        digest: bool = False,
        when_busy: WhenBusy = "wait",
        timeout_ms: int | None = None,
    ) -> UpdateReport:
        """Assign new values to some weights, all or none; the others stay as they are.

        Waits for running inferences and keeps later ones waiting while the
        update graph runs. Moving the bytes happens before that, beside them.

        Args:
            weights: An array per weight, by name: a numpy array, or anything
                with ``__dlpack__`` on the CPU, of exactly the weight's dtype and
                shape. Read-only is fine; non-contiguous is copied. NaN is data.
            version: What to call the new weights; None for the previous int
                plus one (1 after a str, or when there was none).
            rollback: Where the old bytes of the changed weights are saved until
                the update is through: ``"device"``, ``"host"``, or ``"auto"``, on
                the device if it has room. ``"none"`` saves nothing: a failed
                commit then poisons the bundle. With library variables
                ``"auto"`` keeps the new values on the host, for the next rollback.
            keep: With library variables, ``"copy"``, or ``"reference"`` to keep the
                arrays themselves, which must then never change.
            digest: Read all variables back afterwards and digest them, for
                `Bundle.verify` and ``bundle.weights``. Needs xxhash.
            when_busy: ``"wait"`` for running inferences and other updates, or
                ``"fail"``.
            timeout_ms: The longest wait in milliseconds; None for ever.

        Returns:
            What was changed, and the time of each step.

        Raises:
            WeightError: A name is unknown, a dtype or shape does not fit, or a
                weight of rank 0 has a value that the device would skip.
                Nothing was changed.
            TypeError: Not a mapping, or a value is not an array. Nothing was changed.
            PoisonedError: A commit failed before and this update does not
                cover every weight. Nothing was changed.
            BusyError: Others were busy for too long. Nothing was changed.
            ClosedError: The bundle is closed, or was loaded before a fork.
            UnsupportedError: `rollback` needs memory that is the library's, or
                `digest` needs it or xxhash. Nothing was changed.
            AclError: A call failed. The message says whether the weights are as
                before, as they are after every failure but that of the first
                commit (nothing was there to go back to) or of the rollback.
        """
        if not (version is None or type(version) in (int, str)):
            raise TypeError(f"version is an int or a str, not {version!r}")
        writer, wait = self._writer, Wait(when_busy, timeout_ms)
        writer.check_rollback(rollback)
        if keep not in ("copy", "reference"):
            raise ValueError(f"keep is 'copy' or 'reference', not {keep!r}")
        read_back = writer.reader() if digest else None
        start = perf_counter()
        with self._variables.alone(self.label, wait) as signals:
            plan = self._plan(weights)
            signals.deliver()
            planned = perf_counter()
            self._check_poisoned(plan)
            self._stage.write(plan)
            signals.deliver()
            staged = perf_counter()
            label = self._variables.next_version() if version is None else version
            published = self._next(label, plan, rollback, keep)
            undo = writer.undo(plan.names, rollback)
            signals.deliver()
            saved = perf_counter()
            before = self._variables.epoch
            try:
                writer.commit(
                    self._engine, self.label, published, plan.names,
                    undo=undo, rollback=rollback, wait=wait, signals=signals,
                )  # fmt: skip
            finally:
                if self._variables.epoch > before:
                    self._learn(plan)
            committed = perf_counter()
            if read_back is not None:
                read_back(label)
        return UpdateReport(
            version=label,
            changed=plan.names,
            kept=tuple(spec.name for spec in self.weights if spec.name not in weights),
            nbytes=plan.nbytes,
            seconds={
                "plan": planned - start,
                "stage": staged - planned,
                "snapshot": saved - staged,
                "commit": committed - saved,
                "publish": perf_counter() - committed,
            },
        )

    def _next(self, version: Version, plan: Plan, rollback: Rollback, keep: Keep) -> Published:
        """What the variables hold once a plan is committed."""
        now, changed = self._variables.published, plan.names
        written = {**now.written, **dict.fromkeys(changed, version)}
        if self._writer.area is not None:
            return Published(version, written, now.initialised)
        kept = {name: value for name, value in now.kept.items() if name not in changed}
        if rollback == "none":
            lost = now.lost | set(changed)
            return Published(version, written, now.initialised, kept, lost)
        values = zip(changed, plan.arrays, strict=True)
        kept |= {name: np.array(v) if keep == "copy" else v for name, v in values}
        return Published(version, written, now.initialised, kept, now.lost - set(changed))

    def _learn(self, plan: Plan) -> None:
        """Keep the shapes that an update was the first to show."""
        self.weights = tuple(
            plan.learnt.get(index, spec) for index, spec in enumerate(self.weights)
        )

    def _plan(self, weights: Mapping[str, Any]) -> Plan:
        """Compare what is given with what the graph takes; touches nothing."""
        if not isinstance(weights, Mapping):
            raise TypeError(f"give the weights as a dict of name to array, not {type(weights)}")
        unknown = [name for name in weights if name not in self._index]
        if unknown:
            raise WeightError(
                f"{self.label} has no weight {', '.join(map(repr, unknown))};"
                f" it has {', '.join(self._index)}"
            )
        plan = Plan()
        for index, spec in enumerate(self.weights):
            if spec.name in weights:
                plan.add(index, spec, weights[spec.name])
        return plan

    def _check_poisoned(self, plan: Plan) -> None:
        if self._variables.poisoned and len(plan.names) < len(self.weights):
            missing = [spec.name for spec in self.weights if spec.name not in plan.names]
            raise PoisonedError(
                f"a commit failed before, so {POISONED}; this update leaves out"
                f" {', '.join(missing)}"
            )
