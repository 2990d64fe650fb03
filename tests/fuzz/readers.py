"""Damaged files for `om` and the readers of weights: a documented exception, or an answer.

``python tests/fuzz/readers.py SEEDS SECONDS``. With atheris the mutations follow what the
code does; where it has no wheel they are those of the fake's tests.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

try:
    import atheris
except ImportError:
    atheris = None

with atheris.instrument_imports() if atheris else contextlib.nullcontext():
    from acl_bundle import om, weights

from contract.test_mutations import damaged

from acl_bundle.errors import AclBundleError

SLOWEST = 10.0  # seconds; a hang, not a slow machine
MEMORY = 10, 32 << 20  # times the file's bytes, and what any file may take


def read_om(data: bytes) -> None:
    """Ask for everything that a compiled file may hold."""
    opened = om.open(data)
    for model in opened.models if isinstance(opened, om.Bundle) else (opened,):
        _ = model.inputs, model.outputs, model.gears, model.weights
        for node in itertools.chain(*(graph.nodes for graph in model.graphs)):
            _ = dict(node.attrs), node.inputs, node.subgraphs, node.sources
            for desc in (*node.input_descs, *node.output_descs):
                _ = desc.shape, desc.origin_shape, desc.ranges, dict(desc.attrs)
    if isinstance(opened, om.Bundle):
        _ = opened.has_external_weights, opened.roles, opened.variables


def read_weights(path: Path) -> None:
    """Read each value of a file, whatever kind it seems to be."""
    with weights.open(path) as source:
        for name in itertools.islice(source, 64):
            if source.spec(name).nbytes < 1 << 20:
                _ = source[name]


def one(data: bytes, path: Path) -> None:
    """Both readers on one file, with bounds on memory and time."""
    path.write_bytes(data)
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.monotonic()
    for read, what in ((read_om, data), (read_weights, path)):
        with contextlib.suppress(AclBundleError):
            read(what)  # type: ignore[operator]
    peak, took = tracemalloc.get_traced_memory()[1] - before, time.monotonic() - start
    assert peak < MEMORY[0] * len(data) + MEMORY[1], f"{len(data)} bytes took {peak}"
    assert took < SLOWEST, f"{len(data)} bytes took {took} s"


def at_random(seeds: list[bytes], seconds: float, path: Path) -> None:
    """Mutations without a guide."""
    rng, end, count = np.random.default_rng(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = damaged(seeds[int(rng.integers(len(seeds)))], rng)
        count += 1
        try:
            one(data, path)
        except BaseException:
            Path("build/fuzz/readers-crash").write_bytes(data)
            raise
    print(f"readers: {count} damaged files")


def main(folder: str, seconds: str) -> None:
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "file"
        if atheris is None:
            files = [file.read_bytes() for file in sorted(Path(folder).iterdir())]
            at_random(files, float(seconds), path)
            return
        arguments = [
            sys.argv[0], f"-max_total_time={seconds}", "-max_len=16384", "-print_final_stats=1",
            "-artifact_prefix=build/fuzz/readers-", folder,
        ]  # fmt: skip
        atheris.Setup(arguments, lambda data: one(data, path))
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
