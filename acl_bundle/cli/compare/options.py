"""Options that ``run`` and ``compare`` share, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

Inputs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="in.npz (or .safetensors), NAME=file.npy, or random, random:7 with a seed, for the"
        " rest. Repeatable; random:0 without one.",
    ),
]
Shape = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=2x3", help="The shape of a random input, where it is open. Repeatable."
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="The open first dim of random inputs; else the least."),
]
Device = Annotated[int, typer.Option(min=0, metavar="N", help="Which device.")]
Graph = Annotated[
    str, typer.Option(metavar="NAME", help="Which graph, by name or index; else what infers.")
]
Rtol = Annotated[
    float, typer.Option(metavar="X", help="What is allowed, in units of what is expected.")
]
Atol = Annotated[
    float, typer.Option(metavar="X", help="What is allowed besides; of integers this alone.")
]
Match = Annotated[
    list[str] | None,
    typer.Option(metavar="A=B", help="Outputs with two names that belong together. Repeatable."),
]


@dataclass(frozen=True)
class InputOptions:
    """Where inputs come from; a field is an option."""

    inputs: Inputs = None
    shape: Shape = None
    batch: Batch = None


@dataclass(frozen=True)
class MatchOptions:
    """When two answers agree; a field is an option."""

    rtol: Rtol = 1e-3
    atol: Atol = 1e-5
    match: Match = None
