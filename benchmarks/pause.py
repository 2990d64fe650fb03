"""How long inferences wait for an update, beside a busy Python thread.

The device takes a millisecond to assign the weights. A reader that runs without
pause notes its longest gap around each update. While one more thread computes
in Python, whoever comes back from C waits for the GIL, up to a switch interval
each time; the gate itself is shut inside one call, so that a reader waits for
the assignment and then once for the GIL.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from itertools import pairwise

import numpy as np

from acl_bundle import fake
from benchmarks.rounds import bundle_of, normal

EXECUTE = 1e-3
GOAL = 1.3
UPDATES = 60


def main(_: int) -> None:
    """Print the pause in switch intervals, less the execute."""
    weights = normal(1 << 20, 8)
    done = threading.Event()
    ends: list[float] = []
    with bundle_of(weights) as bundle:
        bundle.update(weights)
        x, y = np.zeros(1, np.float32), np.zeros(1, np.float32)
        infer = bundle.infer.bind({"x": x}, {"y": y})

        def read() -> None:
            while not done.is_set():
                epoch = infer()
                ends.append(time.perf_counter())
                epochs.append(epoch)

        def compute() -> None:
            while not done.is_set():
                sum(range(1000))

        epochs: list[int] = []
        fake.latency("aclmdlExecute", EXECUTE)
        threads = [threading.Thread(target=target) for target in (read, compute)]
        for thread in threads:
            thread.start()
        for _ in range(UPDATES):
            time.sleep(0.05)
            bundle.update(weights)
        done.set()
        for thread in threads:
            thread.join()
        fake.latency("aclmdlExecute", 0)
        infer.close()
    interval = sys.getswitchinterval()
    gaps = [b - a for a, b in pairwise(ends)]
    around = [gap for gap, (old, new) in zip(gaps, pairwise(epochs), strict=True) if old != new]
    # One gap holds the reader's own execute, the update's, and the GIL.
    beyond = statistics.median(around) - 2 * EXECUTE
    usual = statistics.median(gaps) - EXECUTE
    print(f"an inference, beside a busy thread  {usual / interval:6.2f} switch intervals + execute")
    print(
        f"one that an update came between     {beyond / interval:6.2f} switch intervals"
        f" + both executes (goal <= {GOAL})"
    )
