"""What a bundle consists of once it is loaded, made in order: the graphs and what they share."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

from acl_bundle import om
from acl_bundle._async.second_ids import SecondIds
from acl_bundle._load import flows
from acl_bundle._load.describe import describe
from acl_bundle._load.flows import Flow, LoadedBundle
from acl_bundle._load.inference import InferenceGraph
from acl_bundle._load.kept import Kept
from acl_bundle._load.weights import program_of, weights_of
from acl_bundle._run.variables import Variables
from acl_bundle._update._commit.saved import Area
from acl_bundle._update._commit.writer import Writer
from acl_bundle._update._transaction.update import UpdateGraph
from acl_bundle._update.held import Readback
from acl_bundle._update.init import InitGraph
from acl_bundle._update.snapshots import Snapshots
from acl_bundle.device import Device
from acl_bundle.errors import BundleFormatError, RoleError
from acl_bundle.graph import Graph
from acl_bundle.spec import TensorSpec, WeightSpec
from acl_bundle.weight_program import WeightProgram

Specs = tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]


class LoadedParts(NamedTuple):
    """A loaded bundle, taken apart.

    Attributes:
        graphs: In file order.
        writer: What writes the variables.
        second_ids: Graphs that were loaded once more.
        snapshots: What takes them.
        readback: What reads the weights back.
    """

    graphs: tuple[Graph, ...]
    writer: Writer
    second_ids: SecondIds
    snapshots: Snapshots
    readback: Readback


class Opening:
    """Loads a bundle and makes its parts; the stack gives back what they hold.

    Args:
        stack: The bundle's.
        device: Where to; its context is current.
        keep: The bundle, which stays while it commits.
        kept: The file.
        roles: Of its graphs, by index.
        replicas: How often to load what computes.
        beside: A weight program that the caller gave.
    """

    def __init__(
        self,
        stack: ExitStack,
        device: Device,
        keep: weakref.ref[Any],
        kept: Kept,
        roles: dict[int, str],
        replicas: int,
        beside: WeightProgram | None,
    ) -> None:
        self._stack, self._device, self._keep, self._kept = stack, device, keep, kept
        self._file, self._roles, self._replicas, self._beside = kept.file, roles, replicas, beside

    def parts(self, flow: Flow) -> LoadedParts:
        """Load it; raises as `Bundle.load`."""
        loaded, file = flows.load(self._stack, self._kept, self._device, flow), self._file
        described = self._described(loaded)
        update = next((index for index, role in self._roles.items() if role == "update"), None)
        weights = () if update is None else weights_of(file, described[update][0])
        if self._beside is not None and update is None:
            raise RoleError("program= is given, but no graph of the file takes weights")
        program = None if update is None else program_of(file, update, weights, self._beside)
        names = [spec.name for spec in weights] or list(file.variables)
        made = program is not None and not program.is_plain
        sources = [spec.name for spec in program.sources] if program and made else []
        defined = not names and not file.variable_size
        variables = Variables(names, sources, defined, keep=self._keep)
        self._writer = writer = Writer(variables, self._area(loaded))
        self._second_ids = SecondIds(self._stack, loaded.again, self._device, variables, self._keep)
        graphs = tuple(
            self._graph(index, model, specs, weights, program)
            for index, (model, specs) in enumerate(zip(loaded.models, described, strict=True))
        )
        snapshots = Snapshots(self._stack, self._device, writer)
        self._stack.callback(self._second_ids.leave_what_hangs)
        self._stack.callback(variables.close)
        self._stack.callback(self._second_ids.stop)
        readback = Readback(writer, self._readable(graphs), program, self._kept.first_value)
        return LoadedParts(graphs, writer, self._second_ids, snapshots, readback)

    def _described(self, loaded: LoadedBundle) -> list[Specs]:
        """What each graph takes and gives, as the library says and the file confirms."""
        models, there = loaded.models, self._file.models
        if len(models) != len(there):
            raise BundleFormatError(
                f"the library loaded {len(models)} graphs where the file has {len(there)}"
            )
        described = [describe(model) for model in models]
        for model, specs in zip(there, described, strict=True):
            _check_ends(model, specs)
        return described

    def _readable(self, graphs: tuple[Graph, ...]) -> Callable[[], tuple[WeightSpec, ...]]:
        """What tells the weights that can be read: those of an update, or else the file's."""
        for graph in graphs:
            if isinstance(graph, UpdateGraph):
                return lambda: graph.weights
        variables = self._file.variables.values()
        named = tuple(WeightSpec(one.name, one.shape, one.numpy) for one in variables)
        return lambda: named

    def _area(self, loaded: LoadedBundle) -> Area | None:
        """The variables' memory, where it is ours, and where each weight lies."""
        if loaded.memory is None:
            return None
        places = {}
        for name, one in self._file.variables.items():
            if one.offset is None or one.nbytes is None:
                return Area(self._stack, self._device, loaded.memory, None)
            places[name] = one.offset, one.nbytes
        return Area(self._stack, self._device, loaded.memory, places)

    def _graph(
        self,
        index: int,
        model: int,
        specs: Specs,
        weights: tuple[WeightSpec, ...],
        program: WeightProgram | None,
    ) -> Graph:
        part, role, second_ids = self._file.models[index], self._roles.get(index), self._second_ids
        name, stack = part.name, self._stack
        if role == "init":
            init = InitGraph(name, index, role, *specs)
            init.open(stack, model, self._device, self._writer, second_ids)
            return init
        if role == "update":
            update = UpdateGraph(name, index, role, *specs)
            update.open(stack, model, self._writer, second_ids, weights, program)
            return update
        if not specs[1]:
            return Graph(name, index, role, *specs)
        graph = InferenceGraph(name, index, role, *specs)
        replicas = [second_ids.load(stack, index) for _ in range(self._replicas - 1)]
        graph.open(stack, [model, *replicas], self._device, second_ids, part.gears)
        return graph


def _check_ends(
    model: om.Model, specs: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]
) -> None:
    """Refuse a library that describes another graph than the file does."""
    for kind, said, loaded in zip(
        ("inputs", "outputs"), (model.inputs, model.outputs), specs, strict=True
    ):
        if len(said) != len(loaded):
            raise BundleFormatError(
                f"the library says {model.name} has {len(loaded)} {kind};"
                f" the file lists {len(said)}"
            )
