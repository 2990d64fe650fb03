"""A source in memory, which a test fills, and which lists and fails as it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any

from acl_bundle import follow


@contextmanager
def _opened(weights: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield weights


class Memory:
    """Versions as they are put in; the same one may be put in twice."""

    def __init__(self) -> None:
        self.listed: list[follow.Checkpoint] = []
        self.looks = 0

    def put(self, version: int, weights: Mapping[str, Any]) -> None:
        """Offer a version from now on."""
        made = follow.Checkpoint(version, (1, version), partial(_opened, weights))
        self.listed = [*self.listed, made]

    def versions(self) -> list[follow.Checkpoint]:
        self.looks += 1
        return self.listed

    def wait(self, seconds: float, stop: Event) -> None:
        stop.wait(min(seconds, 0.005))

    def close(self) -> None:
        """Nothing is held."""
