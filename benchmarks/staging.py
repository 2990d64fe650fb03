"""Staging, converting and whole updates of large weights, in memcpys of their bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

import acl_bundle as ab
from benchmarks.rounds import (
    Weights,
    bundle_of,
    medians,
    memcpy,
    memcpy_by_two,
    normal,
    seconds,
    table,
    warm,
)

GOALS = {
    "stage float32, 1 thread": 1.5,  # counts NaN and infinity, for which it reads once more
    "stage float32, 2 threads": 0.65,
    "stage as float16": 1.15,
    "stage as bfloat16": 1.15,
    "whole update, no rollback": 2.4,
    "whole update": 3.5,
}


def numpy_way(weights: Weights, to: Weights, dtype: Any) -> float:
    """Seconds of ``astype`` and a copy of its result, from an eighth of the weights."""
    some = dict(list(weights.items())[::8])

    def convert() -> None:
        for name, value in some.items():
            narrow = value.astype(dtype)
            to[name].view(dtype)[: narrow.size] = narrow

    return seconds(convert) * len(weights) / len(some)


def main(nbytes: int) -> None:
    """Print the table."""
    weights = normal(nbytes)
    to = warm(weights)

    def stage(bundle: ab.Bundle, **options: Any) -> Callable[[], float]:
        return lambda: bundle.update(weights, rollback="none", **options).seconds["stage"]

    narrow: Any = {"cast": "same_kind"}
    with (
        bundle_of(weights) as full,
        bundle_of(weights, np.float16) as half,
        bundle_of(weights, ml_dtypes.bfloat16) as bfloat,
    ):
        figures = medians({
            "memcpy, 1 thread": lambda: seconds(lambda: memcpy(to, weights)),
            "memcpy, 2 threads": lambda: seconds(lambda: memcpy_by_two(to, weights)),
            "stage float32, 1 thread": stage(full),
            "stage float32, 2 threads": stage(full, threads=2),
            "stage as float16": stage(half, **narrow),
            "stage as float16, 2 threads": stage(half, threads=2, **narrow),
            "numpy astype(float16) + copy": lambda: numpy_way(weights, to, np.float16),
            "stage as bfloat16": stage(bfloat, **narrow),
            "stage as bfloat16, 2 threads": stage(bfloat, threads=2, **narrow),
            "ml_dtypes astype(bfloat16) + copy": (
                lambda: numpy_way(weights, to, ml_dtypes.bfloat16)
            ),
            "whole update, no rollback": (
                lambda: seconds(lambda: full.update(weights, rollback="none"))
            ),
            "whole update": lambda: seconds(lambda: full.update(weights)),
            "whole update, 2 threads": lambda: seconds(lambda: full.update(weights, threads=2)),
        })  # fmt: skip
    table(figures, "memcpy, 1 thread", GOALS)
    two = figures["stage float32, 2 threads"] / figures["memcpy, 2 threads"]
    print(f"two threads, against memcpy on two threads: {two:.2f}")
