"""The two graphs that write variables: init and update (facts 4.1).

Both consist of assignments alone. The init graph assigns each weight the
constant it was built from. The update graph has one input per weight, in the
order the weights were named; an If keeps the weight when the input is empty
and assigns it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from acl_bundle import om
from acl_bundle.build._graphs import submodel
from acl_bundle.build._program.program import From, Kind, Program
from acl_bundle.om._bundle.roles import INIT_NAME, UPDATE_NAME
from acl_bundle.om._container.inout import TensorInfo
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.define import ConstValue, Desc, GraphValue, Op, model_def
from acl_bundle.weight_program import WeightProgram, to_bytes

_UNKNOWN_RANK = (-2,)


@dataclass(frozen=True)
class Weight:
    """A refreshable weight: its description, its first value, its place among the variables."""

    name: str
    desc: Desc
    value: memoryview
    offset: int

    @property
    def variable(self) -> str:
        """The name of its variable."""
        return f"{self.name}_var"


def place(values: Sequence[tuple[str, Desc, memoryview]]) -> tuple[tuple[Weight, ...], int]:
    """Return the weights with their places, and the bytes all of them take."""
    offsets, total = om.layout(desc.nbytes for _, desc, _ in values)
    placed = (Weight(*value, offset) for value, offset in zip(values, offsets, strict=True))
    return tuple(placed), total


def init_model(weights: Sequence[Weight], variable_size: int) -> om.Chunks:
    """Return the graph that gives every weight its first value."""
    pieces, offsets = submodel.pack(weight.value for weight in weights)
    program = Program(Kind.ASSIGN, variable_area=variable_size)
    declare(program, weights)
    ops: list[Op] = []
    variables = {weight.variable for weight in weights}
    for index, (weight, offset) in enumerate(zip(weights, offsets, strict=True)):
        program.constant(weight.name, weight.desc, offset)
        program.assign(index, From.CONSTANT, index)
        const = weight.name if weight.name not in variables else f"{weight.name}_const"
        ops += _init_ops(weight, const, offset)
    ops.append(Op("NetOutput", "NetOutput"))
    return submodel.assemble(
        INIT_NAME,
        inputs=(),
        outputs=(),
        definition=model_def(INIT_NAME, [GraphValue(INIT_NAME, ops)], {}),
        program=program,
        weights=pieces,
    )


def update_model(
    weights: Sequence[Weight], variable_size: int, program_of_weights: WeightProgram
) -> om.Chunks:
    """Return the graph that takes new values, and says what makes them where it is not plain."""
    program = Program(Kind.ASSIGN, variable_area=variable_size)
    declare(program, weights)
    ops, branches = [], []
    for index, weight in enumerate(weights):
        program.assign(index, From.INPUT, index)
        ops += _update_ops(weight, index)
        branches += [_then(weight), _else(weight)]
    ops.append(Op("NetOutput", "NetOutput"))
    graphs = [GraphValue(UPDATE_NAME, ops), *branches]
    return submodel.assemble(
        UPDATE_NAME,
        inputs=[_input(weight) for weight in weights],
        outputs=(),
        definition=model_def(UPDATE_NAME, graphs, _attributes(program_of_weights)),
        program=program,
        dynamic=True,
    )


def _attributes(program: WeightProgram) -> dict[str, bytes]:
    if not program.is_needed:
        return {}
    return {ge.WEIGHT_PROGRAM: to_bytes(program)}


def declare(program: Program, weights: Sequence[Weight]) -> None:
    """Tell a program about the variables, in the order of the weights."""
    for weight in weights:
        program.variable(weight.variable, weight.desc, weight.offset)


def variable_op(weight: Weight, name: str = "") -> Op:
    """Return the Variable node of a weight, which says where its memory starts."""
    place = {ge.VARIABLE_OFFSET: weight.offset}
    return Op(name or weight.variable, "Variable", attrs=place, output_descs=[weight.desc])


def _init_ops(weight: Weight, const: str, offset: int) -> list[Op]:
    desc = weight.desc
    value = Desc(desc.dtype, desc.shape, desc.format, data_offset=offset)
    return [
        variable_op(weight),
        Op(const, "Const", attrs={"value": ConstValue(value)}, output_descs=[desc]),
        _assign(f"{weight.name}_assign", weight.variable, const, desc),
    ]


def _assign(name: str, variable: str, source: str, desc: Desc) -> Op:
    inputs = [f"{variable}:0", f"{source}:0"]
    return Op(name, "Assign", inputs, input_descs=[desc, desc], output_descs=[desc])


def _input(weight: Weight) -> TensorInfo:
    return submodel.info(f"{weight.name}_var_data", _open(weight))


def _open(weight: Weight) -> Desc:
    return _of_any_rank(weight.desc.dtype, weight.desc.format)


@lru_cache(maxsize=64)
def _of_any_rank(dtype: int, layout: int) -> Desc:
    return Desc(dtype, _UNKNOWN_RANK, layout)


def _update_ops(weight: Weight, index: int) -> list[Op]:
    data, desc = f"{weight.name}_var_data", _open(weight)
    return [
        Op(data, "Data", attrs={"index": index}, input_descs=[desc], output_descs=[desc]),
        Op(
            f"{weight.name}_var_if",
            "If",
            [f"{data}:0", f"{data}:0"],
            input_descs=[desc, desc],
            subgraphs=[f"{weight.name}_var_then_graph", f"{weight.name}_var_else_graph"],
        ),
    ]


def _then(weight: Weight) -> GraphValue:
    name = weight.name
    data = _branch_data(f"{name}_var_then_data", weight.desc)
    assign = _assign(f"{name}_var_then_assign", weight.variable, data.name, weight.desc)
    return GraphValue(f"{name}_var_then_graph", [variable_op(weight), data, assign])


def _else(weight: Weight) -> GraphValue:
    data = _branch_data(f"{weight.name}_var_else_data", _open(weight))
    return GraphValue(f"{weight.name}_var_else_graph", [data])


def _branch_data(name: str, desc: Desc) -> Op:
    attrs = {"index": 0, "_parent_node_index": 1}
    return Op(name, "Data", attrs=attrs, input_descs=[desc], output_descs=[desc])
