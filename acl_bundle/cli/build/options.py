"""Options of `build` and `compile`: which shapes the graphs take, and what is folded."""

from __future__ import annotations

from typing import Annotated

import typer

MoreWeights = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="More of what --weights takes.")
]
NoFold = Annotated[
    bool,
    typer.Option(
        "--no-fold", help="What depends on weights alone stays in the graph, for each inference."
    ),
]
InputShape = Annotated[str, typer.Option(metavar="TEXT", help="Fixes open dims: x:1,3;mask:1,64")]
DynamicBatch = Annotated[str, typer.Option(metavar="N,N,...", help="Batch sizes.")]
DynamicHw = Annotated[str, typer.Option(metavar="H,W;H,W", help="Resolutions: 224,224;448,448")]
DynamicShape = Annotated[bool, typer.Option("--dynamic-shape", help="Open dims stay open.")]
