"""Times of many inferences, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

ENOUGH: Final = 100
"""With fewer samples, the 99th percentile is the largest of them."""


def percentile(samples: Sequence[int], of_100: int) -> int:
    """Return the smallest sample that so many of 100 samples keep to: one that was measured.

    This is numpy's ``method="inverted_cdf"``, the nearest rank: nothing is interpolated,
    so the answer is never better than what was measured.

    Args:
        samples: One at least.
        of_100: 1 to 100.
    """
    rank = -(-len(samples) * of_100 // 100)
    return int(np.partition(np.asarray(samples), rank - 1)[rank - 1])


@dataclass
class Samples:
    """Times of one thing that was done again and again.

    Attributes:
        samples: Each time in nanoseconds.
        busy_ns: How long it was being done, in nanoseconds: less than the sum of the
            samples where several were done at once.
    """

    samples: list[int] = field(default_factory=list)
    busy_ns: int = 0

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.samples)

    @property
    def mean_ms(self) -> float:
        """Mean time in milliseconds."""
        return float(np.mean(self.samples)) / 1e6

    @property
    def min_ms(self) -> float:
        """Shortest time in milliseconds."""
        return min(self.samples) / 1e6

    @property
    def max_ms(self) -> float:
        """Longest time in milliseconds."""
        return max(self.samples) / 1e6

    @property
    def p50_ms(self) -> float:
        """The time in milliseconds that half of all keep to; see `percentile`."""
        return percentile(self.samples, 50) / 1e6

    @property
    def p90_ms(self) -> float:
        """The time in milliseconds that 90 of 100 keep to."""
        return percentile(self.samples, 90) / 1e6

    @property
    def p99_ms(self) -> float:
        """The time in milliseconds that 99 of 100 keep to."""
        return percentile(self.samples, 99) / 1e6

    @property
    def per_second(self) -> float:
        """How many were done in a second."""
        return self.count / self.busy_ns * 1e9

    def add(self, nanoseconds: int) -> None:
        """Take the time of one that was done alone."""
        self.samples.append(nanoseconds)
        self.busy_ns += nanoseconds

    def told(self) -> dict[str, Any]:
        """Return all numbers by name, times in milliseconds."""
        times = ("mean_ms", "min_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms")
        return {name: getattr(self, name) for name in times} | {"per_second": self.per_second}


@dataclass
class Parts:
    """The parts of an inference, each timed by itself.

    Attributes:
        copy_in: Inputs to the device (aclrtMemcpy).
        execute: The graph, on arrays on the device (aclmdlExecute).
        copy_out: Outputs to the host (aclrtMemcpy).
    """

    copy_in: Samples = field(default_factory=Samples)
    execute: Samples = field(default_factory=Samples)
    copy_out: Samples = field(default_factory=Samples)


@dataclass
class UpdateTiming:
    """Inferences while updates run, and without.

    Attributes:
        how: ``"in place"``, or ``"pair"``.
        alone: Inferences between the updates' turns.
        inferences: Inferences while updates run one behind the other.
        updates: Those updates.
    """

    how: str
    alone: Samples = field(default_factory=Samples)
    inferences: Samples = field(default_factory=Samples)
    updates: Samples = field(default_factory=Samples)

    @property
    def measured(self) -> bool:
        """Whether all three have samples."""
        return all(one.count for one in (self.alone, self.inferences, self.updates))


@dataclass
class Timing(Samples):
    """What was measured of one precision: inferences from arrays to arrays, and more.

    Attributes:
        dtype: The precision.
        nbytes: The model's size as a file, in bytes; 0 until it is built.
        parts: Copy in, execute and copy out; no samples until they are measured.
        beside: A row per way to update; empty where updates were not asked for.
    """

    dtype: str = ""
    nbytes: int = 0
    parts: Parts = field(default_factory=Parts)
    beside: list[UpdateTiming] = field(default_factory=list)
