"""One executable graph: names, shapes, and a call that is one crossing.

A graph's device buffers, data buffers and datasets are made once, at load. A
run then checks names, dtypes and shapes and enters the engine once
(csrc/acl_engine.c): copies in, executes, copies out, with the GIL released.
Nothing is allocated on the device and no pointer outlives the call; only `bind`
keeps arrays, because it is asked to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, NoReturn

import numpy as np

from acl_bundle import _dynamic, _gears, dtypes
from acl_bundle._api import NULL, acl, ffi, lib, text
from acl_bundle._run import Array, Bind, Binding, Call, Outputs, Run, make_bind, make_run
from acl_bundle._shaped import Ends
from acl_bundle._variables import Variables
from acl_bundle.device import Device
from acl_bundle.errors import RoleError, UnsupportedError
from acl_bundle.memory import DeviceBuffer
from acl_bundle.om import Gears
from acl_bundle.spec import TensorSpec


def _numpy(dtype: int) -> np.dtype[Any]:
    """The numpy dtype of an aclDataType; raw bytes where numpy has none."""
    if dtypes.has_numpy(dtype):
        return dtypes.to_numpy(dtype)
    return np.dtype((np.void, max(dtypes.nbytes(dtype), 1)))


def _tensor(desc: Any, index: int, kind: str) -> TensorSpec:
    """Read one tensor of a model description; kind is "Input" or "Output"."""
    dims = ffi.new("aclmdlIODims *")
    getattr(acl, f"aclmdlGet{kind}Dims")(desc, index, dims)
    shape = tuple(dims[0].dims[0 : dims[0].dimCount])
    return TensorSpec(
        name=text(getattr(acl, f"aclmdlGet{kind}NameByIndex")(desc, index)),
        shape=tuple(int(dim) for dim in shape),
        dtype=_numpy(int(getattr(acl, f"aclmdlGet{kind}DataType")(desc, index))),
        format=dtypes.format_name(int(getattr(acl, f"aclmdlGet{kind}Format")(desc, index))),
        nbytes=int(getattr(acl, f"aclmdlGet{kind}SizeByIndex")(desc, index)),
    )


def describe(model_id: int) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Ask the library for a loaded model's inputs and outputs (aclmdlGetDesc)."""
    desc = acl.aclmdlCreateDesc()
    try:
        acl.aclmdlGetDesc(desc, model_id)
        inputs = range(acl.aclmdlGetNumInputs(desc))
        outputs = range(acl.aclmdlGetNumOutputs(desc))
        return (
            tuple(_tensor(desc, index, "Input") for index in inputs),
            tuple(_tensor(desc, index, "Output") for index in outputs),
        )
    finally:
        acl.aclmdlDestroyDesc(desc)


def describe_dynamic(model_id: int) -> list[_dynamic.Input]:
    """Ask the library for the types and ranges of a loaded model's inputs."""
    desc, dims = acl.aclmdlCreateDesc(), ffi.new("aclmdlIODimsRange *")
    found = []
    try:
        acl.aclmdlGetDesc(desc, model_id)
        for index in range(acl.aclmdlGetNumInputs(desc)):
            acl.aclmdlGetInputDimsRange(desc, index, dims)
            pairs = tuple((int(p[0]), int(p[1])) for p in dims.range[0 : dims.rangeCount])
            found.append(_dynamic.Input(int(acl.aclmdlGetInputDataType(desc, index)), pairs))
    finally:
        acl.aclmdlDestroyDesc(desc)
    return found


class Dataset(NamedTuple):
    """An aclmdlDataset, its aclDataBuffers, and the device memory behind them."""

    handle: Any
    buffers: list[Any]
    slots: list[tuple[Any, int]]


def dataset(stack: ExitStack, sizes: Sequence[int]) -> Dataset:
    """Make a dataset with a device buffer of each size; the stack gives them back."""
    made = Dataset(acl.aclmdlCreateDataset(), [], [])
    stack.callback(acl.aclmdlDestroyDataset, made.handle)
    for size in sizes:
        memory = DeviceBuffer(max(size, 1))
        stack.callback(memory.close)
        _append(stack, made, memory.pointer, size)
        made.slots.append((memory.pointer, size))
    return made


