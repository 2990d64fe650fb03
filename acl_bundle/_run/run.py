"""The hot path: closures that run one graph.

`make_run` and `make_bind` freeze everything that does not change between runs
(names, dtypes, shapes, the engine, cffi's functions) into the cells of a
closure. What is given goes through `_Side.take`, which converts, copies or
explains. A graph of one input and one output takes no such detour when it is
given one right array: csrc/infer/call.c checks it, makes the output and runs,
and leaves to the closures whatever it cannot use as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array, check
from acl_bundle._binding.calls import make_bound, make_calls
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._run.variables import Variables, Version
from acl_bundle.spec import TensorSpec

Array = NDArray[Any]
Given = Mapping[str, Any] | Sequence[Any]
KNOWN_NUMPY = ("1.", "2.")
"""Whose arrays csrc/infer/call.c can read. Under any other numpy every run is the general one."""


class Outputs(dict[str, Array]):
    """The outputs of one run, in the model's order.

    A device calls an output ``<node>:<idx>`` where ONNX says ``<name>``; so a
    key may also be a part before or after a colon that only one output has.

    Attributes:
        version: The version of the weights that computed them.
    """

    __slots__ = ("version",)
    version: Version

    def __missing__(self, key: str) -> Array:
        found = [name for name in self if f":{key}:" in f":{name}:"]
        if len(found) == 1:
            return self[found[0]]
        raise KeyError(f"{key!r} names {len(found)} outputs of {', '.join(self)}")


class Binding(Protocol):
    """A run whose arrays were given beforehand."""

    def __call__(self) -> int:
        """Run once and return the weights' epoch: how many commits came before."""

    def close(self) -> None:
        """Let the arrays go; later calls raise ClosedError. Waits for a call under way."""


Run = Callable[[Given, Mapping[str, Array] | None], Outputs]
Call = Callable[..., Any]
Bind = Callable[[Mapping[str, Array], Mapping[str, Array]], Binding]


class _Side:
    """The inputs or the outputs of a graph, and what may be given for them."""

    def __init__(self, kind: str, specs: tuple[TensorSpec, ...], label: str) -> None:
        self.kind, self.specs, self.label = kind, specs, label
        self.names = [spec.name for spec in specs]

    def _named(self, given: Given) -> list[Any]:
        """The values in the graph's order; None where one is not given."""
        if isinstance(given, Mapping):
            unknown = [str(name) for name in given if name not in self.names]
            if unknown:
                raise ValueError(
                    f"{self.label} has no {self.kind} {', '.join(map(repr, unknown))};"
                    f" it has {', '.join(map(str, self.specs)) or 'none'}"
                )
            return [given.get(name) for name in self.names]
        if isinstance(given, np.ndarray) or not isinstance(given, Sequence):
            raise TypeError(f"give the {self.kind}s as a dict or a sequence, not {type(given)}")
        if len(given) != len(self.specs):
            raise ValueError(
                f"{self.label} has {len(self.specs)} {self.kind}s"
                f" ({', '.join(map(str, self.specs))}), not {len(given)}"
            )
        return list(given)

    def take(self, given: Given) -> list[Array | None]:
        """The arrays in the graph's order, each checked; None where one is not given."""
        arrays: list[Array | None] = []
        for spec, value in zip(self.specs, self._named(given), strict=True):
            if value is None:
                arrays.append(None)
                continue
            what = f"{self.kind} {spec.name!r}"
            array = as_array(value, what, spec)
            check(array, what, spec)
            arrays.append(array)
        return arrays

    def take_all(self, given: Given) -> list[Array]:
        """As `take`, and none may be missing."""
        arrays = self.take(given)
        missing = [n for n, a in zip(self.names, arrays, strict=True) if a is None]
        if missing:
            raise ValueError(f"{self.label} misses {self.kind} {', '.join(map(repr, missing))}")
        return cast("list[Array]", arrays)

    def pinned(self, array: Array, spec: TensorSpec, writable: bool) -> Any:
        """A pointer to an array's own memory, or why there can be none."""
        what = f"{self.kind} {spec.name!r}"
        if not array.flags.c_contiguous:
            raise ValueError(f"{what} is not C-contiguous; give numpy.ascontiguousarray of it")
        if writable and not array.flags.writeable:
            raise ValueError(f"{what} is read-only and would be written; give a writable array")
        return ffi.from_buffer(array)


def _pointer(array: Array) -> Any:
    """A pointer to the array, or to a contiguous copy that it keeps alive."""
    try:
        return ffi.from_buffer(array)
    except ValueError:
        return ffi.from_buffer(np.ascontiguousarray(array))


class Fit(NamedTuple):
    """What a run is given, looked at.

    Attributes:
        sources: The inputs' arrays in the graph's order, contiguous.
        gear: The ``ab_gear`` they are in; NULL for a graph without gears.
        shapes: The outputs' shapes.
    """

    sources: list[Array]
    gear: Any
    shapes: Sequence[tuple[int, ...]]


class Fitter(Protocol):
    """Looks at what a run is given."""

    def fit(self, given: Given) -> Fit:
        """Look at the inputs; raises as `Graph.run` does."""

    def targets(self, fit: Fit, out: Mapping[str, Array] | None) -> list[Array]:
        """The arrays to write: those given, else new ones; raises as `Graph.run` does."""


