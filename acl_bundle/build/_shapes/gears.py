"""Gears of a model to be built: the shapes that it takes, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index as as_index
from typing import TypeAlias

from acl_bundle._base.arguments import ArgumentError
from acl_bundle.om._container.gears import Kind

Dims: TypeAlias = tuple[int, ...]
DimGears: TypeAlias = Mapping[str, Sequence[Sequence[int]]]

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


def batches(declared: Mapping[str, Dims], batch: Sequence[int]) -> GearPlan:
    """Return gears of the first dim of each input whose first dim is open."""
    for name, dims in declared.items():
        if -1 in dims[1:]:
            raise ArgumentError(
                f"dynamic_batch is given, but input {name!r} has the shape {list(dims)}; only its"
                " first dim may be open, so pin the others with input_shapes",
                "dynamic_batch",
                "input_shapes",
            )
    return _repeated("batch", "dynamic_batch", declared, [(one,) for one in _list(batch)])


def resolutions(declared: Mapping[str, Dims], hw: Sequence[tuple[int, int]]) -> GearPlan:
    """Return gears of the height and width of each input where both are open."""
    for name, dims in declared.items():
        if dims.count(-1) not in (0, 2):
            raise ArgumentError(
                f"dynamic_hw is given, but input {name!r} has the shape {list(dims)}; exactly its"
                " height and width may be open, so pin the others with input_shapes",
                "dynamic_hw",
                "input_shapes",
            )
    values = [tuple(one) for one in hw]
    for one in values:
        if len(one) != 2:
            raise ArgumentError(f"dynamic_hw has {one!r}; a (height, width) is right", "dynamic_hw")
    return _repeated("hw", "dynamic_hw", declared, values)


def _list(values: Sequence[int]) -> list[int]:
    try:
        return [as_index(one) for one in values]
    except TypeError:
        raise ArgumentError(
            f"dynamic_batch is {values!r}; a list of integers is right", "dynamic_batch"
        ) from None


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
        raise ArgumentError(f"{option} has {len(values)} gears; 1 to {_MOST} are right", option)
    if len(set(values)) < len(values):
        raise ArgumentError(f"{option} names a gear twice: {list(values)}", option)
    for one in values:
        if any(dim <= 0 for dim in one):
            raise ArgumentError(
                f"{option} has the gear {list(one)}; every value must be positive", option
            )


def any_dims(declared: Mapping[str, Dims], given: DimGears) -> GearPlan:
    """Return gears whose shapes are given for each input that has open dims."""
    opened = [name for name, dims in declared.items() if -1 in dims]
    if set(given) != set(opened):
        raise ArgumentError(
            f"dynamic_dims has {sorted(given)}; the inputs with open dims are {opened}, and each"
            " needs a list with its shape in every gear",
            "dynamic_dims",
        )
    counts = {name: len(given[name]) for name in opened}
    if len(set(counts.values())) > 1:
        raise ArgumentError(
            f"dynamic_dims gives the inputs different numbers of gears: {counts}", "dynamic_dims"
        )
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
        raise ArgumentError(
            f"dynamic_dims[{name!r}] has the shape {list(dims)}, which does not fit"
            f" {list(declared)}",
            "dynamic_dims",
        )
    return dims
