"""What `describe` found, as tables or as JSON."""

from __future__ import annotations

from pathlib import Path

from acl_bundle.cli.inspect import tree
from acl_bundle.cli.inspect.describe import Data, describe
from acl_bundle.cli.shell import output

PARTS = ("inputs", "outputs", "aipp", "gears", "constants", "partitions")


def _rows(title: str, rows: list[Data]) -> None:
    """Print rows of equal keys as a table; nothing when there are none."""
    if rows:
        output.table(title, rows)


def _set_fields(header: Data) -> str:
    """The header's fields that are not zero."""
    shown = {**header, **{name: hex(header[name]) for name in ("magic", "version")}}
    return ", ".join(f"{name} {shown[name]}" for name, value in header.items() if value)


def _show_graph(graph: Data) -> None:
    label = f"graph {graph['index']}" if "index" in graph else "model"
    role = f", role {graph['role']}" if graph.get("role") else ""
    kind = "dynamic" if graph["dynamic"] else "static"
    output.line(f"{label}: {graph['name']}{role}, {kind}, for {graph['runs_on']}")
    output.line(f"header: {_set_fields(graph['header'])}")
    for part in PARTS:
        _rows(part, graph[part])


def _told(weights: list[Data]) -> list[Data]:
    """The weights, and what the graphs call them if that is another name of any."""
    if any(one["in_graph"] != one["name"] for one in weights):
        return weights
    return [{key: one[key] for key in one if key != "in_graph"} for one in weights]


def show(data: Data) -> None:
    """Print what `describe` returned."""
    graphs = data["graphs"]
    output.line(f"{data['file']}: {data['kind']}, {data['nbytes']:,} bytes, {len(graphs)} graphs")
    if data["kind"] == "bundle":
        output.line(f"header: {_set_fields(data['header'])}")
        output.line(f"memory for variables: {data['variable_size']:,} bytes")
        if data["external_weights"]:
            output.line("some constants lie in files beside this one")
        for doubt in data["doubts"]:
            output.line(f"in doubt: {doubt}")
        _rows("refreshable weights", _told(data["weights"]))
        if data["program"]:
            output.line("an update makes the weights of these:")
        for line in data["program"]:
            output.line(f"  {line}")
        _rows("partitions", data["partitions"])
    for graph in graphs:
        _show_graph(graph)


def _show_partitions(data: Data) -> None:
    _rows(data["file"], data.get("partitions", []))
    for graph in data["graphs"]:
        _rows(graph["name"], graph["partitions"])


def run(path: Path, view: str, as_json: bool) -> None:
    """Print a description of a file; see `describe` for what it raises.

    Args:
        path: The file.
        view: "tables", "tree" or "partitions".
        as_json: Print all of it as JSON instead.
    """
    data = describe(path)
    if as_json:
        output.document(data)
    elif view == "tree":
        tree.show(data)
    elif view == "partitions":
        _show_partitions(data)
    else:
        show(data)
