"""Unloading a model that another thread is about to use, as a C program does it (facts 3)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..face import ROOT, Acl
from ..programs import Tensor, bundle, init_model, null_model, places

PLAIN = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
VARIABLE = Tensor("v", (4,))
ROUNDS = 5000


def compiled(library: Path, program: Path) -> Path:
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
        "-I", ROOT / "csrc", Path(__file__).with_name("unload_beside.c"), "-o", program,
        "-L", library.parent, "-lascendcl", "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return program


def test_nobody_touches_what_an_unload_took_apart(_library: Acl, tmp_path: Path) -> None:
    """The C library overwrites what is freed, so a pointer from there leads nowhere."""
    plain, both = tmp_path / "plain.om", tmp_path / "both.om"
    plain.write_bytes(PLAIN)
    assigns = init_model([VARIABLE], [bytes(16)])
    both.write_bytes(bundle(PLAIN, assigns, variables=places([VARIABLE])[1]))
    done = subprocess.run(
        [compiled(_library.path, tmp_path / "unload_beside"), plain, both, str(ROUNDS)],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(_library.path.parent),
            "MALLOC_PERTURB_": "165",
        },
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
