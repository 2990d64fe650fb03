"""What a model with more than one shape is to accept: gears, or any shape.

A static model with gears takes the shapes it is given here and no others; a
dynamic one takes whatever fits its open dims. Which dims are open the ONNX
model says, less those that ``input_shapes`` pins.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index as as_index
from typing import TypeAlias

from onnx import GraphProto

from acl_bundle.build._shapes import shapes
from acl_bundle.om._container.gears import Kind

Dims: TypeAlias = tuple[int, ...]
DimGears: TypeAlias = Mapping[str, Sequence[Sequence[int]]]
Bounds: TypeAlias = Mapping[str, Sequence[int | tuple[int, int]]]

_MOST = 128  # what aclmdlBatch and aclmdlHW can tell


@dataclass(frozen=True)
class GearPlan:
    """The gears of a model to be built.

    Attributes:
        kind: What a gear's values are.
        values: Of each gear.
        shapes: The shape of every input in each gear, by name.
    """

    kind: Kind
    values: tuple[Dims, ...]
    shapes: tuple[dict[str, Dims], ...]


@dataclass(frozen=True)
class RangePlan:
    """The shapes that a dynamic model takes: (least, most) per dim, most -1 without end."""

    ranges: Mapping[str, tuple[tuple[int, int], ...]]

    @property
    def least(self) -> dict[str, Dims]:
        """The smallest shape of every input."""
        return {name: tuple(low for low, _ in pairs) for name, pairs in self.ranges.items()}

    @property
    def most(self) -> dict[str, Dims]:
        """The largest shape of every input, -1 where there is none."""
        return {name: tuple(high for _, high in pairs) for name, pairs in self.ranges.items()}


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
        raise ValueError(f"{' and '.join(given)} are given; a model can have one of them")
    if not given:
        return None
    declared = _declared(graph, given[0])
    if batch is not None:
        return _batches(declared, batch)
    if hw is not None:
        return _resolutions(declared, hw)
    if dims is not None:
        return _any_dims(declared, dims)
    return RangePlan(_ranges(declared, {} if shape is True or shape is False else shape))


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
            raise ValueError(
                f"input {one.name!r} has a shape of unknown rank; pass input_shapes for it"
            )
        found[one.name] = dims
    if not any(-1 in dims for dims in found.values()):
        raise ValueError(f"{option} is given, but no input has an open dim: {found}")
    return found


def _batches(declared: Mapping[str, Dims], batch: Sequence[int]) -> GearPlan:
    for name, dims in declared.items():
        if -1 in dims[1:]:
            raise ValueError(
                f"dynamic_batch is given, but input {name!r} has the shape {list(dims)}; only its"
                " first dim may be open, so pin the others with input_shapes"
            )
    return _repeated("batch", "dynamic_batch", declared, [(one,) for one in _list(batch)])


def _resolutions(declared: Mapping[str, Dims], hw: Sequence[tuple[int, int]]) -> GearPlan:
    for name, dims in declared.items():
        if dims.count(-1) not in (0, 2):
            raise ValueError(
                f"dynamic_hw is given, but input {name!r} has the shape {list(dims)}; exactly its"
                " height and width may be open, so pin the others with input_shapes"
            )
    values = [tuple(one) for one in hw]
    for one in values:
        if len(one) != 2:
            raise ValueError(f"dynamic_hw has {one!r}; a (height, width) is right")
    return _repeated("hw", "dynamic_hw", declared, values)


def _list(values: Sequence[int]) -> list[int]:
    try:
        return [as_index(one) for one in values]
    except TypeError:
        raise ValueError(f"dynamic_batch is {values!r}; a list of integers is right") from None


def _repeated(
    kind: Kind, option: str, declared: Mapping[str, Dims], values: Sequence[Dims]
) -> GearPlan:
    """Gears whose values fill the open dims of each input anew."""
    _check_values(option, values)
    made = tuple(
        {name: _filled(dims, iter(one)) for name, dims in declared.items()} for one in values
    )
    return GearPlan(kind, tuple(values), made)


def _filled(dims: Dims, values: Iterator[int]) -> Dims:
    return tuple(next(values) if dim == -1 else dim for dim in dims)


def _check_values(option: str, values: Sequence[Dims]) -> None:
    if not 1 <= len(values) <= _MOST:
        raise ValueError(f"{option} has {len(values)} gears; 1 to {_MOST} are right")
    if len(set(values)) < len(values):
        raise ValueError(f"{option} names a gear twice: {list(values)}")
    for one in values:
        if any(dim <= 0 for dim in one):
            raise ValueError(f"{option} has the gear {list(one)}; every value must be positive")


def _any_dims(declared: Mapping[str, Dims], given: DimGears) -> GearPlan:
    opened = [name for name, dims in declared.items() if -1 in dims]
    if set(given) != set(opened):
        raise ValueError(
            f"dynamic_dims has {sorted(given)}; the inputs with open dims are {opened}, and each"
            " needs a list with its shape in every gear"
        )
    counts = {name: len(given[name]) for name in opened}
    if len(set(counts.values())) > 1:
        raise ValueError(f"dynamic_dims gives the inputs different numbers of gears: {counts}")
    made = []
    for gear in range(len(given[opened[0]])):
        own = {name: _fitting(name, declared[name], given[name][gear]) for name in opened}
        made.append({**declared, **own})
    values = [
        tuple(
            dim
            for name in opened
            for dim, old in zip(one[name], declared[name], strict=True)
            if old == -1
        )
        for one in made
    ]
    _check_values("dynamic_dims", values)
    return GearPlan("dims", tuple(values), tuple(made))


def _fitting(name: str, declared: Dims, shape: Sequence[int]) -> Dims:
    dims = tuple(shape)
    fits = len(dims) == len(declared) and all(
        old in (-1, dim) for old, dim in zip(declared, dims, strict=True)
    )
    if not fits:
        raise ValueError(
            f"dynamic_dims[{name!r}] has the shape {list(dims)}, which does not fit"
            f" {list(declared)}"
        )
    return dims


def _ranges(declared: Mapping[str, Dims], bounds: Bounds) -> dict[str, tuple[tuple[int, int], ...]]:
    unknown = sorted(set(bounds) - set(declared))
    if unknown:
        raise ValueError(f"dynamic_shape names {unknown}; the inputs are {list(declared)}")
    return {
        name: _bounded(name, dims, bounds[name]) if name in bounds else tuple(map(_free, dims))
        for name, dims in declared.items()
    }


def _free(dim: int) -> tuple[int, int]:
    return (1, -1) if dim == -1 else (dim, dim)


def _bounded(
    name: str, dims: Dims, bounds: Sequence[int | tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    if len(bounds) != len(dims):
        raise ValueError(
            f"dynamic_shape[{name!r}] has {len(bounds)} dims, but the model has {list(dims)}"
        )
    return tuple(_bound(name, dim, one) for dim, one in zip(dims, bounds, strict=True))


def _bound(name: str, dim: int, bound: int | tuple[int, int]) -> tuple[int, int]:
    low, high = bound if isinstance(bound, tuple) else (bound, bound)
    if dim != -1 and (low, high) != (dim, dim):
        raise ValueError(f"dynamic_shape[{name!r}] bounds a dim that the model fixes at {dim}")
    if low < 0 or (high < low and high != -1):
        raise ValueError(
            f"dynamic_shape[{name!r}] has the bounds {(low, high)}; (least, most) is right, with"
            " most -1 where there is no end"
        )
    return low, high
