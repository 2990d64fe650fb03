"""Views: mappings that change another mapping's weights on the way.

A view holds no values. It knows its names when it is made and fetches, and
changes, a value each time one is asked for; so does a view of a view. It
keeps the mapping below alive and never closes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from acl_bundle._names.given import Given
from acl_bundle.weights._base.source import Source, missing
from acl_bundle.weights._base.spec import Array, Spec, Weights, fetch, mapping_of, spec_of


def files_of(weights: Weights) -> tuple[str, ...]:
    """Return the files that a mapping reads, as far as it can tell."""
    files: tuple[str, ...] = getattr(weights, "files", ())
    return files


class View(Mapping[str, Array]):
    """Weights under other names, or some of them, or changed by a subclass."""

    def __init__(self, base: Given, names: Mapping[str, str] | None = None) -> None:
        """Look at a mapping.

        Args:
            base: What is below.
            names: The name here -> the name below; None for the same names.

        Raises:
            TypeError: ``base`` is no mapping, nor what stands for one.
        """
        self._base = mapping_of(base)
        same = zip(self._base, self._base, strict=True)
        self._names = dict(same if names is None else names)

    def __repr__(self) -> str:
        own = not isinstance(self._base, View | Source)  # it would show all its values
        below = type(self._base).__name__ if own else repr(self._base)
        return f"<{type(self).__name__} of {len(self)} weights, over {below}>"

    @property
    def files(self) -> tuple[str, ...]:
        """All files that values are read from in the end."""
        return files_of(self._base)

    @property
    def aliases(self) -> dict[str, str]:
        """Other names here of one weight below that is the same here too; see `Source`."""
        below: Mapping[str, str] = getattr(self._base, "aliases", None) or {}
        first: dict[object, str] = {}
        found = {}
        for name, under in self._names.items() if below else ():
            other = first.setdefault((below.get(under, under), self._done_to(name)), name)
            if other != name:
                found[name] = other
        return found

    def spec(self, name: str) -> Spec:
        """Return a weight's shape and dtype as they are here.

        Raises:
            KeyError: There is no such weight.
        """
        return spec_of(self._base, self._below(name))

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values as they are here.

        Raises:
            KeyError: There is no such weight.
            TypeError: What is below is no array.
            ClosedError: The source below is closed.
        """
        return fetch(self._base, self._below(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a weight's values, or ``default`` if there is no such weight."""
        if name not in self:  # a KeyError would look for names that are close
            return default
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def _done_to(self, name: str) -> Hashable:
        """What the view does to a weight; names to which the same is done stay names of one."""
        return name

    def _below(self, name: str) -> str:
        try:
            return self._names[name]
        except KeyError:
            raise missing(name, self._names, f"this {type(self).__name__}") from None


class Moved(View):
    """The weights below, under other names or with other axes, and never other numbers.

    So a cast below can still be left to whoever copies them.
    """

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values as they are here; see `View`."""
        return self._moved(name, super().__getitem__(name))

    def unconverted(self, name: str, dtype: np.dtype[Any]) -> tuple[Array, str] | None:
        """Return what a cast below would convert, as `weights.cast` says; None without one."""
        ask = getattr(self._base, "unconverted", None)
        found: tuple[Array, str] | None = ask(self._below(name), dtype) if ask else None
        return found and (self._moved(name, found[0]), found[1])

    def _done_to(self, name: str) -> Hashable:  # noqa: ARG002  for subclasses
        return None

    def _moved(self, name: str, array: Array) -> Array:  # noqa: ARG002  for subclasses
        """Put a weight's values where they are here."""
        return array
