"""The arguments of ``acl-bundle follow``, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import File, Json, TrainerOptions
from acl_bundle.cli.shell.groups import grouped


@grouped
def follow(
    file: File,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A directory, or a URL: redis://, s3://, gs://, https://."
        ),
    ],
    options: TrainerOptions,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End when so many are applied.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Load a bundle and give it each version that a trainer publishes.

    acl-bundle follow policy.om checkpoints --pattern 'step-*.safetensors'

    Prints a line for each version until Ctrl-C or SIGTERM: applied or refused, how long
    the update took, how late it came. Exit status 1 when one was refused.
    """
    from acl_bundle.cli.follow import run as command  # noqa: PLC0415

    raise typer.Exit(command.run(command.FollowWish(file, source, options, count, as_json)))
