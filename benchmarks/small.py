"""Many small weights in one update: what each costs, and how they cross."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from acl_bundle import fake
from benchmarks.rounds import bundle_of, medians, normal, seconds

COUNT, BYTES = 2000, 4096
STAGING = 16 << 20


def main(_: int) -> None:
    """Print microseconds per weight, and the copies to the device."""
    weights = normal(COUNT * BYTES, COUNT)
    print(f"{COUNT} weights of {BYTES} bytes, microseconds each")
    with bundle_of(weights) as bundle:
        steps: dict[str, dict[str, list[float]]] = {"none": {}, "auto": {}}

        def update(rollback: Any) -> None:
            for step, taken in bundle.update(weights, rollback=rollback).seconds.items():
                steps[rollback].setdefault(step, []).append(taken)

        whole = {name: partial(seconds, partial(update, name)) for name in steps}
        figures = medians(whole, 60)
        before = fake.calls().get("aclrtMemcpy", 0)
        bundle.update(weights, rollback="none")
        copies = fake.calls()["aclrtMemcpy"] - before
    for rollback, goal in (("none", 2.5), ("auto", 3.6)):
        each = figures[rollback] / COUNT * 1e6
        parts = {
            step: sorted(taken)[len(taken) // 2] / COUNT * 1e6
            for step, taken in steps[rollback].items()
        }
        listed = ", ".join(f"{step} {taken:.2f}" for step, taken in parts.items())
        print(f"rollback={rollback!r:7}{each:6.2f} (goal <= {goal}): {listed}")
    most = math.ceil(COUNT * BYTES / STAGING) + 4
    print(f"copies to the device: {copies} (goal <= {most})")
