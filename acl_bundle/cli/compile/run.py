"""``acl-bundle compile``: an ONNX model becomes a refreshable bundle for a chip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from acl_bundle import build
from acl_bundle.build._origin.selection import Choice
from acl_bundle.cli.build import shapes
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.om._bundle import manifest

__all__ = ["CompileWish", "aliases", "run"]


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
    beside = [f"{wish.out}{suffix}" for suffix in (manifest.SUFFIX, manifest.PROGRAM_SUFFIX)]
    check_writable([wish.out, *beside], [wish.model, wish.program])
    pinned = shapes.input_shapes(wish.input_shape)
    made = build.compile(
        wish.model,
        _chosen(wish.weights),
        wish.out,
        program=wish.program,
        fold=wish.fold,
        aliases=aliases(wish.alias),
        unused=tuple(wish.unused),
        soc=wish.soc,
        input_shapes=pinned,
        dynamic_batch=shapes.batches(wish.dynamic_batch),
        dynamic_hw=shapes.sizes(wish.dynamic_hw),
        dynamic_dims=shapes.dims(wish.dynamic_dims, wish.model, pinned),
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


def aliases(rows: Sequence[str]) -> dict[str, str] | None:
    """Read "tied=own".

    Raises:
        ValueError: A row is of another form, or says two things of one name.
    """
    found: dict[str, str] = {}
    for row in rows:
        name, equals, weight = row.partition("=")
        if not (name and equals and weight):
            raise ValueError(f"--alias has {row!r}; NAME=WEIGHT is right")
        if found.setdefault(name, weight) != weight:
            raise ValueError(f"--alias says of {name!r} that it is {found[name]!r} and {weight!r}")
    return found or None
