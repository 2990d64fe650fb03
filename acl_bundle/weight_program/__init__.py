"""Weight programs: what makes a compiled graph's constants of a trainer's weights."""

from __future__ import annotations

from acl_bundle.weight_program.program import (
    Constant,
    Piece,
    Step,
    Table,
    WeightProgram,
    plain,
)
from acl_bundle.weight_program.text import from_bytes, to_bytes

__all__ = ["Constant", "Piece", "Step", "Table", "WeightProgram", "from_bytes", "plain", "to_bytes"]
