"""``acl-bundle compile``: an ONNX model becomes a refreshable bundle for a chip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acl_bundle import build
from acl_bundle.build._onnx.load import load
from acl_bundle.build._origin.selection import Choice
from acl_bundle.build._shapes import shapes
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build.chip.options import dim_gears
from acl_bundle.cli.shell import output

__all__ = ["CompileWish", "run"]


@dataclass(frozen=True)
class CompileWish:
    """What a person typed: see `build.compile`, in the forms that atc takes."""

    model: Path
    weights: Sequence[str]
    out: Path
    soc: str
    input_shape: str
    dynamic_batch: str
    dynamic_hw: str
    dynamic_dims: str
    dynamic_shape: bool
    precision: str
    unused: Sequence[str] = ()
    alias: Sequence[str] = ()
    program: Path | None = None
    fold: bool = True


def run(wish: CompileWish, as_json: bool) -> None:
    """Compile, and say what was written; see `build.compile` for what it raises."""
    if not wish.weights and wish.program is None:
        raise ValueError("no --weights; name the constants that an update is to take, or all")
    made = build.compile(
        wish.model,
        _chosen(wish.weights),
        wish.out,
        program=wish.program,
        fold=wish.fold,
        aliases=_aliases(wish.alias),
        unused=tuple(wish.unused),
        soc=wish.soc,
        input_shapes=_shapes(wish.input_shape),
        dynamic_batch=_batches(wish.dynamic_batch),
        dynamic_hw=_sizes(wish.dynamic_hw),
        dynamic_dims=_dims(wish),
        dynamic_shape=wish.dynamic_shape,
        precision=wish.precision,
    )
    if as_json:
        output.document(json.loads(made.manifest.to_json()))
    else:
        output.line("\n".join(_lines(made, wish)))


def _lines(made: build.Compiled, wish: CompileWish) -> list[str]:
    kept = made.manifest
    return [
        f"wrote {made.path}, {kept.nbytes:,} bytes for {wish.soc}, and {kept.path}",
        f"{len(kept.made['sources'])} weights can be refreshed",
        *(f"  {one['name']}: {one['dtype']}{one['shape']}" for one in kept.made["sources"]),
    ]


def _chosen(weights: Sequence[str]) -> Choice | None:
    return "all" if list(weights) == ["all"] else list(weights) or None


def _aliases(rows: Sequence[str]) -> dict[str, str] | None:
    """Read "tied=own"."""
    found: dict[str, str] = {}
    for row in rows:
        name, equals, weight = row.partition("=")
        if not (name and equals and weight):
            raise ValueError(f"--alias has {row!r}; NAME=WEIGHT is right")
        if found.setdefault(name, weight) != weight:
            raise ValueError(f"--alias says of {name!r} that it is {found[name]!r} and {weight!r}")
    return found or None


def _shapes(text: str) -> dict[str, list[int]] | None:
    """Read "x:1,3;y:2"."""
    found: dict[str, list[int]] = {}
    for part in filter(None, text.split(";")):
        name, colon, dims = part.rpartition(":")
        if not colon:
            raise ValueError(f"--input-shape has {part!r}; name:dim,dim is right, with ; between")
        found[name] = _numbers("--input-shape", dims)
    return found or None


def _batches(text: str) -> list[int] | None:
    return _numbers("--dynamic-batch", text) if text else None


def _sizes(text: str) -> list[Any] | None:
    return _rows("--dynamic-hw", text)


def _dims(wish: CompileWish) -> DimGears | None:
    rows = _rows("--dynamic-dims", wish.dynamic_dims)
    if rows is None:
        return None
    graph = load(wish.model).model.graph
    shapes.pin(graph, _shapes(wish.input_shape), leave_open=True)
    return dim_gears(graph, rows, "--dynamic-dims")


def _rows(option: str, text: str) -> list[tuple[int, ...]] | None:
    """Read "224,224;448,448"."""
    parts = list(filter(None, text.split(";")))
    return [tuple(_numbers(option, one)) for one in parts] or None


def _numbers(option: str, text: str) -> list[int]:
    try:
        return [int(one) for one in text.split(",") if one.strip()]
    except ValueError:
        raise ValueError(f"{option} has {text!r}; numbers with commas between are right") from None
