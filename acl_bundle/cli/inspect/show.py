"""What `describe` found, as tables or as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from acl_bundle.cli.inspect.describe import Data, describe
from acl_bundle.cli.shell.console import Console


def _shape(shape: list[int] | None) -> str:
    if shape is None or shape == [-2]:
        return "any"
    return "×".join("?" if dim < 0 else str(dim) for dim in shape) or "scalar"


def _rows(console: Console, title: str, rows: list[Data]) -> None:
    """Print rows of equal keys as a table; nothing when there are none."""
    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for key in rows[0]:
        table.add_column(key, justify="right" if key in ("nbytes", "offset", "size") else "left")
    for row in rows:
        table.add_row(*(_shape(v) if key == "shape" else _cell(v) for key, v in row.items()))
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(one)}" for name, one in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _set_fields(header: Data) -> str:
    """The header's fields that are not zero."""
    shown = {**header, **{name: hex(header[name]) for name in ("magic", "version")}}
    return ", ".join(f"{name} {shown[name]}" for name, value in header.items() if value)


def _show_graph(console: Console, graph: Data) -> None:
    label = f"graph {graph['index']}" if "index" in graph else "model"
    role = f", role {graph['role']}" if graph.get("role") else ""
    kind = "dynamic" if graph["dynamic"] else "static"
    console.rule(f"{label}: {graph['name']}{role}, {kind}, for {graph['runs_on']}", align="left")
    console.print(f"header: {_set_fields(graph['header'])}")
    for part in ("inputs", "outputs", "aipp", "gears", "constants", "partitions"):
        _rows(console, part, graph[part])


def _told(weights: list[Data]) -> list[Data]:
    """The weights, and what the graphs call them if that is another name of any."""
    if any(one["in_graph"] != one["name"] for one in weights):
        return weights
    return [{key: one[key] for key in one if key != "in_graph"} for one in weights]


def show(console: Console, data: Data) -> None:
    """Print what `describe` returned."""
    graphs = data["graphs"]
    console.print(f"{data['file']}: {data['kind']}, {data['nbytes']:,} bytes, {len(graphs)} graphs")
    if data["kind"] == "bundle":
        console.print(f"header: {_set_fields(data['header'])}")
        console.print(f"memory for variables: {data['variable_size']:,} bytes")
        if data["external_weights"]:
            console.print("some constants lie in files beside this one")
        for doubt in data["doubts"]:
            console.print(f"in doubt: {doubt}")
        _rows(console, "refreshable weights", _told(data["weights"]))
        if data["program"]:
            console.print("an update makes the weights of these:")
        for line in data["program"]:
            console.print(f"  {line}")
        _rows(console, "partitions", data["partitions"])
    for graph in graphs:
        _show_graph(console, graph)


def run(path: Path, as_json: bool) -> None:
    """Print a description of a file; see `describe` for what it raises."""
    data = describe(path)
    if as_json:
        print(json.dumps(data, indent=2))
    else:
        show(Console(markup=False, highlight=False), data)