class PlainFitter:
    """The `Fitter` of a graph whose shapes never change."""

    def __init__(
        self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...], label: str
    ) -> None:
        self._ins, self._outs = _Side("input", inputs, label), _Side("output", outputs, label)
        self._shapes = [spec.shape for spec in outputs]

    def fit(self, given: Given) -> Fit:
        """See `Fitter`."""
        arrays = self._ins.take_all(given)
        return Fit([np.ascontiguousarray(array) for array in arrays], NULL, self._shapes)

    def targets(self, fit: Fit, out: Mapping[str, Array] | None) -> list[Array]:
        """See `Fitter`."""
        arrays = self._outs.take({} if out is None else out)
        specs = self._outs.specs
        for spec, array in zip(specs, arrays, strict=True):
            if array is not None:
                self._outs.pinned(array, spec, True)
        return [
            np.empty(shape, spec.dtype) if array is None else array
            for spec, shape, array in zip(specs, fit.shapes, arrays, strict=True)
        ]


def make_run(
    engine: Any,
    variables: Variables,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    label: str,
) -> tuple[Run, Call]:
    """Make ``run(inputs, out)`` and ``call(*arrays)`` of one graph; see Graph."""
    ins, outs = _Side("input", inputs, label), _Side("output", outputs, label)
    run_all, explain, versions = lib.ab_run, variables.explain, variables.versions

    def targets(out: Mapping[str, Array] | None) -> tuple[list[Array], list[Any]]:
        arrays, pointers = [], []
        for spec, given in zip(outputs, outs.take({} if out is None else out), strict=True):
            array = np.empty(spec.shape, spec.dtype) if given is None else given
            arrays.append(array)
            pointers.append(outs.pinned(array, spec, True))
        return arrays, pointers

    def run(given: Given, out: Mapping[str, Array] | None = None) -> Outputs:
        sources = [_pointer(array) for array in ins.take_all(given)]
        arrays, pointers = targets(out)
        epoch = run_all(engine, sources, pointers)
        if epoch < 0:
            epoch = explain(epoch, label, ins.names, outs.names)
        results = Outputs(zip(outs.names, arrays, strict=True))
        results.version = versions[epoch]
        return results

    def call(*given: Any) -> Any:
        results = tuple(run(given).values())
        return results[0] if len(results) == 1 else results

    if len(inputs) == len(outputs) == 1 and np.__version__.startswith(KNOWN_NUMPY):
        return _calls(engine, variables, inputs[0], outputs[0], label, (run, call))
    return run, call


def _calls(
    engine: Any,
    variables: Variables,
    source: TensorSpec,
    target: TensorSpec,
    label: str,
    general: tuple[Run, Call],
) -> tuple[Run, Call]:
    """The same for a graph of one input and one output, in C; see csrc/infer/call.c.

    What is not an exact, contiguous ndarray is left to `general`.
    """

    def side(spec: TensorSpec) -> tuple[str, Any, bytes]:
        return spec.name, spec.dtype, np.array(spec.shape, np.intp).tobytes()

    def explain(answer: int) -> int:
        return variables.explain(answer, label, [source.name], [target.name])

    calls: tuple[Run, Call] = make_calls((
        int(ffi.cast("uintptr_t", engine)), np.ndarray, "version",
        *side(source), *side(target), np.empty, (target.shape, target.dtype),
        Outputs, variables.versions, explain, *general,
    ))  # fmt: skip
    return calls


def make_bind(
    engine: Any,
    variables: Variables,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
    label: str,
    *,
    alone: bool = True,
) -> Bind:
    """Make ``bind(inputs, outputs)`` of one graph; see Graph.bind.

    `alone`: the engine runs once at a time, so a binding cannot run twice at once.
    """
    ins, outs = _Side("input", inputs, label), _Side("output", outputs, label)

    def explain(answer: int) -> int:
        return variables.explain(answer, label, ins.names, outs.names, depth=3 if alone else 4)

    def exact(side: _Side, given: Mapping[str, Array], writable: bool) -> list[Any]:
        arrays = side.take_all(given)
        return [side.pinned(a, s, writable) for a, s in zip(arrays, side.specs, strict=True)]

    def bind(given: Mapping[str, Array], taken: Mapping[str, Array]) -> Binding:
        variables.check(label)
        sources, targets = exact(ins, given, False), exact(outs, taken, True)
        tables = ffi.new("void *[]", sources), ffi.new("void *[]", targets)
        plan = ffi.new("ab_plan *", {"engine": engine, "in": tables[0], "out": tables[1]})
        held = [*sources, *targets, *tables]

        def close() -> None:
            lib.ab_plan_close(plan)  # waits for a run of it: the arrays may go then
            held.clear()

        bound: Any = partial(make_bound((int(ffi.cast("uintptr_t", plan)), explain, plan, held)))
        bound.close = close
        return cast("Binding", bound if alone else _in_turn(bound))

    return bind


def _in_turn(bound: Any) -> Any:
    """A binding whose calls, and the end of it, wait for each other."""
    lock = threading.Lock()

    def call() -> int:
        with lock:
            epoch: int = bound()
        return epoch

    def close() -> None:
        with lock:
            bound.close()

    call.close = close  # type: ignore[attr-defined]
    return call
