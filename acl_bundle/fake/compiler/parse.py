"""From ONNX to the names and types of nodes, with the parser's refusals."""

from __future__ import annotations

import difflib

from onnx import ModelProto, NodeProto, defs, external_data_helper

from acl_bundle.fake.compiler import naming
from acl_bundle.fake.compiler.fields import Fields, GraphRequest, graphs

_PARAMETERS = {
    "input_shape",
    "ge.outputNodeName",
    "output",
    "ge.INPUT_NODES_SET_FP16",
    "is_input_adjust_hw_layout",
    "is_output_adjust_hw_layout",
    "enable_scope_fusion_passes",
    "input_data_names",
}
_SHAPING = {"input_shape", "enable_scope_fusion_passes"}  # all others change the graph


def parse(fields: Fields) -> Fields:
    """Return the nodes of the model in a request: type and name.

    Raises:
        ValueError: GE would not take the model, or a parameter; or the
            stand-in does not do what a parameter asks for.
    """
    (request,) = graphs(fields)
    check(request.parameters, _PARAMETERS, _PARAMETERS - _SHAPING)
    model = opened(request, whole=False)
    return [
        (kind, name.encode("utf-8", "surrogateescape")) for kind, name in naming.nodes(model.graph)
    ]


def check(given: dict[str, str], accepted: set[str], unsimulated: set[str]) -> None:
    """Refuse an option that GE does not know, or that would change what is built.

    Raises:
        ValueError: GE does not know one.
        RuntimeError: One is not simulated.
    """
    for key, value in given.items():
        if key not in accepted:
            close = difflib.get_close_matches(key, sorted(accepted), n=3, cutoff=0.5)
            said = f"; alike are {', '.join(close)}" if close else ""
            raise ValueError(f"unsupported option({key}){said}")
        if key in unsimulated and value not in ("", "0"):
            raise RuntimeError(f"the option {key!r} ({value!r}) is not simulated by this stand-in")


def opened(request: GraphRequest, *, whole: bool = True) -> ModelProto:
    """Return the model of a request, its nodes named.

    Args:
        request: The graph.
        whole: Whether tensors outside of the model are read into it.

    Raises:
        ValueError: It is no model that GE's parser takes.
        OSError: A tensor's file cannot be read.
    """
    model = ModelProto()
    try:
        model.ParseFromString(request.onnx)
    except Exception as error:  # protobuf's DecodeError, from a module without types
        raise ValueError(f"the model is no ONNX: {error}") from None
    graph = model.graph
    for what, found in (("inputs", graph.input), ("outputs", graph.output)):
        if not found:
            raise ValueError(f"E16001: the model has no {what}")
    versions = {one.domain or "ai.onnx": one.version for one in model.opset_import}
    for node in graph.node:
        _check_node(node, versions)
    naming.name_nodes(graph)
    if whole:
        external_data_helper.load_external_data_for_model(model, request.folder)
    return model


def _check_node(node: NodeProto, versions: dict[str, int]) -> None:
    domain = node.domain or "ai.onnx"
    if domain not in versions:
        raise ValueError(f"the opset of domain {domain!r}, of node {node.name!r}, has no version")
    if not defs.has(node.op_type, "" if domain == "ai.onnx" else domain):
        kind = f"{domain}::{versions[domain]}::{node.op_type}"
        raise ValueError(f"E16002: no parser for {kind} of node {node.name!r} is registered")
