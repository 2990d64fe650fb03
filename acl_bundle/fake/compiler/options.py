"""GE's build options: which there are, and what they ask our builder for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from onnx import GraphProto

from acl_bundle import aipp
from acl_bundle.build._shapes import shapes
from acl_bundle.build.chip.options import dim_gears
from acl_bundle.fake.compiler.fields import GraphRequest, InvalidError
from acl_bundle.fake.compiler.parse import check

Arguments: TypeAlias = dict[str, Any]
_Bounds: TypeAlias = tuple[int, int]

_GEARS = ("ge.dynamicBatchSize", "ge.dynamicImageSize", "ge.dynamicDims")
_UNSIMULATED = {
    "input_shape_range", "op_name_map", "ge.outputDatatype", "ge.externalWeight",
    "ge.outputNodeName", "ge.INPUT_NODES_SET_FP16", "ge.build_inner_model", "ge.offlineMode",
    "ge.customizeDtypes", "ge.enableGraphParallel", "ge.distributed_cluster_build",
}  # fmt: skip
_WITHOUT_EFFECT = {
    "input_format", "input_shape", *_GEARS, "ge.insertOpFile", "ge.exec.precision_mode",
    "ge.exec.precision_mode_v2", "ge.exec.op_precision_mode", "ge.exec.allow_hf32",
    "ge.exec.modify_mixlist",
    "ge.exec.disableReuseMemory", "ge.exec.tuneDeviceIds", "ge.autoTuneMode", "log",
    "ge.opDebugLevel", "op_debug_option", "op_debug_config", "ge.debugDir",
    "ge.op_compiler_cache_dir", "ge.op_compiler_cache_mode", "ge.mdl_bank_path",
    "ge.op_bank_path", "ge.op_bank_update", "ge.performance_mode",
    "ge.shape_generalized_build_mode", "ge.exec.exclude_engines", "ge.ac_parallel_enable",
    "ge.quant_dumpable", "ge.tiling_schedule_optimize", "ge.graphMaxParallelModelNum",
    "ge.buildConfig", "ge.oo.level", "ge.oo.constantFolding", "ge.oo.deadCodeElimination",
    "ge.exportCompileStat", "ge.optimizationSwitch", "ge.exec.outputReuseInputMemIndexes",
}  # fmt: skip
_FORMATS = ("ND", "NCHW", "NHWC", "NCDHW", "NDHWC")


def arguments(request: GraphRequest, graph: GraphProto) -> Arguments:
    """Return what `build.model` is to be given for a graph, and declare its inputs' shapes.

    Raises:
        InvalidError: An option is unknown, or its value does not fit.
    """
    given = request.options
    try:
        check(given, _UNSIMULATED | _WITHOUT_EFFECT, _UNSIMULATED)
        if given.get("input_format", "ND") not in _FORMATS:
            raise ValueError(f"input_format is {given['input_format']!r}; one of {_FORMATS}")
        said = given.get("input_shape") or request.parameters.get("input_shape", "")
        bounds = _declare(graph, said)
        made = _gears(graph, given) or ({"dynamic_shape": bounds} if _open(graph) else {})
        return made | _aipp(given.get("ge.insertOpFile"))
    except ValueError as error:
        raise InvalidError(str(error)) from None


def _aipp(path: str | None) -> Arguments:
    if not path:
        return {}
    try:
        return {"aipp": aipp.read(Path(path))}
    except OSError as error:
        raise ValueError(f"ge.insertOpFile is {path!r}: {error.strerror}") from None


def _declare(graph: GraphProto, said: str) -> dict[str, list[int | _Bounds]]:
    """Declare what "x:1,-1;y:2~8" says, and return the bounds of what it names and leaves open."""
    inputs = {one.name: one for one in graph.input}
    bounds: dict[str, list[int | _Bounds]] = {}
    for part in filter(None, said.split(";")):
        name, _, text = part.rpartition(":")
        if name not in inputs:
            raise ValueError(f"input_shape names {name!r}; the inputs are {', '.join(inputs)}")
        found = [_dim(one) for one in text.split(",") if one.strip()]
        shapes.set_dims(inputs[name], [one if isinstance(one, int) else -1 for one in found])
        if any(one == -1 or isinstance(one, tuple) for one in found):
            bounds[name] = [(1, -1) if one == -1 else one for one in found]
    return bounds


def _dim(text: str) -> int | _Bounds:
    low, tilde, high = text.partition("~")
    try:
        return (int(low), int(high)) if tilde else int(text)
    except ValueError:
        raise ValueError(
            f"input_shape has the dim {text!r}; a number, -1 or 1~8 is right"
        ) from None


def _open(graph: GraphProto) -> bool:
    return any(not shapes.known(one).is_static for one in _inputs(graph))


def _inputs(graph: GraphProto) -> list[Any]:
    fixed = {one.name for one in graph.initializer}
    return [one for one in graph.input if one.name not in fixed]


def _gears(graph: GraphProto, given: dict[str, str]) -> Arguments:
    asked = [key for key in _GEARS if given.get(key)]
    if not asked:
        return {}
    if len(asked) > 1:
        raise ValueError(f"{' and '.join(asked)} are given; a model can have one of them")
    rows = [[int(one) for one in row.split(",")] for row in given[asked[0]].strip(";").split(";")]
    if asked[0] == "ge.dynamicBatchSize":
        return {"dynamic_batch": [one for row in rows for one in row]}
    if asked[0] == "ge.dynamicImageSize":
        return {"dynamic_hw": [tuple(row) for row in rows]}
    return {"dynamic_dims": dim_gears(graph, rows, asked[0])}
