"""Pairs of key and value, as ``fakes/ge/fields.h`` lays them out, and the graphs they describe."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Fields: TypeAlias = list[tuple[str, bytes]]


class InvalidError(ValueError):
    """What GE answers with GRAPH_PARAM_INVALID; every other error is GRAPH_FAILED."""


@dataclass
class GraphRequest:
    """One graph of a request.

    Attributes:
        role: ``"model"``, ``"infer"``, ``"init"`` or ``"update"``.
        name: The graph's.
        folder: Where tensors lie that are outside of the model; "" for none.
        onnx: The model's bytes.
        constants: Those that became variables, by GE's names, in order.
        parameters: Of the parser.
        options: Of the build.
    """

    role: str
    name: str = ""
    folder: str = ""
    onnx: bytes = b""
    constants: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Fields:
    """Read a file of fields."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        of_key, of_value = map(int, data[at:end].split())
        at = end + 1 + of_key + of_value
        key = data[end + 1 : end + 1 + of_key].decode("utf-8", "surrogateescape")
        found.append((key, data[at - of_value : at]))
    return found


def write(path: Path, fields: Fields) -> None:
    """Write a file of fields, under another name first."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for key, value in fields:
            name = key.encode("utf-8", "surrogateescape")
            file.write(b"%d %d\n" % (len(name), len(value)))
            file.write(name)
            file.write(value)
    part.rename(path)


def graphs(fields: Fields) -> list[GraphRequest]:
    """Return the graphs of a request; one without a model has that of the one before."""
    found: list[GraphRequest] = []
    for key, value in fields:
        if key == "graph":
            found.append(GraphRequest(_text(value), onnx=found[-1].onnx if found else b""))
        elif found:
            _take(found[-1], key, value)
    return found


def global_options(fields: Fields) -> dict[str, str]:
    """Return what aclgrphBuildInitialize was given."""
    named = ((key.partition(".")[::2], value) for key, value in fields)
    return {key: _text(value) for (kind, key), value in named if kind == "global"}


def _take(graph: GraphRequest, key: str, value: bytes) -> None:
    kind, _, name = key.partition(".")
    if key == "onnx":
        graph.onnx = value
    elif key in ("name", "folder"):
        setattr(graph, key, _text(value))
    elif key == "constant":
        graph.constants.append(_text(value))
    elif kind == "parse":
        graph.parameters[name] = _text(value)
    elif kind == "option":
        graph.options[name] = _text(value)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
