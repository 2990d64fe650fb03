"""The arguments of ``acl-bundle conform``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import File, Json

conforms: typer.Typer = typer.Typer(invoke_without_command=True)

Library = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="The libascendcl.so to ask; else the one that is found."),
]
DeviceNumber = Annotated[int, typer.Option(metavar="N", min=0, help="The device's number.")]


@conforms.callback()
def conform(
    context: typer.Context,
    library: Library = None,
    device: DeviceNumber = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the report, as JSON."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="REPORT", help="Ask the fake, and show where the report has other answers."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a library of AscendCL what this package stands on, and show where it differs.

    It makes some hundred calls with small files of its own, and each in a process that a crash
    may take along. It takes minutes on a device, uses little memory there, and stops nobody's work.

    Example: acl-bundle conform -o report.json

    Exit status 1 when an answer differs from the facts, or from the fake's.
    """
    from acl_bundle.cli.conform import run as command  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    if compare is not None:
        if output is not None or library is not None:
            raise typer.BadParameter("--compare reads a report: --output and --library write one")
        raise typer.Exit(command.compare(compare, as_json))
    raise typer.Exit(command.run(library, device, output, as_json))


@conforms.command()
def assumptions(
    file: File, library: Library = None, device: DeviceNumber = 0, as_json: Json = False
) -> None:
    """Try on a device what this package assumes, with a bundle that was compiled for it.

    The bundle is loaded, run and updated with made-up weights, in processes of this command's own.
    docs/architecture.md lists what is assumed, by number.

    Exit status 1 when something does not hold.
    """
    from acl_bundle.cli.conform import run as command  # noqa: PLC0415

    raise typer.Exit(command.assumptions(file, library, device, as_json))
