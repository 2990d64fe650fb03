"""From a file that was built for the fake back to an ONNX model, a graph at a time.

The inference graph is the model that the fake runs, with the file's constants and the variables'
first values as initializers, under the names that the graph has in the file. The init graph is a
model without inputs that gives each variable's first value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from acl_bundle import dtypes, om
from acl_bundle.build._onnx import element_types, walk
from acl_bundle.build._shapes import shapes
from acl_bundle.errors import BundleFormatError, UnsupportedError
from acl_bundle.om import PartitionType
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import program as programs
from acl_bundle.om._container.program import From, Kind, ProgramTensor, TaskProgram

__all__ = ["Exported", "exported"]

_LARGEST: Final = 2**31 - 1  # bytes of a protobuf message
_OPSET: Final = 17
_IR: Final = 8

FirstValues = Mapping[str, memoryview]
"""The bytes that the init graph assigns, by the variable's name."""


class Exported(NamedTuple):
    """An ONNX model that was made of a graph.

    Attributes:
        model: The model; ONNX's checker takes it.
        open_weights: Weights that have no value in the file, and are inputs.
        renamed: Outputs that have another name in the model, since an input or a weight has theirs.
    """

    model: ModelProto
    open_weights: tuple[str, ...]
    renamed: Mapping[str, str]


def exported(file: om.Bundle | om.Model, index: int, path: str) -> Exported:
    """Return what a graph computes, as an ONNX model.

    Args:
        file: A bundle or a model.
        index: Which of its graphs; 0 of a model.
        path: Its name, for messages.

    Raises:
        BundleFormatError: The file is damaged.
        UnsupportedError: It has no ONNX model of this graph; the message says why.
    """
    models = file.models if isinstance(file, om.Bundle) else (file,)
    model = models[index]
    label = f"{path}: graph {index} ({model.name!r})"
    program = _program(model, label)
    if program.kind == Kind.ASSIGN:
        made = Exported(_assigned(model, program, label), (), {})
    elif program.kind == Kind.ONNX:
        made = _inferring(model, program, _first_values(models), label)
    else:
        does = "computes nothing" if program.kind == Kind.NULL else "calls a function of Python's"
        raise UnsupportedError(f"{label} {does}; there is no ONNX model of it in the file")
    _check(made.model, label)
    return made


def _program(model: om.Model, label: str) -> TaskProgram:
    tasks = model.partition(PartitionType.TASK_INFO)
    if tasks is None or model.is_compiled_for_chip:
        raise UnsupportedError(
            f"{label} is compiled for a chip: the file holds the chip's tasks, and no ONNX model;"
            " take the ONNX model that it was compiled from, or inspect --tree, which shows"
            " what the file tells of the graph"
        )
    return programs.read(tasks.span, len(model.inputs), len(model.outputs))


def _first_values(models: Iterable[om.Model]) -> dict[str, memoryview]:
    """What the graphs that assign constants give the variables; none where there is no such."""
    found: dict[str, memoryview] = {}
    for model in models:
        tasks = model.partition(PartitionType.TASK_INFO)
        if tasks is None or model.is_compiled_for_chip:
            continue
        if programs.kind_of(tasks.span) != Kind.ASSIGN:
            continue
        program = programs.read(tasks.span, len(model.inputs), len(model.outputs))
        for variable, source, index in program.assigns:
            if source == From.CONSTANT:
                found[program.variables[variable].name] = _bytes(model, program, index).view
    return found


def _bytes(model: om.Model, program: TaskProgram, index: int) -> Span:
    """The bytes of a constant.

    Raises:
        UnsupportedError: They are in another file.
    """
    constant = program.constants[index]
    if index in program.beside:
        raise UnsupportedError(
            f"graph {model.name!r}: the bytes of constant {constant.name!r} are in another file,"
            f" {program.beside[index]!r}, and only what is in this one can be written as ONNX"
        )
    part = model.partition(PartitionType.WEIGHTS_DATA)
    if part is None:
        raise BundleFormatError(
            f"graph {model.name!r} has constant {constant.name!r}, and no WEIGHTS_DATA"
        )
    return part.span.cut(constant.offset, constant.nbytes, f"constant {constant.name!r}")


def _inferring(model: om.Model, program: TaskProgram, first: FirstValues, label: str) -> Exported:
    if program.has_aipp:
        names = ", ".join(repr(one.input) for one in model.aipp)
        raise UnsupportedError(
            f"{label} changes images by AIPP before it takes them ({names}), for which ONNX has no"
            " operators; build the model without AIPP to have it as ONNX"
        )
    made, places = _parsed(program, label), [*program.constants]
    kept = [one for one in program.feeds if one.source == From.VARIABLE]
    used = [program.variables[one.number] for one in kept]
    _check_size((*places, *used), made, label)
    graph = made.graph
    initializers = {one.name: one for one in graph.initializer}
    for feed in program.feeds:
        if feed.source == From.CONSTANT and feed.name in initializers:
            value = _bytes(model, program, feed.number).view
            _fill(initializers[feed.name], value)
    still_open: list[str] = []
    for feed, variable in zip(kept, used, strict=True):
        if variable.name in first:
            _close(graph, feed.name, variable, first[variable.name], label)
        else:
            still_open.append(feed.name)
    return Exported(made, tuple(still_open), _name_outputs(graph, model, program, label))


