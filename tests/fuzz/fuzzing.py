"""What the targets in Python share: a fuzzer, bounds on what one file takes, folders from bytes.

``python tests/fuzz/<target>.py SEEDS CORPUS FLAGS...``, with libFuzzer's own flags.
With atheris the mutations follow what the code does; where it has no wheel they
are those of the fake's tests, and of the flags ``-seed``, ``-runs`` and
``-max_total_time`` count.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

try:
    import atheris
except ImportError:
    atheris = None

from contract.file.test_mutations import damaged

SLOWEST: Final = 10.0  # seconds; a hang, not a slow machine
MEMORY: Final = 10, 32 << 20  # times the file's bytes, and what any file may take
LONGEST: Final = 1 << 14
MARK: Final = b"\n--file--\n"
CRASHES: Final = Path("build/fuzz")


def instrumented() -> contextlib.AbstractContextManager[object]:
    """Import a package so that the fuzzer sees which of its branches are taken."""
    return atheris.instrument_imports(["acl_bundle"]) if atheris else contextlib.nullcontext()


@contextlib.contextmanager
def bounded(size: int) -> Iterator[None]:
    """Fail where the body takes too long, or too much memory for so many bytes of a file."""
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.monotonic()
    yield
    peak, took = tracemalloc.get_traced_memory()[1] - before, time.monotonic() - start
    assert peak < MEMORY[0] * size + MEMORY[1], f"{size} bytes took {peak}"
    assert took < SLOWEST, f"{size} bytes took {took} s"


def joined(files: dict[str, bytes]) -> bytes:
    """Return the files of a folder as one input of a fuzzer."""
    return MARK.join(name.encode() + b"\n" + data for name, data in files.items())


def scatter(data: bytes, folder: Path) -> None:
    """Write the files of `joined` into a folder, and nothing else; names are what they are."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for piece in data.split(MARK)[:16]:
        name, _, content = piece.partition(b"\n")
        plain = name[:80].translate(None, b"/\0").decode("utf-8", "surrogateescape")
        if plain not in ("", ".", ".."):
            (folder / plain).write_bytes(content)


def main(target: str, one: Callable[[bytes, Path], None]) -> None:
    """Run a target on damaged seeds until the flags say that it is enough.

    Args:
        target: Its name, for the file that a crash leaves.
        one: Takes bytes, and a path that it may write to.
    """
    seeds, corpus, *flags = sys.argv[1:]
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "file"
        if atheris is None:
            _at_random(target, one, Path(seeds), path, flags)
            return
        arguments = [
            sys.argv[0], *flags, f"-max_len={LONGEST}", "-timeout=60", corpus, seeds,
        ]  # fmt: skip
        atheris.Setup(arguments, lambda data: one(data, path))
        atheris.Fuzz()


def _at_random(
    target: str, one: Callable[[bytes, Path], None], folder: Path, path: Path, flags: list[str]
) -> None:
    """Mutations without a guide."""
    given = dict(flag.lstrip("-").split("=", 1) for flag in flags)
    files = [file.read_bytes() for file in sorted(folder.iterdir())]
    rng = np.random.default_rng(int(given["seed"]) if "seed" in given else None)
    end, count = time.monotonic() + float(given.get("max_total_time", "inf")), 0
    while time.monotonic() < end and count != int(given.get("runs", -1)):
        data, count = damaged(files[int(rng.integers(len(files)))], rng), count + 1
        try:
            one(data, path)
        except BaseException:
            (CRASHES / f"{target}-crash").write_bytes(data)
            raise
    print(f"{target}: {count} damaged files")
