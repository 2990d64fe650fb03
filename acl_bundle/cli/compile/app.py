"""The arguments of ``acl-bundle compile``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.build.options import (
    DynamicBatch,
    DynamicHw,
    DynamicShape,
    InputShape,
    MoreWeights,
    NoFold,
)
from acl_bundle.cli.shell.arguments import Json


def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An ONNX model.", dir_okay=False)],
    soc: Annotated[str, typer.Option(metavar="NAME", help="The chip: Ascend910B3, say.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The .om file to write.")
    ],
    patterns: MoreWeights = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME...",
            help="Constants that become refreshable: names, patterns, or all. An update takes them"
            " in this order.",
        ),
    ] = None,
    unused: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="What the trainer has and the model does not need: '*_tracked'. An"
            " update passes over it. Repeat it for more.",
        ),
    ] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=WEIGHT",
            help="Another name of a weight, such as that of a tied parameter. Repeat it for more.",
        ),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="In place of --weights: what weights match wrote, which says what they are.",
            dir_okay=False,
        ),
    ] = None,
    no_fold: NoFold = False,
    input_shape: InputShape = "",
    dynamic_batch: DynamicBatch = "",
    dynamic_hw: DynamicHw = "",
    dynamic_dims: Annotated[
        str,
        typer.Option(metavar="N,N;N,N", help="In each gear, all open dims of all inputs."),
    ] = "",
    dynamic_shape: DynamicShape = False,
    precision: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            help="GE's precision mode. origin keeps the model's dtypes; GE's own default, fp16,"
            " computes float32 in half precision.",
        ),
    ] = "origin",
    as_json: Json = False,
) -> None:
    """Compile an ONNX model into a refreshable bundle for a chip.

    It needs CANN's toolkit and a C++ compiler, and no NPU: source its set_env.sh first. Beside the
    bundle comes a manifest, FILE.json. Ctrl-C ends it.

    Example: acl-bundle compile policy.onnx --weights 'fc*.weight' --soc Ascend910B3 -o policy.om
    """
    from acl_bundle.cli.compile import run as command  # noqa: PLC0415

    wish = command.CompileWish(
        model, [*(weights or []), *(patterns or [])], output, soc, input_shape,
        dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape, precision,
        unused or (), alias or (), program, not no_fold,
    )  # fmt: skip
    command.run(wish, as_json)
