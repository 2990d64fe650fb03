"""Changing the variables: the init graph and the update transaction.

An update goes through three steps, and only the last one touches a variable:

1. plan: names, dtypes, shapes and values are compared with what the file says.
2. stage: the new bytes go to the device, into an area kept between updates,
   and the update graph's dataset is told which weights to assign (one call
   into C, csrc/acl_stage.c). Inferences run meanwhile.
3. commit: the gate is shut, the update graph runs, the version is published
   and the gate opens (one call into C, csrc/acl_gate.c).

What fails in 1 or 2 has changed nothing. When the execute of step 3 fails the
device may have assigned a part: the bundle is poisoned, and refuses inference
until `init` or an update of every weight has succeeded.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from acl_bundle._api import LOWEST_EPOCH
from acl_bundle._cast import CastCounts
from acl_bundle._plan import Options, Plan, PlanReport
from acl_bundle._planner import make_plan
from acl_bundle._stage import Stage
from acl_bundle._variables import Variables, Version
from acl_bundle.device import Device
from acl_bundle.errors import AclError, PoisonedError
from acl_bundle.graph import Graph, dataset, new_engine
from acl_bundle.spec import WeightSpec

POISONED = "the variables may hold a mixture: run bundle.init(), or update every weight at once"


@dataclass(frozen=True, slots=True)
class WeightState:
    """What one weight holds.

    Attributes:
        spec: Its name, shape and dtype.
        version: The version that wrote it last; None before the first.
    """

    spec: WeightSpec
    version: Version


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did.

    Attributes:
        version: The version that inference reads from now on.
        changed: Names of the weights that were assigned, in the graph's order.
        kept: Names of the weights that were left as they were: not given, or unchanged.
        nbytes: Bytes of the changed weights.
        seconds: Time of each step: ``plan``, ``stage``, ``commit``.
        unchanged: Names of those of ``kept`` that were given, and held that value already.
        ignored: Names that were given and that the graph does not have.
        casts: What conversions did to the weights that came in another dtype.
    """

    version: int | str
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    nbytes: int
    seconds: dict[str, float]
    unchanged: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    casts: dict[str, CastCounts] = field(default_factory=dict)


def _commit(
    variables: Variables, engine: Any, label: str, version: int | str, names: Iterable[str]
) -> None:
    """Run a commit, or raise; the caller holds the variables' lock."""
    before = variables.epoch
    result = variables.commit(engine, version, tuple(names))
    if result < LOWEST_EPOCH:
        try:
            variables.explain(result, label, [], [])
        except AclError as error:
            if variables.poisoned:
                error.where += f"; {POISONED}"
            elif variables.epoch > before:
                error.where += f"; version {version!r} is in place all the same"
            raise


