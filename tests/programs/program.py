"""A program of somebody who knows AscendCL and not this project: compiled and run as theirs are.

Its flags are those that `acl-bundle fake cflags` and `libs` print, its environment is what a shell
has after `eval "$(acl-bundle fake env)"`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from acl_bundle.cli.fake import env, toolkit

HERE = Path(__file__).parent
STRICT = ("-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
COMPILERS = {".c": ("CC", "cc", "-std=c11"), ".cc": ("CXX", "c++", "-std=c++11")}


def compiler(suffix: str) -> list[str]:
    """The compiler of a source with this suffix, with its standard. Skips where there is none."""
    variable, default, standard = COMPILERS[suffix]
    command = os.environ.get(variable, default)
    if shutil.which(command) is None:
        pytest.skip(f"no {command} here")
    return [command, standard]


def compiled(source: Path, folder: Path, *libraries: str) -> Path:
    """Compile one source, without a warning, against the fake's headers."""
    program = folder / source.stem
    flags = shlex.split(f"{toolkit.cflags()} {toolkit.libs()}")
    also = [*(f"-l{one}" for one in libraries), "-lpthread", "-lm"]
    command = [*compiler(source.suffix), *STRICT, source, *flags, *also, "-o", program]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return program


def in_shell(
    command: list[str | Path], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that has evaluated the lines of `fake env`."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("ACL_", "ASCEND", "DDK", "NPU", "LD_LIBRARY"))
    }
    script = "\n".join([*env.lines(), 'exec "$@"'])
    return subprocess.run(
        ["sh", "-euc", script, "sh", *command], cwd=folder, env={**clean, **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
