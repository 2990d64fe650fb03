"""Ranges of a model to be built: any shape between bounds, or without end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from acl_bundle._base.arguments import ArgumentError
from acl_bundle.build._shapes.gears import Dims

Bounds: TypeAlias = Mapping[str, Sequence[int | tuple[int, int]]]


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


def bounded(declared: Mapping[str, Dims], bounds: Bounds) -> RangePlan:
    """Return the range of every dim: as it is bounded here, else any size where it is open."""
    unknown = sorted(set(bounds) - set(declared))
    if unknown:
        raise ArgumentError(
            f"dynamic_shape names {unknown}; the inputs are {list(declared)}", "dynamic_shape"
        )
    return RangePlan(
        {
            name: _bounded(name, dims, bounds[name]) if name in bounds else tuple(map(_free, dims))
            for name, dims in declared.items()
        }
    )


def _free(dim: int) -> tuple[int, int]:
    return (1, -1) if dim == -1 else (dim, dim)


def _bounded(
    name: str, dims: Dims, bounds: Sequence[int | tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    if len(bounds) != len(dims):
        raise ArgumentError(
            f"dynamic_shape[{name!r}] has {len(bounds)} dims, but the model has {list(dims)}",
            "dynamic_shape",
        )
    return tuple(_bound(name, dim, one) for dim, one in zip(dims, bounds, strict=True))


def _bound(name: str, dim: int, bound: int | tuple[int, int]) -> tuple[int, int]:
    low, high = bound if isinstance(bound, tuple) else (bound, bound)
    if dim != -1 and (low, high) != (dim, dim):
        raise ArgumentError(
            f"dynamic_shape[{name!r}] bounds a dim that the model fixes at {dim}", "dynamic_shape"
        )
    if low < 0 or (high < low and high != -1):
        raise ArgumentError(
            f"dynamic_shape[{name!r}] has the bounds {(low, high)}; (least, most) is right, with"
            " most -1 where there is no end",
            "dynamic_shape",
        )
    return low, high
