"""What recording costs a program: a C loop under `acl-bundle record`, beside the same loop alone.

    python -m benchmarks.record

The loop calls a getter, which does next to nothing, or executes a model that computes nothing; each
thread has a model of its own. Both ways take turns in each round; a ratio is the median over the
rounds. More threads than processors wait for each other in both ways.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from acl_bundle import build, fake

SOURCE = Path(__file__).with_suffix(".c")
CALLS = {"aclGetDataBufferSizeV2": 100_000, "aclmdlExecute": 50_000}
THREADS = 1, 2, 4
ROUNDS = 5
QUIET = {**os.environ, "ACL_FAKE_REPORT": "off"}  # the loop leaves all to the end of the process


def compiled(folder: Path) -> Path:
    """Compile and link record.c."""
    made, library = folder / "loop", fake.library_path()
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", f"-I{fake.include_path()}", str(SOURCE), "-o",
         str(made), str(library), f"-Wl,-rpath,{library.parent}", "-lpthread"],
        check=True,
    )  # fmt: skip
    return made


def nanoseconds(command: Sequence[str]) -> float:
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=QUIET)
    return float(done.stdout.split()[0])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        x = ("float32", (1,))
        build.null({"x": x}, {"y": x}, weights={}, init=False).save(folder / "null.om")
        loop = compiled(folder)
        recorder = [
            sys.executable, "-m", "acl_bundle.cli", "record", "-o", str(folder / "t.jsonl"), "--",
        ]  # fmt: skip
        print(f"{'function':24} threads  alone, ns  recorded, ns  ratio")
        for function, calls in CALLS.items():
            for threads in THREADS:
                command = [str(loop), str(folder / "null.om"), function, str(threads), str(calls)]
                rounds = [
                    (nanoseconds(command), nanoseconds([*recorder, *command]))
                    for _ in range(ROUNDS)
                ]
                alone, recorded = map(statistics.median, zip(*rounds, strict=True))
                ratio = statistics.median(after / before for before, after in rounds)
                print(f"{function:24} {threads:7} {alone:10.0f} {recorded:13.0f} {ratio:6.1f}")


if __name__ == "__main__":
    main()
