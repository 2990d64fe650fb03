"""The arguments of ``acl-bundle demo``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json


def demo(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Keep the bundle file under this name."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch a model improve while it runs.

    A trainer in another process learns handwritten digits. Its newest weights
    go ten times into a bundle that stays loaded, on the fake AscendCL.
    """
    from acl_bundle.cli.demo import show as command  # noqa: PLC0415

    raise typer.Exit(command.run(output, as_json))
