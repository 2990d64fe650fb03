"""The ways to run a graph: `run` and calls, which are functions in C, and bindings.

All go through the graph's `Signature`. C looks at the arrays (csrc/infer/take.c),
makes the outputs and runs, in one crossing; what it cannot use as it is, the
signature converts or explains (`Signature.settle`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from acl_bundle._base.wait import POLL_MS
from acl_bundle._binding.calls import make_bound, make_calls
from acl_bundle._binding.failures import HELD
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._device.events import wait_for
from acl_bundle._device.memory import made_room
from acl_bundle._run.dynamic import drop, give
from acl_bundle._run.fit import Array, Choice, Extent, Fit, Given, Out, Shape, Target
from acl_bundle._run.published import Version
from acl_bundle._run.signature import Signature
from acl_bundle._run.variables import Variables
from acl_bundle.device import Activated
from acl_bundle.errors import AclResourceError, BusyError

KNOWN_NUMPY = ("1.", "2.")
"""Whose arrays csrc/infer/take.c can read. Those of another go through the signature."""


if TYPE_CHECKING:  # type checkers know defaults, Python does from 3.13 on
    from typing_extensions import TypeVar

    Value = TypeVar("Value", default=Array)
else:
    from typing import TypeVar

    Value = TypeVar("Value")


class Outputs(dict[str, Value]):
    """The outputs of one run, in the model's order: numpy arrays, or, where `out` leaves them on
    the device, DeviceArrays (for type checkers ``Outputs[DeviceArray]``, or of both).

    A device calls an output ``<node>:<idx>`` where ONNX says ``<name>``; so a
    key may also be a part before or after a colon that only one output has.

    Attributes:
        version: The version of the weights that computed them.
    """

    __slots__ = ("version",)
    version: Version

    def __missing__(self, key: str) -> Value:
        found = [name for name in self if f":{key}:" in f":{name}:"]
        if len(found) == 1:
            return self[found[0]]
        raise KeyError(f"{key!r} names {len(found)} outputs of {', '.join(self)}")


class Binding(Protocol):
    """A run whose arrays were given beforehand."""

    def __call__(self) -> int:
        """Run once and return the weights' epoch: how many commits came before."""

    def close(self) -> None:
        """Let the arrays go; later calls raise ClosedError. Waits for a call under way.

        What is raised in a signal's handler ends the wait: then calls are refused, and the
        arrays are kept until the next ``close()``.
        """


Run = Callable[..., Outputs[Any]]
Call = Callable[..., Any]
Bind = Callable[[Mapping[str, Any], Mapping[str, Any], Any], Binding]


class _CSignature:
    """A signature as C has it: an ``ab_signature``, and all that it points at."""

    def __init__(self, engine: Any, signature: Signature) -> None:
        specs = (*signature.inputs, *signature.outputs)
        choices = signature.shapes.choices
        self._sizes = ffi.new("size_t[]", [spec.dtype.itemsize for spec in specs])
        self._held: list[Any] = []
        self._choices = ffi.new("ab_choice[]", [self._choice(one) for one in choices])
        self.pointer = ffi.new(
            "ab_signature *",
            {"engine": engine, "inCount": len(signature.inputs),
             "outCount": len(signature.outputs), "sizes": self._sizes,
             "choiceCount": len(choices), "choices": self._choices,
             "readable": np.__version__.startswith(KNOWN_NUMPY), "dynamic": signature.dynamic},
        )  # fmt: skip

    def _choice(self, choice: Choice) -> tuple[Any, Any, Any]:
        outputs = choice.outputs
        given = self._extents(choice.inputs)
        taken = NULL if outputs is None else self._extents([(dims, dims) for dims in outputs])
        return choice.gear, given, taken

    def _extents(self, extents: Sequence[Extent]) -> Any:
        made = ffi.new("ab_extent[]", [self._extent(one) for one in extents])
        self._held.append(made)
        return made

    def _extent(self, extent: Extent) -> tuple[int, Any, Any]:
        if extent is None:
            return -1, NULL, NULL
        bounds = [ffi.new("int64_t[]", one) for one in extent]
        self._held += bounds
        return len(extent[0]), *bounds


def make_runs(
    engine: Any, variables: Variables, signature: Signature, activated: Activated, *, alone: bool
) -> tuple[Run, Call, Bind]:
    """Make ``run(inputs, out)``, ``call(*arrays)`` and ``bind(inputs, outputs)``; see Graph.

    Args:
        engine: The graph's.
        variables: The bundle's.
        signature: What the graph takes and gives.
        activated: Makes the context of its device the thread's for a while.
        alone: The engine runs once at a time, so a binding cannot run twice at once.
    """
    told = _CSignature(engine, signature)
    specs = (*signature.inputs, *signature.outputs)

    depth = 4 + signature.dynamic  # calls between the user's line and the warning

    def explain(answer: int) -> int:
        names = signature.in_names, signature.out_names
        return variables.explain(answer, signature.label, *names, depth=depth)

    def settle(given: Given, out: Out = None, ready: Any = None) -> tuple[int, Any, Fit]:
        settled = signature.settle(given, out, ready)
        wait_for(settled[2].ready, activated, signature.label)
        return settled

    def finish(made: int, targets: Sequence[Target]) -> tuple[Any, ...]:
        return give(ffi.cast("ab_output *", made), signature.outputs, targets, signature.device)

    run, call = make_calls((
        int(ffi.cast("uintptr_t", told.pointer)), np.ndarray,
        tuple(spec.name for spec in specs), tuple(spec.dtype for spec in specs),
        np.empty, tuple(_new(one, signature) for one in signature.shapes.choices),
        Outputs, "version", variables.versions, explain, settle,
        finish, told,
    ))  # fmt: skip
    if signature.dynamic:
        run, call = _with_room(run), _with_room(call)
    return run, call, partial(_bind, engine, variables, signature, activated, alone)


