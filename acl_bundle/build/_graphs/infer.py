"""The inference graph: from a loaded ONNX model to a whole sub-model.

The steps, each on the result of the one before:

1. The weights stop being constants and become inputs of the ONNX graph.
2. Declared shapes are forgotten and inferred anew.
3. The graph is described for MODEL_DEF, in the types its author chose.
4. It is made ready for the engine (:mod:`~acl_bundle.build._program.runnable`), and
   tried there when ONNX Runtime is installed.
5. Shapes of outputs that inference left open are read off that trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from acl_bundle import om
from acl_bundle.aipp import AippSource
from acl_bundle.build._aipp import fronts
from acl_bundle.build._aipp.fronts import Fronts
from acl_bundle.build._graphs import submodel
from acl_bundle.build._graphs.describe import Description, StoredConstant
from acl_bundle.build._graphs.refresh import Weight, declare
from acl_bundle.build._onnx import element_types, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._program import outputs, runnable, trial
from acl_bundle.build._program.outputs import Shaping
from acl_bundle.build._program.program import From, Kind, Program
from acl_bundle.build._program.runnable import Runnable
from acl_bundle.build._shapes import shapes
from acl_bundle.build._shapes.flexible import Flexible
from acl_bundle.build._shapes.gears import GearPlan
from acl_bundle.build._shapes.ranges import RangePlan
from acl_bundle.build._shapes.shapes import Known
from acl_bundle.om import Gears, TensorInfo
from acl_bundle.om._container.gears import INPUT_NAME
from acl_bundle.om._modeldef.define import Desc

OutputNames: TypeAlias = Literal["onnx", "ge"]


@dataclass(frozen=True)
class Inference:
    """A whole inference sub-model, and its ends."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    image: om.Chunks


@dataclass(frozen=True)
class InferencePlan:
    """What an inference graph is made of.

    Attributes:
        name: Of the sub-model.
        model: The light ONNX model, its inputs pinned. It is used up.
        constants: All its constants by name, weights included.
        weights: Which constants are refreshable, and how.
        variable_size: Bytes of all variables.
        output_names: Whose style the outputs' names follow.
        flexible: Which shapes it takes, None for the one its inputs have.
        aipp: What is done to images before the graph sees them, None for nothing.
    """

    name: str
    model: ModelProto
    constants: Mapping[str, ModelConstant]
    weights: Sequence[Weight]
    variable_size: int
    output_names: OutputNames
    flexible: Flexible | None = None
    aipp: AippSource | None = None


def infer_model(plan: InferencePlan) -> Inference:
    """Return the inference sub-model.

    Raises:
        ValueError: An output has no usable name or type, or none of the
            shapes that are to be fixed can be told, or ONNX Runtime does not take the graph.
    """
    graph = plan.model.graph
    front = fronts.put(plan.aipp, _inputs(plan), plan.flexible)
    inputs = front.inputs
    _open_weights(graph, [plan.constants[weight.name] for weight in plan.weights])
    used = _used(graph, plan.constants)
    pieces, offsets = submodel.pack(one.data for one in used)
    stored = list(zip(used, offsets, strict=True))
    shapes.forget(graph)
    known = shapes.infer(plan.model)
    description = _describe(plan, known, front, stored)
    _check_outputs(graph, known)
    runner = runnable.make(plan.model, known, stored)
    values = {one.name: plan.constants[one.name].array for one in plan.weights}
    listed, gears = _outputs(plan, known, description, Shaping(plan.model, runner, values, known))
    image = submodel.assemble(
        plan.name,
        inputs=inputs,
        outputs=listed,
        definition=description.finish(plan.name, listed),
        program=_program(plan, runner, front, listed),
        weights=pieces,
        dynamic=isinstance(plan.flexible, RangePlan),
        gears=gears,
        memory_dims=front.memory_dims,
    )
    return Inference(inputs, listed, image)


def _inputs(plan: InferencePlan) -> tuple[TensorInfo, ...]:
    """The inputs as ACL counts them: the graph's, and with gears one more."""
    own = tuple(map(_input, plan.model.graph.input))
    if isinstance(plan.flexible, GearPlan):
        return outputs.geared_inputs(plan.flexible, own)
    if isinstance(plan.flexible, RangePlan):
        return outputs.ranged_inputs(plan.flexible, own)
    return own


def _input(one: ValueInfoProto) -> TensorInfo:
    known = shapes.known(one)
    return submodel.info(one.name, Desc(element_types.to_acl(known.elem), known.dims or ()))


