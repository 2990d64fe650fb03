"""Updates from arrays on the device, in executes of the update graph alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import acl_bundle as ab
from acl_bundle import fake
from benchmarks.rounds import bundle_of, medians, memcpy, normal, seconds, table, warm

ASSIGN = "the update graph's own assign"
GOALS = {"update from the device, no rollback": 1.25}


def main(nbytes: int) -> None:
    """Print the table, and what crossed to the device."""
    weights = normal(nbytes)
    to = warm(weights)
    with bundle_of(weights) as bundle:
        arrays = {name: ab.to_device(value) for name, value in weights.items()}

        def assign() -> float:
            return bundle.update(arrays, rollback="none").seconds["commit"]

        def whole(source: object, rollback: str) -> Callable[[], float]:
            return lambda: seconds(lambda: bundle.update(source, rollback=rollback))

        figures = medians({
            ASSIGN: assign,
            "memcpy, 1 thread": lambda: seconds(lambda: memcpy(to, weights)),
            "update from the device, no rollback": whole(arrays, "none"),
            "update from the device": whole(arrays, "device"),
            "update from the host, no rollback": whole(weights, "none"),
        })  # fmt: skip
        table(figures, ASSIGN, GOALS)
        fake.set("trace", "on")
        start = len(fake.trace())
        bundle.update(arrays, rollback="none")
        copies = [row["args"] for row in fake.trace()[start:] if "Memcpy" in row["function"]]
        fake.set("trace", "off")
        sent = sum(int(size) for one in copies for size in re.findall(r"count=(\d+), kind=1", one))
        print(f"\n{sent} bytes from host to device (goal 0), of {nbytes >> 20} MiB")
        for array in arrays.values():
            array.free()
