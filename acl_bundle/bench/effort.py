"""How often, how long and by how many threads a model is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final

from acl_bundle.bench.timing import Samples

SLICES: Final = 10
"""Of several threads, a turn is this part of the whole: a start of threads is not cheap."""


@dataclass(frozen=True)
class Effort:
    """How to run.

    Attributes:
        rounds: Timed inferences per cell and precision.
        warmup: Inferences before them.
        seconds: Instead of rounds, how long each precision of a cell is run; None for rounds.
        concurrency: How many threads infer at once.
        replicas: How often the inference graph is loaded; see `Bundle.load`.
        device: Which device.
        seed: Of the inputs that are made up; None where all must be given.
        updates: Whether updates are measured beside inferences, too.
    """

    rounds: int = 100
    warmup: int = 10
    seconds: float | None = None
    concurrency: int = 1
    replicas: int = 1
    device: int = 0
    seed: int | None = 0
    updates: bool = False

    def left(self, samples: Samples) -> float:
        """Return what part of the effort is left, from 1 to 0."""
        if self.seconds is None:
            return max(0.0, 1 - samples.count / self.rounds)
        return max(0.0, 1 - samples.busy_ns / 1e9 / self.seconds)

    def turn(self, samples: Samples, slices: int = 0) -> Callable[[int], bool]:
        """Return what says whether a turn goes on, asked with how many runs were begun in it.

        Args:
            samples: What was measured before.
            slices: In how many turns all is done; 0 for one inference a turn, or `SLICES`
                where there are several threads.
        """
        if not slices and self.concurrency == 1:
            return lambda begun: begun == 0
        parts = slices or SLICES
        if self.seconds is None:
            most = min(-(-self.rounds // parts), self.rounds - samples.count)
            return lambda begun: begun < most
        end = perf_counter_ns() + int(self.seconds / parts * 1e9)
        return lambda begun: begun == 0 or perf_counter_ns() < end
