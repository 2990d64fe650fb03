"""A measured model on the device: loaded, its weights filled, its inputs made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle._device.make import to_device
from acl_bundle._pair.active import ActiveGraph
from acl_bundle.answers.inputs import made_up
from acl_bundle.bench.axes import Shapes
from acl_bundle.bench.models import Source
from acl_bundle.bundle import Bundle
from acl_bundle.errors import RoleError, UnsupportedError, UpdateError
from acl_bundle.graph import Graph
from acl_bundle.pair import Pair

Run: TypeAlias = Callable[[], Any]


def bundle(stack: ExitStack, source: Source, *, device: int, replicas: int) -> Bundle:
    """Load a model and give its weights values: the file's own, else zeros."""
    loaded = stack.enter_context(Bundle.load(source, device=device, replicas=replicas))
    roles = {graph.role for graph in loaded.graphs}
    if "init" in roles:
        loaded.init()
    elif "update" in roles:
        loaded.update(zeros(loaded.weights))
    return loaded


def pair(stack: ExitStack, source: Source, *, device: int, replicas: int) -> Pair:
    """As `bundle`, twice."""
    loaded = stack.enter_context(Pair.load(source, device=device, replicas=replicas))
    try:
        loaded.init()
    except RoleError:  # there is no init graph
        loaded.update(zeros(loaded.weights))
    return loaded


def zeros(weights: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return a value of zeros for each weight.

    Raises:
        ValueError: The file does not tell a weight's shape.
    """
    specs = [state.spec for state in weights.values()]
    unknown = [spec.name for spec in specs if spec.shape is None]
    if unknown:
        raise ValueError(
            f"the file has no init graph and does not tell the shape of {unknown[0]!r}, so"
            " nothing can be put into its weights"
        )
    return {spec.name: np.zeros(spec.shape or (), spec.dtype) for spec in specs}


def values(loaded: Bundle | Pair) -> dict[str, NDArray[Any]]:
    """Return what an update can give to every weight: what it holds; zeros where that is not kept.

    Raises:
        ValueError: A value is not kept, and the file does not tell the weight's shape.
    """
    try:
        return {name: loaded.read(name) for name in loaded.weights}
    except (UnsupportedError, UpdateError):
        return zeros(loaded.weights)


def arrays(
    graph: Graph | ActiveGraph,
    shapes: Shapes,
    given: Mapping[str, NDArray[Any]],
    seed: int | None,
) -> dict[str, NDArray[Any]]:
    """Return the graph's inputs: those that were given, and others of a seed.

    Raises:
        ValueError: There is no seed, and one is not given.
    """
    missing = [spec.name for spec in graph.inputs if spec.name not in given]
    if missing and seed is None:
        raise ValueError(
            f"input {missing[0]!r} is not given; say {missing[0]}=FILE.npy, or random for the rest"
        )
    others = {
        spec.name: made_up(spec, shapes.get(spec.name, spec.shape), seed or 0)
        for spec in graph.inputs
        if spec.name in missing
    }
    return {spec.name: ({**others, **given})[spec.name] for spec in graph.inputs}


def parts(
    stack: ExitStack, graph: Graph, given: Mapping[str, NDArray[Any]], device: int
) -> tuple[Run, Run, Run]:
    """Return what copies the inputs in, executes on the device, and copies the outputs out.

    All memory is there before: a call allocates nothing.
    """
    on_device = {
        name: stack.enter_context(to_device(array, device=device)) for name, array in given.items()
    }
    outputs = dict(graph.run(on_device, out="device"))
    results = {name: (one, one.to_host()) for name, one in outputs.items()}
    binding = graph.bind(on_device, outputs)
    stack.callback(binding.close)
    pairs = [(given[name], on_device[name]) for name in given]

    def copy_in() -> None:
        for host, target in pairs:
            to_device(host, out=target)

    def copy_out() -> None:
        for result, host in results.values():
            result.to_host(host)

    return copy_in, binding, copy_out
