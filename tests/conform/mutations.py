"""Each mutation of mutants.c as a library, and what it does otherwise."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from acl_bundle import fake

SOURCE = Path(__file__).with_name("mutants.c")


def compiled(mutation: str, folder: Path) -> Path:
    """The library with one mutation."""
    made, real = folder / f"{mutation.lower()}.so", fake.library_path()
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", f"-D{mutation}", "-Wall",
        "-Werror", "-shared", "-fPIC", "-I", fake.include_path(), SOURCE, "-o", made,
        "-Wl,--no-as-needed", real, f"-Wl,-rpath,{real.parent}",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return made
