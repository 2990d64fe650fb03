"""Graphs that infer: what stands behind their runs is made once, at load.

Device buffers, data buffers and datasets, an engine for each time the graph is
loaded, and the door for its kind of shapes: one, a choice of gears, or any.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from acl_bundle._async.runner import SlotSizes
from acl_bundle._async.second_ids import SecondIds
from acl_bundle._async.serving import Serving
from acl_bundle._load.describe import describe_dynamic
from acl_bundle._run import dynamic
from acl_bundle._run import gears as geared
from acl_bundle._run.engine import dataset, join_replicas, loose_dataset, new_engine
from acl_bundle._run.run import make_runs
from acl_bundle._run.signature import FixedShapes, Shapes, Signature
from acl_bundle.device import Device
from acl_bundle.errors import UnsupportedError
from acl_bundle.graph import Graph
from acl_bundle.om import Gears
from acl_bundle.spec import TensorSpec


class InferenceGraph(Graph):
    """A graph that computes outputs from inputs and reads the variables."""

    def open(
        self,
        stack: ExitStack,
        models: Sequence[int],
        device: Device,
        second_ids: SecondIds,
        gears: Gears | None = None,
    ) -> None:
        """Make the buffers and engines of a loaded model; the stack owns the buffers.

        Args:
            stack: Gives back what is made here.
            models: The ids of the model, of which each runs once at a time.
            device: Where they are loaded.
            second_ids: The bundle's.
            gears: What the file tells of them.

        Raises:
            UnsupportedError: The model has an input for the gear, and the file
                tells no gears or not all the shapes in them.
        """
        at = geared.gear_index(self.inputs)
        if at is not None:
            self._open_gears(stack, models, device, second_ids, gears, at)
        elif any(spec.dynamic for spec in (*self.inputs, *self.outputs)):
            self._open_dynamic(stack, models, device, second_ids)
        else:
            self._open_static(stack, models, device, second_ids)

    def _run_with(
        self,
        engine: Any,
        shapes: Shapes,
        second_ids: SecondIds,
        sizes: SlotSizes | None,
        *,
        alone: bool,
    ) -> None:
        device = second_ids.device.index
        signature = Signature(self.inputs, self.outputs, self.label, shapes, device)
        activated = second_ids.device.activated
        runs = make_runs(engine, second_ids.variables, signature, activated, alone=alone)
        self._run, self._call, self._bind = runs
        self._serving = Serving(second_ids, self.index, sizes, signature)

    def _open_static(
        self, stack: ExitStack, models: Sequence[int], device: Device, second_ids: SecondIds
    ) -> None:
        variables = second_ids.variables
        sizes, results = ([spec.nbytes for spec in specs] for specs in (self.inputs, self.outputs))
        engines = [
            new_engine(
                variables.gate, True, model, device, dataset(stack, sizes), dataset(stack, results)
            )
            for model in models
        ]
        engine = join_replicas(variables.gate, engines)
        shapes = FixedShapes(self.inputs, self.outputs)
        slots = SlotSizes(sizes, results)
        self._run_with(engine, shapes, second_ids, slots, alone=len(models) == 1)

    def _open_gears(
        self,
        stack: ExitStack,
        models: Sequence[int],
        device: Device,
        second_ids: SecondIds,
        gears: Gears | None,
        at: int,
    ) -> None:
        if gears is None:
            raise UnsupportedError(f"{self.label} has gears, but the file does not tell which")
        extra, own = self.inputs[at], (*self.inputs[:at], *self.inputs[at + 1 :])
        made = geared.table(gears, own, self.outputs, self.label)
        ins, outs = [gear.inputs for gear in made], [gear.outputs for gear in made]
        sizes = geared.sizes(own, ins)
        sizes = [*sizes[:at], extra.nbytes, *sizes[at:]]
        results = geared.sizes(self.outputs, outs)
        engines = []
        for model in models:
            source, target = dataset(stack, sizes), dataset(stack, results)
            source = source._replace(tensors=[*source.tensors[:at], *source.tensors[at + 1 :]])
            engines.append(
                new_engine(second_ids.variables.gate, True, model, device, source, target)
            )
        engine = join_replicas(second_ids.variables.gate, engines)
        self.inputs: tuple[TensorSpec, ...] = own
        self.batches: tuple[int, ...] = gears.batches
        self.outputs: tuple[TensorSpec, ...] = geared.shown(self.outputs, outs)
        shapes = geared.GearShapes(gears, made, at, [spec.name for spec in own])
        slots = SlotSizes(sizes, results, at)
        self._run_with(engine, shapes, second_ids, slots, alone=len(models) == 1)

    def _open_dynamic(
        self, stack: ExitStack, models: Sequence[int], device: Device, second_ids: SecondIds
    ) -> None:
        known, gate = describe_dynamic(models[0]), second_ids.variables.gate
        engines = []
        for model in models:
            source = loose_dataset(stack, [0] * len(self.inputs))
            target = loose_dataset(stack, [spec.nbytes for spec in self.outputs])
            engine = new_engine(gate, True, model, device, source, target)
            dynamic.new_shapes(
                stack,
                engine,
                [(buffer, one.dtype) for buffer, one in zip(source.buffers, known, strict=True)],
                target.tensors,
            )
            engines.append(engine)
        engine = join_replicas(gate, engines)
        shapes = dynamic.DynamicShapes(self.inputs, known)
        self._run_with(engine, shapes, second_ids, None, alone=len(models) == 1)
