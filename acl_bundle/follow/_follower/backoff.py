"""How long to wait before trying again: longer each time, to a limit, and never in step."""

from __future__ import annotations

import random
from dataclasses import dataclass

from acl_bundle.follow._versions.amounts import amount


@dataclass(frozen=True)
class Backoff:
    """Delays that double from ``first`` to ``most`` seconds.

    Each is shortened by up to a half, at random, so that many followers of one
    source do not come back all at once.

    Attributes:
        first: Seconds after the first failure.
        most: The longest delay, in seconds.

    Raises:
        TypeError, ValueError: The delays are not 0 < first <= most.
    """

    first: float = 0.1
    most: float = 30.0

    def __post_init__(self) -> None:
        first, most = (amount(getattr(self, name), name, "seconds") for name in ("first", "most"))
        if first > most:
            raise ValueError(
                f"back-off is {self.first} to {self.most} seconds; 0 < first <= most is right"
            )

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, at least 1."""
        steps = min(failures - 1, 1000)  # 2.0**1000 is still a float
        return min(self.most, self.first * 2.0**steps) * random.uniform(0.5, 1)
