"""The arguments of ``acl-bundle bench``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json


def bench(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An .om file, or an ONNX model.", dir_okay=False)
    ],
    axes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[AXIS=N,N,...]...", help="More of what --sweep takes."),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS=N,N,...",
            help="Sizes of an open dim: batch (the first), length (the second), the dim's name"
            " in the ONNX model, or input\\[axis]. Repeat it for more axes.",
        ),
    ] = None,
    dtypes: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What an ONNX model computes in: float32, float16, bfloat16, with commas.",
        ),
    ] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Timed inferences per cell.")] = 100,
    warmup: Annotated[int, typer.Option(min=0, help="Inferences before them.")] = 10,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the table: .png, .svg or .pdf.", dir_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure how long an inference takes, by shape and by precision.

    An ONNX model is built for every shape and precision, for the fake. Ctrl-C
    ends it and shows what was measured so far.

    Example: acl-bundle bench model.onnx --sweep batch=1,8,16 length=64,128 --dtypes float32,float16
    """
    from acl_bundle.cli.bench import run as command  # noqa: PLC0415

    effort = command.Effort(rounds, warmup)
    status = command.run(file, [*(sweep or []), *(axes or [])], dtypes, effort, plot, as_json)
    raise typer.Exit(status)
