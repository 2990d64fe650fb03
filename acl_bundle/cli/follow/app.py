"""The arguments of ``acl-bundle follow``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import After, Cast, File, Json, Key, Pattern, StaleAfter


def follow(
    file: File,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A directory, or a URL: redis://, s3://, gs://, https://."
        ),
    ],
    pattern: Pattern = "*",
    key: Key = "weights",
    after: After = None,
    cast: Cast = "safe",
    signing_key_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Only what this key signs. Repeat it for more keys."),
    ] = None,
    stale_after: StaleAfter = None,
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

    keys = tuple(signing_key_file or ())
    wish = command.FollowWish(
        file, source, pattern, key, after, cast, keys, stale_after, count, as_json
    )
    raise typer.Exit(command.run(wish))
