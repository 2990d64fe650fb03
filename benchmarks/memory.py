"""The host memory that an update takes beside the caller's arrays, at its peak.

Each case runs in a process of its own and reads what the kernel says of it
(VmHWM after a reset). The fake's device is memory of the same process; it is
another mapping, and is taken out by its name.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from acl_bundle import fake
from benchmarks.rounds import TENSORS, Weights, bundle_of, normal

GOAL = 64


class Files(Mapping[str, Any]):
    """Weights that are made when they are asked for, as if read from files."""

    def __init__(self, weights: Weights) -> None:
        self._shapes = {name: value.shape for name, value in weights.items()}

    def __getitem__(self, name: str) -> Any:
        return np.full(self._shapes[name], 0.5, np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


CASES: dict[str, tuple[Any, Callable[[Weights], Mapping[str, Any]]]] = {
    "as they are": (np.float32, lambda weights: weights),
    "float32 to float16": (np.float16, lambda weights: weights),
    "float64 to float32": (
        np.float32,
        lambda weights: {name: value.astype(np.float64) for name, value in weights.items()},
    ),
    "not contiguous": (
        np.float32,
        lambda weights: {name: np.repeat(value, 2)[::2] for name, value in weights.items()},
    ),
    "lazy": (np.float32, Files),
}


def anonymous() -> int:
    """Bytes of this process's own memory that are in use; the fake's device is a file."""
    with open("/proc/self/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["RssAnon"].split()[0]) << 10


class Peak:
    """Watches `anonymous` from a thread of its own."""

    def __init__(self) -> None:
        self.start = self.most = anonymous()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.0005):
            self.most = max(self.most, anonymous())

    def end(self) -> int:
        """Bytes of the peak above the start."""
        self._stop.set()
        self._thread.join()
        return max(self.most, anonymous()) - self.start


def child(case: str, nbytes: int) -> None:
    """Print the MiB that one update takes, the first of its process."""
    fake.activate()
    dtype, make = CASES[case]
    weights = normal(nbytes, TENSORS)
    with bundle_of(weights, dtype) as bundle:
        given = make(weights)
        del weights
        peak = Peak()
        bundle.update(given, cast="same_kind")
        print(peak.end() / (1 << 20))


def main(nbytes: int) -> None:
    """Print one line per case; a quarter of the size, for some hold it three times."""
    nbytes //= 4
    for case in CASES:
        code = f"from benchmarks.memory import child; child({case!r}, {nbytes})"
        run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        print(f"{case:24}{float(run.stdout):8.1f} MiB (goal <= {GOAL})", flush=True)
    print(f"of {nbytes >> 20} MiB in {TENSORS} tensors")
