"""The arguments of ``acl-bundle precision``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json


def precision(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An .om file, or an ONNX model.", dir_okay=False)
    ],
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="The half precision: float16 or bfloat16.")
    ] = "float16",
    rtol: Annotated[
        float, typer.Option(metavar="X", help="What is allowed, in units of what is expected.")
    ] = 1e-3,
    atol: Annotated[
        float, typer.Option(metavar="X", help="What is allowed besides; of integers this alone.")
    ] = 1e-3,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="in.npz|NAME=file.npy|random[:SEED]",
            help="Where inputs come from; random if not said. Repeatable.",
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=2x3", help="The shape of a random input, where it is open. Repeatable."
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many random inputs to compare on.")
    ] = 3,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="W", help="The float32 weights; else what the file has."),
    ] = None,
    layers: Annotated[
        bool,
        typer.Option("--layers", help="Find layers of an ONNX model, not weights."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            dir_okay=False,
            help="Of --layers: write their names, for atc --keep_dtype.",
        ),
    ] = None,
    device: Annotated[int, typer.Option(min=0, metavar="N", help="Which device.")] = 0,
    as_json: Json = False,
) -> None:
    """Find which weights must stay float32 so that half precision keeps a tolerance.

    The model is loaded once; partial updates put weights in as half precision leaves them, and
    outputs are compared with those of the float32 weights. What is printed can be pasted behind
    weights convert and build. Exit status 1 when some must stay, or the tolerance is not met.

    With --layers: which layers must compute in float32. The others round what they take and give.

    Example: acl-bundle precision policy.onnx --dtype float16 --rtol 1e-3 --inputs in.npz

    Example: acl-bundle precision policy.onnx --layers -o keep.cfg
    """
    from acl_bundle.answers import InputChoice  # noqa: PLC0415
    from acl_bundle.cli.precision import run as command  # noqa: PLC0415
    from acl_bundle.compare import Tolerance  # noqa: PLC0415

    choice = InputChoice.parsed(inputs or [], shape or [])
    tolerance = Tolerance(rtol, atol)
    wish = command.PrecisionWish(
        file, dtype, tolerance, choice, samples, weights, layers, out, device, as_json
    )
    command.run(wish)
