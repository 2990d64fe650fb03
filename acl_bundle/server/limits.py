"""What a server allows, and for how long it waits."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerLimits:
    """The limits of a `Server`. Whoever is over one is told so, and nothing else happens.

    Attributes:
        queue: How many requests of a model may wait for the device; one more is 429,
            RESOURCE_EXHAUSTED.
        batch_delay: Seconds that a request waits for others to fill a gear, from its arrival;
            with 0 a batch is what came while the device was busy.
        workers: How many runs of a model are under way at once: the bundle's replicas.
        request: Seconds from a request's arrival to its answer; 504, DEADLINE_EXCEEDED.
        body: Bytes of a request; 413, RESOURCE_EXHAUSTED over gRPC.
        bodies: Bytes of all requests that are in memory at once; one more is 429,
            RESOURCE_EXHAUSTED. None for 16 of the largest.
        weights: Bytes of weights that are posted; 413. More at once are 429.
        receive: Seconds that the head of a request, and then each MiB of its body, may take
            to come in; 408. An answer that nobody reads for so long is given up (HTTP).
        drain: Seconds that requests may go on when the server ends.
        connections: How many clients' connections are open at once; requests on one more are
            503. Over gRPC how many requests; RESOURCE_EXHAUSTED.
    """

    queue: int = 256
    batch_delay: float = 0.0
    workers: int = 1
    request: float = 30.0
    body: int = 64 << 20
    bodies: int | None = None
    weights: int = 2 << 30
    receive: float = 30.0
    drain: float = 30.0
    connections: int = 1024

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            TypeError, ValueError: One cannot be what it is.
        """
        for name in ("queue", "workers", "body", "bodies", "weights", "connections"):
            value = getattr(self, name)
            if value is None and name == "bodies":
                continue
            if type(value) is not int:
                raise TypeError(f"{name} is {value!r}; an int above 0 is right")
            if value < 1:
                raise ValueError(f"{name} is {value}; an int above 0 is right")
        for name in ("batch_delay", "request", "receive", "drain"):
            value = getattr(self, name)
            if not isinstance(value, int | float):
                raise TypeError(f"{name} is {value!r}; seconds are right, as a number")
            if not 0 <= value < math.inf or (value == 0 and name not in ("batch_delay", "drain")):
                raise ValueError(f"{name} is {value} seconds; a positive number is right")
        if self.in_memory < self.body:
            raise ValueError(
                f"bodies is {self.bodies}, and one may have {self.body} bytes; as many at least"
                " are right"
            )

    @property
    def in_memory(self) -> int:
        """How many bytes of requests may be in memory at once."""
        return 16 * self.body if self.bodies is None else self.bodies
