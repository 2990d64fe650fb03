"""The arguments of ``acl-bundle compare``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.compare.options import Device, Graph, InputOptions, MatchOptions
from acl_bundle.cli.shell.arguments import Json
from acl_bundle.cli.shell.groups import grouped
from acl_bundle.cli.shell.status import DIFFERENT
from acl_bundle.cli.weights.options import ChangeOptions

WeightsOf = Annotated[
    Path | None,
    typer.Option(metavar="W", help="Weights that go into this side, an .om file, before it runs."),
]


@grouped
def compare(
    a: Annotated[
        str,
        typer.Argument(metavar="A", help="An .om file, an ONNX model, or saved outputs (.npz)."),
    ],
    change: ChangeOptions,
    b: Annotated[
        str | None,
        typer.Argument(
            metavar="[B]",
            help="What is expected: another one. Without it A again, with other weights.",
            show_default=False,
        ),
    ] = None,
    *,
    inputs: InputOptions,
    weights_a: WeightsOf = None,
    weights_b: WeightsOf = None,
    match: MatchOptions,
    graph: Graph = "",
    device: Device = 0,
    as_json: Json = False,
) -> None:
    """Compare two answers to the same inputs: of bundles, ONNX models, saved outputs.

    Exit status 0 when all outputs agree within the tolerance, 1 when they differ or only one
    side has one, 2 in trouble. The options for weights change those of both sides.

    Example: acl-bundle compare half.om policy.onnx --rtol 1e-2

    Example: acl-bundle compare policy.om --weights-b trained.safetensors
    """
    from acl_bundle.cli.compare import run as command  # noqa: PLC0415
    from acl_bundle.cli.compare.sides import SideWish, check_used  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Changes  # noqa: PLC0415

    if b is None and weights_a == weights_b:
        raise ValueError("there is no B to compare with; name it, or give --weights-b for A itself")
    check_used(change, "--weights-a or --weights-b", weights_a, weights_b)
    changes = Changes.asked(change)
    first = SideWish(a, weights_a, changes, graph, device)
    second = SideWish(a if b is None else b, weights_b, changes, graph, device)
    if not command.run(command.CompareWish(first, second, inputs, match), as_json):
        raise typer.Exit(DIFFERENT)
