"""Unloading a model that another thread is about to use, as a C program does it (facts 3)."""

from __future__ import annotations

from pathlib import Path

from ..face import Acl
from ..programs import Tensor, bundle, init_model, null_model, places
from .program import compiled, run

PLAIN = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
VARIABLE = Tensor("v", (4,))
ROUNDS = 5000


def test_nobody_touches_what_an_unload_took_apart(acl: Acl, tmp_path: Path) -> None:
    """The C library overwrites what is freed, so a pointer from there leads nowhere."""
    plain, both = tmp_path / "plain.om", tmp_path / "both.om"
    plain.write_bytes(PLAIN)
    assigns = init_model([VARIABLE], [bytes(16)])
    both.write_bytes(bundle(PLAIN, assigns, variables=places([VARIABLE])[1]))
    program = compiled(tmp_path, "unload_beside", acl, "-D_GNU_SOURCE")
    assert (
        int(
            run(
                program, acl, plain, both, str(ROUNDS), MALLOC_PERTURB_="165", ACL_FAKE_REPORT="off"
            )
        )
        > 0
    )
