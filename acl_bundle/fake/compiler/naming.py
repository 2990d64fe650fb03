"""What GE's ONNX parser calls nodes: read off a model, and written into it."""

from __future__ import annotations

from onnx import GraphProto, ModelProto, TensorProto

from acl_bundle.build._onnx import walk

_CONSTANT = "Constant"


def name_nodes(graph: GraphProto) -> None:
    """Name the nodes that have no name: their type, and a count of such nodes."""
    unnamed = (node for node in graph.node if not node.name)
    for count, node in enumerate(unnamed):
        node.name = f"{node.op_type}_{count}"


def initializers(graph: GraphProto) -> dict[str, TensorProto]:
    """Return the initializers by the names GE gives them: each has its rank among all, by bytes."""
    named = {one.name: one for one in graph.initializer if one.name}
    order = sorted(named, key=lambda name: name.encode("utf-8", "surrogateescape"))
    return {f"{name}_Initializer_{rank}": named[name] for rank, name in enumerate(order)}


def nodes(graph: GraphProto) -> list[tuple[str, str]]:
    """Return type and name of each node: the graph's own, its constants and its inputs."""
    fixed = {one.name for one in graph.initializer}
    found = [(_type(node.op_type, _outside(node)), node.name) for node in graph.node]
    found += [
        (_type(_CONSTANT, one.data_location == TensorProto.EXTERNAL), name)
        for name, one in initializers(graph).items()
    ]
    return [*found, *(("Data", one.name) for one in graph.input if one.name not in fixed)]


def _type(op_type: str, outside: bool) -> str:
    if op_type != _CONSTANT:
        return op_type
    return "FileConstant" if outside else "Const"


def _outside(node: object) -> bool:
    attributes = getattr(node, "attribute", ())
    return any(one.t.data_location == TensorProto.EXTERNAL for one in attributes)


def call_constants(model: ModelProto, names: list[str]) -> None:
    """Rename the tensors of constants as GE calls their nodes, in place.

    Raises:
        ValueError: A name is no constant's, or an input has it.
    """
    graph = model.graph
    tensors = {name: one.name for name, one in initializers(graph).items()}
    tensors.update((node.name, node.output[0]) for node in graph.node if node.op_type == _CONSTANT)
    inputs = {one.name for one in graph.input}
    moved: dict[str, str] = {}
    for name in names:
        if name not in tensors or (name in inputs and tensors[name] != name):
            raise ValueError(f"{name!r} is no constant of the graph, or an input as well")
        moved[tensors[name]] = name
    fresh = walk.FreshNames(graph)
    others = {*moved.values()} - moved.keys()  # tensors that have such a name by chance
    moved.update((name, fresh.fresh(f"{name}_tensor")) for name in others)
    for one in walk.graphs(graph):
        _rename(one, moved)


def _rename(graph: GraphProto, moved: dict[str, str]) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                names[at] = moved.get(name, name)
    for one in (*graph.initializer, *graph.value_info, *graph.output):
        one.name = moved.get(one.name, one.name)
