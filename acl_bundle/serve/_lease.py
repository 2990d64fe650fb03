"""How long a replica may infer that does not hear from its coordinator: its lease of contact.

Serve's requests come to a replica whether its coordinator reaches it or not. So the coordinator
*grants* it to infer, each time for a lease, in its answer to the replica's question for jobs. T1 is
a replica, T2 the coordinator, which goes on to version 8 without T1:

1. T1 asks for its jobs, and notes the time: t1. The question arrives at T2: t2, later than t1
2. T2 grants, and notes t2. T1 hears it, and infers with version 7 until t1 + lease of its clock
3. The network parts them. An update gives T1 up: T2 grants nothing from now on
4. T1's lease is over: it refuses each request from then on
5. T2 waits until t2 + lease, and a margin, of its own clock; then it decides version 8
6. The network is back: T1 asks, hears its jobs and no grant, catches up, and is granted again

The two clocks are never compared: each side measures a time of its own from an event that the other
side has seen in the same order. The margin is for clocks of which one goes faster.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

LEASE_S, LEAST_S = 10.0, 1.0
"""Seconds of a lease unless others are given, and the fewest."""
ASKS = 4
"""How often, at least, a replica asks within a lease."""
MARGIN_S, DRIFT = 0.5, 0.01
"""What a lease is longer by on the coordinator's clock: seconds, and a part of the lease."""


def surely_over(granted: float, lease: float) -> float:
    """When a lease is over at the replica, whatever its clock, on the clock of who granted it."""
    return granted + lease * (1 + DRIFT) + MARGIN_S


class ContactLease:
    """The replica's side: until when it may infer.

    Args:
        seconds: The lease.
        clock: Seconds that never go back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self.seconds: float = seconds
        self._clock = clock
        self._until: float | None = None

    def now(self) -> float:
        """The time to note before the coordinator is asked."""
        return self._clock()

    def renew(self, asked: float) -> None:
        """The coordinator has granted what it was asked for at that time."""
        self._until = asked + self.seconds

    @property
    def reason(self) -> str | None:
        """Why the replica must not infer; None: it may."""
        if self._until is None:
            return "its coordinator has not let it infer yet"
        if self._clock() < self._until:
            return None
        return (
            f"its coordinator has not let it go on for {self.seconds:.3g} s: it cannot be reached,"
            " or goes on without this replica"
        )
