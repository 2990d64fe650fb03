"""A coordinator that ends within its second update: when all have done a step, or the first has.

Arguments: address, name of the fleet, model, step.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import ray

from acl_bundle import fake
from acl_bundle.fleet import Fleet

SHAPES = {"w1": (8, 16), "b1": (16,), "w2": (16, 3), "b2": (3,)}


def random(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(s).astype(np.float32) for name, s in SHAPES.items()}


def main(address: str, name: str, model: str, step: str) -> None:
    ray.init(address, log_to_driver=False)
    fleet = Fleet.ray(model, actors=2, name=name, initializer=fake.activate, lease=2.0)
    fleet.update(random(1), version=1)
    gather = fleet._coordinator.gather

    def ending(members: Any, at: str, *arguments: Any, **how: Any) -> Any:
        if at != step:
            return gather(members, at, *arguments, **how)
        gather(members[: 1 if step == "commit" else None], at, *arguments, **how)
        os._exit(7)

    fleet._coordinator.gather = ending  # type: ignore[assignment]
    for public in ("idle", "busy"):
        setattr(ending, public, getattr(gather, public))
    fleet.update({"w1": random(2)["w1"]}, version=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
