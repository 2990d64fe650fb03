"""What the runs of graphs with more than one shape have in common.

A graph with gears (`gears`) and a dynamic one (`dynamic`) each make one
function, ``step``: it takes the inputs' arrays in order, and for each output
the array to write or None, and returns the epoch and the outputs' arrays. Here
``run``, ``call`` and ``bind`` are made of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from acl_bundle._base.arrays import as_array
from acl_bundle._run.run import Array, Bind, Binding, Call, Given, Outputs, Run
from acl_bundle._run.variables import Variables
from acl_bundle.errors import ClosedError
from acl_bundle.spec import TensorSpec

Step = Callable[[list[Array], list[Array | None]], tuple[int, list[Array]]]


class Signature:
    """The names of a graph's inputs and outputs, and what may be given for them."""

    def __init__(
        self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...], label: str
    ) -> None:
        self.inputs, self.outputs, self.label = inputs, outputs, label
        self.in_names = [spec.name for spec in inputs]
        self.out_names = [spec.name for spec in outputs]

    def take(self, given: Given) -> list[Array]:
        """The inputs in order, as arrays whose dtype and shape nobody has looked at."""
        if isinstance(given, Mapping):
            values = self._named("input", self.in_names, given)
            missing = [n for n, v in zip(self.in_names, values, strict=True) if v is None]
            if missing:
                raise ValueError(f"{self.label} misses input {', '.join(map(repr, missing))}")
        elif isinstance(given, np.ndarray) or not isinstance(given, Sequence):
            raise TypeError(f"give the inputs as a dict or a sequence, not {type(given)}")
        else:
            values = list(given)
        if len(values) != len(self.inputs):
            raise ValueError(
                f"{self.label} has {len(self.inputs)} inputs"
                f" ({', '.join(map(str, self.inputs))}), not {len(values)}"
            )
        return [
            as_array(value, f"input {spec.name!r}", spec)
            for spec, value in zip(self.inputs, values, strict=True)
        ]

    def targets(self, out: Mapping[str, Array] | None) -> list[Array | None]:
        """The arrays to write in order, None where one is not given.

        Raises:
            ValueError: A name is unknown, or an array is not contiguous or read-only.
            TypeError: It is no numpy array, or has another dtype.
        """
        if out is None:
            return [None] * len(self.outputs)
        arrays = self._named("output", self.out_names, out)
        for spec, array in zip(self.outputs, arrays, strict=True):
            if array is not None:
                check_target(array, spec)
        return arrays

    def _named(self, kind: str, names: list[str], given: Mapping[str, Any]) -> list[Any]:
        unknown = [str(name) for name in given if name not in names]
        if unknown:
            raise ValueError(
                f"{self.label} has no {kind} {', '.join(map(repr, unknown))};"
                f" it has {', '.join(names) or 'none'}"
            )
        return [given.get(name) for name in names]


def check_target(array: Any, spec: TensorSpec) -> None:
    """Refuse an array that cannot be written for an output; its shape is not looked at.

    Raises:
        TypeError: It is no numpy array, or has another dtype.
        ValueError: It is not contiguous, or read-only.
    """
    what = f"output {spec.name!r}"
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{what} is a {type(array).__name__}; give a numpy array {spec}")
    check_dtype(array, what, spec)
    if not array.flags.c_contiguous:
        raise ValueError(f"{what} is not C-contiguous; give numpy.ascontiguousarray of it")
    if not array.flags.writeable:
        raise ValueError(f"{what} is read-only and would be written; give a writable array")


def check_dtype(array: Array, what: str, spec: TensorSpec) -> None:
    """Refuse another dtype or byte order.

    Raises:
        TypeError: It is not the spec's.
    """
    if array.dtype != spec.dtype:
        swapped = array.dtype.newbyteorder() == spec.dtype
        raise TypeError(
            f"{what} has dtype {array.dtype.str if swapped else array.dtype}"
            f"{' (byte-swapped)' if swapped else ''}; it must be {spec.dtype}"
        )


def make(step: Step, signature: Signature, variables: Variables) -> tuple[Run, Call, Bind]:
    """Make ``run(inputs, out)``, ``call(*arrays)`` and ``bind(inputs, outputs)``; see Graph."""
    versions = variables.versions

    def run(given: Given, out: Mapping[str, Array] | None = None) -> Outputs:
        epoch, arrays = step(signature.take(given), signature.targets(out))
        results = Outputs(zip(signature.out_names, arrays, strict=True))
        results.version = versions[epoch]
        return results

    def call(*given: Any) -> Any:
        results = tuple(run(given).values())
        return results[0] if len(results) == 1 else results

    def bind(given: Mapping[str, Array], taken: Mapping[str, Array]) -> Binding:
        return _binding(step, signature, given, taken)

    return run, call, bind


def _binding(
    step: Step, signature: Signature, given: Mapping[str, Array], taken: Mapping[str, Array]
) -> Binding:
    """A run whose arrays stay the same; they are looked at anew in every call."""
    sources, targets = signature.take(given), signature.targets(taken)
    missing = [n for n, a in zip(signature.out_names, targets, strict=True) if a is None]
    if missing:
        raise ValueError(f"{signature.label} misses output {', '.join(map(repr, missing))}")
    for spec, array in zip(signature.inputs, sources, strict=True):
        if not array.flags.c_contiguous:
            raise ValueError(
                f"input {spec.name!r} is not C-contiguous; give numpy.ascontiguousarray of it"
            )
    held: list[tuple[list[Array], list[Array | None]]] = [(sources, targets)]
    lock = threading.Lock()

    def call() -> int:
        with lock:
            if not held:
                raise ClosedError(f"the binding of {signature.label} is closed")
            epoch, _ = step(*held[0])
        return epoch

    def close() -> None:
        with lock:
            held.clear()

    call.close = close  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]
