"""One graph of a bundle as a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acl_bundle import om
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable

__all__ = ["extract", "run"]


def extract(path: Path, index: int, out: Path) -> dict[str, Any]:
    """Write a graph: as a plain model, or as a bundle of one where it works on variables.

    What the variables hold comes from other graphs of the bundle, so such a file infers nothing
    useful before something has written them.

    Args:
        path: A bundle.
        index: Which of its graphs, as `inspect` counts them.
        out: The file to write.

    Returns:
        The graph's name, the kind of file and its size.

    Raises:
        BundleFormatError: It is no bundle, or damaged.
        ValueError: It has no such graph, or both files are the same.
        OSError: A file cannot be read or written.
    """
    bundle = om.open_bundle(path)
    check_writable([out], [path])
    if not 0 <= index < len(bundle.models):
        last = len(bundle.models) - 1
        raise ValueError(f"{path} has no graph {index}; its graphs are 0 to {last}")
    model = bundle.models[index]
    alone = not bundle.variable_size and bool(model.outputs)
    pieces = om.Chunks([model.data]) if alone else om.write_bundle([model], bundle.variable_size)
    pieces.save(out)
    kind = "model" if alone else "bundle"
    return {"graph": index, "name": model.name, "kind": kind, "out": out, "nbytes": pieces.nbytes}


def run(path: Path, index: int, out: Path, as_json: bool) -> None:
    """Write a graph and say so; see `extract` for what it raises."""
    made = extract(path, index, out)
    if as_json:
        output.document(made)
        return
    output.line(
        f"wrote {made['out']}: graph {made['graph']}, {made['name']}, as a {made['kind']}"
        f" of {made['nbytes']:,} bytes"
    )
