"""The library of ``acl-bundle record`` under sanitizers, and programs that have their own."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from acl_bundle import fake
from acl_bundle.conform import trace
from tests.laws.test_layers import ROOT

from .test_record import SOURCE, record

CC = os.environ.get("CC", "cc")
RUNTIMES = {"address,undefined": "libasan.so", "thread": "libtsan.so"}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}  # fmt: skip
RUNS = {"calls": 7, "threads": 800, "fork": 14, "leaves 20": 20, "inside": 13, "many 100": 200}


def sanitized(kind: str, *words: str | Path) -> None:
    """Compile with a sanitizer."""
    flags = ["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", f"-fsanitize={kind}"]
    subprocess.run([CC, *flags, *words, "-ldl", "-lpthread"], check=True, timeout=300)


def runtime(kind: str) -> str:
    """The path of a sanitizer's runtime, as the compiler finds it."""
    command = [CC, f"-print-file-name={RUNTIMES[kind]}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.isabs(found):
        pytest.skip(f"{CC} has no {RUNTIMES[kind]}")
    return found


def program(kind: str, folder: Path) -> Path:
    """The C program of the traces, with a sanitizer of its own."""
    made, library = folder / "recorded", fake.library_path()
    words = ["-I", fake.include_path(), SOURCE, "-o", made, library]
    sanitized(kind, *words, f"-Wl,-rpath,{library.parent}")
    return made


def wrapping_what_is_called(folder: Path) -> list[Path]:
    """The library's sources, with wrappers of what the program calls: 294 take a minute."""
    called = frozenset(re.findall(r"\bacl\w+", SOURCE.read_text(encoding="utf-8")))
    for path in (ROOT / "record").glob("*.[ch]"):
        shutil.copy(path, folder)
    made = runpy.run_path(str(ROOT / "record" / "wrappers.py"))["made"]
    (folder / "wrappers.h").write_text(made(called))
    return sorted(folder.glob("*.c"))


@pytest.mark.parametrize("kind", RUNTIMES)
def test_nothing_is_found(kind: str, tmp_path: Path) -> None:
    """Threads, forks, forks inside calls: the runtime ends a program at its first report."""
    first, recorded, library = runtime(kind), program(kind, tmp_path), tmp_path / "record.so"
    sources = wrapping_what_is_called(tmp_path)
    shared = ["-fPIC", "-fvisibility=hidden", "-shared", "-o", library]
    sanitized(kind, *shared, "-I", ROOT / "csrc", *sources)
    for number, (words, calls) in enumerate(RUNS.items()):
        path = tmp_path / f"{number}.jsonl"
        path.touch()
        around = {**os.environ, **OPTIONS, "LD_PRELOAD": f"{first}:{library}"}
        done = subprocess.run(
            [recorded, *words.split()], env={**around, "ACL_RECORD_TRACE": str(path)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == (3 if words == "calls" else 0), f"{words}: {done.stderr}"
        assert "Sanitizer" not in done.stderr
        assert "runtime error" not in done.stderr
        trace.complete(path)
        assert len(trace.read_trace(path)) == calls, words


@pytest.mark.parametrize("kind", RUNTIMES)
def test_a_program_with_a_sanitizer_is_recorded(kind: str, tmp_path: Path) -> None:
    """Its runtime asks for functions by dlsym before it is ready, and wants to be first."""
    runtime(kind)
    done, calls = record(program(kind, tmp_path), "calls", cwd=tmp_path, **OPTIONS)
    assert (done.returncode, len(calls)) == (3, 7), done.stderr
