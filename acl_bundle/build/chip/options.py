"""What GE is told: options of the process, and of the inference graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from onnx import GraphProto

from acl_bundle.build._origin.origin import Origin
from acl_bundle.build._shapes import flexible, shapes
from acl_bundle.build._shapes.flexible import Flexible
from acl_bundle.build._shapes.gears import DimGears, GearPlan

_V2: Final = (
    "origin", "fp16", "cube_fp16in_fp32out", "mixed_float16", "mixed_bfloat16", "cube_hif8",
    "mixed_hif8",
)  # fmt: skip
_V1: Final = (
    "must_keep_origin_dtype", "force_fp16", "force_fp32", "allow_fp32_to_fp16",
    "allow_mix_precision", "allow_mix_precision_fp16", "allow_mix_precision_bf16",
)  # fmt: skip
PRECISIONS: Final = {
    **dict.fromkeys(_V2, "ge.exec.precision_mode_v2"),
    **dict.fromkeys(_V1, "ge.exec.precision_mode"),
}
"""The option that each precision is a value of."""
_GEARS: Final = {
    "batch": "ge.dynamicBatchSize",
    "hw": "ge.dynamicImageSize",
    "dims": "ge.dynamicDims",
}


def of_process(soc: str, precision: str) -> dict[str, str]:
    """Return the options of aclgrphBuildInitialize.

    Raises:
        ValueError: The chip has no name, or the precision is none of GE's.
    """
    if not soc or "\0" in soc:
        raise ValueError(f"soc is {soc!r}; the chip's name is right, such as Ascend910B3")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; one of {', '.join(PRECISIONS)} is right")
    return {"ge.socVersion": soc, PRECISIONS[precision]: precision}


def of_infer(graph: GraphProto, asked: Origin) -> dict[str, str]:
    """Return the options of the inference graph.

    Args:
        graph: The model's; its inputs are declared as asked.
        asked: Has the shapes.

    Raises:
        ValueError: A shape or a gear does not fit the inputs, or the model is to have AIPP.
    """
    if asked.aipp is not None:
        raise ValueError(
            "the bundle was built with aipp=, which is not passed on to GE; build it without, and"
            " prepare the images before a run"
        )
    dynamic = (asked.dynamic_batch, asked.dynamic_hw, asked.dynamic_dims, asked.dynamic_shape)
    wanted = any(one is not None and one is not False for one in dynamic)
    shapes.pin(graph, asked.input_shapes, leave_open=wanted)
    plan = flexible.plan(graph, *dynamic)
    geared = plan if isinstance(plan, GearPlan) else None
    found = {"input_format": "NCHW" if geared and geared.kind == "hw" else "ND"}
    if graph.input:
        found["input_shape"] = _input_shape(graph, plan)
    if geared is not None:
        found[_GEARS[geared.kind]] = _rows(geared)
    return found


def dim_gears(graph: GraphProto, rows: Sequence[Sequence[int]], option: str) -> DimGears:
    """Return the shapes of the inputs in each gear.

    Args:
        graph: Its inputs with open dims are meant.
        rows: For each gear the values of all open dims, from the first input's to the last one's.
        option: What the error calls them.

    Raises:
        ValueError: A row has another number of values.
    """
    fixed = {one.name for one in graph.initializer}
    opened = {
        one.name: shapes.known(one).dims or () for one in graph.input if one.name not in fixed
    }
    opened = {name: dims for name, dims in opened.items() if -1 in dims}
    count = sum(dims.count(-1) for dims in opened.values())
    made: dict[str, list[tuple[int, ...]]] = {name: [] for name in opened}
    for row in rows:
        if len(row) != count:
            said = ",".join(map(str, row))
            raise ValueError(f"{option} has the gear {said}; the inputs have {count} open dims")
        values = iter(row)
        for name, dims in opened.items():
            made[name].append(tuple(next(values) if dim == -1 else dim for dim in dims))
    return made


def _rows(plan: GearPlan) -> str:
    separator = "," if plan.kind == "batch" else ";"
    return separator.join(",".join(map(str, one)) for one in plan.values)


def _input_shape(graph: GraphProto, plan: Flexible | None) -> str:
    """What GE reads as "x:1,3;y:-1,1~8"."""
    ranges: Mapping[str, Sequence[tuple[int, int]]] = getattr(plan, "ranges", {})
    said = []
    for one in graph.input:
        if any(mark in one.name for mark in ";\0"):
            raise ValueError(f"input {one.name!r} has a name that GE's input_shape cannot hold")
        dims = shapes.known(one).dims or ()
        pairs = ranges.get(one.name) or [(dim, dim) for dim in dims]
        said.append(f"{one.name}:{','.join(map(_dim, pairs))}")
    return ";".join(said)


def _dim(pair: tuple[int, int]) -> str:
    low, high = pair
    if low == high:
        return str(low)
    return "-1" if pair == (1, -1) or high == -1 else f"{low}~{high}"
