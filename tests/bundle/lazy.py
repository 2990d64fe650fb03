"""Mappings that are no dicts: an update fetches their values when it needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Lazy(Mapping[str, Any]):
    """Weights as they are; the mapping says nothing else of them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Made(Lazy):
    """Weights that are made anew whenever they are asked for."""

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name).copy()