def _open_weights(graph: GraphProto, weights: Sequence[ModelConstant]) -> None:
    """Make inputs of the constants that are weights, in the order of the weights."""
    chosen = {one.name for one in weights}
    walk.replace(graph.initializer, [one for one in graph.initializer if one.name not in chosen])
    walk.replace(graph.node, [one for one in graph.node if not _makes(one, chosen)])
    graph.input.extend(shapes.declare(one.name, one.elem, one.dims) for one in weights)


def _makes(node: NodeProto, names: set[str]) -> bool:
    return node.op_type == "Constant" and node.output[0] in names


def _used(graph: GraphProto, constants: Mapping[str, ModelConstant]) -> list[ModelConstant]:
    """Drop initializers nobody reads, and return the constants that are left."""
    read = {*walk.reads(graph)} | {one.name for one in graph.output}
    read.update(name for node in graph.node for name in walk.captured(node))
    walk.replace(graph.initializer, [one for one in graph.initializer if one.name in read])
    opened = {one.name for one in graph.input}
    there = {one.name for one in graph.initializer} | {
        out for node in graph.node for out in node.output
    }
    return [one for name, one in constants.items() if name in there and name not in opened]


def _describe(
    plan: InferencePlan,
    known: Mapping[str, Known],
    front: Fronts,
    stored: Sequence[tuple[ModelConstant, int]],
) -> Description:
    description = Description(plan.model.graph, known)
    description.inputs(front)
    description.weights(plan.weights)
    description.constants(
        [
            StoredConstant(one.name, Desc(one.dtype, one.dims, data_offset=offset))
            for one, offset in stored
        ]
    )
    description.nodes()
    return description


def _check_outputs(graph: GraphProto, known: Mapping[str, Known]) -> None:
    if not graph.output:
        raise ValueError("the model has no outputs; an inference graph needs at least one")
    seen: set[str] = set()
    for one in graph.output:
        if not one.name or "\0" in one.name or one.name in seen:
            raise ValueError(
                f"an output is called {one.name!r}; names are needed, once each and without NUL"
            )
        seen.add(one.name)
        found = known.get(one.name)
        if found is None or not element_types.is_plain(found.elem):
            kind = element_types.name(found.elem) if found else one.type.WhichOneof("value")
            raise ValueError(
                f"output {one.name!r} has type {kind}; a tensor of {element_types.names()} is right"
            )


def _outputs(
    plan: InferencePlan,
    known: Mapping[str, Known],
    description: Description,
    shaping: Shaping,
) -> tuple[tuple[TensorInfo, ...], Gears | None]:
    elems = [element_types.to_acl(known[one.name].elem) for one in plan.model.graph.output]
    if trial.is_possible():
        _ = shaping.runner.opened  # what the engine refuses is refused here
    names = description.output_names(plan.output_names)
    if isinstance(plan.flexible, RangePlan):
        bounds = (None, plan.flexible.least, plan.flexible.most)
        found = zip(*(shaping.inferred(one or {}) for one in bounds), strict=True)
        rows = zip(names, elems, found, strict=True)
        return tuple(outputs.ranged_output(name, elem, *dims) for name, elem, dims in rows), None
    gears = None
    if isinstance(plan.flexible, GearPlan):
        gears, made = outputs.in_gears(plan.flexible, shaping)
    else:
        made = shaping.declared()
    listed = tuple(
        submodel.info(name, Desc(elem, shape))
        for name, elem, shape in zip(names, elems, made, strict=True)
    )
    return listed, gears


def _program(
    plan: InferencePlan,
    runner: Runnable,
    front: Fronts,
    listed: Sequence[TensorInfo],
) -> Program:
    inputs = front.inputs
    work = sum((one.nbytes + 511) // 512 * 512 for one in (*inputs, *listed))
    program = Program(Kind.ONNX, variable_area=plan.variable_size, work_size=work)
    declare(program, plan.weights)
    for one, offset in runner.outside:
        program.constant(one.name, Desc(one.dtype, one.dims), offset)
    program.onnx(runner.model.SerializeToString(deterministic=True))
    for record in front.records:
        program.aipp(record)
    for index, tensor in enumerate(inputs):
        if tensor.name != INPUT_NAME and index not in front.parameters.values():
            program.feed(From.INPUT, index, tensor.name)
    for index, weight in enumerate(plan.weights):
        program.feed(From.VARIABLE, index, weight.name)
    for index, (one, _) in enumerate(runner.outside):
        program.feed(From.CONSTANT, index, one.name)
    for index, name in enumerate(runner.fetches):
        program.fetch(index, name)
    return program
