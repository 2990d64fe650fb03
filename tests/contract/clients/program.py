"""The C programs of this folder: compiled and run as a client of AscendCL is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..face import ROOT, Acl

STRICT = ("-Wall", "-Wextra", "-Werror")
ASCENDCL = ("-lascendcl",)


def compiled(
    folder: Path, name: str, acl: Acl, *flags: str | Path, linked: tuple[str, ...] = ASCENDCL
) -> Path:
    """Compile ``<name>.c``: it finds the library as any program does, by its soname."""
    program = folder / name
    command = [
        os.environ.get("CC", "cc"), "-std=c11", *STRICT, *flags, "-I", ROOT / "csrc",
        Path(__file__).with_name(f"{name}.c"), "-o", program,
        "-L", acl.path.parent, *linked, "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return program


def run(program: Path, acl: Acl, *arguments: str | Path, **environment: str) -> str:
    """Run it where only the loader's path leads to the library; what it printed.

    Nothing may stand on stderr: the fake would tell violations and leaks there.
    """
    done = subprocess.run(
        [program, *arguments],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(acl.path.parent),
            "ACL_FAKE_ONNXRUNTIME": str(acl._onnxruntime),
            **environment,
        },
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
