"""Weights, bundles and rounds that the sections of benchmarks.update share."""

from __future__ import annotations

import ctypes
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import build

Weights = dict[str, NDArray[Any]]
TENSORS = 64
ROUNDS = 9


def normal(nbytes: int, tensors: int = TENSORS) -> Weights:
    """Float32 weights of so many bytes in all, such as a network has."""
    rng = np.random.default_rng(0)
    size = nbytes // tensors // 4
    return {
        f"layer{i}.weight": rng.standard_normal(size, np.float32) * np.float32(0.02)
        for i in range(tensors)
    }


@contextmanager
def bundle_of(weights: Mapping[str, NDArray[Any]], dtype: Any = np.float32) -> Iterator[ab.Bundle]:
    """A bundle that computes nothing, with weights of these shapes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "null.om"
        empty = {name: np.empty(value.shape, dtype) for name, value in weights.items()}
        x = {"x": ("float32", (1,))}
        build.null(x, {"y": x["x"]}, weights=empty, init=False).save(path)
        with ab.Bundle.load(path) as bundle:
            yield bundle


def warm(weights: Weights) -> Weights:
    """Buffers of the same sizes that were written before."""
    return {name: np.ones(value.shape, value.dtype) for name, value in weights.items()}


def memcpy(to: Weights, weights: Weights) -> None:
    """Copy the weights with C's memcpy, without the GIL."""
    for name, value in weights.items():
        ctypes.memmove(to[name].ctypes.data, value.ctypes.data, value.nbytes)


def memcpy_by_two(to: Weights, weights: Weights) -> None:
    """The same with two threads: what two can reach at best."""
    names = list(weights)
    other = threading.Thread(
        target=memcpy, args=(to, {name: weights[name] for name in names[1::2]})
    )
    other.start()
    memcpy(to, {name: weights[name] for name in names[::2]})
    other.join()


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(samplers: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Let all take turns; the first round only warms up."""
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    for turn in range(rounds + 1):
        for name, sample in samplers.items():
            value = sample()
            if turn:
                samples[name].append(value)
    return {name: statistics.median(values) for name, values in samples.items()}


def table(figures: dict[str, float], unit: str, goals: Mapping[str, float]) -> None:
    """Print each figure as a multiple of the one called `unit`, beside its goal."""
    print(f"{'':36}{'ms':>9}{'ratio':>8}{'goal':>10}")
    for name, value in figures.items():
        goal = f"<= {goals[name]}" if name in goals else ""
        print(f"{name:36}{value * 1e3:9.1f}{value / figures[unit]:8.2f}{goal:>10}", flush=True)
