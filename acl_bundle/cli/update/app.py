"""The arguments of ``acl-bundle update``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json
from acl_bundle.cli.shell.groups import grouped
from acl_bundle.cli.weights.options import FORMATS, ChangeOptions


@grouped
def update(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="A server's http://host:port, or an .om file."),
    ],
    weights: Annotated[Path, typer.Option(metavar="SOURCE", help=FORMATS)],
    change: ChangeOptions,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Of a file: where the copy goes."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which of the server's models, if it has several."),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION", help="What to call the weights; one more than the model's, else."
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Holds the server's token.")
    ] = None,
    signing_key_file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Holds a key of the server's.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long the server may be silent.")
    ] = 60.0,
    as_json: Json = False,
) -> None:
    """Give a served model new weights, or write a copy of a file that starts with them.

    acl-bundle update http://localhost:8000 --weights new.safetensors --token-file token

    acl-bundle update policy.om --weights new.safetensors -o new.om

    A served model infers with them when this ends, and before that with the old ones. Exit
    status 1 when the server refuses them: it says why, and nothing was changed.
    """
    from acl_bundle.cli.update import run as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Changes  # noqa: PLC0415

    changes = Changes.asked(change)
    if target.startswith(("http://", "https://")):
        if out is not None:
            raise typer.BadParameter("--out is of a file; a served model has none")
        wish = command.PostWish(target, model, version, token_file, signing_key_file, timeout)
        raise typer.Exit(command.post(weights, wish, changes, as_json))
    given = {
        "--model": model, "--version": version, "--token-file": token_file,
        "--signing-key-file": signing_key_file,
    }  # fmt: skip
    command.freeze(weights, target, out, [name for name in given if given[name]], changes, as_json)
