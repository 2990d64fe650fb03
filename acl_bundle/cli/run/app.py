"""The arguments of ``acl-bundle run``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.compare.options import Device, Graph, InputOptions, MatchOptions
from acl_bundle.cli.shell.arguments import File, Json
from acl_bundle.cli.shell.groups import grouped
from acl_bundle.cli.shell.status import DIFFERENT
from acl_bundle.cli.weights.options import ChangeOptions


@grouped
def run(
    file: File,
    change: ChangeOptions,
    inputs: InputOptions,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="W", help="Weights of any framework that go in before it runs."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="OUT", help="A .npz or .safetensors file for the outputs."
        ),
    ] = None,
    expected: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="REF",
            help="Saved outputs (.npz), onnx:MODEL.onnx, or another .om file.",
        ),
    ] = None,
    *,
    match: MatchOptions,
    graph: Graph = "",
    device: Device = 0,
    as_json: Json = False,
) -> None:
    """Run a bundle once on given or random inputs, and compare its outputs.

    A file for a chip runs on the library that is found; others run on the fake, and a line says
    so; ACL_BUNDLE_LIBRARY chooses. Exit status 1 when --compare finds a difference.

    Example: acl-bundle run policy.om --inputs random:7 -o out.npz --compare onnx:policy.onnx

    Example: acl-bundle run policy.om --inputs x=image.npy --weights trained.safetensors
    """
    from acl_bundle.cli.compare.sides import SideWish, check_used  # noqa: PLC0415
    from acl_bundle.cli.run import run as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Changes  # noqa: PLC0415

    check_used(change, "--weights", weights)
    changes = Changes.asked(change)
    reference = None if expected is None else SideWish(expected, None, changes, device=device)
    side = SideWish(str(file), weights, changes, graph, device)
    if not command.run(command.RunWish(side, inputs, out, reference, match), as_json):
        raise typer.Exit(DIFFERENT)