def loose_dataset(stack: ExitStack, sizes: Sequence[int]) -> Dataset:
    """Make a dataset as `dataset` does, but with no memory, yet, where a size is 0."""
    made = dataset(stack, [])
    for size in sizes:
        if size == 0:
            _append(stack, made, NULL, 0)
            continue
        memory = DeviceBuffer(size)
        stack.callback(memory.close)
        _append(stack, made, memory.pointer, size)
    return made


def _append(stack: ExitStack, made: Dataset, pointer: Any, size: int) -> None:
    buffer = acl.aclCreateDataBuffer(pointer, size)
    stack.callback(acl.aclDestroyDataBuffer, buffer)
    acl.aclmdlAddDatasetBuffer(made.handle, buffer)
    made.buffers.append(buffer)


def new_engine(
    gate: Any, reads: bool, model_id: int, device: Device, given: Dataset, taken: Dataset
) -> Any:
    """Make the engine of a model over two datasets; the gate owns it.

    A commit (`reads` False) copies nothing itself: its datasets hold all it needs.
    """
    slots = [dataset.slots if reads else [] for dataset in (given, taken)]
    engine = lib.ab_engine_new(
        gate, reads, model_id, device.context, device.on_host,
        given.handle, slots[0], len(slots[0]), taken.handle, slots[1], len(slots[1]),
    )  # fmt: skip
    if engine == ffi.NULL:
        raise MemoryError("no memory for a graph's engine")
    return engine


