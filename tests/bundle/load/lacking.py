"""Does everything that reaches C, on models that are given; tells what is unsupported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import acl_bundle as ab
from acl_bundle import fake


def told(step: Callable[[], object]) -> None:
    """Do a step; an UnsupportedError is told, and nothing else may be raised."""
    try:
        step()
    except ab.UnsupportedError as error:
        print(error)


def weighty(path: str) -> None:
    x = np.ones((4, 8), np.float32)
    with ab.Bundle.load(path) as bundle:
        specs = [state.spec for state in bundle.weights.values()]
        big = {spec.name: np.ones(spec.shape or (), "f4") for spec in specs}
        steps: list[Callable[[], Any]] = [
            bundle.init,
            lambda: bundle.infer(x),
            lambda: bundle.infer.run({"x": x}, timeout_ms=5000),
            lambda: bundle.infer.submit(x).result(),
            lambda: list(bundle.infer.stream([x, x])),
            lambda: bundle.update(big),
            lambda: bundle.update(big, threads=2, timeout_ms=5000),
            lambda: bundle.restore(bundle.snapshot()),
        ]
        for step in steps:
            told(step)


def plain(path: str, x: Any) -> None:
    with ab.Bundle.load(path) as bundle:
        told(lambda: bundle.infer(x))
        told(lambda: bundle.infer.submit(x).result())


fake.activate()
told(lambda: weighty(sys.argv[1]))
for path in sys.argv[2:]:
    shape = (1, 2, 4, 4) if "hw" in path else (4, 4)
    told(lambda path=path, shape=shape: plain(path, np.ones(shape, np.float32)))  # type: ignore[misc]
