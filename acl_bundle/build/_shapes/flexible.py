"""What a model with more than one shape is to accept: gears, or any shape.

A static model with gears takes the shapes it is given here and no others; a
dynamic one takes whatever fits its open dims. Which dims are open the ONNX
model says, less those that ``input_shapes`` pins.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TypeAlias

from onnx import GraphProto

from acl_bundle._base.arguments import ArgumentError
from acl_bundle.build._shapes import gears, ranges, shapes
from acl_bundle.build._shapes.gears import DimGears, Dims, GearPlan
from acl_bundle.build._shapes.ranges import Bounds, RangePlan

Flexible: TypeAlias = GearPlan | RangePlan


def pin(
    graph: GraphProto,
    input_shapes: shapes.Shapes | None,
    batch: Sequence[int] | None,
    hw: Sequence[tuple[int, int]] | None,
    dims: DimGears | None,
    shape: bool | Bounds,
) -> Flexible | None:
    """Give the inputs their shapes, in place, and return what the model is to accept.

    Raises:
        ValueError: As `shapes.pin` and `plan`.
    """
    opened = shape is not False or not (batch is None and hw is None and dims is None)
    shapes.pin(graph, input_shapes, leave_open=opened)
    chosen = plan(graph, batch, hw, dims, shape)
    warn_of_short_names(chosen)
    return chosen


def plan(
    graph: GraphProto,
    batch: Sequence[int] | None,
    hw: Sequence[tuple[int, int]] | None,
    dims: DimGears | None,
    shape: bool | Bounds,
) -> Flexible | None:
    """Return what a model is to accept, None when one shape is all.

    Raises:
        ValueError: Two options are given, or one does not fit the inputs.
    """
    options = {
        "dynamic_batch": batch is not None,
        "dynamic_hw": hw is not None,
        "dynamic_dims": dims is not None,
        "dynamic_shape": shape is not False,
    }
    given = [name for name, is_given in options.items() if is_given]
    if len(given) > 1:
        raise ArgumentError(
            f"{' and '.join(given)} are given; a model can have one of them", *given
        )
    if not given:
        return None
    declared = _declared(graph, given[0])
    if batch is not None:
        return gears.batches(declared, batch)
    if hw is not None:
        return gears.resolutions(declared, hw)
    if dims is not None:
        return gears.any_dims(declared, dims)
    return ranges.bounded(declared, {} if isinstance(shape, bool) else shape)


def warn_of_short_names(chosen: Flexible | None) -> None:
    """Warn the builder's caller of names on which CANN's own reader of a file fails.

    aclmdlGetDescFromFile and aclmdlGetDescFromMem find the list of inputs too short for its n
    names when these have less than 4n - 4 bytes between them (CANN's
    ``model_parser_base.cc``, ``GetListStrInfo``: a bracket is wrong there). Loading is unaffected.
    """
    if not isinstance(chosen, GearPlan) or chosen.kind != "dims":
        return
    names = list(chosen.shapes[0])
    least, has = 4 * len(names) - 4, sum(len(name.encode()) for name in names)
    if has < least:
        warnings.warn(
            f"CANN's aclmdlGetDescFromFile and aclmdlGetDescFromMem will fail (500002) on a model"
            f" with dynamic_dims whose inputs are called {names}: {len(names)} names need {least}"
            f" bytes between them and have {has}; names of 4 characters or more are right",
            UserWarning,
            stacklevel=4,
        )


def _declared(graph: GraphProto, option: str) -> dict[str, Dims]:
    """The dims of every input, -1 where they are open."""
    found: dict[str, Dims] = {}
    for one in graph.input:
        dims = shapes.known(one).dims
        if dims is None:
            raise ArgumentError(
                f"input {one.name!r} has a shape of unknown rank; pass input_shapes for it",
                "input_shapes",
            )
        found[one.name] = dims
    if not any(-1 in dims for dims in found.values()):
        raise ArgumentError(f"{option} is given, but no input has an open dim: {found}", option)
    return found
