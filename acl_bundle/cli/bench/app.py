"""The arguments of ``acl-bundle bench``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json

Inputs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="in.npz|NAME=file.npy|random[:SEED]",
        help="Where inputs come from; random if not said. Shapes of files settle open dims."
        " Repeatable.",
    ),
]


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
    inputs: Inputs = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Timed inferences per cell; 100 if not said.")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="SECONDS", help="Instead of --rounds: how long each cell is timed."
        ),
    ] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Inferences before them.")] = 10,
    concurrency: Annotated[
        int, typer.Option(min=1, max=1024, help="How many threads infer at once.")
    ] = 1,
    replicas: Annotated[
        int,
        typer.Option(min=1, max=1024, help="How often the graph is loaded, to run at once."),
    ] = 1,
    updates: Annotated[
        bool,
        typer.Option(
            "--updates",
            help="Also measure inferences while weights are updated: in place, in Pair.",
        ),
    ] = False,
    device: Annotated[int, typer.Option(min=0, metavar="N", help="Which device.")] = 0,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every number to a CSV file.", dir_okay=False),
    ] = None,
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
    from acl_bundle.answers import InputChoice  # noqa: PLC0415
    from acl_bundle.bench import Effort  # noqa: PLC0415
    from acl_bundle.cli.bench import run as command  # noqa: PLC0415

    if rounds is not None and duration is not None:
        raise typer.BadParameter("--rounds and --duration do not go together; give one")
    choice = InputChoice.parsed(inputs or [])
    effort = Effort(
        rounds or 100, warmup, duration, concurrency, replicas, device, choice.seed, updates
    )
    axes = [*(sweep or []), *(axes or [])]
    command.run(command.BenchWish(file, axes, dtypes, choice, csv, plot, as_json), effort)
