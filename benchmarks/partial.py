"""One weight of few and of many: what an update of it costs beside the calls it is made of.

The reference is a C loop that makes the same calls on the same library, over the same
variables (partial.c). The execute in it is the library's own commit, which looks at each
input of the update graph; what the package adds to the calls may not grow with the weights.
Times are the thread's own, so that what else goes on counts less.
"""

from __future__ import annotations

import ctypes
import itertools
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from operator import truediv
from pathlib import Path

import numpy as np

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle._binding.shim import ffi
from benchmarks.rounds import bundle_of

COUNTS = 10, 100, 1_000, 6_000, 20_000
SIZE = 64
ROUNDS = 300
GOAL = 1.5
ROOT = Path(__file__).parent


def compiled(folder: Path) -> ctypes.CDLL:
    """Compile and open partial.c."""
    library = folder / "partial.so"
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", f"-I{ROOT.parent / 'csrc'}", str(ROOT / "partial.c"),
         "-o", str(library), "-ldl"],
        check=True,
    )  # fmt: skip
    c = ctypes.CDLL(str(library))
    c.partial_open.argtypes = [ctypes.c_char_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_int64]
    c.partial_open.restype = ctypes.c_void_p
    c.partial_update.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_double),
    ]  # fmt: skip
    c.partial_close.argtypes = [ctypes.c_void_p]
    return c


@contextmanager
def reference(c: ctypes.CDLL, bundle: ab.Bundle) -> Iterator[Callable[[int], tuple[float, float]]]:
    """What updates one weight in C; returns the seconds of all calls, and of the execute."""
    specs, area = bundle.update.weights, bundle._writer.area
    assert area is not None
    assert area.places is not None
    start = int(ffi.cast("uintptr_t", area._memory.pointer))
    places = [start + area.places[spec.name][0] for spec in specs]
    value = np.ones(SIZE, np.float32)
    whole, execute = ctypes.c_double(), ctypes.c_double()
    with bundle.device.activated(), ExitStack() as stack:
        model = bundle._second_ids.load(stack, bundle.update.index)
        library = str(fake.library_path()).encode()
        dataset = int(ffi.cast("uintptr_t", bundle.update._assign.area.dataset.handle))
        one = c.partial_open(library, model, dataset, SIZE)
        if one is None:
            raise RuntimeError("the reference could not be opened")
        stack.callback(c.partial_close, one)

        def update(index: int) -> tuple[float, float]:
            at, bytes_ = places[index], value.ctypes.data
            if status := c.partial_update(one, at, bytes_, whole, execute):
                raise RuntimeError(f"a call of the reference answered {status}")
            return whole.value, execute.value

        yield update


class Size:
    """A bundle of so many weights, and the figures of it, in seconds."""

    def __init__(self, stack: ExitStack, c: ctypes.CDLL, count: int) -> None:
        weights = {f"layer{i}.weight": np.zeros(SIZE, np.float32) for i in range(count)}
        self._bundle = stack.enter_context(bundle_of(weights))
        self._calls = stack.enter_context(reference(c, self._bundle))
        self._bundle.update(weights)
        self._names, self._value = list(weights), np.ones(SIZE, np.float32)
        self._order = itertools.cycle(random.Random(0).sample(range(count), min(count, 50)))
        self.figures: dict[str, list[float]] = {
            name: [] for name in ("update", "calls", "execute", "added")
        }

    def measure(self) -> None:
        """Update one weight, and make the calls that it makes."""
        index = next(self._order)
        start = time.thread_time()
        self._bundle.update({self._names[index]: self._value})
        update = time.thread_time() - start
        whole, execute = self._calls(index)
        one = update, whole, execute, update - whole
        for taken, seconds in zip(self.figures.values(), one, strict=True):
            taken.append(seconds)


def main(_: int) -> None:
    """Print a line for each number of weights; all take turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        c = compiled(Path(folder))
        sizes = [Size(stack, c, count) for count in COUNTS]
        for _ in range(ROUNDS):
            for size in random.sample(sizes, len(sizes)):
                size.measure()
        rows = [
            {name: statistics.median(taken) * 1e6 for name, taken in size.figures.items()}
            for size in sizes
        ]
        growth = [
            statistics.median(map(truediv, size.figures["added"], sizes[0].figures["added"]))
            for size in sizes
        ]
    print(f"one weight of {SIZE * 4} bytes, microseconds of this thread's CPU")
    print(f"{'of':>8}{'update':>10}{'the calls':>12}{'execute':>10}{'added':>8}{'of first':>10}")
    for count, one, times in zip(COUNTS, rows, growth, strict=True):
        print(
            f"{count:8}{one['update']:10.0f}{one['calls']:12.0f}{one['execute']:10.0f}"
            f"{one['added']:8.0f}{times:10.2f}"
        )
    print(f"goal: what is added stays within {GOAL} of the first row")
