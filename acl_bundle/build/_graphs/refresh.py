"""The two graphs that write variables: init and update (facts 4.1).

Both consist of assignments alone. The init graph assigns each weight the
constant it was built from. The update graph has one input per weight, in the
order the weights were named; an If keeps the weight when the input is empty
and assigns it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from acl_bundle import om
from acl_bundle.build._graphs import submodel
from acl_bundle.build._program.program import From, Kind, Program
from acl_bundle.om._bundle.roles import INIT_NAME, UPDATE_NAME
from acl_bundle.om._modeldef import ge
from acl_bundle.om._modeldef.define import ConstValue, Desc, GraphValue, Op, model_def
from acl_bundle.weight_program import WeightProgram, to_bytes

_UNKNOWN_RANK = (-2,)
_IN_BRANCH: Final = {ge.INDEX: 0, ge.PARENT_INDEX: 1}


class Weight(NamedTuple):
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
    for index, (weight, offset) in enumerate(zip(weights, offsets, strict=True)):
        program.constant(weight.name, weight.desc, offset)
        program.assign(index, From.CONSTANT, index)
    graph = GraphValue(INIT_NAME, _init_ops(weights, offsets))
    return submodel.assemble(
        INIT_NAME,
        inputs=(),
        outputs=(),
        definition=model_def(INIT_NAME, [graph], {}),
        program=program,
        weights=pieces,
    )


def update_model(
    weights: Sequence[Weight], variable_size: int, program_of_weights: WeightProgram
) -> om.Chunks:
    """Return the graph that takes new values, and says what makes them where it is not plain."""
    program = Program(Kind.ASSIGN, variable_area=variable_size)
    declare(program, weights)
    for index in range(len(weights)):
        program.assign(index, From.INPUT, index)
    branches = chain.from_iterable(map(_branches, weights))
    graphs = chain([GraphValue(UPDATE_NAME, _update_ops(weights))], branches)
    return submodel.assemble(
        UPDATE_NAME,
        inputs=[submodel.info(f"{weight.name}_var_data", _open(weight)) for weight in weights],
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


def variable_op(weight: Weight) -> Op:
    """Return the Variable node of a weight, which says where its memory starts."""
    place = {ge.VARIABLE_OFFSET: weight.offset}
    return Op(weight.variable, "Variable", (), place, (), (weight.desc,))


def _init_ops(weights: Sequence[Weight], offsets: Sequence[int]) -> Iterator[Op]:
    variables = {weight.variable for weight in weights}
    for weight, offset in zip(weights, offsets, strict=True):
        name, desc = weight.name, weight.desc
        const = name if name not in variables else f"{name}_const"
        value = {ge.VALUE: ConstValue(desc._replace(data_offset=offset))}
        yield variable_op(weight)
        yield Op(const, "Const", (), value, (), (desc,))
        yield _assign(f"{name}_assign", weight, const)
    yield Op("NetOutput", ge.OUTPUT_TYPE)


def _assign(name: str, weight: Weight, source: str) -> Op:
    desc = weight.desc
    return Op(name, "Assign", (f"{weight.variable}:0", f"{source}:0"), {}, (desc, desc), (desc,))


def _open(weight: Weight) -> Desc:
    return Desc(weight.desc.dtype, _UNKNOWN_RANK, weight.desc.format)


def _update_ops(weights: Sequence[Weight]) -> Iterator[Op]:
    for index, weight in enumerate(weights):
        data, desc = f"{weight.variable}_data", _open(weight)
        branches = f"{weight.variable}_then_graph", f"{weight.variable}_else_graph"
        given = f"{data}:0", f"{data}:0"
        yield Op(data, "Data", (), {ge.INDEX: index}, (desc,), (desc,))
        yield Op(f"{weight.variable}_if", "If", given, {}, (desc, desc), (), branches)
    yield Op("NetOutput", ge.OUTPUT_TYPE)


def _branches(weight: Weight) -> tuple[GraphValue, GraphValue]:
    """The bodies of a weight's If: where there is a value, and where there is none."""
    variable = weight.variable
    data = _branch_data(f"{variable}_then_data", weight.desc)
    assign = _assign(f"{variable}_then_assign", weight, data.name)
    kept = _branch_data(f"{variable}_else_data", _open(weight))
    return (
        GraphValue(f"{variable}_then_graph", (variable_op(weight), data, assign)),
        GraphValue(f"{variable}_else_graph", (kept,)),
    )


def _branch_data(name: str, desc: Desc) -> Op:
    return Op(name, "Data", (), _IN_BRANCH, (desc,), (desc,))
