"""Other axes: frameworks disagree about which comes first.

torch's Linear keeps ``[out, in]`` where a MatMul takes ``[in, out]``; torch's
convolutions keep ``[out, in, h, w]`` where TensorFlow has ``[h, w, in, out]``
(``axes=(3, 2, 0, 1)`` leads there from here).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import assigned, names_of, numbers
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.spec import Array, Spec, Weights, mapping_of, spec_of
from acl_bundle.weights._base.view import Moved


class ShapeRow(NamedTuple):
    """A weight's shape below and here."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]


class _Reshaping(Moved):
    """What transposed and reshaped weights have in common."""

    def __init__(self, weights: Weights, changes: Mapping[str, Any]) -> None:
        super().__init__(weights)
        self._changes = dict(changes)
        self._shapes = {name: self._shape(name) for name in changes}

    def spec(self, name: str) -> Spec:
        """Return a weight's shape and dtype as they are here."""
        below = super().spec(name)
        return Spec(self._shapes.get(name, below.shape), below.dtype)

    def report(self) -> Report[ShapeRow]:
        """List the shapes that change."""
        rows = tuple(
            ShapeRow(name, spec_of(self._base, name).shape, shape)
            for name, shape in self._shapes.items()
        )
        return Report(f"{len(rows)} of {len(self)} weights change their shape", rows)

    def _done_to(self, name: str) -> Hashable:
        return name in self._changes, self._changes.get(name)

    def _shape(self, name: str) -> tuple[int, ...]:
        raise NotImplementedError


class Transposed(_Reshaping):
    """Weights with their axes in another order."""

    _changes: dict[str, tuple[int, ...] | None]  # None for the reverse

    def _moved(self, name: str, array: Array) -> Array:
        """Return a view with other strides."""
        return array.transpose(self._changes[name]) if name in self._changes else array

    def _shape(self, name: str) -> tuple[int, ...]:
        before, axes = spec_of(self._base, name).shape, self._changes[name]
        if axes is None:
            return before[::-1]
        if sorted(axes) != list(range(len(before))):
            raise WeightError(
                f"weight {name!r} has shape {before}; axes {list(axes)} do not name each of"
                f" {list(range(len(before)))} once"
            )
        return tuple(before[axis] for axis in axes)


class Reshaped(_Reshaping):
    """Weights with the same values in the same order, in another shape."""

    _changes: dict[str, tuple[int, ...]]

    def _moved(self, name: str, array: Array) -> Array:
        """Return another shape of the array, copied only where its strides require it."""
        return array.reshape(self._shapes[name]) if name in self._shapes else array

    def _shape(self, name: str) -> tuple[int, ...]:
        below, wanted = spec_of(self._base, name), self._changes[name]
        known = Spec(tuple(dim for dim in wanted if dim != -1), below.dtype).size
        open_dims = wanted.count(-1)
        fits = known == below.size if not open_dims else known and below.size % known == 0
        if open_dims > 1 or any(dim < -1 for dim in wanted) or not fits:
            raise WeightError(
                f"weight {name!r} has shape {below.shape}, so {below.size} elements;"
                f" {list(wanted)} does not hold them"
            )
        return tuple(below.size // known if dim == -1 else dim for dim in wanted)


def transpose(
    weights: Given, axes: Mapping[str, Sequence[int] | None] | Iterable[str]
) -> Transposed:
    """Reorder the axes of some weights.

    Args:
        weights: What to change.
        axes: Name or pattern -> the axes in their new order, as for
            `numpy.transpose`, None for the reverse; or just names and patterns,
            for the reverse of each.

    Returns:
        A view; ``report()`` lists the shapes.

    Raises:
        WeightError: A pattern fits no weight, or the axes do not fit a weight.
        TypeError: A string was given for a list, or something else for axes.
    """
    wanted = dict(axes) if isinstance(axes, Mapping) else dict.fromkeys(names_of(axes, "axes"))
    orders = {
        pattern: None if order is None else numbers(order, f"axes[{pattern!r}]")
        for pattern, order in wanted.items()
    }
    weights = mapping_of(weights)
    return Transposed(weights, assigned(weights, orders, "axes"))


def reshape(weights: Given, shapes: Mapping[str, Sequence[int]]) -> Reshaped:
    """Give some weights another shape.

    Args:
        weights: What to change.
        shapes: Name or pattern -> the new shape; one dim of -1 takes what is left.

    Returns:
        A view; ``report()`` lists the shapes.

    Raises:
        WeightError: A pattern fits no weight, or a shape does not hold the elements.
        TypeError: There is no mapping, or something else for a shape.
    """
    if not isinstance(shapes, Mapping):
        raise TypeError(f"shapes is {shapes!r}; a mapping of name or pattern to shape is right")
    wanted = {name: numbers(shape, f"shapes[{name!r}]") for name, shape in shapes.items()}
    weights = mapping_of(weights)
    return Reshaped(weights, assigned(weights, wanted, "shapes"))
