"""The arguments of ``acl-bundle inspect``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell import output
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
    as_json: Json = False,
) -> None:
    """Show what is in a bundle or model file: graphs, inputs, outputs, weights.

    Nothing is loaded and no AscendCL is needed; files compiled for a chip and
    plain models can be read, too.

    Example: acl-bundle inspect policy.om --tree
    """
    if sum((tree, partitions, extract is not None)) > 1:
        raise typer.BadParameter("--tree, --partitions and --extract: give one of them")
    if extract is not None:
        from acl_bundle.cli.inspect import extract as writer  # noqa: PLC0415

        made = writer.extract(file, *extract)
        if as_json:
            output.document(made)
        else:
            output.line(
                f"wrote {made['out']}: graph {made['graph']}, {made['name']}, as a {made['kind']}"
                f" of {made['nbytes']:,} bytes"
            )
        return
    from acl_bundle.cli.inspect import show as command  # noqa: PLC0415

    view = "tree" if tree else "partitions" if partitions else "tables"
    command.run(file, view, as_json)
