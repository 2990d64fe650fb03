"""What lies in the partitions of a file, in a few words each."""

from __future__ import annotations

from typing import Any

from acl_bundle import om
from acl_bundle.om import PartitionType
from acl_bundle.om._container import program

__all__ = ["rows_of"]

Rows = list[dict[str, Any]]
_PROGRAMS = {kind.value: kind.name.lower() for kind in program.Kind}
"""What the fake's programs do (docs/program_format.md)."""


def rows_of(owner: om.Bundle | om.Model) -> Rows:
    """Return a row for each partition of a bundle's own table, or of a model's."""
    names = iter(f"graph {at}: {model.name}" for at, model in enumerate(_models(owner)))
    rows: Rows = []
    for part in owner.partitions:
        if part.type == PartitionType.BUNDLE_MODEL_INFO:
            holds = next(names)
        elif isinstance(owner, om.Model):
            holds = _in_model(owner, part)
        else:
            holds = f"memory for variables: {owner.variable_size:,} bytes"
        rows.append({"type": part.name, "offset": part.offset, "size": part.size, "holds": holds})
    return rows


def _models(owner: om.Bundle | om.Model) -> tuple[om.Model, ...]:
    return owner.models if isinstance(owner, om.Bundle) else ()


def _in_model(model: om.Model, part: om.Partition) -> str:
    """What a model has in a partition; "" where only a chip can tell."""
    if part.type == PartitionType.MODEL_INOUT_INFO:
        gears = f", {len(model.gears.values)} gears" if model.gears else ""
        return f"{len(model.inputs)} inputs, {len(model.outputs)} outputs{gears}"
    if part.type == PartitionType.MODEL_DEF:
        return f"{sum(len(graph.nodes) for graph in model.graphs)} nodes"
    if part.type == PartitionType.WEIGHTS_DATA:
        return f"{len(model.weights)} constants"
    if part.type == PartitionType.TASK_INFO:
        return _tasks(model, part)
    return ""


def _tasks(model: om.Model, part: om.Partition) -> str:
    if model.is_compiled_for_chip:
        return "tasks of a chip"
    kind = program.kind_of(part.span)
    return f"program of the fake: {_PROGRAMS.get(kind, kind)}"
