"""From the graphs of a request to a plain model or a bundle, by our own builder."""

from __future__ import annotations

from acl_bundle import build, om
from acl_bundle.fake.compiler import naming
from acl_bundle.fake.compiler.fields import Fields, GraphRequest, InvalidError, graphs
from acl_bundle.fake.compiler.options import arguments
from acl_bundle.fake.compiler.parse import opened

_PRECISION = ("ge.exec.precision_mode", "ge.exec.precision_mode_v2")


def model(fields: Fields) -> Fields:
    """Build the plain model of a request.

    Raises:
        InvalidError: An option does not fit.
        ValueError: The model cannot be built.
    """
    (request,) = graphs(fields)
    if request.role != "model":
        raise ValueError(
            f"{request.name} works on variables of a bundle; aclgrphBundleBuildModel builds it"
        )
    return [("om", _plain(request).to_bytes())]


def bundle(fields: Fields) -> Fields:
    """Build the bundle of a request, its graphs in the order they were given.

    Raises:
        ValueError: A graph cannot be built, or an option does not fit, which
            is no invalid parameter here: GE reports both as a failure.
    """
    try:
        return [("om", _bundle(graphs(fields)).to_bytes())]
    except InvalidError as error:
        raise ValueError(str(error)) from None


def _plain(request: GraphRequest) -> build.Model:
    proto = opened(request)
    return build.model(proto, output_names="ge", **arguments(request, proto.graph))


def _bundle(requests: list[GraphRequest]) -> om.Chunks:
    _check_precision(requests)
    over_variables = [one for one in requests if one.role != "model"]
    made = _refreshable(over_variables) if over_variables else None
    parts = {} if made is None else {om.role_of(one): one for one in made.models}
    models = [
        om.open_model(_plain(one).to_bytes()) if one.role == "model" else parts[_role(one)]
        for one in requests
    ]
    return om.write_bundle(models, 0 if made is None else made.variable_size)


def _role(request: GraphRequest) -> om.Role:
    roles: dict[str, om.Role] = {"infer": "infer", "init": "init", "update": "update"}
    return roles[request.role]


def _refreshable(requests: list[GraphRequest]) -> om.Bundle:
    first = requests[0]
    if any((one.onnx, one.constants) != (first.onnx, first.constants) for one in requests):
        raise ValueError(
            "the graphs are of several conversions; this stand-in bundles those of one alone"
        )
    infer = next((one for one in requests if one.role == "infer"), first)
    for one in requests:
        if one is not infer:
            _check_without_inputs(one)
    proto = opened(infer)
    naming.call_constants(proto, infer.constants)
    built = build.from_onnx(
        proto, infer.constants, output_names="ge", fold=False, **arguments(infer, proto.graph)
    )
    return om.open_bundle(built.to_bytes())


def _check_without_inputs(request: GraphRequest) -> None:
    """Refuse shapes for a graph that has none of the model's inputs."""
    if request.role != "infer" and request.options.get("input_shape"):
        raise ValueError(f"input_shape is given for {request.name}, which has no such inputs")


def _check_precision(requests: list[GraphRequest]) -> None:
    for key in _PRECISION:
        given = {one.options[key] for one in requests if key in one.options}
        if len(given) > 1:
            raise ValueError(f"{key} differs among the graphs: {', '.join(sorted(given))}")