class InitGraph(Graph):
    """The weight-init graph: writes every variable from constants in the file."""

    def open(self, stack: ExitStack, model_id: int, device: Device, variables: Variables) -> None:
        """Make the engine of a loaded model; the stack owns its datasets."""
        self._variables = variables
        given, taken = dataset(stack, []), dataset(stack, [])
        self._engine = new_engine(variables.gate, False, model_id, device, given, taken)

    def __call__(self) -> None:
        """Give every variable its initial value; the version becomes 0.

        Waits for running inferences and keeps later ones waiting until it is done.

        Raises:
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: aclmdlExecute failed, and the bundle is poisoned; or the
                thread's own context could not be set or put back, and the
                message says whether the values are in place.
        """
        with self._variables.alone(self.label):
            self._variables.seen.forget()
            _commit(self._variables, self._engine, self.label, 0, self._variables.names)


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
        variables: Variables,
        weights: tuple[WeightSpec, ...],
    ) -> None:
        """Make the stage and the engine of a loaded model; the stack owns what they hold."""
        self._variables, self.weights = variables, weights
        self._stage = Stage(stack, device, weights)
        outputs = dataset(stack, [])
        self._engine = new_engine(
            variables.gate, False, model_id, device, self._stage.dataset, outputs
        )
        self._stage.open(self._engine)

    def __call__(  # type: ignore[override]
        self,
        weights: Mapping[str, Any],
        *,
        version: int | str | None = None,
        cast: str = "safe",
        on_overflow: str = "warn",
        unknown: str = "error",
        skip_unchanged: bool | str = False,
        tokens: Mapping[str, Hashable] | None = None,
        threads: int = 1,
    ) -> UpdateReport:
        """Assign new values to some weights; all others stay as they are.

        Waits for running inferences and keeps later ones waiting while the
        update graph runs. Moving the bytes happens before that, beside them.

        Args:
            weights: An array per weight, by name: a numpy array, or anything
                with ``__dlpack__`` on the CPU, of the weight's shape. Read-only
                and non-contiguous are fine. NaN is data. A dict holds its
                values; of any other mapping each value is fetched twice, to be
                checked and to be moved, and few are held at a time.
            version: What to call the new weights; None for the previous int
                plus one (1 after a str, or when there was none).
            cast: "safe" takes the weight's dtype and what converts to it
                without loss; "same_kind" also wider floats for narrower ones
                (float32 for float16 and bfloat16, float64 for float32).
            on_overflow: When a conversion makes finite values infinite: "warn",
                or "error" to refuse the update.
            unknown: Names that the graph does not have are an "error", or to
                "ignore".
            skip_unchanged: True leaves out weights whose bytes hash as those of
                the last update did; "identity" those that are the very objects
                of the last update, which were not written to since.
            tokens: By name, anything hashable that changes when the value does.
                A weight whose token equals the last update's is left out, and
                its value is not looked at.
            threads: How many host threads move and convert large weights, 1 to 16.

        Returns:
            What was changed, and the time of each step.

        Raises:
            WeightError: A name is unknown, a dtype or shape does not fit, a
                weight of rank 0 has a value that the device would skip, or a
                value overflows and must not. Nothing was changed.
            TypeError: Not a mapping, or a value is not an array. Nothing was changed.
            ValueError: An option has a value that there is not. Nothing was changed.
            UnsupportedError: ``skip_unchanged=True`` without xxhash. Nothing was changed.
            PoisonedError: A commit failed before and this update does not
                cover every weight. Nothing was changed.
            ClosedError: The bundle is closed, or was loaded before a fork.
            AclError: A call failed. In aclmdlExecute: the bundle is poisoned.
                Before it: nothing was changed. Putting the thread's own context
                back after it: the update is in place, and the message says so.
        """
        if not (version is None or type(version) in (int, str)):
            raise TypeError(f"version is an int or a str, not {version!r}")
        options = Options(cast, on_overflow, unknown, skip_unchanged, tokens, threads)
        start = perf_counter()
        with self._variables.alone(self.label):
            seen = self._variables.seen
            plan = make_plan(self.label, self.weights, weights, options, seen)
            planned = perf_counter()
            self._check_poisoned(plan)
            buckets = self._stage.buckets(plan)
            if len(buckets) == 1:
                self._stage.write(plan)
                plan.check_overflow()
            elif on_overflow == "error":
                self._stage.survey(plan)
                plan.check_overflow()
            staged = perf_counter()
            label = self._variables.next_version() if version is None else version
            before = self._variables.epoch
            seen.forget(plan.names)
            try:
                for bucket in buckets:
                    if len(buckets) > 1:
                        self._stage.write(bucket)
                    _commit(self._variables, self._engine, self.label, label, bucket.names)
            finally:
                if self._variables.epoch == before + len(buckets):
                    self._learn(plan)
                    seen.commit(plan)
                elif self._variables.poisoned:
                    seen.forget()
            if len(buckets) > 1:
                plan.check_overflow()
            committed = perf_counter()
        return UpdateReport(
            version=label,
            changed=plan.names,
            kept=tuple(plan.kept),
            nbytes=plan.nbytes,
            seconds={
                "plan": planned - start,
                "stage": staged - planned,
                "commit": committed - staged,
            },
            unchanged=tuple(plan.unchanged),
            ignored=plan.ignored,
            casts=plan.casts,
        )

    def plan(
        self,
        weights: Mapping[str, Any],
        *,
        cast: str = "safe",
        on_overflow: str = "warn",
        unknown: str = "error",
        skip_unchanged: bool | str = False,
        tokens: Mapping[str, Hashable] | None = None,
        threads: int = 1,
    ) -> PlanReport:
        """Tell what an update with the same arguments would do; moves and changes nothing.

        Names that the graph does not have are listed, whatever ``unknown`` says.

        Raises:
            WeightError: A dtype, shape or scalar value does not fit.
            TypeError: Not a mapping, or a value is not an array.
            ValueError: An option has a value that there is not.
            UnsupportedError: ``skip_unchanged=True`` without xxhash.
            ClosedError: The bundle is closed, or was loaded before a fork.
        """
        options = Options(cast, on_overflow, unknown, skip_unchanged, tokens, threads)
        options = replace(options, unknown="ignore")
        with self._variables.alone(self.label):
            seen = self._variables.seen
            return make_plan(self.label, self.weights, weights, options, seen).report()

    def _learn(self, plan: Plan) -> None:
        """Keep the shapes that an update was the first to show."""
        self.weights = tuple(
            plan.learnt.get(index, spec) for index, spec in enumerate(self.weights)
        )

    def _check_poisoned(self, plan: Plan) -> None:
        if self._variables.poisoned and len(plan.names) < len(self.weights):
            missing = [spec.name for spec in self.weights if spec.name not in plan.names]
            raise PoisonedError(
                f"a commit failed before, so {POISONED}; this update leaves out"
                f" {', '.join(missing)}"
            )