class Graph:
    """One graph of a loaded bundle. Made by ``Bundle.load``, never directly.

    Attributes:
        name: The graph's name in the file, at most 31 characters.
        index: Its place in the file.
        role: ``"infer"``, ``"init"``, ``"update"`` or None.
        inputs: What it takes, in order.
        outputs: What it gives, in order.
    """

    def __init__(
        self,
        name: str,
        index: int,
        role: str | None,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
    ) -> None:
        self.name, self.index, self.role = name, index, role
        self.inputs, self.outputs = inputs, outputs
        self._run: Run = self._refuse
        self._call: Call = self._refuse
        self._bind: Bind = self._refuse

    def _refuse(self, *_: Any) -> NoReturn:
        instead = f"through bundle.{self.role}(...)" if self.role else "by a graph that has a role"
        raise RoleError(f"{self.label} is not run: variables change {instead} alone")

    @property
    def label(self) -> str:
        """The graph in a message: role, index and name."""
        return f"{self.role or 'graph'} {self.index} ({self.name})"

    def __repr__(self) -> str:
        takes, gives = (", ".join(map(str, specs)) for specs in (self.inputs, self.outputs))
        return f"<Graph {self.label}: ({takes}) -> ({gives})>"

    def __call__(self, *arrays: Any) -> Any:
        """Run on arrays in input order; see `run`.

        Returns:
            The output when there is one, else a tuple in output order.
        """
        return self._call(*arrays)

    def run(
        self, inputs: Mapping[str, Any] | Sequence[Any], out: Mapping[str, Array] | None = None
    ) -> Outputs:
        """Run the graph once; one call into C, with the GIL released.

        Blocks while another thread runs this graph, and while an update is
        being committed. Calls aclrtMemcpy and aclmdlExecute.

        Args:
            inputs: An array per input, by name or in order: a numpy array, or
                anything with ``__dlpack__`` on the CPU, of exactly the input's
                dtype and shape. Where the spec's shape has -1 the array's
                decides: it picks the gear of a graph that has gears.
                Read-only is fine; non-contiguous is copied.
            out: Arrays to write, by name, for some or all outputs: numpy arrays,
                writable and C-contiguous, of exactly the output's dtype and
                shape. Outputs that are not given are new arrays.

        Returns:
            The outputs by name, with the version of the weights that made them.

        Raises:
            ValueError: A name is missing or unknown, a shape does not fit, or
                an array of `out` is read-only or not contiguous.
            TypeError: Not an array, or another dtype or byte order.
            RoleError: This is the init or the update graph.
            ClosedError: The bundle is closed, or was loaded before a fork.
            PoisonedError: A failed update left the weights in an unknown state.
            AclError: A call into the library failed.
        """
        return self._run(inputs, out)

    def bind(self, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> Binding:
        """Fix the arrays of a run, to repeat it at the least cost.

        The arrays are kept and used in place: write new values into the inputs
        and read the outputs after each call.

        Args:
            inputs: A numpy array for every input, by name: exact dtype and
                shape, C-contiguous. Read-only is fine.
            outputs: The same for every output; writable.

        Returns:
            A callable without arguments that runs once and returns the weights'
            epoch (how many commits came before), and has ``close()``.

        Raises:
            ValueError, TypeError, RoleError: As for `run`; a non-contiguous
                array is refused here, a copy could not follow the original.
        """
        return self._bind(inputs, outputs)


class InferenceGraph(Graph):
    """A graph that computes outputs from inputs and reads the variables."""

    def open(
        self,
        stack: ExitStack,
        model_id: int,
        device: Device,
        variables: Variables,
        gears: Gears | None = None,
    ) -> None:
        """Make the buffers and the engine of a loaded model; the stack owns the buffers.

        Raises:
            UnsupportedError: The model has an input for the gear, and the file
                tells no gears or not all the shapes in them.
        """
        at = _gears.gear_index(self.inputs)
        if at is not None:
            self._open_gears(stack, model_id, device, variables, gears, at)
        elif any(spec.dynamic for spec in (*self.inputs, *self.outputs)):
            self._open_dynamic(stack, model_id, device, variables)
        else:
            self._open_static(stack, model_id, device, variables)

    def _open_static(
        self, stack: ExitStack, model_id: int, device: Device, variables: Variables
    ) -> None:
        given = dataset(stack, [spec.nbytes for spec in self.inputs])
        taken = dataset(stack, [spec.nbytes for spec in self.outputs])
        engine = new_engine(variables.gate, True, model_id, device, given, taken)
        self._run, self._call = make_run(engine, variables, self.inputs, self.outputs, self.label)
        self._bind = make_bind(engine, variables, self.inputs, self.outputs, self.label)

    def _open_gears(
        self,
        stack: ExitStack,
        model_id: int,
        device: Device,
        variables: Variables,
        gears: Gears | None,
        at: int,
    ) -> None:
        if gears is None:
            raise UnsupportedError(f"{self.label} has gears, but the file does not tell which")
        extra, own = self.inputs[at], (*self.inputs[:at], *self.inputs[at + 1 :])
        made = _gears.table(gears, own, self.outputs, self.label)
        ins, outs = [gear.inputs for gear in made], [gear.outputs for gear in made]
        sizes = _gears.sizes(own, ins)
        given = dataset(stack, [*sizes[:at], extra.nbytes, *sizes[at:]])
        taken = dataset(stack, _gears.sizes(self.outputs, outs))
        slots = [*given.slots[:at], *given.slots[at + 1 :]]
        engine = new_engine(
            variables.gate, True, model_id, device, given._replace(slots=slots), taken
        )
        self.inputs, self.outputs = own, _gears.shown(self.outputs, outs)
        ends = Ends(self.inputs, self.outputs, self.label)
        made_runs = _gears.make_gears(engine, variables, gears, made, at, ends)
        self._run, self._call, self._bind = made_runs

    def _open_dynamic(
        self, stack: ExitStack, model_id: int, device: Device, variables: Variables
    ) -> None:
        known = describe_dynamic(model_id)
        given = loose_dataset(stack, [0] * len(self.inputs))
        taken = loose_dataset(stack, [spec.nbytes for spec in self.outputs])
        engine = new_engine(variables.gate, True, model_id, device, given, taken)
        shapes = _dynamic.new_shapes(
            stack,
            engine,
            [(buffer, one.dtype) for buffer, one in zip(given.buffers, known, strict=True)],
            [(b, s.nbytes == 0) for b, s in zip(taken.buffers, self.outputs, strict=True)],
        )
        ends = Ends(self.inputs, self.outputs, self.label)
        made = _dynamic.make_dynamic(shapes, variables, known, ends)
        self._run, self._call, self._bind = made