def _with_room(run: Callable[..., Any]) -> Callable[..., Any]:
    """A run of a dynamic graph, whose inputs' memory grows in C (csrc/infer/place.c).

    Where the device has no room, idle memory is given up, and it is run again.
    """

    def again(*arguments: Any) -> Any:
        try:
            return run(*arguments)
        except AclResourceError as error:
            if error.function != "aclrtMalloc" or not made_room():
                raise
        return run(*arguments)

    return again


def _new(choice: Choice, signature: Signature) -> tuple[tuple[Shape, Any], ...]:
    """The arguments with which numpy.empty makes each output; none where the run makes them."""
    if choice.outputs is None:
        return ()
    rows = zip(choice.outputs, signature.outputs, strict=True)
    return tuple((shape, spec.dtype) for shape, spec in rows)


def _bind(
    engine: Any,
    variables: Variables,
    signature: Signature,
    activated: Activated,
    alone: bool,
    given: Given,
    taken: Given,
    ready: Any,
) -> Binding:
    """See `Graph.bind`."""
    variables.check(signature.label)
    fit = signature.fit(given, ready, in_place=True)
    fit.write_to(signature.targets(fit, taken, whole=True))
    made = ffi.new("ab_output[]", len(signature.outputs) if signature.dynamic else 0)
    fit.pointer.made = made if signature.dynamic else NULL
    plan = ffi.new("ab_plan *", {"engine": engine, "run": fit.pointer})
    held = [fit]
    in_turn = signature.dynamic or not alone
    # Calls between the user's line and the warning:
    above = 3 + in_turn + signature.dynamic + bool(fit.ready)

    def explain(answer: int) -> int:
        names = signature.in_names, signature.out_names
        return variables.explain(answer, signature.label, *names, depth=above)

    def close() -> None:
        _close(plan)  # waits for a run of it: the arrays may go then
        with suppress(IndexError):  # another close has done the rest
            held.pop()
            drop(made, len(made))

    def finish() -> None:
        if signature.dynamic:
            give(made, signature.outputs, held[0].targets, signature.device)

    once: Any = make_bound((int(ffi.cast("uintptr_t", plan)), explain, plan, held))

    if signature.dynamic:
        once = _with_room(once)

    def when_ready() -> int:
        wait_for(fit.ready, activated, signature.label)
        epoch: int = once()
        return epoch

    bound: Any = partial(when_ready if fit.ready else once)
    bound.close = close
    if in_turn:
        is_held = lambda: variables.committing.is_held  # noqa: E731
        bound = _in_turn(bound, finish, plan, is_held, explain, signature.label)
    return cast("Binding", bound)


def _close(plan: Any) -> None:
    """Refuse later runs, and wait for one that is under way; Ctrl-C ends the wait alone."""
    while not lib.ab_plan_close(plan, POLL_MS):
        pass


def _in_turn(
    bound: Any,
    finish: Callable[[], None],
    plan: Any,
    is_held: Callable[[], bool],
    explain: Callable[[int], int],
    label: str,
) -> Any:
    """A binding whose calls, and the end of it, wait for each other; a signal's handler is refused.

    The thread that holds the bundle waits for none that waits for it:

    1. T1 holds the bundle
    2. T2 calls, takes the lock, and waits at the gate
    3. T1 closes the binding: the plan is closed, the hold goes on and no call has entered, so
       the arrays go without the lock
    4. the gate opens, and T2 is refused before it looks at an array
    """
    lock, inside = threading.RLock(), False

    @contextmanager
    def turn() -> Iterator[None]:
        nonlocal inside
        with lock:
            if inside:
                raise BusyError(
                    f"the binding of {label} is refused: a signal's handler uses it within a call"
                    " of it, for which it would wait"
                )
            try:
                inside = True
                yield
            finally:
                inside = False

    def call() -> int:
        if is_held():
            return explain(HELD)
        with turn():
            plan.entered = 0
            epoch: int = bound()
            finish()
        return epoch

    def close() -> None:
        if is_held():
            _close(plan)
            if is_held() and not plan.entered:
                bound.close()
                return
        with turn():
            bound.close()

    call.close = close  # type: ignore[attr-defined]
    return call
