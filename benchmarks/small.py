"""Many small weights in one update: what each costs, and how they cross."""

from __future__ import annotations

import math

from acl_bundle import fake
from benchmarks.rounds import bundle_of, medians, normal, seconds

COUNT, BYTES = 2000, 4096
BOUNCE = 16 << 20


def main(_: int) -> None:
    """Print microseconds per weight, and the copies to the device."""
    weights = normal(COUNT * BYTES, COUNT)
    with bundle_of(weights) as bundle:
        steps: dict[str, list[float]] = {}

        def update() -> float:
            for step, taken in bundle.update(weights).seconds.items():
                steps.setdefault(step, []).append(taken)
            return 0.0

        figures = medians({"whole": lambda: seconds(update)}, 30)
        before = fake.calls().get("aclrtMemcpy", 0)
        bundle.update(weights)
        copies = fake.calls()["aclrtMemcpy"] - before
    each = figures["whole"] / COUNT * 1e6
    print(f"{COUNT} weights of {BYTES} bytes: {each:.2f} us each (goal <= 2.5)")
    for step, samples in steps.items():
        print(f"  {step:8}{sorted(samples)[len(samples) // 2] / COUNT * 1e6:6.2f} us")
    most = math.ceil(COUNT * BYTES / BOUNCE) + 4
    print(f"copies to the device: {copies} (goal <= {most})")
