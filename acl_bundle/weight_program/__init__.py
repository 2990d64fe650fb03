"""Weight programs: what makes a compiled graph's constants of a trainer's weights."""

from __future__ import annotations

from acl_bundle.weight_program.beside import save_beside
from acl_bundle.weight_program.compose import before, check, fit
from acl_bundle.weight_program.file import Given, load, opened, save
from acl_bundle.weight_program.program import (
    Constant,
    Piece,
    Step,
    Table,
    WeightProgram,
    plain,
)
from acl_bundle.weight_program.recover import lost, recover
from acl_bundle.weight_program.text import from_bytes, to_bytes

__all__ = [
    "Constant",
    "Given",
    "Piece",
    "Step",
    "Table",
    "WeightProgram",
    "before",
    "check",
    "fit",
    "from_bytes",
    "load",
    "lost",
    "opened",
    "plain",
    "recover",
    "save",
    "save_beside",
    "to_bytes",
]