def _parsed(program: TaskProgram, label: str) -> ModelProto:
    if program.onnx is None:
        raise BundleFormatError(f"{label}: the program is to run an ONNX model, and has none")
    made = ModelProto()
    try:
        made.ParseFromString(bytes(program.onnx.view))
    except DecodeError as error:
        raise program.onnx.error(0, f"this is no ONNX model: {error}") from error
    return made


def _check_size(tensors: Iterable[ProgramTensor], model: ModelProto, label: str) -> None:
    size = sum(one.nbytes for one in tensors) + model.ByteSize()
    if size > _LARGEST:
        raise UnsupportedError(
            f"{label} takes {size:,} bytes as an ONNX model; a file of that format has"
            f" {_LARGEST:,} at most"
        )


def _fill(tensor: TensorProto, value: memoryview) -> None:
    """Give a tensor that had its bytes elsewhere these."""
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    tensor.raw_data = bytes(value)


def _close(
    graph: GraphProto, name: str, variable: ProgramTensor, value: memoryview, label: str
) -> None:
    """Make an initializer of an input."""
    for one in graph.input:
        if one.name == name:
            elem = one.type.tensor_type.elem_type
            break
    else:
        raise BundleFormatError(f"{label}: its ONNX model has no input {name!r} for a variable")
    if len(value) != variable.nbytes:
        raise BundleFormatError(
            f"{label}: variable {variable.name!r} has {variable.nbytes} bytes, and the init graph"
            f" gives it {len(value)}"
        )
    graph.input.remove(one)
    graph.initializer.add(name=name, data_type=elem, dims=variable.dims, raw_data=bytes(value))


def _name_outputs(
    graph: GraphProto, model: om.Model, program: TaskProgram, label: str
) -> dict[str, str]:
    """Put the outputs into the model's order, under its names; return those that keep others."""
    names, renamed = walk.FreshNames(graph), {}
    made = {one.name: one.type.tensor_type.elem_type for one in graph.output}
    del graph.output[:]
    for at, tensor in sorted(program.fetches):
        info = model.outputs[at]
        if tensor not in made:
            raise BundleFormatError(f"{label}: its ONNX model has no output {tensor!r}")
        name = tensor if tensor == info.name else names.fresh(info.name)
        if name not in (tensor, info.name):
            name, renamed[info.name] = tensor, tensor
        elif name != tensor:
            graph.node.append(helper.make_node("Identity", [tensor], [name]))
        graph.output.append(_declared(name, made[tensor], _dims(model, at)))
    return renamed


def _dims(model: om.Model, at: int) -> tuple[int, ...]:
    """The dims of an output, -1 where they are open or differ from gear to gear."""
    if model.gears is None:
        return model.outputs[at].dims
    found = {model.gears.output_dims(gear, at) for gear in range(len(model.gears.values))}
    rows = [dims for dims in found if dims is not None]
    if len(rows) != len(found) or len({len(dims) for dims in rows}) != 1:
        return (-2,)
    return tuple(column[0] if len({*column}) == 1 else -1 for column in zip(*rows, strict=True))


def _declared(name: str, elem: int, dims: tuple[int, ...]) -> ValueInfoProto:
    if dims == (-2,):
        return helper.make_tensor_value_info(name, elem, None)
    return shapes.declare(name, elem, dims)


def _assigned(model: om.Model, program: TaskProgram, label: str) -> ModelProto:
    """A model that gives what the graph assigns to variables."""
    if any(source != From.CONSTANT for _, source, _ in program.assigns):
        raise UnsupportedError(
            f"{label} writes what an update gives it to the variables, and computes nothing; take"
            " the graph that infers, or the init graph"
        )
    _check_size(program.constants, ModelProto(), label)
    graph = GraphProto(name=model.name)
    taken = {one.name for one in program.variables}
    for variable, _, index in program.assigns:
        target, constant = program.variables[variable], program.constants[index]
        elem = element_types.from_numpy(dtypes.to_numpy(constant.dtype))
        source = constant.name if constant.name not in taken else f"{target.name}_const"
        value = bytes(_bytes(model, program, index).view)
        graph.initializer.add(name=source, data_type=elem, dims=constant.dims, raw_data=value)
        graph.node.append(helper.make_node("Identity", [source], [target.name]))
        graph.output.append(shapes.declare(target.name, elem, target.dims))
    opset = helper.make_opsetid("", _OPSET)
    return helper.make_model(
        graph, opset_imports=[opset], ir_version=_IR, producer_name="acl_bundle"
    )


def _check(model: ModelProto, label: str) -> None:
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise BundleFormatError(f"{label}: its ONNX model is not valid: {error}") from error
