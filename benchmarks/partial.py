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
    c.partial_open.argtypes = [ctypes.c_char_p, ctypes.c_uint32, ctypes.c_size_t, ctypes.c_int64]
    c.partial_update.argtypes = [ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p] + [
        ctypes.POINTER(ctypes.c_double)
    ] * 2
    return c


@contextmanager
def reference(c: ctypes.CDLL, bundle: ab.Bundle) -> Iterator[Callable[[int], tuple[float, float]]]:
    """What updates one weight in C; returns the seconds of all calls, and of the execute."""
    specs, area = bundle.update.weights, bundle._writer.area
    assert area is not None
    assert area.places is not None
    start = int(ffi.cast("uintptr_t", area._memory.pointer))
    value = np.ones(SIZE, np.float32)
    whole, execute = ctypes.c_double(), ctypes.c_double()
    with bundle.device.activated(), ExitStack() as stack:
        model = bundle._second_ids.load(stack, bundle.update.index)
        library = str(fake.library_path()).encode()
        if status := c.partial_open(library, model, len(specs), SIZE):
            raise RuntimeError(f"the reference could not be opened: {status}")
        stack.callback(c.partial_close)
        places = [start + area.places[spec.name][0] for spec in specs]

        def update(index: int) -> tuple[float, float]:
            at, bytes_ = places[index], value.ctypes.data
            if status := c.partial_update(index, at, bytes_, whole, execute):
                raise RuntimeError(f"a call of the reference answered {status}")
            return whole.value, execute.value

        yield update


def measured(c: ctypes.CDLL, count: int) -> dict[str, float]:
    """Microseconds of an update, of the calls in C, of the execute in them, and the difference."""
    weights = {f"layer{i}.weight": np.zeros(SIZE, np.float32) for i in range(count)}
    value, names = np.ones(SIZE, np.float32), list(weights)
    figures: dict[str, list[float]] = {"update": [], "calls": [], "execute": [], "added": []}
    order = itertools.cycle(random.Random(0).sample(range(count), min(count, 50)))
    with bundle_of(weights) as bundle, reference(c, bundle) as calls:
        bundle.update(weights)
        for turn in range(ROUNDS):
            index = next(order)
            whole, execute = calls(index)
            start = time.thread_time()
            bundle.update({names[index]: value})
            update = time.thread_time() - start
            if turn > ROUNDS // 10:
                one = update, whole, execute, update - whole
                for taken, seconds in zip(figures.values(), one, strict=True):
                    taken.append(seconds)
    return {name: statistics.median(taken) * 1e6 for name, taken in figures.items()}


def main(_: int) -> None:
    """Print a line for each number of weights."""
    print(f"one weight of {SIZE * 4} bytes, microseconds of this thread's CPU")
    print(f"{'of':>8}{'update':>10}{'the calls':>12}{'execute':>10}{'added':>8}{'of first':>10}")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        c = compiled(Path(folder))
        for count in COUNTS:
            one = measured(c, count)
            added = one["added"]
            first = first or added
            print(
                f"{count:8}{one['update']:10.0f}{one['calls']:12.0f}{one['execute']:10.0f}"
                f"{added:8.0f}{added / first:10.2f}",
                flush=True,
            )
    print(f"goal: what is added stays within {GOAL} of the first row")
