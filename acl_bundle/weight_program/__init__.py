"""Weight programs: what makes a compiled graph's constants of a trainer's weights."""

from __future__ import annotations

from acl_bundle.weight_program.file import Given, check, fit, load, opened, save
from acl_bundle.weight_program.program import (
    Constant,
    Piece,
    Step,
    Table,
    WeightProgram,
    plain,
)
from acl_bundle.weight_program.text import from_bytes, to_bytes

__all__ = [
    "Constant",
    "Given",
    "Piece",
    "Step",
    "Table",
    "WeightProgram",
    "check",
    "fit",
    "from_bytes",
    "load",
    "opened",
    "plain",
    "save",
    "to_bytes",
]
