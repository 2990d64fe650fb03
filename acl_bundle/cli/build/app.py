"""The arguments of ``acl-bundle build``, and nothing else."""

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


def build(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="An ONNX model; a SavedModel, .pb, .keras, .h5 or checkpoint of TensorFlow; or"
            " module:function, which returns (torch module, example inputs), a Keras model, an ONNX"
            " model, or a path.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The .om file to write.")
    ],
    patterns: MoreWeights = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME...",
            help="What becomes refreshable: names or patterns; all without it.",
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="Compute in float16 or bfloat16; weights stay.")
    ] = "",
    keep_float32: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Compute with these in float32 all the same. Repeatable.",
        ),
    ] = None,
    keep_float32_layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Of ONNX: nodes that compute in float32 all the same. Repeatable.",
        ),
    ] = None,
    init: Annotated[
        bool, typer.Option(help="Whether the file has the weights' first values.")
    ] = True,
    no_fold: NoFold = False,
    input_shape: InputShape = "",
    dynamic_batch: DynamicBatch = "",
    dynamic_hw: DynamicHw = "",
    dynamic_dims: Annotated[
        str,
        typer.Option(metavar="N,N;N,N", help="In each gear, all open dims of an ONNX model."),
    ] = "",
    dynamic_shape: DynamicShape = False,
    dynamic_axes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=0,1", help="Open axes of an input of a torch module. Repeatable."
        ),
    ] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=WEIGHT", help="Of ONNX: another name of a weight. Repeatable."),
    ] = None,
    unused: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Of ONNX: what the trainer has and the model does not need. Repeatable.",
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME", help="A tensor TensorFlow is fed. Repeatable."),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output-name", metavar="NAME", help="A tensor of TensorFlow's. Repeatable."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="PREFIX", help="Where TensorFlow keeps first values."),
    ] = None,
    signature: Annotated[str, typer.Option(metavar="NAME", help="Which one of a SavedModel.")] = "",
    as_json: Json = False,
) -> None:
    """Build a bundle of a model, for the fake: to infer and to take new weights meanwhile.

    The file is written whole or not at all. For a chip, acl-bundle compile.

    Example: acl-bundle build policy.onnx --weights 'fc*' --dynamic-batch 1,2,4 -o policy.om

    Example: acl-bundle build train:make_policy --dtype float16 -o policy.om
    """
    from acl_bundle.cli.build import run as command  # noqa: PLC0415

    chosen = [*(weights or []), *(patterns or [])]
    wish = command.BuildWish(
        model, output, chosen, dtype, keep_float32 or (), keep_float32_layer or (), init,
        not no_fold, input_shape, dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape,
        dynamic_axes or (), alias or (), unused or (), inputs or (), outputs or (), checkpoint,
        signature,
    )  # fmt: skip
    command.run(wish, as_json)
