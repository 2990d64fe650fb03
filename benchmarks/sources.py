"""Weights from files to the device, in reads of the same bytes into memory.

The unit is `readinto` of the safetensors file into a buffer as large as it is,
which was written before: what a program would do that had its own place for
the bytes. The files are in the page cache, as those of a trainer on the same
machine are. "To the device" is opening the file, checking it and staging its
weights; what the update graph does with them afterwards is not counted.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

import acl_bundle as ab
from acl_bundle import weights
from benchmarks.rounds import bundle_of, medians, normal, seconds, table

GOALS = {"safetensors to the device": 1.25}


def readinto(path: Path, buffer: memoryview) -> None:
    """Read a file; the system gives at most 2 GiB at once."""
    with open(path, "rb", buffering=0) as file:
        while size := file.readinto(buffer):
            buffer = buffer[size:]


def to_device(bundle: ab.Bundle, path: Path) -> float:
    """Seconds from the path until all weights are on the device."""
    start = time.perf_counter()
    with weights.open(path) as source:
        report = bundle.update(source, rollback="none")
    return time.perf_counter() - start - report.seconds["commit"]


def main(nbytes: int) -> None:
    """Print the table."""
    values = normal(nbytes)
    with tempfile.TemporaryDirectory() as folder, bundle_of(values) as bundle:
        path, archive = Path(folder, "w.safetensors"), Path(folder, "w.npz")
        weights.save(values, path)
        np.savez(archive, **values)  # type: ignore[arg-type]  # the stubs lack names
        buffer = memoryview(np.ones(path.stat().st_size, np.uint8))
        figures = medians({
            "readinto a buffer": lambda: seconds(lambda: readinto(path, buffer)),
            "safetensors to the device": lambda: to_device(bundle, path),
            "npz to the device": lambda: to_device(bundle, archive),
        })  # fmt: skip
    table(figures, "readinto a buffer", GOALS)
