"""The arguments of ``acl-bundle doctor``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json


def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="An .om file to check as well.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which AscendCL would be used, what it can do, and what is missing.

    Exit status 1 when no library can be opened, or the file cannot be loaded.
    """
    from acl_bundle.cli.doctor import run as command  # noqa: PLC0415

    raise typer.Exit(command.run(file, as_json))
