"""The arguments of ``acl-bundle inspect``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import File, Json


def inspect(
    file: File,
    tree: Annotated[
        bool, typer.Option("--tree", help="Show the graphs and what each holds, as a tree.")
    ] = False,
    partitions: Annotated[
        bool, typer.Option("--partitions", help="Show the parts of the container alone.")
    ] = False,
    extract: Annotated[
        tuple[int, Path] | None,
        typer.Option(metavar="N OUT", help="Write graph N of a bundle to a file of its own."),
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write a graph as an ONNX model, with first weights."),
    ] = None,
    graph: Annotated[
        str, typer.Option(metavar="NAME", help="Which graph --onnx writes; else what infers.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show what is in a bundle or model file: graphs, inputs, outputs, weights.

    Nothing is loaded and no AscendCL is needed; files compiled for a chip and
    plain models can be read, too.

    --onnx needs a file for the fake, which carries what the fake computes.
    --graph takes a name or an index: of the graph that infers, or of the init
    graph, which gives the weights' first values.

    Example: acl-bundle inspect policy.om --tree

    Example: acl-bundle inspect policy.om --onnx policy.onnx
    """
    if sum((tree, partitions, extract is not None, onnx is not None)) > 1:
        raise typer.BadParameter("--tree, --partitions, --extract and --onnx: give one of them")
    if graph and onnx is None:
        raise typer.BadParameter("--graph is for --onnx")
    if extract is not None:
        from acl_bundle.cli.inspect import extract as writer  # noqa: PLC0415

        writer.run(file, *extract, as_json)
    elif onnx is not None:
        from acl_bundle.cli.inspect import export  # noqa: PLC0415

        export.run(file, graph, onnx, as_json)
    else:
        from acl_bundle.cli.inspect import show as command  # noqa: PLC0415

        view = "tree" if tree else "partitions" if partitions else "tables"
        command.run(file, view, as_json)
