"""One graph as an ONNX model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acl_bundle import om
from acl_bundle._base.atomic import replacing
from acl_bundle.build._program.exported import exported
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.errors import RoleError

__all__ = ["export", "run"]


def export(path: Path, wanted: str, out: Path) -> dict[str, Any]:
    """Write what a graph computes as an ONNX model, with the variables' first values.

    Args:
        path: A bundle or a model.
        wanted: Which graph, by name or index; "" for the one that infers.
        out: The file to write.

    Returns:
        What was written, by the names that JSON has.

    Raises:
        BundleFormatError: The file is damaged, or leaves in doubt which graph infers.
        RoleError: It has no such graph.
        UnsupportedError: It has no ONNX model of the graph.
        ValueError: Both files are the same.
        OSError: A file cannot be read or written.
    """
    file = om.open(path)
    check_writable([out], [path])
    index = _index(file, wanted, path)
    made = exported(file, index, str(path))
    model = (file.models if isinstance(file, om.Bundle) else (file,))[index]
    raw = made.model.SerializeToString()
    with replacing(out, path) as target:
        target.write(raw)
    graph = made.model.graph
    return {
        "graph": index,
        "name": model.name,
        "out": out,
        "nbytes": len(raw),
        "inputs": [one.name for one in graph.input],
        "outputs": [one.name for one in graph.output],
        "initializers": [one.name for one in graph.initializer],
        "open_weights": made.open_weights,
        "renamed": made.renamed,
        "gears": 0 if model.gears is None else len(model.gears.values),
    }


def _index(file: om.Bundle | om.Model, wanted: str, path: Path) -> int:
    models = file.models if isinstance(file, om.Bundle) else (file,)
    for index, model in enumerate(models):
        if wanted in (model.name, str(index)):
            return index
    has = ", ".join(f"{index} {model.name!r}" for index, model in enumerate(models))
    if wanted:
        raise RoleError(f"{path} has no graph {wanted!r}; there are {has}")
    if not isinstance(file, om.Bundle):
        return 0
    found = file.roles.get("infer")
    if found is None:
        raise RoleError(f"no graph of {path} infers; --graph says which one to write: {has}")
    return found


def run(path: Path, wanted: str, out: Path, as_json: bool) -> None:
    """Write a graph, say so, and where the model is other than the graph.

    See `export` for the arguments, and for what it raises.
    """
    made = export(path, wanted, out)
    if as_json:
        output.document(made)
        return
    output.line(
        f"wrote {made['out']}: graph {made['graph']}, {made['name']}, as an ONNX model of"
        f" {made['nbytes']:,} bytes"
    )
    for name in made["open_weights"]:
        output.line(f"weight {name!r} is an input: the file has no value for it")
    for name, other in made["renamed"].items():
        output.line(f"output {name!r} is {other!r} there: an input or a weight has its name")
    if made["gears"]:
        output.line(f"it takes any shape, the graph those of its {made['gears']} gears")
