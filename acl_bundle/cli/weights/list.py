"""``acl-bundle weights list``: what a file holds, without reading values."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from acl_bundle.cli.shell import output
from acl_bundle.cli.weights.inputs import Selection


class WeightRow(NamedTuple):
    """A weight."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


def run(path: Path, choice: Selection, as_json: bool) -> None:
    """Print a weight per row; see `Selection` for what it raises."""
    with choice.open(path) as source:
        view = choice.of(source)
        specs = {name: view.spec(name) for name in view}
        rows = [WeightRow(n, one.dtype.name, one.shape, one.nbytes) for n, one in specs.items()]
        total = sum(row.nbytes for row in rows)
        if as_json:
            output.document(
                {
                    "file": str(path), "kind": source.kind, "nbytes": total,
                    "weights": [row._asdict() for row in rows], "skipped": source.skipped,
                }
            )  # fmt: skip
            return
        title = f"{path}: {source.kind}, {len(rows)} of {len(source)} weights, {total:,} bytes"
        output.table(title, rows)
        for name, why in source.skipped.items():
            output.line(f"skipped {name}: {why}")
